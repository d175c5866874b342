//! How often passwords may be tried for one account.

use super::Context;
use crate::{
    domain::{Email, KnownDevice, Lockout, Password, Scope, Timestamp, UserId},
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
    pub fn to_sign_in(context: &Context<'_>, email: &Email, device: Option<&KnownDevice>) -> Self {
        Self::new(context, || device.map_or_else(|| Scope::account(email), Scope::device))
    }

    /// At the password of whoever is signed in as a user. These attempts have a
    /// count of their own, too: a stranger cannot use it up, and who took a
    /// session cannot guess on.
    pub fn of_user(context: &Context<'_>, user_id: &UserId) -> Self {
        Self::new(context, || Scope::user(user_id))
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
/// allows.
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
    let attempt = Attempt::of_user(context, user_id);
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::{adapters::OsRandom, domain::Limits};

    /// Remembers what it is asked, and lets two through in a row.
    #[derive(Default)]
    struct Counter(Mutex<Vec<Scope>>);

    impl LimitAttempts for Counter {
        async fn reserve(&self, scope: &Scope, _: Lockout, now: Timestamp) -> StoreResult<Reservation> {
            let mut attempts = self.0.lock().unwrap();
            if attempts.len() == 2 {
                return Ok(Reservation::Locked(now));
            }
            attempts.push(scope.clone());
            Ok(Reservation::Granted)
        }

        async fn forget(&self, scope: &Scope) -> StoreResult<()> {
            self.0.lock().unwrap().retain(|attempt| attempt != scope);
            Ok(())
        }
    }

    /// Knows one password, and hashes nothing.
    struct Hasher;

    impl HashPassword for Hasher {
        async fn hash(&self, _: Password) -> Result<String, HashError> {
            Err(HashError("not asked for".to_owned()))
        }

        async fn verify(&self, password: Password, _: Option<String>) -> Result<Verdict, HashError> {
            let is_right = password.as_bytes() == b"the right password";
            Ok(if is_right { Verdict::Right { upgraded: None } } else { Verdict::Wrong })
        }
    }

    fn context(limits: Option<Limits>) -> Context<'static> {
        Context { limits, ..Context::for_tests() }
    }

    async fn verify(context: &Context<'_>, counter: &Counter, user_id: &UserId, password: &str) -> Option<Verdict> {
        let password = Password::new(password).unwrap();
        match verify_password(context, &Hasher, counter, user_id, password, None).await {
            Ok(verdict) => Some(verdict),
            Err(AttemptError::Locked(_)) => None,
            Err(error) => panic!("{error}"),
        }
    }

    #[tokio::test]
    async fn whoever_is_signed_in_is_locked_out_like_everybody() {
        let (context, counter) = (context(Some(Limits::default())), Counter::default());
        let id = UserId::generate(&OsRandom);
        let right = Some(Verdict::Right { upgraded: None });
        for _ in 0..2 {
            assert_eq!(verify(&context, &counter, &id, "a wrong password").await, Some(Verdict::Wrong));
            // A success forgets the failure before it.
            assert_eq!(verify(&context, &counter, &id, "the right password").await, right);
        }
        for _ in 0..2 {
            assert_eq!(verify(&context, &counter, &id, "a wrong password").await, Some(Verdict::Wrong));
        }
        assert_eq!(verify(&context, &counter, &id, "the right password").await, None);
        assert_eq!(*counter.0.lock().unwrap(), [Scope::user(&id), Scope::user(&id)]);
    }

    #[tokio::test]
    async fn without_limits_nothing_is_counted() {
        let (context, counter) = (context(None), Counter::default());
        let id = UserId::generate(&OsRandom);
        for _ in 0..9 {
            assert_eq!(verify(&context, &counter, &id, "a wrong password").await, Some(Verdict::Wrong));
        }
        assert!(counter.0.lock().unwrap().is_empty());
    }
}
