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
    let (mut credential, unknown_key) = check(core, &keys, request);
    if unknown_key && let Some(newer) = secrets.renewed(&keys).await {
        keys = newer;
        (credential, _) = check(core, &keys, request);
    }
    Ok((keys, credential))
}

/// The credential by the known secrets, and whether something in the request
/// was signed by none of them.
fn check(core: &Core, keys: &Keyring, request: &AuthRequest) -> (Credential, bool) {
    let by_bearer = bearer_token(request).map_or(Check::Found(Credential::Nothing), |token| bearer(core, keys, token));
    let by_cookie = || by_presented(core.cookies.session_token(&request.headers, keys));
    match by_bearer {
        Check::UnknownKey => (by_cookie().credential(), true),
        Check::Found(Credential::Nothing) => {
            let check = by_cookie();
            let unknown_key = matches!(check, Check::UnknownKey);
            (check.credential(), unknown_key)
        }
        Check::Found(credential) => (credential, false),
    }
}

enum Check {
    Found(Credential),
    UnknownKey,
}

impl Check {
    fn credential(self) -> Credential {
        match self {
            Self::Found(credential) => credential,
            Self::UnknownKey => Credential::Nothing,
        }
    }
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
