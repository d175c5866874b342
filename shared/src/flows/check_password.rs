use super::{AttemptError, Context, verify_password};
use crate::{
    domain::{CredentialAccount, Password, User},
    ports::{FindCredential, HashPassword, LimitAttempts, StoreError, Verdict},
};

/// Why the password of a signed-in user was not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The user has none.
    #[error("no password")]
    Missing,
    /// It is another one.
    #[error("wrong password")]
    Wrong,
    /// It was changed since the user was read, which has ended the session.
    #[error("password changed meanwhile")]
    Overtaken,
    /// It was not tried.
    #[error(transparent)]
    Attempt(#[from] AttemptError),
}

impl From<StoreError> for PasswordError {
    fn from(error: StoreError) -> Self {
        Self::Attempt(error.into())
    }
}

/// Confirms the password of somebody who is signed in: one read and the hash,
/// as often as the lockout allows. Whatever asks for it comes through here, and
/// gets the account as it was read. A user without a password costs the same
/// work.
///
/// # Errors
/// [`PasswordError`].
pub async fn check_password<S>(
    context: &Context<'_>,
    hasher: &impl HashPassword,
    store: &S,
    user: &User,
    password: Password,
) -> Result<CredentialAccount, PasswordError>
where
    S: FindCredential + LimitAttempts,
{
    let account = store.credential(&user.email).await?.filter(|account| account.user_id == user.id);
    // Both rows say when the password was set, as sign-in has it.
    if account.as_ref().is_some_and(|account| account.password_changed_at != user.password_changed_at) {
        return Err(PasswordError::Overtaken);
    }
    let stored = account.as_ref().and_then(|account| account.password_hash.clone());
    let has_password = stored.is_some();
    match (verify_password(context, hasher, store, &user.id, password, stored).await?, account) {
        (Verdict::Right { .. }, Some(account)) => Ok(account),
        _ if has_password => Err(PasswordError::Wrong),
        _ => Err(PasswordError::Missing),
    }
}
