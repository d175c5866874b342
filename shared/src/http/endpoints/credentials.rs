//! Who a request says it is: by bearer token or by cookie.

use std::sync::Arc;

use super::Core;
use crate::{
    adapters::{SecretCache, SystemClock},
    crypto::{AccessTokens, InvalidAccessToken, Keyring, looks_like_jwt},
    domain::{SessionHandle, SessionToken},
    http::{
        ApiError, AuthRequest,
        cookies::{Presented, decode},
    },
    ports::Clock as _,
};

/// What a request presented.
#[derive(Debug)]
pub enum Credential {
    /// Nothing, or nothing that we ever made.
    Nothing,
    /// Something that no session can answer to, so that the client had better
    /// forget it.
    Dead,
    /// The name of a session, which may or may not be alive.
    Session {
        /// The session's name.
        handle: SessionHandle,
        /// The token that was presented; none if it was an access token.
        token: Option<SessionToken>,
    },
}

/// Reads the credential of a request. A bearer token that checks out beats the
/// cookie; one that does not is as good as none. What no known secret has
/// signed makes the cache look for a newer secret.
///
/// # Errors
/// 503 without a secret to check with.
pub async fn present(
    core: &Core,
    secrets: &SecretCache,
    request: &AuthRequest,
) -> Result<(Arc<Keyring>, Credential), ApiError> {
    let mut keys = secrets.keys().await.map_err(ApiError::unavailable)?;
    let mut found = check(core, &keys, request);
    if matches!(found, Check::UnknownKey)
        && let Some(newer) = secrets.renewed(&keys).await
    {
        keys = newer;
        found = check(core, &keys, request);
    }
    let credential = match found {
        Check::Found(credential) => credential,
        Check::UnknownKey => Credential::Nothing,
    };
    Ok((keys, credential))
}

enum Check {
    Found(Credential),
    UnknownKey,
}

fn check(core: &Core, keys: &Keyring, request: &AuthRequest) -> Check {
    let from_bearer =
        bearer_token(request).map_or(Check::Found(Credential::Nothing), |token| bearer(core, keys, token));
    if !matches!(from_bearer, Check::Found(Credential::Nothing)) {
        return from_bearer;
    }
    by_presented(core.cookies.session_token(&request.headers, keys))
}

fn bearer(core: &Core, keys: &Keyring, token: &str) -> Check {
    if looks_like_jwt(token) {
        let tokens = AccessTokens { keys, policy: &core.config.access_tokens };
        return match tokens.verify(token, SystemClock.now()) {
            Ok(handle) => Check::Found(Credential::Session { handle, token: None }),
            Err(InvalidAccessToken::UnknownKey) => Check::UnknownKey,
            Err(InvalidAccessToken::Invalid) => Check::Found(Credential::Nothing),
        };
    }
    if token.contains('.') {
        return by_presented(core.cookies.verify_session_token(keys, &decode(token)));
    }
    by_token(token)
}

fn by_presented(presented: Presented) -> Check {
    match presented {
        Presented::Nothing => Check::Found(Credential::Nothing),
        Presented::BadSignature => Check::UnknownKey,
        Presented::Ambiguous => Check::Found(Credential::Dead),
        Presented::Signed(token) => by_token(&token),
    }
}

fn by_token(text: &str) -> Check {
    let token = SessionToken::parse(text);
    Check::Found(match token.as_ref().and_then(SessionToken::handle) {
        Some(handle) => Credential::Session { handle, token },
        None => Credential::Dead,
    })
}

/// The token of an `Authorization: Bearer` header; the scheme is
/// case-insensitive (RFC 9110, section 11.1).
fn bearer_token(request: &AuthRequest) -> Option<&str> {
    let mut headers = request.headers.get_all(http::header::AUTHORIZATION).iter();
    let (header, None) = (headers.next()?, headers.next()) else { return None };
    let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
