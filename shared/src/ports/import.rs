use std::future::Future;

use super::StoreResult;
use crate::domain::{ProviderIdentity, User};

/// Brings in users whom another system has known.
pub trait ImportUser: Sync {
    /// In one transaction: creates the user, the row of the address, with a
    /// password if there is a hash, and the links to providers; or nothing at
    /// all. Rows that exist are never changed: of any number of calls for one
    /// user exactly one creates, and the others say what is in the way.
    fn import_user(
        &self,
        user: &User,
        password_hash: Option<&str>,
        links: &[ProviderIdentity],
    ) -> impl Future<Output = StoreResult<Import>> + Send;

    /// What is in the way of an import, by one consistent read; none if nothing is.
    fn in_the_way(
        &self,
        user: &User,
        links: &[ProviderIdentity],
    ) -> impl Future<Output = StoreResult<Option<Obstacle>>> + Send;
}

/// What became of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Import {
    /// The user exists now.
    Created,
    /// Nothing was written.
    Refused(Obstacle),
}

/// Why a user cannot be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The very user is there, with the same address or of the same time, and
    /// may have changed since.
    Present,
    /// Another user has the id.
    IdTaken,
    /// Another user has the address.
    AddressTaken,
    /// Another user is linked with the identity at this provider.
    LinkTaken(String),
}
