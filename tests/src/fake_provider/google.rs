use std::{collections::HashMap, sync::Arc};

use axum::{
    Form, Json,
    extract::State as Extract,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};

use super::{
    GOOGLE_CLIENT, id_token,
    state::{Endpoint, Person, Shared},
    token::{self, Refusal},
};

pub(super) async fn token(
    Extract(shared): Extract<Arc<Shared>>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    if let Some(failure) = shared.receive(Endpoint::GoogleToken, form.clone(), &headers).await {
        return failure;
    }
    let grant = match token::grant(&shared, GOOGLE_CLIENT, &form) {
        Ok(grant) => grant,
        Err(refusal) => return refused(refusal),
    };
    let Person::Google(user) = &grant.person else { return refused(Refusal::Code) };
    let mut state = shared.lock();
    let access_token = state.unique("ya29");
    // Google's refresh tokens last, and are given at the first consent alone.
    let refresh_token = match form.get("refresh_token") {
        Some(kept) => Some(kept.clone()),
        None => (grant.request.get("access_type").map(String::as_str) == Some("offline")).then(|| state.unique("1//")),
    };
    state.access_tokens.insert(access_token.clone(), grant.clone());
    if let Some(token) = &refresh_token {
        state.refresh_tokens.insert(token.clone(), grant.clone());
    }
    let mut answer = json!({
        "access_token": access_token, "expires_in": state.token_seconds.unwrap_or(3599), "token_type": "Bearer",
        "scope": "openid https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/userinfo.profile",
    });
    if let Some(token) = refresh_token.filter(|_| !form.contains_key("refresh_token")) {
        answer["refresh_token"] = json!(token);
    }
    if let Some(id_token) = id_token::mint(&shared.url, &state, user, &grant) {
        answer["id_token"] = json!(id_token);
    }
    Json(answer).into_response()
}

fn refused(refusal: Refusal) -> Response {
    let (status, code, description) = match refusal {
        Refusal::Request => (StatusCode::BAD_REQUEST, "unsupported_grant_type", "Invalid grant_type"),
        Refusal::Client => (StatusCode::UNAUTHORIZED, "invalid_client", "Unauthorized"),
        Refusal::Code => (StatusCode::BAD_REQUEST, "invalid_grant", "Malformed auth code."),
        Refusal::RedirectUri => (StatusCode::BAD_REQUEST, "redirect_uri_mismatch", "Bad Request"),
    };
    (status, Json(json!({"error": code, "error_description": description}))).into_response()
}

pub(super) async fn certs(Extract(shared): Extract<Arc<Shared>>, headers: HeaderMap) -> Response {
    if let Some(failure) = shared.receive(Endpoint::GoogleCerts, [], &headers).await {
        return failure;
    }
    let rotated = shared.lock().key_rotated;
    ([("cache-control", "public, max-age=20000")], Json(id_token::published_keys(rotated))).into_response()
}

/// What Google would be to somebody who knows its issuer alone.
pub(super) async fn document(Extract(shared): Extract<Arc<Shared>>, headers: HeaderMap) -> Response {
    if let Some(failure) = shared.receive(Endpoint::GoogleDocument, [], &headers).await {
        return failure;
    }
    Json(discovery_document(&shared.url)).into_response()
}

pub(super) fn discovery_document(url: &str) -> Value {
    json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/google/authorize"),
        "token_endpoint": format!("{url}/google/token"),
        "jwks_uri": format!("{url}/google/certs"),
        "userinfo_endpoint": format!("{url}/google/userinfo"),
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })
}

pub(super) async fn userinfo(Extract(shared): Extract<Arc<Shared>>, headers: HeaderMap) -> Response {
    if let Some(failure) = shared.receive(Endpoint::GoogleUserinfo, [], &headers).await {
        return failure;
    }
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let state = shared.lock();
    let grant = authorization.and_then(|value| state.access_tokens.get(value.strip_prefix("Bearer ")?));
    match grant.map(|grant| &grant.person) {
        Some(Person::Google(user)) => {
            Json(state.userinfo.clone().unwrap_or_else(|| user.claims().into())).into_response()
        }
        _ => StatusCode::UNAUTHORIZED.into_response(),
    }
}
