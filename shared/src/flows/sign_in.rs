use super::{Admission, AdmissionError, Context, FirstFactor, admit};
use crate::{
    domain::{CredentialAccount, Email, Password, User, UserId},
    ports::{
        FindCredential, FindTrustedDevice, FindUser, HashError, HashPassword, StoreAdmission, StoreError,
        UpgradePasswordHash, Verdict,
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

/// Signs in with a password: one read, then the hash with the user's row read
/// beside it, then one write.
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
    S: FindCredential + FindUser + FindTrustedDevice + StoreAdmission + UpgradePasswordHash,
{
    for _ in 0..ATTEMPTS {
        let account = store.credential(email).await?;
        let (verdict, user) = check(context, hasher, store, account.as_ref(), password.clone()).await?;
        let (Some(account), Verdict::Right { upgraded }) = (account, verdict) else {
            return Err(SignInError::Invalid);
        };
        let user = user.ok_or(SignInError::Invalid)?;
        if user.password_changed_at != account.password_changed_at {
            continue;
        }
        if context.requires_verification && !user.email_verified {
            return Err(SignInError::NotVerified);
        }
        let admission = admit(context, store, &user, factor).await?;
        let upgrade = async {
            if let (Some(old), Some(new)) = (&account.password_hash, &upgraded) {
                // A later sign-in tries again; this one has succeeded.
                let _ = store.upgrade(email, old, new).await;
            }
        };
        let (created, ()) = futures_util::join!(store.store_admission(admission.rows()), upgrade);
        created?;
        return Ok((user, admission));
    }
    Err(StoreError::Unavailable { operation: "sign in", reason: "the password keeps changing".to_owned() }.into())
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
