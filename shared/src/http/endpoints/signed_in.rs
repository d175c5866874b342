//! Who is signed in, for endpoints that need somebody to be.

use std::sync::Arc;

use super::{
    Core,
    credentials::{Credential, Proof, present},
};
use crate::{
    adapters::{SecretCache, SystemClock},
    crypto::Keyring,
    domain::{LiveSession, SessionToken},
    flows::live_session,
    http::{ApiError, Audit, AuthRequest, ErrorCode},
    ports::{Clock as _, FindSession},
};

/// Age of a session, in seconds, up to which it counts as fresh.
const FRESH_SECONDS: i64 = 86_400;

/// Somebody who is signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// The secrets that checked it.
    pub keys: Arc<Keyring>,
    /// The session and its user, as the tables have them now.
    pub live: LiveSession,
    /// The session's own token; none if an access token spoke for it.
    pub token: Option<SessionToken>,
}

impl SignedIn {
    /// That the session was started less than a day ago.
    ///
    /// # Errors
    /// 403 `SESSION_NOT_FRESH`.
    pub fn require_fresh(&self) -> Result<(), ApiError> {
        if self.is_fresh() { Ok(()) } else { Err(ErrorCode::SESSION_NOT_FRESH.into()) }
    }

    /// Whether the session was started less than a day ago.
    pub fn is_fresh(&self) -> bool {
        SystemClock.now() < self.live.session.created_at.plus_seconds(FRESH_SECONDS)
    }
}

impl Core {
    /// Who is signed in, by whatever credential: one read. For what only shows
    /// things.
    ///
    /// # Errors
    /// 401 `UNAUTHORIZED`; 503.
    pub(super) async fn signed_in(
        &self,
        secrets: &SecretCache,
        store: &impl FindSession,
        request: &AuthRequest,
        audit: &mut Audit,
    ) -> Result<SignedIn, ApiError> {
        self.find_signed_in(secrets, store, request, audit).await?.ok_or_else(|| ErrorCode::UNAUTHORIZED.into())
    }

    /// Who is signed in by the session's own token: one read. For what changes
    /// something: access tokens are handed to back ends, which must not be
    /// able to change their users' accounts.
    ///
    /// # Errors
    /// 401 `UNAUTHORIZED`; 503.
    pub(super) async fn signed_in_by_token(
        &self,
        secrets: &SecretCache,
        store: &impl FindSession,
        request: &AuthRequest,
        audit: &mut Audit,
    ) -> Result<(SignedIn, SessionToken), ApiError> {
        let signed_in = self.signed_in(secrets, store, request, audit).await?;
        let token = signed_in.token.clone().ok_or(ErrorCode::UNAUTHORIZED)?;
        Ok((signed_in, token))
    }

    /// Who is signed in, if anybody is.
    ///
    /// # Errors
    /// 503.
    pub(super) async fn find_signed_in(
        &self,
        secrets: &SecretCache,
        store: &impl FindSession,
        request: &AuthRequest,
        audit: &mut Audit,
    ) -> Result<Option<SignedIn>, ApiError> {
        let (keys, credential) = present(self, secrets, request).await?;
        let Credential::Session { handle, proof } = credential else { return Ok(None) };
        let Some(live) = live_session(&self.context(), store, &handle).await? else { return Ok(None) };
        audit.user(&live.user.id);
        let token = match proof {
            Proof::Token(token) => Some(token),
            Proof::AccessToken(_) => None,
        };
        Ok(Some(SignedIn { keys, live, token }))
    }
}
