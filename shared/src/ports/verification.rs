use std::future::Future;

use super::{AdmissionRows, StoreResult};
use crate::domain::{
    AddressGrant, CredentialAccount, Email, EmailChangeGrant, ResetGrant, Session, Timestamp, User, UserId,
    VerificationGrant,
};

/// Stores the tokens that verify addresses.
pub trait StoreVerificationToken: Sync {
    /// Stores a grant under the hash of its token.
    fn store_verification_token(
        &self,
        token_hash: &str,
        grant: &VerificationGrant,
    ) -> impl Future<Output = StoreResult<()>> + Send;
}

/// Reads what a link that was mailed to an address grants, and to whom.
pub trait FindAddressGrant: Sync {
    /// The grant under one of the hashes, with that hash, in one consistent
    /// read. It may have expired.
    fn address_grant(
        &self,
        token_hashes: &[String],
    ) -> impl Future<Output = StoreResult<Option<(String, AddressGrant)>>> + Send;

    /// A user and the account of an address, in one consistent read. The
    /// address may be another user's.
    fn user_and_address(
        &self,
        user_id: &UserId,
        email: &Email,
    ) -> impl Future<Output = StoreResult<(Option<User>, Option<CredentialAccount>)>> + Send;
}

/// The address of a user, to be marked as verified.
#[derive(Clone, Copy, Debug)]
pub struct Verification<'a> {
    /// Hash of the token that is spent.
    pub token_hash: &'a str,
    /// The user as they were read. Nothing happens if address, password,
    /// accounts, sessions or second factor have changed since.
    pub user: &'a User,
    /// What lets the user in, if following the link does.
    pub admission: Option<AdmissionRows<'a>>,
    /// How the account is taken from whoever made it, if it has to be.
    pub recovery: Option<Recovery<'a>>,
    /// Now.
    pub now: Timestamp,
}

/// The owner of an address takes an account over that somebody else may have
/// made: password, second factor, sessions, and links that never proved the
/// address end.
#[derive(Clone, Copy, Debug)]
pub struct Recovery<'a> {
    /// The new generation of sessions and password.
    pub generation: Timestamp,
    /// A token to set a password with, under its hash.
    pub reset: Option<(&'a str, &'a ResetGrant)>,
}

/// Marks addresses as verified.
pub trait VerifyAddress: Sync {
    /// In one transaction: spends the token, marks the address as verified,
    /// and stores what comes with it. Of any number of concurrent calls for a
    /// user one succeeds; `false` if the user or the token is not as expected.
    fn verify_address(&self, verification: Verification<'_>) -> impl Future<Output = StoreResult<bool>> + Send;
}

/// Starts changes of addresses.
pub trait StartEmailChange: Sync {
    /// In one transaction: stores the token and makes it the only one that
    /// counts. `false` if the user's address or sessions have changed.
    fn start_email_change(
        &self,
        token_hash: &str,
        grant: &EmailChangeGrant,
    ) -> impl Future<Output = StoreResult<bool>> + Send;
}

/// A user's address, to be changed.
#[derive(Clone, Copy, Debug)]
pub struct EmailChange<'a> {
    /// Hash of the token that is spent.
    pub token_hash: &'a str,
    /// The new address.
    pub new_email: &'a Email,
    /// The user as they were read.
    pub user: &'a User,
    /// The account of the old address as it was read.
    pub account: &'a CredentialAccount,
    /// A session that goes on, of all that the user has.
    pub kept: Option<&'a Session>,
    /// The new generation of sessions.
    pub generation: Timestamp,
    /// Now.
    pub now: Timestamp,
}

/// What became of a change of address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailChangeOutcome {
    /// The address is changed.
    Done,
    /// Somebody has the new address.
    Taken,
    /// The session that was to go on has ended.
    SessionEnded,
    /// The token was spent, or something else is not as it was read.
    Stale,
}

/// Takes changes of addresses further.
pub trait ChangeEmail: Sync {
    /// In one transaction: replaces the token of the consent by that of the
    /// change. Of any number of concurrent calls one succeeds.
    fn consent_to_email_change(
        &self,
        consent_hash: &str,
        change_hash: &str,
        change: &EmailChangeGrant,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<bool>> + Send;

    /// In one transaction: spends the token, moves the account to the new
    /// address, and ends all sessions but one. Of any number of concurrent
    /// calls for a token, or for an address, one succeeds.
    fn change_email(&self, change: EmailChange<'_>) -> impl Future<Output = StoreResult<EmailChangeOutcome>> + Send;
}

/// Keeps count of what nobody wants to be told twice.
pub trait ClaimNotice: Sync {
    /// Claims a notice until it may be given again. Of any number of
    /// concurrent calls one is answered `true`. `attempt` names this caller,
    /// so that its own repeated call, after a lost answer, is recognised.
    fn claim_notice(
        &self,
        key: &str,
        attempt: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<bool>> + Send;
}
