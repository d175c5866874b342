//! How often passwords may be tried for one account.

use super::{Client, Context};
use crate::{
    domain::{Email, Lockout, Password, Scope, Timestamp, UserId},
    ports::{HashError, HashPassword, LimitAttempts, Reservation, StoreError, StoreResult, Verdict},
};

/// Why a password was not tried.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// Too many failures; nobody learns whether the password is right.
    #[error("locked")]
    Locked(Timestamp),
    /// The hash failed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An attempt at a password. With limits off it goes through, and no row is
/// touched.
#[derive(Debug)]
pub struct Attempt(Option<(Scope, Lockout)>);

impl Attempt {
    /// At the password of an address, known or not. A device that has signed
    /// in to it before has a count of its own, so that strangers who fail on
    /// purpose do not lock its owner out.
    pub fn to_sign_in(context: &Context<'_>, email: &Email, client: &Client) -> Self {
        Self::new(context, || client.known_device.as_ref().map_or_else(|| Scope::account(email), Scope::device))
    }

    fn new(context: &Context<'_>, scope: impl FnOnce() -> Scope) -> Self {
        Self(context.limits.as_ref().map(|limits| (scope(), Lockout::new(limits))))
    }

    /// Reserves the attempt: one round trip, which has to be over before the
    /// hash starts. It counts as failed from now on.
    ///
    /// # Errors
    /// [`AttemptError::Locked`] or [`AttemptError::Store`].
    pub async fn reserve(&self, context: &Context<'_>, store: &impl LimitAttempts) -> Result<(), AttemptError> {
        let Some((scope, lockout)) = &self.0 else { return Ok(()) };
        match store.reserve(scope, *lockout, context.clock.now()).await? {
            Reservation::Granted => Ok(()),
            Reservation::Locked(until) => Err(AttemptError::Locked(until)),
        }
    }

    /// The password was right: all failures are forgotten. If that does not
    /// come about, the next success does it.
    pub async fn succeeded(&self, store: &impl LimitAttempts) {
        if let Some((scope, _)) = &self.0 {
            let _ = store.forget(scope).await;
        }
    }
}

/// Compares the password of somebody who is signed in, as often as the lockout
/// allows. These attempts have a count of their own: a stranger cannot use it
/// up, and who took a session cannot guess on.
///
/// # Errors
/// [`AttemptError`].
pub async fn verify_password(
    context: &Context<'_>,
    hasher: &impl HashPassword,
    store: &impl LimitAttempts,
    user_id: &UserId,
    password: Password,
    stored: Option<String>,
) -> Result<Verdict, AttemptError> {
    let attempt = Attempt::new(context, || Scope::user(user_id));
    attempt.reserve(context, store).await?;
    let verdict = hasher.verify(password, stored).await?;
    if verdict != Verdict::Wrong {
        attempt.succeeded(store).await;
    }
    Ok(verdict)
}

/// Forgets the failures at an address: whoever reads its mail has shown more
/// than a password.
///
/// # Errors
/// The store's.
pub async fn forget_failures(context: &Context<'_>, store: &impl LimitAttempts, email: &Email) -> StoreResult<()> {
    match context.limits {
        Some(_) => store.forget(&Scope::account(email)).await,
        None => Ok(()),
    }
}
