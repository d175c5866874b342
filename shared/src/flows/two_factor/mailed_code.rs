use zeroize::Zeroizing;

use super::TwoFactorError;
use crate::{
    crypto::{HashedCode, TOTP_DIGITS, hash_code},
    domain::{LiveSession, MailedCode, Purpose, User, VerificationToken},
    flows::{Context, may_mail_owner},
    ports::{CountEvents, EncryptionKeys, FindUser, Random, StoreMailedCode},
};

/// Life of a mailed code, in seconds.
const LIFE: i64 = 180;

/// A code to mail, with the only copy of it.
pub struct NewMailedCode {
    /// Whom to mail it to.
    pub user: User,
    /// The code.
    pub code: Zeroizing<String>,
    /// Minutes until it expires.
    pub minutes: i64,
}

/// Makes a code for a sign-in that waits for its second factor, in place of
/// any before it, if one more may be mailed. The challenge takes no more
/// attempts for that.
///
/// # Errors
/// [`TwoFactorError`].
pub async fn code_for_challenge<S>(
    context: &Context<'_>,
    store: &S,
    encryption: &impl EncryptionKeys,
    token: &VerificationToken,
) -> Result<NewMailedCode, TwoFactorError>
where
    S: StoreMailedCode + FindUser + CountEvents,
{
    let keys = encryption.encryption_keys().await?;
    let (now, key) = (context.clock.now(), token.hash());
    let open = store.challenge(&key).await?.filter(|challenge| now < challenge.expires_at);
    let challenge = open.ok_or(TwoFactorError::InvalidChallenge)?;
    if !challenge.takes_mailed_codes {
        return Err(TwoFactorError::NotEnabled);
    }
    let user = store.user(&challenge.user_id).await?.filter(|user| challenge.is_of(user));
    let user = user.ok_or(TwoFactorError::InvalidChallenge)?;
    // The code that was mailed before stays good if there is no other.
    may_mail_owner(context, store, &user.email).await?.map_err(TwoFactorError::MailsUsedUp)?;
    let code = digits(context.random);
    let row =
        MailedCode { hash: hash_code(&keys, HashedCode::Mailed, &key, &code), expires_at: now.plus_seconds(LIFE) };
    if !store.store_code_of_challenge(&key, &row, now).await? {
        return Err(TwoFactorError::InvalidChallenge);
    }
    Ok(NewMailedCode { user, code, minutes: LIFE / 60 })
}

/// Makes a code for somebody who is signed in and has a second factor, in place
/// of any before it, if one more may be mailed.
///
/// # Errors
/// [`TwoFactorError`].
pub async fn code_for_session(
    context: &Context<'_>,
    store: &(impl StoreMailedCode + CountEvents),
    encryption: &impl EncryptionKeys,
    live: LiveSession,
) -> Result<NewMailedCode, TwoFactorError> {
    let LiveSession { session, user } = live;
    if user.two_factor_since.is_none() {
        return Err(TwoFactorError::NotEnabled);
    }
    let keys = encryption.encryption_keys().await?;
    may_mail_owner(context, store, &user.email).await?.map_err(TwoFactorError::MailsUsedUp)?;
    let key = Purpose::MailedCode.key_of(&session.handle.token_hash);
    let code = digits(context.random);
    let row = MailedCode {
        hash: hash_code(&keys, HashedCode::Mailed, &key, &code),
        expires_at: context.clock.now().plus_seconds(LIFE),
    };
    store.store_code_of_session(&key, &user.id, &row).await?;
    Ok(NewMailedCode { user, code, minutes: LIFE / 60 })
}

/// As many random digits as an authenticator shows.
fn digits(random: &dyn Random) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0_u8; 8]);
    random.fill(bytes.as_mut());
    // 64 bits over a million: no code is likelier by more than 2^-44.
    let number = u64::from_le_bytes(*bytes) % 10_u64.pow(TOTP_DIGITS as u32);
    Zeroizing::new(format!("{number:0width$}", width = TOTP_DIGITS))
}
