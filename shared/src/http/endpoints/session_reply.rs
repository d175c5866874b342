//! What answers that start, continue or end a session have in common.

use super::Core;
use crate::{
    adapters::{OsRandom, SystemClock},
    crypto::{AccessTokens, Keyring},
    domain::{Email, KnownDevice, Session, SessionToken, User},
    http::{ApiError, AuthRequest, Reply},
    ports::Clock as _,
};

impl Core {
    /// An access token for a session, which expires at `not_after` at the latest.
    pub(super) fn access_token(
        &self,
        keys: &Keyring,
        user: &User,
        session: &Session,
        not_after: Option<i64>,
    ) -> Result<String, ApiError> {
        AccessTokens { keys, policy: &self.config.access_tokens }
            .issue(user, session, SystemClock.now(), not_after, &OsRandom)
            .map_err(ApiError::internal)
    }

    /// Hands the session token to the client: as a cookie, and as a header for
    /// those who keep no cookies.
    pub(super) fn give_session(
        &self,
        reply: &mut Reply,
        request: &AuthRequest,
        keys: &Keyring,
        token: &SessionToken,
        remembered: bool,
    ) -> Result<(), ApiError> {
        let max_age = remembered.then_some(self.config.sessions.lifetime);
        reply.set_cookie(&self.cookies.set_session_token(keys, token.expose(), max_age))?;
        if !remembered {
            reply.set_cookie(&self.cookies.set_dont_remember(keys))?;
        } else if self.cookies.dont_remember(&request.headers, keys) {
            reply.set_cookie(&self.cookies.clear_dont_remember())?;
        }
        reply.expose("set-auth-token", &self.cookies.signed_session_token(keys, token.expose()))
    }

    /// With limits on: keeps the device known to the address that it has just
    /// signed in to with the right password.
    pub(super) fn remember_device(
        &self,
        reply: &mut Reply,
        keys: &Keyring,
        known: Option<KnownDevice>,
        email: &Email,
    ) -> Result<(), ApiError> {
        if self.config.limits.is_none() {
            return Ok(());
        }
        let device = known.unwrap_or_else(|| KnownDevice::generate(email, &OsRandom));
        reply.set_cookie(&self.cookies.set_known_device(keys, &device))
    }

    /// Makes the client forget its session.
    pub(super) fn clear_session(&self, reply: &mut Reply) -> Result<(), ApiError> {
        self.cookies.clear_session().iter().try_for_each(|cookie| reply.set_cookie(cookie))
    }
}
