//! The second factor: enrolment, codes, and what they open.

mod enrolment;
mod mailed_code;
mod proof;
mod sign_in;
mod step_up;

pub use enrolment::{Enrolment, disable_two_factor, replace_backup_codes, show_secret, start_enrolment};
pub use mailed_code::{NewMailedCode, code_for_challenge, code_for_session};
pub use proof::ShownCode;
pub use sign_in::{CompletedSignIn, NewDevice, complete_sign_in, spend_backup_code};
pub use step_up::{StepUp, step_up};

use super::{AttemptError, PasswordError};
use crate::{
    domain::{AttemptId, Timestamp, UserId},
    ports::{CountAttempts, StoreError},
};

/// Why a request about the second factor came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum TwoFactorError {
    /// The password is wrong, or the user has none.
    #[error("wrong password")]
    WrongPassword,
    /// The user has no second factor of the kind.
    #[error("second factor not enabled")]
    NotEnabled,
    /// The user has one already.
    #[error("second factor enabled already")]
    AlreadyEnabled,
    /// There is no such sign-in that waits for its second factor.
    #[error("invalid challenge")]
    InvalidChallenge,
    /// The session is over.
    #[error("session over")]
    SessionOver,
    /// No code was mailed, or it has expired.
    #[error("no mailed code")]
    NoMailedCode,
    /// The code is wrong, or was used before. The only error that leaves the
    /// attempt counted.
    #[error("wrong code")]
    WrongCode,
    /// Too many were tried on this challenge, or on this mailed code.
    #[error("too many attempts")]
    TooManyAttempts,
    /// Too many failed for this user; a code may be tried again at this time.
    #[error("too many failures")]
    Locked(Option<Timestamp>),
    /// Too many mails went to the address; there may be another at this time.
    #[error("mails used up")]
    MailsUsedUp(Timestamp),
    /// A hook refused.
    #[error("sign-in refused by a hook")]
    Refused,
    /// The secret in the user's row was sealed for another user, or with keys
    /// that are gone.
    #[error("the second factor's secret cannot be opened")]
    Sealed,
    /// The password was not tried.
    #[error(transparent)]
    Password(AttemptError),
    /// The store failed; nobody was let in.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<PasswordError> for TwoFactorError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Missing | PasswordError::Wrong => Self::WrongPassword,
            PasswordError::Overtaken => Self::SessionOver,
            PasswordError::Attempt(error) => Self::Password(error),
        }
    }
}

/// Leaves an attempt counted that was looked at, and takes any other back: what
/// fails for a reason of ours, or opens nothing whatever the code, costs none.
async fn settle<T>(
    store: &impl CountAttempts,
    result: Result<T, TwoFactorError>,
    token_hash: Option<&str>,
    user_id: Option<&UserId>,
    attempt: &AttemptId,
) -> Result<T, TwoFactorError> {
    if let Err(error) = &result
        && !matches!(error, TwoFactorError::WrongCode)
    {
        // If this fails too, the attempt stays counted; nothing else is lost.
        let _ = store.take_back(token_hash, user_id, attempt).await;
    }
    result
}
