//! What a flow may touch, one narrow trait at a time.
//!
//! A flow's signature lists its traits, which is its least-privilege IAM policy
//! said in types. Time and randomness are arguments like everything else.

mod accounts;
mod admission;
mod deletion;
mod import;
mod limits;
mod magic_link;
mod profile;
mod providers;
mod revocation;
mod secret_rotation;
mod two_factor;
mod verification;

use std::future::Future;

pub use accounts::{FindAccounts, LinkAccount, LinkOutcome, RefreshTokens, UnlinkAccount};
pub use admission::{AdmissionRows, FindTrustedDevice, StoreAdmission};
pub use deletion::{DeleteUser, DeletionOutcome, FindDeletionToken, PurgeSessions, StoreDeletionToken};
pub use import::{Import, ImportUser, Obstacle};
pub use limits::{CountEvents, Counted, LimitAttempts, Reservation};
pub use magic_link::{FindMagicLink, RedeemMagicLink, Redemption, StoreMagicLink};
pub use profile::{ChangeOutcome, ChangePassword, ProfileChange, UpdateProfile};
pub use providers::{
    AskProvider, AuthorizationRequest, CodeExchange, OAuthError, OAuthProviders, ProviderSignIn, UserInfo,
    VerifiedIdToken, VerifyIdToken,
};
pub use revocation::{EndAllSessions, EndOtherSessions, ListSessions};
pub use secret_rotation::{RotateSigningSecret, SecretVersion, SecretVersions};
pub use two_factor::{
    Change, Completion, CountAttempts, CountedAttempt, EncryptionKeys, Enrol, FindFactor, OpenChallenge, Proof,
    Replacement, SpendCode, Spending, StoreMailedCode,
};
pub use verification::{
    ChangeEmail, ClaimNotice, EmailChange, EmailChangeOutcome, FindAddressGrant, Recovery, StartEmailChange,
    StoreVerificationToken, Verification, VerifyAddress,
};

use crate::domain::{
    CredentialAccount, Email, OAuthState, Password, ProviderIdentity, ResetGrant, SealedTokens, Session, SessionHandle,
    Timestamp, User, UserId, VerificationGrant,
};

/// The current time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// A cryptographically secure source of randomness.
pub trait Random: Send + Sync {
    /// Fills the buffer with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// A store could not do what was asked of it. Nothing was changed, or the same
/// call made again has the same effect as once.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Throttled, unreachable, too slow, or forbidden; trying later may help.
    #[error("{operation}: {reason}")]
    Unavailable {
        /// What was being done.
        operation: &'static str,
        /// The service's error code or the kind of failure; never data.
        reason: String,
    },
    /// A row does not have the shape that this version writes.
    #[error("{table}: unreadable attribute {attribute}")]
    Corrupt {
        /// Kind of row.
        table: &'static str,
        /// First attribute that could not be read.
        attribute: &'static str,
    },
}

/// Result of a store's call.
pub type StoreResult<T> = Result<T, StoreError>;

/// Creates users who sign up with a password.
pub trait RegisterUser: Sync {
    /// Creates user, credential account and what comes with them, or nothing
    /// at all. Of any number of concurrent calls for one address exactly one
    /// succeeds.
    fn register(&self, new: NewUser<'_>) -> impl Future<Output = StoreResult<Registration>> + Send;
}

/// Somebody to be created.
#[derive(Clone, Copy, Debug)]
pub struct NewUser<'a> {
    /// The user.
    pub user: &'a User,
    /// Hash of the password.
    pub password_hash: &'a str,
    /// The first session, if signing up signs in.
    pub session: Option<&'a Session>,
    /// A token that verifies the address, under its hash.
    pub verification: Option<(&'a str, &'a VerificationGrant)>,
}

/// What became of a sign-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// The user exists now.
    Created,
    /// The address belongs to somebody already.
    EmailTaken,
}

/// Reads who owns an e-mail address.
pub trait FindCredential: Sync {
    /// The credential account of an address, read consistently.
    fn credential(&self, email: &Email) -> impl Future<Output = StoreResult<Option<CredentialAccount>>> + Send;
}

/// Reads users.
pub trait FindUser: Sync {
    /// A user, read consistently.
    fn user(&self, id: &UserId) -> impl Future<Output = StoreResult<Option<User>>> + Send;
}

/// Replaces a password hash by a stronger one of the same password.
pub trait UpgradePasswordHash: Sync {
    /// Replaces `old` by `new`; does nothing if the hash is no longer `old`.
    fn upgrade(&self, email: &Email, old: &str, new: &str) -> impl Future<Output = StoreResult<()>> + Send;
}

/// Reads sessions with their owners.
pub trait FindSession: Sync {
    /// The rows of a session and of its user, in one consistent read. The
    /// caller decides whether the session is alive.
    fn session(&self, handle: &SessionHandle) -> impl Future<Output = StoreResult<Option<(Session, User)>>> + Send;
}

/// Extends sessions in use.
pub trait ExtendSession: Sync {
    /// Moves the expiry from `session.expires_at` to `expires_at`. `false` if
    /// the session is gone or was extended by somebody else: a session that
    /// ended is never brought back.
    fn extend(
        &self,
        session: &Session,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<bool>> + Send;
}

/// Ends sessions.
pub trait EndSession: Sync {
    /// Ends a session; ending one that does not exist is no error.
    fn end_session(&self, handle: &SessionHandle) -> impl Future<Output = StoreResult<()>> + Send;
}

/// Stores password reset tokens.
pub trait StoreResetToken: Sync {
    /// Stores a grant under the hash of its token.
    fn store_reset_token(&self, token_hash: &str, grant: &ResetGrant) -> impl Future<Output = StoreResult<()>> + Send;
}

/// Reads password reset tokens.
pub trait FindResetToken: Sync {
    /// The grant under a hash, expired or not, read consistently.
    fn reset_token(&self, token_hash: &str) -> impl Future<Output = StoreResult<Option<ResetGrant>>> + Send;
}

/// Sets a password by a reset token.
pub trait ResetPassword: Sync {
    /// In one transaction: consumes the token, sets the password, makes every
    /// other reset token of the user worthless and ends all sessions. Of any
    /// number of concurrent calls exactly one succeeds.
    fn reset_password(
        &self,
        token_hash: &str,
        grant: &ResetGrant,
        user_id: &UserId,
        password_hash: &str,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<ResetOutcome>> + Send;

    /// Deletes a token that is worthless.
    fn forget_reset_token(&self, token_hash: &str) -> impl Future<Output = StoreResult<()>> + Send;
}

/// What became of a password reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetOutcome {
    /// The password is set.
    Done,
    /// The token was used, or the password or address changed in between.
    Stale,
}

/// Stores the state of OAuth sign-ins.
pub trait StoreOAuthState: Sync {
    /// Stores a state under the hash of its token.
    fn store_oauth_state(&self, token_hash: &str, state: &OAuthState) -> impl Future<Output = StoreResult<()>> + Send;
}

/// Reads the state of OAuth sign-ins without redeeming it.
pub trait FindOAuthState: Sync {
    /// The unused state under a hash, expired or not.
    fn oauth_state(&self, token_hash: &str) -> impl Future<Output = StoreResult<Option<OAuthState>>> + Send;
}

/// Redeems the state of OAuth sign-ins.
pub trait ConsumeOAuthState: Sync {
    /// Takes the state, if nobody took it before. `attempt` names this caller,
    /// so that its own repeated call, after a lost answer, is recognised.
    fn consume_oauth_state(
        &self,
        token_hash: &str,
        attempt: &str,
    ) -> impl Future<Output = StoreResult<Option<OAuthState>>> + Send;
}

/// Makes id tokens single-use that a client presents.
pub trait SpendIdToken: Sync {
    /// Remembers the hash of an id token until `expires_at`. `false` if it is
    /// remembered already: of any number of concurrent calls exactly one is
    /// told `true`.
    fn spend_id_token(&self, token_hash: &str, expires_at: Timestamp)
    -> impl Future<Output = StoreResult<bool>> + Send;
}

/// The accounts that an OAuth identity might sign in to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OAuthAccounts {
    /// The user whom the identity is linked to.
    pub linked: Option<LinkedAccount>,
    /// The owner of the identity's e-mail address.
    pub email_owner: Option<CredentialAccount>,
}

/// A link between an OAuth identity and a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedAccount {
    /// The user.
    pub user_id: UserId,
    /// Generation of the user's sessions that the link last saw.
    pub generation: Timestamp,
    /// The address that the provider had verified while it was the user's. A
    /// link that has proven no address, or another than the user has now, is
    /// only as good as its generation: whoever recovers the account by its
    /// address ends it.
    pub proven_email: Option<Email>,
}

/// Reads and writes what an OAuth sign-in needs.
pub trait OAuthStore: Sync {
    /// Both accounts in one consistent read.
    fn oauth_accounts(&self, identity: &ProviderIdentity) -> impl Future<Output = StoreResult<OAuthAccounts>> + Send;

    /// In one transaction: creates user, provider account, e-mail account and
    /// first session. `false` if identity or address was taken meanwhile.
    fn register_oauth(
        &self,
        user: &User,
        identity: &ProviderIdentity,
        tokens: Option<&SealedTokens>,
        session: &Session,
    ) -> impl Future<Output = StoreResult<bool>> + Send;

    /// In one transaction: admits a linked user, or links the identity and
    /// admits the user, provided that the user is as `expected`. Tokens, if
    /// there are any, replace those of the link.
    fn sign_in_oauth(
        &self,
        identity: &ProviderIdentity,
        tokens: Option<&SealedTokens>,
        rows: AdmissionRows<'_>,
        expected: &ExpectedUser,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<OAuthSignIn>> + Send;
}

/// What must hold of the user's row for an OAuth sign-in to go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedUser {
    /// Enrolment of the second factor.
    pub two_factor_since: Option<Timestamp>,
    /// Whether this sign-in links the identity first.
    pub link: bool,
    /// Whether the user's address must be verified. Always so when linking.
    pub email_verified: bool,
    /// Whether to mark the address as verified, since the provider vouches for it.
    pub verify_email: bool,
    /// Whether to bring the link's copy of the generation of sessions up to date.
    pub refresh_link: bool,
    /// Whether the provider has verified the very address that the user has;
    /// the link remembers it then.
    pub proven: bool,
}

/// What became of an OAuth sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OAuthSignIn {
    /// The rows exist now.
    Done,
    /// The user is not as expected; here is the row as it is.
    Differs(Box<User>),
    /// The user or the link is gone, or the identity was linked meanwhile.
    Gone,
}

/// Computes and compares password hashes, off the async thread.
pub trait HashPassword: Sync {
    /// A fresh hash in PHC format.
    fn hash(&self, password: Password) -> impl Future<Output = Result<String, HashError>> + Send;

    /// Compares with a stored hash. Without one it does the same work and
    /// answers [`Verdict::Wrong`].
    fn verify(
        &self,
        password: Password,
        stored: Option<String>,
    ) -> impl Future<Output = Result<Verdict, HashError>> + Send;
}

/// The hash could not be computed.
#[derive(Debug, thiserror::Error)]
#[error("password hash failed: {0}")]
pub struct HashError(pub String);

/// Result of comparing a password with a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not the password, or there is none.
    Wrong,
    /// The password. If the hash is weaker than what is configured now, a
    /// stronger one comes with the answer.
    Right {
        /// A hash of the same password with the current parameters.
        upgraded: Option<String>,
    },
}

/// A message to one person.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Recipient.
    pub to: Email,
    /// Subject line.
    pub subject: String,
    /// Plain text part.
    pub text: String,
    /// HTML part.
    pub html: String,
}

/// Sends mail.
pub trait SendMail: Sync {
    /// Hands a message over for delivery.
    fn send(&self, mail: &Mail) -> impl Future<Output = Result<(), MailError>> + Send;
}

/// A message was not accepted for delivery.
#[derive(Debug, thiserror::Error)]
#[error("mail was not sent: {0}")]
pub struct MailError(pub String);
