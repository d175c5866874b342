//! What answers that start, continue or end a session have in common.

use serde::Serialize;

use super::Core;
use crate::{
    adapters::{OsRandom, SystemClock},
    crypto::{AccessTokens, Keyring},
    domain::{KnownDevice, Session, SessionToken, User},
    flows::Admission,
    http::{ApiError, AuthRequest, Reply, redirect::append_parameters},
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
        self.clear_left_over(reply, request)?;
        let max_age = remembered.then_some(self.config.sessions.lifetime);
        reply.set_cookie(&self.cookies.set_session_token(keys, token.expose(), max_age))?;
        if !remembered {
            reply.set_cookie(&self.cookies.set_dont_remember(keys))?;
        } else if self.cookies.dont_remember(&request.headers, keys) {
            reply.set_cookie(&self.cookies.clear_dont_remember())?;
        }
        reply.expose("set-auth-token", &self.cookies.signed_session_token(keys, token.expose()))
    }

    /// Hands over what an admission gives: the session and the renewed device,
    /// or the challenge, in place of any session that the client has.
    pub(super) fn give_admission(
        &self,
        reply: &mut Reply,
        request: &AuthRequest,
        keys: &Keyring,
        admission: &Admission,
        remembered: bool,
    ) -> Result<(), ApiError> {
        let policy = &self.config.two_factor.policy;
        match admission {
            Admission::Session { session, device } => {
                self.give_session(reply, request, keys, &session.token, remembered)?;
                device.iter().try_for_each(|device| {
                    reply.set_cookie(&self.cookies.set_trusted_device(keys, &device.token, policy.trust_seconds))
                })
            }
            Admission::Challenge(challenge) => {
                self.cookies.clear_live_session().iter().try_for_each(|cookie| reply.set_cookie(cookie))?;
                reply.set_cookie(&self.cookies.set_challenge(keys, &challenge.token, policy.challenge_seconds))
            }
        }
    }

    /// Tells a client that posted its first factor to show the second.
    pub(super) fn answer_challenge(
        &self,
        request: &AuthRequest,
        keys: &Keyring,
        admission: &Admission,
    ) -> Result<Reply, ApiError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Challenged {
            two_factor_redirect: bool,
            two_factor_methods: &'static [&'static str],
        }
        let mut reply =
            Reply::json(&Challenged { two_factor_redirect: true, two_factor_methods: admission.methods() })?;
        self.give_admission(&mut reply, request, keys, admission, true)?;
        Ok(reply)
    }

    /// Sends a browser that came by a link or from a provider on to `target`,
    /// or to the page that asks for the second factor and then goes there.
    pub(super) fn redirect_admitted(
        &self,
        request: &AuthRequest,
        keys: &Keyring,
        admission: &Admission,
        remembered: bool,
        target: &str,
    ) -> Result<Reply, ApiError> {
        let mut reply = match admission {
            Admission::Session { .. } => Reply::redirect(target)?,
            Admission::Challenge(_) => {
                Reply::redirect(&append_parameters(&self.config.two_factor.page, &[("callbackURL", target)]))?
            }
        };
        self.give_admission(&mut reply, request, keys, admission, remembered)?;
        Ok(reply)
    }

    /// With limits on: keeps the device known to the user whose password it has
    /// just shown or set.
    pub(super) fn remember_device(
        &self,
        reply: &mut Reply,
        keys: &Keyring,
        known: Option<KnownDevice>,
        user: &User,
    ) -> Result<(), ApiError> {
        if self.config.limits.is_none() {
            return Ok(());
        }
        let known = known.filter(|device| device.knows(user.password_changed_at));
        let device = known.unwrap_or_else(|| KnownDevice::generate(user, &OsRandom));
        reply.set_cookie(&self.cookies.set_known_device(keys, &device))
    }

    /// Makes the client forget a session cookie that an earlier setting left
    /// beside the present one.
    pub(super) fn clear_left_over(&self, reply: &mut Reply, request: &AuthRequest) -> Result<(), ApiError> {
        let cookie = self.cookies.clear_left_over_session(&request.headers);
        cookie.iter().try_for_each(|cookie| reply.set_cookie(cookie))
    }

    /// Makes the client forget its session.
    pub(super) fn clear_session(&self, reply: &mut Reply) -> Result<(), ApiError> {
        self.cookies.clear_session().iter().try_for_each(|cookie| reply.set_cookie(cookie))
    }
}
