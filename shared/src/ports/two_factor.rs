//! What the second factor needs of the stores.

use std::{future::Future, sync::Arc};

use super::StoreResult;
use crate::{
    crypto::Keyring,
    domain::{
        AttemptId, Challenge, Factor, MailedCode, Session, SessionHandle, Timestamp, TrustedDevice, User, UserId,
    },
};

/// The keys that factors are sealed and codes are hashed with. They are read
/// when they are first needed.
pub trait EncryptionKeys: Sync {
    /// The keys.
    fn encryption_keys(&self) -> impl Future<Output = StoreResult<Arc<Keyring>>> + Send;

    /// Newer keys than the given ones, since they do not open something.
    fn newer_keys(&self, known: &Keyring) -> impl Future<Output = Option<Arc<Keyring>>> + Send;
}

/// What became of an attempt that was to be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CountedAttempt<T> {
    /// It is counted, and may be looked at; here is what it is made on.
    Yes(T),
    /// There were too many before it. On a user's factor this ends, if nothing
    /// else is tried, at the time that comes with it.
    TooMany(Option<Timestamp>),
    /// There is nothing to make it on, or it has expired.
    Nothing,
}

/// A challenge, with the code that was mailed for it last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenChallenge {
    /// The challenge.
    pub challenge: Challenge,
    /// The mailed code, expired or not.
    pub code: Option<MailedCode>,
}

/// Counts attempts before they are looked at. Counts are exact however many
/// are made at once, and counting one attempt twice is counting it once.
pub trait CountAttempts: Sync {
    /// On a challenge that has not expired: at most
    /// [`MAX_ATTEMPTS`](crate::domain::MAX_ATTEMPTS).
    fn count_on_challenge(
        &self,
        token_hash: &str,
        attempt: &AttemptId,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<CountedAttempt<OpenChallenge>>> + Send;

    /// On a code that was mailed to somebody signed in and has not expired: at
    /// most [`MAX_ATTEMPTS`](crate::domain::MAX_ATTEMPTS).
    fn count_on_code(
        &self,
        key: &str,
        attempt: &AttemptId,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<CountedAttempt<MailedCode>>> + Send;

    /// On a user's factor: at most [`MAX_FAILURES`](crate::domain::MAX_FAILURES)
    /// that still count.
    fn count_on_factor(
        &self,
        user_id: &UserId,
        attempt: &AttemptId,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<CountedAttempt<Factor>>> + Send;

    /// Takes an attempt back that was not looked at, from a challenge or code
    /// and from a user's factor; where it is not counted nothing happens.
    fn take_back(
        &self,
        token_hash: Option<&str>,
        user_id: Option<&UserId>,
        attempt: &AttemptId,
    ) -> impl Future<Output = StoreResult<()>> + Send;
}

/// A code that was right when it was looked at, and how it is spent.
#[derive(Clone, Copy, Debug)]
pub enum Proof<'a> {
    /// A code of the authenticator, of a step. No code of this step or an
    /// older one counts from then on.
    Step {
        /// The step.
        step: i64,
        /// The secret that it was checked with.
        sealed_secret: &'a str,
        /// The same secret sealed anew, if it is time for that.
        resealed: Option<&'a str>,
    },
    /// A backup code, by its hash.
    BackupCode(&'a str),
    /// A mailed code.
    MailedCode {
        /// Key of the row that it is in.
        key: &'a str,
        /// Its hash.
        hash: &'a str,
    },
}

/// What became of a code that was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spending {
    /// It is spent, its work is done, and the user's failures are forgotten.
    Done,
    /// It was spent before, or is no code of the user's any more.
    SpentBefore,
    /// What it was to open is gone: the challenge or session is over, or the
    /// user is another than was read.
    Gone,
}

/// A sign-in that its second factor completes.
#[derive(Clone, Copy, Debug)]
pub struct Completion<'a> {
    /// Hash of the challenge's token.
    pub token_hash: &'a str,
    /// The challenge, which is consumed.
    pub challenge: &'a Challenge,
    /// The session.
    pub session: &'a Session,
    /// The device to trust from now on, under the hash of its token.
    pub device: Option<(&'a str, &'a TrustedDevice)>,
}

/// Spends codes, each once, in one transaction with what they open.
pub trait SpendCode: Sync {
    /// Completes a sign-in, provided that the user is of the challenge's
    /// generation and enrolment.
    fn complete_sign_in(
        &self,
        proof: Proof<'_>,
        completion: Completion<'_>,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<Spending>> + Send;

    /// Spends a code for nothing but the answer that it was right, provided
    /// that the user is of the same generation and enrolment.
    fn spend(
        &self,
        proof: Proof<'_>,
        user: &User,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<Spending>> + Send;
}

/// One session in place of another, and of all others if it is of a new
/// generation.
#[derive(Clone, Copy, Debug)]
pub struct Replacement<'a> {
    /// The session that asked; it must exist.
    pub old: &'a SessionHandle,
    /// The one that takes its place.
    pub new: &'a Session,
}

/// What became of a change of somebody's factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is made.
    Done,
    /// The factor is not as expected; nothing was changed.
    OtherFactor,
    /// The user or the session is not as read; nothing was changed.
    OtherUser,
}

/// Enrols second factors and gives them up. Each of it only as long as the
/// user is of the same generation of sessions: whoever is locked out meanwhile
/// changes nothing.
pub trait Enrol: Sync {
    /// Stores a factor that is not enabled yet, in place of any other such.
    /// Not if one is enabled.
    fn store_factor(
        &self,
        factor: &Factor,
        user: &User,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<Change>> + Send;

    /// Enables the factor by its first code, which was of `step` and checked
    /// with `sealed_secret`, and replaces the session.
    fn enable_factor(
        &self,
        step: i64,
        sealed_secret: &str,
        user: &User,
        sessions: Replacement<'_>,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<Change>> + Send;

    /// Deletes the factor, enabled or not, and replaces the session.
    fn delete_factor(
        &self,
        user: &User,
        sessions: Replacement<'_>,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<Change>> + Send;

    /// Replaces all backup codes of an enabled factor.
    fn replace_backup_codes(
        &self,
        hashes: &[String],
        user: &User,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<Change>> + Send;
}

/// Reads second factors.
pub trait FindFactor: Sync {
    /// A user's factor, enabled or not, read consistently.
    fn factor(&self, user_id: &UserId) -> impl Future<Output = StoreResult<Option<Factor>>> + Send;
}

/// Keeps mailed codes. A new one replaces the one before it.
pub trait StoreMailedCode: Sync {
    /// The challenge under the hash of a token, expired or not, read
    /// consistently.
    fn challenge(&self, token_hash: &str) -> impl Future<Output = StoreResult<Option<Challenge>>> + Send;

    /// For a challenge that has not expired and takes mailed codes; `false` if
    /// there is no such.
    fn store_code_of_challenge(
        &self,
        token_hash: &str,
        code: &MailedCode,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<bool>> + Send;

    /// For somebody who is signed in.
    fn store_code_of_session(
        &self,
        key: &str,
        user_id: &UserId,
        code: &MailedCode,
    ) -> impl Future<Output = StoreResult<()>> + Send;
}
