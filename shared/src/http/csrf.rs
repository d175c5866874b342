//! Origin, redirect-target and login-CSRF checks, in Better Auth's order.

use serde_json::Value;

use super::{ApiError, AuthRequest, CookieJar, ErrorCode, TrustedOrigins, body::is_truthy};

/// Longest redirect target, in characters.
const MAX_URL_LENGTH: usize = 2048;

/// The checks that come before the schema, on every request but GET: the origin
/// of a request with cookies, and every redirect target in body or query.
///
/// # Errors
/// 403 `INVALID_ORIGIN`, `MISSING_OR_NULL_ORIGIN` or `INVALID_…_URL`; 400 for a
/// target that is no string.
pub fn check_request(request: &AuthRequest, trusted: &TrustedOrigins) -> Result<(), ApiError> {
    if CookieJar::has_cookies(&request.headers) {
        check_origin(request, trusted)?;
    }
    let body = |name| request.body.as_ref().and_then(|body| body.get(name));
    let in_query: Vec<Value> = request.query.all("callbackURL").map(Value::from).collect();
    if in_query.len() > 1 {
        return Err(not_a_string("callbackURL"));
    }
    let callback = body("callbackURL").filter(|value| is_truthy(value));
    for (target, field) in callback
        .into_iter()
        .map(|target| (target, "body.callbackURL"))
        .chain(in_query.iter().map(|target| (target, "query.callbackURL")))
    {
        check_target(target, field, "callbackURL", ErrorCode::INVALID_CALLBACK_URL, trusted)?;
    }
    for (field, label, code) in [
        ("redirectTo", "redirectURL", ErrorCode::INVALID_REDIRECT_URL),
        ("errorCallbackURL", "errorCallbackURL", ErrorCode::INVALID_ERROR_CALLBACK_URL),
        ("newUserCallbackURL", "newUserCallbackURL", ErrorCode::INVALID_NEW_USER_CALLBACK_URL),
    ] {
        if let Some(target) = body(field) {
            check_target(target, &format!("body.{field}"), label, code, trusted)?;
        }
    }
    Ok(())
}

/// The check that keeps other sites from signing a browser in without cookies:
/// by a form that navigates here, or a script that posts. Programs that are no
/// browser send none of these headers and pass.
///
/// # Errors
/// 403 `CROSS_SITE_NAVIGATION_LOGIN_BLOCKED`, `INVALID_ORIGIN` or
/// `MISSING_OR_NULL_ORIGIN`.
pub fn check_login(request: &AuthRequest, trusted: &TrustedOrigins) -> Result<(), ApiError> {
    if CookieJar::has_cookies(&request.headers) {
        // Checked already, by the same rule.
        return Ok(());
    }
    let present = |name| request.header(name).is_some_and(|value| !value.trim().is_empty());
    let is_browser = ["sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"].into_iter().any(present);
    if request.header("sec-fetch-site") == Some("cross-site") && request.header("sec-fetch-mode") == Some("navigate") {
        return Err(ErrorCode::CROSS_SITE_NAVIGATION.into());
    }
    if is_browser || present("origin") || present("referer") {
        return check_origin(request, trusted);
    }
    Ok(())
}

/// Whether a browser may have cookies and has not sent them, because another
/// site asks. An answer to a form that navigates here could delete them all the
/// same: it would sign out whoever visits that site.
pub fn has_cookies_held_back(request: &AuthRequest) -> bool {
    request.header("sec-fetch-site") == Some("cross-site") && !CookieJar::has_cookies(&request.headers)
}

/// A redirect target in the query of a GET.
///
/// # Errors
/// 403 `INVALID_CALLBACK_URL`; 400 for one of more than 2048 characters.
pub fn check_callback_url(target: &str, trusted: &TrustedOrigins) -> Result<(), ApiError> {
    if target.is_empty() || trusted.allows_redirect(target) {
        check_length(target, "query.callbackURL")
    } else {
        Err(ErrorCode::INVALID_CALLBACK_URL.into())
    }
}

fn check_origin(request: &AuthRequest, trusted: &TrustedOrigins) -> Result<(), ApiError> {
    let header = |name| request.header(name).filter(|value| !value.is_empty());
    let origin = header("origin").or_else(|| header("referer"));
    match origin {
        None => Err(ErrorCode::MISSING_OR_NULL_ORIGIN.into()),
        // A page under `Referrer-Policy: no-referrer` posts with a null origin;
        // the browser itself vouches that it is one of ours.
        Some("null") if request.header("sec-fetch-site") == Some("same-origin") => Ok(()),
        Some("null") => Err(ErrorCode::MISSING_OR_NULL_ORIGIN.into()),
        Some(origin) if trusted.allows_origin(origin) => Ok(()),
        Some(_) => Err(ErrorCode::INVALID_ORIGIN.into()),
    }
}

fn check_target(
    target: &Value,
    field: &str,
    label: &str,
    code: ErrorCode,
    trusted: &TrustedOrigins,
) -> Result<(), ApiError> {
    match target {
        Value::String(text) if text.is_empty() || trusted.allows_redirect(text) => check_length(text, field),
        Value::String(_) => Err(code.into()),
        // What JavaScript takes for nothing is left to the schema.
        other if !is_truthy(other) => Ok(()),
        _ => Err(not_a_string(label)),
    }
}

fn not_a_string(label: &str) -> ApiError {
    ApiError::bad_request(format!("Invalid {label}: expected a string"))
}

/// A redirect target ends up in a header, whose length the gateway limits.
fn check_length(target: &str, field: &str) -> Result<(), ApiError> {
    if target.chars().nth(MAX_URL_LENGTH).is_none() {
        return Ok(());
    }
    Err(ApiError::validation(format!("[{field}] Too big: expected string to have <={MAX_URL_LENGTH} characters")))
}
