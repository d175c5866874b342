use super::{TwoFactorError, proof::open_secret};
use crate::{
    crypto::{HashedCode, Keyring, TotpSecret, hash_code},
    domain::{BACKUP_CODES, BackupCode, Factor, LiveSession, Password, User},
    flows::{Client, Context, NewSession, check_password},
    ports::{Change, EncryptionKeys, Enrol, FindCredential, FindFactor, HashPassword, LimitAttempts, Replacement},
};

/// A second factor that waits for its first code, with the only copies of its
/// secrets.
pub struct Enrolment {
    /// The authenticator's secret.
    pub secret: TotpSecret,
    /// The backup codes.
    pub backup_codes: Vec<BackupCode>,
}

/// Starts an enrolment, in place of any other that is not finished: of many at
/// once the last one counts, and only its secret can be enabled. Nothing is
/// asked of the user before that.
///
/// # Errors
/// [`TwoFactorError`].
pub async fn start_enrolment<S>(
    context: &Context<'_>,
    hasher: &impl HashPassword,
    store: &S,
    encryption: &impl EncryptionKeys,
    user: &User,
    password: Password,
) -> Result<Enrolment, TwoFactorError>
where
    S: FindCredential + LimitAttempts + Enrol,
{
    check_password(context, hasher, store, user, password).await?;
    if user.two_factor_since.is_some() {
        return Err(TwoFactorError::AlreadyEnabled);
    }
    let keys = encryption.encryption_keys().await?;
    let secret = TotpSecret::generate(context.random);
    let (backup_codes, hashes) = new_backup_codes(context, &keys, user);
    let factor = Factor {
        user_id: user.id.clone(),
        sealed_secret: secret.seal(&keys, &user.id, context.random),
        enabled: false,
        last_used_step: 0,
        backup_codes: hashes,
    };
    match store.store_factor(&factor, user, context.clock.now()).await? {
        Change::Done => Ok(Enrolment { secret, backup_codes }),
        Change::OtherFactor => Err(TwoFactorError::AlreadyEnabled),
        Change::OtherUser => Err(TwoFactorError::SessionOver),
    }
}

/// Gives the second factor up and with it every challenge, every trusted device
/// and every session; a new one takes the place of the session that asked. An
/// enrolment that was not finished ends that session alone.
///
/// # Errors
/// [`TwoFactorError`].
pub async fn disable_two_factor<S>(
    context: &Context<'_>,
    hasher: &impl HashPassword,
    store: &S,
    live: &LiveSession,
    password: Password,
    client: Client,
) -> Result<NewSession, TwoFactorError>
where
    S: FindCredential + LimitAttempts + Enrol,
{
    let (user, old) = (&live.user, &live.session);
    check_password(context, hasher, store, user, password).await?;
    let now = context.clock.now();
    // What was never enabled has guarded nothing.
    let generation = if user.two_factor_since.is_some() { user.next_generation(now) } else { user.sessions_valid_from };
    let new = context.new_session(&user.id, generation, old.remembered, client);
    let sessions = Replacement { old: &old.handle, new: &new.session };
    match store.delete_factor(user, sessions, now).await? {
        Change::Done => Ok(new),
        Change::OtherFactor | Change::OtherUser => Err(TwoFactorError::SessionOver),
    }
}

/// Replaces all backup codes; the old ones are dead from then on.
///
/// # Errors
/// [`TwoFactorError`].
pub async fn replace_backup_codes<S>(
    context: &Context<'_>,
    hasher: &impl HashPassword,
    store: &S,
    encryption: &impl EncryptionKeys,
    user: &User,
    password: Password,
) -> Result<Vec<BackupCode>, TwoFactorError>
where
    S: FindCredential + LimitAttempts + Enrol,
{
    if user.two_factor_since.is_none() {
        return Err(TwoFactorError::NotEnabled);
    }
    check_password(context, hasher, store, user, password).await?;
    let keys = encryption.encryption_keys().await?;
    let (codes, hashes) = new_backup_codes(context, &keys, user);
    match store.replace_backup_codes(&hashes, user, context.clock.now()).await? {
        Change::Done => Ok(codes),
        Change::OtherFactor => Err(TwoFactorError::NotEnabled),
        Change::OtherUser => Err(TwoFactorError::SessionOver),
    }
}

/// The authenticator's secret once more.
///
/// # Errors
/// [`TwoFactorError`].
pub async fn show_secret<S>(
    context: &Context<'_>,
    hasher: &impl HashPassword,
    store: &S,
    encryption: &impl EncryptionKeys,
    user: &User,
    password: Password,
) -> Result<TotpSecret, TwoFactorError>
where
    S: FindCredential + LimitAttempts + FindFactor,
{
    let factor = store.factor(&user.id).await?.ok_or(TwoFactorError::NotEnabled)?;
    check_password(context, hasher, store, user, password).await?;
    let keys = encryption.encryption_keys().await?;
    open_secret(encryption, &keys, &factor).await.map(|(secret, _)| secret)
}

fn new_backup_codes(context: &Context<'_>, keys: &Keyring, user: &User) -> (Vec<BackupCode>, Vec<String>) {
    let codes: Vec<BackupCode> = (0..BACKUP_CODES).map(|_| BackupCode::generate(context.random)).collect();
    let hash = |code: &BackupCode| hash_code(keys, HashedCode::Backup, user.id.as_str(), code.as_str());
    let hashes = codes.iter().map(hash).collect();
    (codes, hashes)
}
