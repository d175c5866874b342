use std::future::Future;

use super::StoreResult;
use crate::domain::{Lockout, Quota, Scope, Timestamp};

/// Counts what may be done only so often.
pub trait CountEvents: Sync {
    /// Counts one event, unless the quota is used up. A window starts with the
    /// first event that is counted in it. Of any number of concurrent calls
    /// exactly `quota.max` are counted in a window.
    fn count(&self, scope: &Scope, quota: Quota, now: Timestamp) -> impl Future<Output = StoreResult<Counted>> + Send;
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// It is within its quota.
    Within,
    /// The quota is used up until this time.
    Over(Timestamp),
}

/// Counts passwords tried in vain.
pub trait LimitAttempts: Sync {
    /// Reserves an attempt, which counts as failed until it is forgotten. Of
    /// any number of concurrent calls at most `lockout.free` go through in a
    /// row, and one after each wait.
    fn reserve(
        &self,
        scope: &Scope,
        lockout: Lockout,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<Reservation>> + Send;

    /// Forgets all attempts of a scope.
    fn forget(&self, scope: &Scope) -> impl Future<Output = StoreResult<()>> + Send;
}

/// Whether a password may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// Now, by this caller.
    Granted,
    /// Not before this time.
    Locked(Timestamp),
}
