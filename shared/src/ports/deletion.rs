use std::future::Future;

use super::StoreResult;
use crate::domain::{DeletionGrant, SessionHandle, Timestamp, User, UserId};

/// Stores deletion tokens.
pub trait StoreDeletionToken: Sync {
    /// Stores a grant under the hash of its token.
    fn store_deletion_token(
        &self,
        token_hash: &str,
        grant: &DeletionGrant,
    ) -> impl Future<Output = StoreResult<()>> + Send;
}

/// Reads deletion tokens.
pub trait FindDeletionToken: Sync {
    /// The grant under a hash, expired or not, read consistently.
    fn deletion_token(&self, token_hash: &str) -> impl Future<Output = StoreResult<Option<DeletionGrant>>> + Send;
}

/// Removes the rows of sessions.
pub trait PurgeSessions: Sync {
    /// Removes the rows of all sessions of a user but the given one. What is
    /// cut short has removed some of them, and can be run again.
    fn purge_sessions(
        &self,
        user_id: &UserId,
        keep: Option<&SessionHandle>,
    ) -> impl Future<Output = StoreResult<()>> + Send;
}

/// Deletes users.
pub trait DeleteUser: Sync {
    /// In one transaction: deletes the user, all accounts, the second factor,
    /// the session that asks for it and the token that allows it, if there is
    /// one. Of any number of concurrent calls exactly one succeeds.
    fn delete_user(
        &self,
        user: &User,
        current: &SessionHandle,
        token_hash: Option<&str>,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<DeletionOutcome>> + Send;
}

/// What became of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionOutcome {
    /// The user is gone.
    Done,
    /// The accounts or sessions of the user have changed since they were read,
    /// or the session or token is gone.
    Stale,
}
