use super::{Admission, AdmissionError, Attempt, AttemptError, Context, FirstFactor, admit};
use crate::{
    domain::{CredentialAccount, Email, Password, Timestamp, User, UserId},
    ports::{
        FindCredential, FindTrustedDevice, FindUser, HashError, HashPassword, LimitAttempts, StoreAdmission,
        StoreError, UpgradePasswordHash, Verdict,
    },
};

/// How often a sign-in that met a password change starts over.
const ATTEMPTS: usize = 3;

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Unknown address, no password, or the wrong one; nobody learns which.
    #[error("invalid e-mail address or password")]
    Invalid,
    /// The password is right, but the address has to be verified first.
    #[error("e-mail address not verified")]
    NotVerified,
    /// A hook refused.
    #[error("sign-in refused by a hook")]
    Refused,
    /// Too many wrong passwords; the next one may be tried at this time.
    #[error("locked")]
    Locked(Timestamp),
    /// The hash failed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The store failed; no session was made.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AdmissionError> for SignInError {
    fn from(error: AdmissionError) -> Self {
        match error {
            AdmissionError::Refused => Self::Refused,
            AdmissionError::Store(error) => Self::Store(error),
        }
    }
}

/// Signs in with a password: one read, beside which the attempt is reserved,
/// then the hash with the user's row read beside it, then one write. A device
/// that knew an older password is counted with the strangers, too, which takes
/// one round trip more.
///
/// The two reads are two points in time. Account and user both say when the
/// password was set, and a reset changes both at once, so that a password is
/// never honoured that a reset ended between them; and the session is of the
/// generation that was read, so that a reset after them ends it too.
///
/// # Errors
/// [`SignInError`]. An unknown address costs the same work as a wrong password.
pub async fn sign_in<S>(
    context: &Context<'_>,
    hasher: &impl HashPassword,
    store: &S,
    email: &Email,
    password: Password,
    factor: FirstFactor<'_>,
) -> Result<(User, Admission), SignInError>
where
    S: FindCredential + FindUser + FindTrustedDevice + StoreAdmission + UpgradePasswordHash + LimitAttempts,
{
    let device = factor.client.known_device.as_ref();
    let mut attempt = Attempt::to_sign_in(context, email, device);
    let (account, reserved) = futures_util::join!(store.credential(email), attempt.reserve(context, store));
    reserved?;
    let mut account = account?;
    if device.is_some_and(|device| !account.as_ref().is_some_and(|found| device.knows(found.password_changed_at))) {
        attempt = Attempt::to_sign_in(context, email, None);
        attempt.reserve(context, store).await?;
    }
    for _ in 0..ATTEMPTS {
        let (verdict, user) = check(context, hasher, store, account.as_ref(), password.clone()).await?;
        let (Some(found), Verdict::Right { upgraded }) = (account, verdict) else {
            return Err(SignInError::Invalid);
        };
        let user = user.ok_or(SignInError::Invalid)?;
        if user.password_changed_at != found.password_changed_at {
            account = store.credential(email).await?;
            continue;
        }
        if context.requires_verification && !user.email_verified {
            attempt.succeeded(store).await;
            return Err(SignInError::NotVerified);
        }
        let admission = admit(context, store, &user, factor.clone()).await?;
        let upgrade = async {
            if let (Some(old), Some(new)) = (&found.password_hash, &upgraded) {
                // A later sign-in tries again; this one has succeeded.
                let _ = store.upgrade(email, old, new).await;
            }
        };
        let (stored, (), ()) =
            futures_util::join!(store.store_admission(admission.rows()), upgrade, attempt.succeeded(store));
        if stored? {
            return Ok((user, admission));
        }
        // Another sign-in has used the device's token up: this one is asked.
        let admission = admit(context, store, &user, FirstFactor { device: None, ..factor }).await?;
        store.store_admission(admission.rows()).await?;
        return Ok((user, admission));
    }
    Err(StoreError::Unavailable { operation: "sign in", reason: "the password keeps changing".to_owned() }.into())
}

impl From<AttemptError> for SignInError {
    fn from(error: AttemptError) -> Self {
        match error {
            AttemptError::Locked(until) => Self::Locked(until),
            AttemptError::Hash(error) => Self::Hash(error),
            AttemptError::Store(error) => Self::Store(error),
        }
    }
}

/// Compares the password and reads the user meanwhile. A wrong password is
/// wrong whatever became of the read.
async fn check(
    context: &Context<'_>,
    hasher: &impl HashPassword,
    store: &impl FindUser,
    account: Option<&CredentialAccount>,
    password: Password,
) -> Result<(Verdict, Option<User>), SignInError> {
    let hash = account.and_then(|account| account.password_hash.clone());
    // Nobody is looked up for an unknown address, by the same means.
    let id = account.map_or_else(|| UserId::generate(context.random), |account| account.user_id.clone());
    let (verdict, user) = futures_util::join!(hasher.verify(password, hash), store.user(&id));
    match verdict? {
        Verdict::Wrong => Ok((Verdict::Wrong, None)),
        right => Ok((right, user?)),
    }
}
