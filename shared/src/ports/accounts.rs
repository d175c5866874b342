//! The ways in that a user has.

use std::future::Future;

use super::StoreResult;
use crate::domain::{Account, ProviderIdentity, SealedTokens, Timestamp, User};

/// Reads accounts.
pub trait FindAccounts: Sync {
    /// The accounts that a user's row names, in its order, in one consistent
    /// read; void ones too.
    fn accounts(&self, user: &User) -> impl Future<Output = StoreResult<Vec<Account>>> + Send;
}

/// Links providers to users who are signed in.
pub trait LinkAccount: Sync {
    /// In one transaction: makes the identity a way in for the user, or renews
    /// it, provided that the user's row is as read and the identity is nobody
    /// else's. The link remembers the user's address as proven. Of concurrent calls for one identity at most one user gets it.
    fn link(
        &self,
        user: &User,
        identity: &ProviderIdentity,
        tokens: Option<&SealedTokens>,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<LinkOutcome>> + Send;
}

/// What became of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkOutcome {
    /// It is there.
    Linked,
    /// The identity is somebody else's.
    Taken,
    /// The user's row is not as read any more.
    Changed,
}

/// Gives ways in up.
pub trait UnlinkAccount: Sync {
    /// In one transaction: removes a link, or the password of the address's
    /// row, provided that the user's row is as read: two concurrent calls can
    /// never remove the last two. `false` if it is not.
    fn unlink(&self, user: &User, account: &Account, now: Timestamp) -> impl Future<Output = StoreResult<bool>> + Send;
}

/// Keeps the tokens of a provider up to date.
pub trait RefreshTokens: Sync {
    /// Reserves the refresh of an account's tokens until a time, under a name
    /// that no other attempt has. `false` if somebody else has reserved it, or
    /// the tokens are not the given ones any more: a provider may take a
    /// refresh token that comes twice for stolen.
    fn reserve_refresh(
        &self,
        account: &Account,
        attempt: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<bool>> + Send;

    /// Replaces the tokens of an account and ends the reservation. `false` if
    /// they are not the given ones any more.
    fn replace_tokens(
        &self,
        account: &Account,
        tokens: &SealedTokens,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<bool>> + Send;

    /// Gives an attempt's reservation up, since the provider gave no tokens.
    fn release_refresh(&self, account: &Account, attempt: &str) -> impl Future<Output = StoreResult<()>> + Send;
}
