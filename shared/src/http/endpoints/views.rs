//! Domain objects as the wire shows them.

use serde::Serialize;

use crate::domain::{Session, Timestamp, User};

/// That something was done.
#[derive(Serialize)]
pub struct Status {
    /// Always true: what was not done is an error.
    pub status: bool,
}

/// A user, without anything that only the service needs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserView<'a> {
    id: &'a str,
    name: &'a str,
    email: &'a str,
    email_verified: bool,
    image: Option<&'a str>,
    created_at: Timestamp,
    updated_at: Timestamp,
    two_factor_enabled: bool,
}

impl<'a> From<&'a User> for UserView<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: user.id.as_str(),
            name: &user.name,
            email: user.email.as_str(),
            email_verified: user.email_verified,
            image: user.image.as_deref(),
            created_at: user.created_at,
            updated_at: user.updated_at,
            two_factor_enabled: user.two_factor_since.is_some(),
        }
    }
}

/// A session. Its `token` is a handle by which it can be revoked, not the
/// credential that opens it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionView<'a> {
    id: &'a str,
    token: &'a str,
    user_id: &'a str,
    expires_at: Timestamp,
    created_at: Timestamp,
    updated_at: Timestamp,
    ip_address: Option<&'a str>,
    user_agent: Option<&'a str>,
}

impl<'a> From<&'a Session> for SessionView<'a> {
    fn from(session: &'a Session) -> Self {
        Self {
            id: &session.handle.token_hash,
            token: &session.handle.token_hash,
            user_id: session.handle.user_id.as_str(),
            expires_at: session.expires_at,
            created_at: session.created_at,
            updated_at: session.updated_at,
            ip_address: session.ip_address.as_deref(),
            user_agent: session.user_agent.as_deref(),
        }
    }
}
