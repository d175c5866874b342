use http::{HeaderValue, header::PRAGMA};
use serde::Serialize;

use super::{
    Core,
    credentials::{Credential, Proof, present},
    views::{SessionView, UserView},
};
use crate::{
    adapters::SecretCache,
    domain::Timestamp,
    flows::current_session,
    http::{ApiError, Audit, AuthRequest, Endpoint, ErrorCode, Reply, routes::Route},
    ports::{EndAllSessions, EndOtherSessions, EndSession, ExtendSession, FindSession, ListSessions},
};

/// `GET /get-session`, `GET /token`, `GET /ok`, `GET /list-sessions`,
/// `POST /revoke-session`, `/revoke-sessions`, `/revoke-other-sessions` and
/// `/update-session`
pub struct SessionEndpoint<S> {
    /// Settings and cookies.
    pub core: Core,
    /// Checks cookies and access tokens.
    pub secrets: SecretCache,
    /// Sessions and their users.
    pub store: S,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CurrentView<'a> {
    session: SessionView<'a>,
    user: UserView<'a>,
    token: &'a str,
    expires_at: Timestamp,
}

#[derive(Serialize)]
struct Token<'a> {
    token: &'a str,
}

#[derive(Serialize)]
struct Health {
    ok: bool,
}

impl<S> Endpoint for SessionEndpoint<S>
where
    S: FindSession + ExtendSession + ListSessions + EndSession + EndAllSessions + EndOtherSessions + Send + 'static,
{
    async fn handle(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        match request.info.route {
            Route::Ok => Reply::json(&Health { ok: true }),
            Route::PostSession => {
                let mut reply = Reply::error(&ErrorCode::POST_SESSION.into());
                reply.set(PRAGMA, HeaderValue::from_static("no-cache"));
                Ok(reply)
            }
            Route::Token => self.read(request, audit, true).await,
            Route::ListSessions => self.list(request, audit).await,
            Route::RevokeSession => self.revoke(request, audit).await,
            Route::RevokeSessions => self.revoke_all(request, audit).await,
            Route::RevokeOtherSessions => self.revoke_others(request, audit).await,
            Route::UpdateSession => self.update(request, audit).await,
            _ => self.read(request, audit, false).await,
        }
    }
}

impl<S: FindSession + ExtendSession> SessionEndpoint<S> {
    async fn read(&self, request: &AuthRequest, audit: &mut Audit, token_only: bool) -> Result<Reply, ApiError> {
        let (keys, credential) = present(&self.core, &self.secrets, request).await?;
        let (handle, proof) = match credential {
            Credential::Nothing | Credential::Ambiguous(_) => return self.no_session(request, token_only, false),
            Credential::Dead => return self.no_session(request, token_only, true),
            Credential::Session { handle, proof } => (handle, proof),
        };
        let (token, not_after) = match proof {
            Proof::Token(token) => (Some(token), None),
            Proof::AccessToken(expires) => (None, Some(expires)),
        };
        // Any value but an empty one counts, as with the original.
        let refresh = token.is_some() && request.query.first("disableRefresh").is_none_or(str::is_empty);
        let found = current_session(&self.core.context(), &self.store, &handle, refresh).await?;
        let Some(current) = found else {
            return self.no_session(request, token_only, true);
        };
        let (session, user) = (&current.live.session, &current.live.user);
        audit.user(&user.id);
        let jwt = self.core.access_token(&keys, user, session, not_after)?;
        let mut reply = if token_only {
            Reply::json(&Token { token: &jwt })?
        } else {
            let mut reply = Reply::json(&CurrentView {
                session: session.into(),
                user: user.into(),
                token: &jwt,
                expires_at: session.expires_at,
            })?;
            reply.set(PRAGMA, HeaderValue::from_static("no-cache"));
            reply.expose("set-auth-jwt", &jwt)?;
            reply
        };
        if let (true, Some(token)) = (current.extended, &token) {
            self.core.give_session(&mut reply, request, &keys, token, true)?;
        }
        self.drop_session_data(&mut reply, request)?;
        Ok(reply)
    }

    /// `null`, or 401 where a token was asked for; `forget` clears the cookies
    /// of a session that is over.
    fn no_session(&self, request: &AuthRequest, token_only: bool, forget: bool) -> Result<Reply, ApiError> {
        let mut reply = if token_only {
            Reply::error(&ErrorCode::UNAUTHORIZED.into())
        } else {
            let mut reply = Reply::json(&())?;
            reply.set(PRAGMA, HeaderValue::from_static("no-cache"));
            reply
        };
        self.core.clear_left_over(&mut reply, request)?;
        if forget {
            self.core.clear_session(&mut reply)?;
        } else {
            self.drop_session_data(&mut reply, request)?;
        }
        Ok(reply)
    }

    fn drop_session_data(&self, reply: &mut Reply, request: &AuthRequest) -> Result<(), ApiError> {
        if self.core.cookies.has_session_data(&request.headers) {
            reply.set_cookie(&self.core.cookies.clear_session_data())?;
        }
        Ok(())
    }
}
