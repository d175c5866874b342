use std::future::Future;

use super::StoreResult;
use crate::domain::{Session, Timestamp, User, UserId};

/// Reads all sessions of a user.
pub trait ListSessions: Sync {
    /// Every session of the user, dead ones too, read consistently.
    fn sessions(&self, user_id: &UserId) -> impl Future<Output = StoreResult<Vec<Session>>> + Send;
}

/// Ends all sessions of a user.
pub trait EndAllSessions: Sync {
    /// Starts a new generation of sessions, so that every session, challenge
    /// and trusted device of before is dead, whoever else starts one meanwhile.
    /// A user who is gone has none.
    fn end_all_sessions(&self, user: &User, now: Timestamp) -> impl Future<Output = StoreResult<()>> + Send;
}

/// Ends the sessions of a user but one.
pub trait EndOtherSessions: Sync {
    /// In one transaction: starts a new generation of sessions and takes this
    /// one over into it. `false` if the session is gone, or the user is no
    /// longer of the session's generation.
    fn end_other_sessions(
        &self,
        session: &Session,
        generation: Timestamp,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<bool>> + Send;
}
