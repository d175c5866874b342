use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::{Secret32, Timestamp, User, UserId, ids::is_alphanumeric};
use crate::ports::Random;

/// Life of a session that the user did not ask to be remembered, in seconds.
pub const UNREMEMBERED_SESSION_SECONDS: i64 = 24 * 60 * 60;

/// The credential in the session cookie: the user's id and 256 random bits.
///
/// It carries the user's id so that a session is found by its primary key. The
/// table holds only its hash, and it prints as `[redacted]`.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken(String);

impl SessionToken {
    const LENGTH: usize = UserId::LENGTH + Secret32::LENGTH;

    /// A fresh token for a user.
    pub fn generate(user_id: &UserId, random: &dyn Random) -> Self {
        Self(format!("{user_id}{}", Secret32::generate(random).expose()))
    }

    /// Accepts exactly what [`SessionToken::generate`] can produce.
    pub fn parse(text: &str) -> Option<Self> {
        is_alphanumeric(text, Self::LENGTH).then(|| Self(text.to_owned()))
    }

    /// The token itself, for the cookie.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Key of the session that this token opens.
    pub fn handle(&self) -> Option<SessionHandle> {
        Some(SessionHandle {
            user_id: UserId::parse(self.0.get(..UserId::LENGTH)?)?,
            token_hash: URL_SAFE_NO_PAD.encode(Sha256::digest(self.0.as_bytes())),
        })
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Names a session without opening it: the table key, and the `sid` of access
/// tokens. Whoever knows it cannot sign in with it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionHandle {
    /// Owner of the session.
    pub user_id: UserId,
    /// Unpadded base64url of the SHA-256 of the session token.
    pub token_hash: String,
}

impl SessionHandle {
    /// From the two claims of an access token. `None` for what no session of
    /// ours could be named.
    pub fn parse(user_id: &str, token_hash: &str) -> Option<Self> {
        let is_hash =
            token_hash.len() == 43 && token_hash.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        Some(Self { user_id: UserId::parse(user_id)?, token_hash: is_hash.then(|| token_hash.to_owned())? })
    }
}

/// How long sessions live. All in seconds.
#[derive(Clone, Copy, Debug)]
pub struct SessionPolicy {
    /// Life of a remembered session from its start or last extension.
    pub lifetime: i64,
    /// Age of the last extension from which the next use extends it again.
    pub update_age: i64,
}

/// A signed-in browser or program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its name.
    pub handle: SessionHandle,
    /// From this time on it is dead, whether or not the row is still there.
    pub expires_at: Timestamp,
    /// When the user signed in.
    pub created_at: Timestamp,
    /// When it was last extended.
    pub updated_at: Timestamp,
    /// Generation of the user's sessions that it belongs to.
    pub valid_from: Timestamp,
    /// Whether it outlives the browser and is extended in use.
    pub remembered: bool,
    /// Address that the user signed in from.
    pub ip_address: Option<String>,
    /// Client that the user signed in with.
    pub user_agent: Option<String>,
}

impl Session {
    /// Whether it is alive for this user at this time: same generation, and
    /// `now` strictly before its expiry.
    pub fn is_live(&self, user: &User, now: Timestamp) -> bool {
        self.handle.user_id == user.id && self.valid_from == user.sessions_valid_from && now < self.expires_at
    }

    /// The new expiry, if its last extension is old enough for another one.
    pub fn extension(&self, policy: SessionPolicy, now: Timestamp) -> Option<Timestamp> {
        let extended_at = self.expires_at.plus_seconds(-policy.lifetime);
        let due = extended_at.plus_seconds(policy.update_age) <= now;
        (self.remembered && due).then(|| now.plus_seconds(policy.lifetime))
    }
}

/// A session that was found alive, with its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSession {
    /// The session.
    pub session: Session,
    /// Its owner.
    pub user: User,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{adapters::OsRandom, domain::Email};

    const POLICY: SessionPolicy = SessionPolicy { lifetime: 604_800, update_age: 86_400 };

    fn user_and_session(now: Timestamp) -> (User, Session) {
        let id = UserId::generate(&OsRandom);
        let email = Email::parse("a@example.com").unwrap();
        let user = User::new(id.clone(), "A".into(), email, false, None, now);
        let handle = SessionToken::generate(&id, &OsRandom).handle().unwrap();
        let session = Session {
            handle,
            expires_at: now.plus_seconds(POLICY.lifetime),
            created_at: now,
            updated_at: now,
            valid_from: user.sessions_valid_from,
            remembered: true,
            ip_address: None,
            user_agent: None,
        };
        (user, session)
    }

    #[test]
    fn a_token_names_its_user_and_hides_itself() {
        let id = UserId::generate(&OsRandom);
        let token = SessionToken::generate(&id, &OsRandom);
        let handle = token.handle().unwrap();
        assert_eq!(handle.user_id, id);
        assert!(!handle.token_hash.contains(token.expose()));
        assert_eq!(SessionHandle::parse(id.as_str(), &handle.token_hash), Some(handle));
        assert_eq!(SessionToken::parse(token.expose()), Some(token));
    }

    #[test]
    fn it_dies_at_its_expiry_and_with_its_generation() {
        let now = Timestamp::from_millis(1_000_000);
        let (mut user, session) = user_and_session(now);
        assert!(session.is_live(&user, now));
        assert!(session.is_live(&user, Timestamp::from_millis(session.expires_at.millis() - 1)));
        assert!(!session.is_live(&user, session.expires_at));
        user.sessions_valid_from = now.plus_seconds(1);
        assert!(!session.is_live(&user, now));
    }

    #[test]
    fn it_is_extended_a_day_after_the_last_extension() {
        let now = Timestamp::from_millis(1_000_000);
        let (_, mut session) = user_and_session(now);
        let day = now.plus_seconds(86_400);
        assert_eq!(session.extension(POLICY, Timestamp::from_millis(day.millis() - 1)), None);
        assert_eq!(session.extension(POLICY, day), Some(day.plus_seconds(POLICY.lifetime)));
        session.remembered = false;
        assert_eq!(session.extension(POLICY, day), None);
    }
}
