use std::future::Future;

use super::StoreResult;
use crate::domain::{CredentialAccount, Session, SessionHandle, Timestamp, User, UserId};

/// What a user changes of the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfileChange<'a> {
    /// The new name, if it changes.
    pub name: Option<&'a str>,
    /// The new image, or that there is none any more, if it changes.
    pub image: Option<Option<&'a str>>,
}

/// Changes profiles.
pub trait UpdateProfile: Sync {
    /// Changes what is named and nothing else. `false` if the user is gone.
    fn update_profile(
        &self,
        user_id: &UserId,
        change: ProfileChange<'_>,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<bool>> + Send;
}

/// Changes passwords that are known.
pub trait ChangePassword: Sync {
    /// In one transaction: sets the password, starts the generation of sessions
    /// that `successor` is of, and replaces the session `current` by it. With
    /// that every other session, trusted device, challenge and reset token of
    /// the user is dead. `user` and `account` are as they were read; of any
    /// number of concurrent calls exactly one succeeds.
    fn change_password(
        &self,
        user: &User,
        account: &CredentialAccount,
        password_hash: &str,
        current: &SessionHandle,
        successor: &Session,
    ) -> impl Future<Output = StoreResult<ChangeOutcome>> + Send;
}

/// What became of a change of password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// The password is changed.
    Done,
    /// Password, sessions or address have changed since they were read.
    Stale,
}
