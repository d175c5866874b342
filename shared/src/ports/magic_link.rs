use std::future::Future;

use super::{AdmissionRows, StoreResult};
use crate::domain::{MagicLinkGrant, Timestamp, User};

/// Stores magic links.
pub trait StoreMagicLink: Sync {
    /// Stores a grant under the hash of its token.
    fn store_magic_link(
        &self,
        token_hash: &str,
        grant: &MagicLinkGrant,
    ) -> impl Future<Output = StoreResult<()>> + Send;
}

/// Reads magic links.
pub trait FindMagicLink: Sync {
    /// The grant under a hash, expired or not, read consistently.
    fn magic_link(&self, token_hash: &str) -> impl Future<Output = StoreResult<Option<MagicLinkGrant>>> + Send;
}

/// Redeems magic links. Each call is one transaction that spends the token and
/// stores the rows of the admission; of any number of concurrent calls for one
/// token exactly one succeeds.
pub trait RedeemMagicLink: Sync {
    /// Creates the user with the address alone to sign in by.
    /// [`Redemption::Differs`] if the address is somebody's by now.
    fn register_by_link(
        &self,
        token_hash: &str,
        user: &User,
        rows: AdmissionRows<'_>,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<Redemption>> + Send;

    /// Admits a user, provided that the row is as it was read.
    fn sign_in_by_link(
        &self,
        token_hash: &str,
        user: &User,
        rows: AdmissionRows<'_>,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<Redemption>> + Send;

    /// Makes a user, provided that the row is as it was read, the `recovered`
    /// one, removes password and second factor, and admits them.
    fn recover_by_link(
        &self,
        token_hash: &str,
        user: &User,
        recovered: &User,
        rows: AdmissionRows<'_>,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<Redemption>> + Send;
}

/// What became of a magic link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redemption {
    /// It is spent, and the rows exist.
    Done,
    /// It was spent before, or has expired.
    Spent,
    /// The user is not as expected; the link is as good as before.
    Differs,
}
