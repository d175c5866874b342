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
    /// Session cookies of different sessions. One of them was planted, and
    /// nobody can tell which: clearing a cookie might leave the planted one.
    Ambiguous(Vec<SessionHandle>),
    /// The name of a session, which may or may not be alive.
    Session {
        /// The session's name.
        handle: SessionHandle,
        /// What named it.
        proof: Proof,
    },
}

/// What names a session.
#[derive(Debug)]
pub enum Proof {
    /// The session's own token, which may extend it.
    Token(SessionToken),
    /// An access token that expires at this time, in seconds since the epoch.
    /// It speaks for the session and cannot prolong itself.
    AccessToken(i64),
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
    let (keys, by_bearer, by_cookie) = check(core, secrets, request).await?;
    let credential = match by_bearer {
        Check::Found(Credential::Nothing) | Check::UnknownKey => by_cookie.credential(),
        Check::Found(credential) => credential,
    };
    Ok((keys, credential))
}

/// The keys to check a request's cookies with, beside the session's. What no
/// known secret has signed makes the cache look for a newer secret.
///
/// # Errors
/// 503 without a secret to check with.
pub async fn cookie_keys(core: &Core, secrets: &SecretCache, request: &AuthRequest) -> Result<Arc<Keyring>, ApiError> {
    let keys = secrets.keys().await.map_err(ApiError::unavailable)?;
    if core.cookies.has_unknown_signature(&request.headers, &keys)
        && let Ok(Some(newer)) = secrets.renewed(&keys).await
    {
        return Ok(newer);
    }
    Ok(keys)
}

/// Every session that a request names, by bearer token and by any cookie.
///
/// # Errors
/// 503 without a secret to check with.
pub async fn all_sessions(
    core: &Core,
    secrets: &SecretCache,
    request: &AuthRequest,
) -> Result<Vec<SessionHandle>, ApiError> {
    let (_, by_bearer, by_cookie) = check(core, secrets, request).await?;
    let mut handles = by_bearer.credential().handles();
    handles.extend(by_cookie.credential().handles());
    Ok(handles)
}

impl Credential {
    fn handles(self) -> Vec<SessionHandle> {
        match self {
            Self::Nothing | Self::Dead => Vec::new(),
            Self::Ambiguous(handles) => handles,
            Self::Session { handle, .. } => vec![handle],
        }
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

/// Bearer token and cookie, checked with newer secrets if one was signed by
/// none of the known ones.
async fn check(
    core: &Core,
    secrets: &SecretCache,
    request: &AuthRequest,
) -> Result<(Arc<Keyring>, Check, Check), ApiError> {
    let with = |keys: &Keyring| {
        let by_bearer = bearer_token(request).map_or(Check::Found(Credential::Nothing), |t| bearer(core, keys, t));
        (by_bearer, by_presented(core.cookies.session_token(&request.headers, keys)))
    };
    let keys = secrets.keys().await.map_err(ApiError::unavailable)?;
    let (by_bearer, by_cookie) = with(&keys);
    let settled = matches!(by_bearer, Check::Found(Credential::Session { .. } | Credential::Dead));
    let unknown_key = matches!(by_bearer, Check::UnknownKey) || (!settled && matches!(by_cookie, Check::UnknownKey));
    if unknown_key && let Ok(Some(newer)) = secrets.renewed(&keys).await {
        let (by_bearer, by_cookie) = with(&newer);
        return Ok((newer, by_bearer, by_cookie));
    }
    Ok((keys, by_bearer, by_cookie))
}

fn bearer(core: &Core, keys: &Keyring, token: &str) -> Check {
    if looks_like_jwt(token) {
        let tokens = AccessTokens { keys, policy: &core.config.access_tokens };
        return match tokens.verify(token, SystemClock.now()) {
            Ok(token) => {
                let proof = Proof::AccessToken(token.expires);
                Check::Found(Credential::Session { handle: token.session, proof })
            }
            Err(InvalidAccessToken::UnknownKey) => Check::UnknownKey,
            Err(InvalidAccessToken::Invalid) => Check::Found(Credential::Nothing),
        };
    }
    if token.contains('.') {
        return by_presented(core.cookies.verify_session_token(keys, &decode(token)));
    }
    Check::Found(by_token(token))
}

fn by_presented(presented: Presented) -> Check {
    Check::Found(match presented {
        Presented::Nothing => Credential::Nothing,
        Presented::BadSignature => return Check::UnknownKey,
        Presented::Ambiguous(tokens) => {
            Credential::Ambiguous(tokens.iter().flat_map(|token| by_token(token).handles()).collect())
        }
        Presented::Signed(token) => by_token(&token),
    })
}

fn by_token(text: &str) -> Credential {
    let token = SessionToken::parse(text);
    match token.as_ref().and_then(SessionToken::handle).zip(token) {
        Some((handle, token)) => Credential::Session { handle, proof: Proof::Token(token) },
        None => Credential::Dead,
    }
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
