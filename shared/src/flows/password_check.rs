use crate::{
    domain::{Password, User},
    ports::{FindCredential, HashError, HashPassword, StoreError, Verdict},
};

/// Why a password was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// It is wrong, or the user has none.
    #[error("wrong password")]
    Wrong,
    /// The hash failed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Compares the password of somebody who is signed in, before something that
/// the session alone does not allow: one read, then the hash. **Every** such
/// comparison of the second factor's endpoints comes through here.
///
/// A user without a password costs the same work. A password that was set
/// since the user's row was read is not taken: the session is over then.
///
/// # Errors
/// [`PasswordError`].
pub async fn check_password(
    hasher: &impl HashPassword,
    store: &impl FindCredential,
    user: &User,
    password: Password,
) -> Result<(), PasswordError> {
    let account = store.credential(&user.email).await?.filter(|account| account.user_id == user.id);
    let stored = account.as_ref().and_then(|account| account.password_hash.clone());
    let verdict = hasher.verify(password, stored).await?;
    let is_current = account.is_some_and(|account| account.password_changed_at == user.password_changed_at);
    if is_current && verdict != Verdict::Wrong { Ok(()) } else { Err(PasswordError::Wrong) }
}
