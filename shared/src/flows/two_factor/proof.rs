use std::sync::Arc;

use super::TwoFactorError;
use crate::{
    crypto::{HashedCode, Keyring, TotpSecret, find_code, is_outdated},
    domain::{BackupCode, Factor, MailedCode},
    flows::Context,
    ports::{EncryptionKeys, Proof},
};

/// A code that somebody shows, as it was typed.
#[derive(Clone, Copy)]
pub enum ShownCode<'a> {
    /// Of the authenticator.
    Totp(&'a str),
    /// One of the backup codes.
    Backup(&'a str),
    /// The one that was mailed.
    Mailed(&'a str),
}

/// A code of the authenticator that is right.
pub(super) struct RightStep {
    pub(super) step: i64,
    pub(super) sealed_secret: String,
    resealed: Option<String>,
}

/// A code that is right, and how it is spent.
pub(super) enum RightCode {
    Step(RightStep),
    Backup(String),
    Mailed { key: String, hash: String },
}

impl RightCode {
    pub(super) fn proof(&self) -> Proof<'_> {
        match self {
            Self::Step(RightStep { step, sealed_secret, resealed }) => {
                Proof::Step { step: *step, sealed_secret, resealed: resealed.as_deref() }
            }
            Self::Backup(hash) => Proof::BackupCode(hash),
            Self::Mailed { key, hash } => Proof::MailedCode { key, hash },
        }
    }
}

/// The authenticator's secret of a factor. What the known keys do not open may
/// have been sealed with newer ones.
pub(super) async fn open_secret(
    encryption: &impl EncryptionKeys,
    keys: &Keyring,
    factor: &Factor,
) -> Result<(TotpSecret, Option<Arc<Keyring>>), TwoFactorError> {
    if let Ok(secret) = TotpSecret::open(keys, &factor.user_id, &factor.sealed_secret) {
        return Ok((secret, None));
    }
    let newer = encryption.newer_keys(keys).await.ok_or(TwoFactorError::Sealed)?;
    let secret =
        TotpSecret::open(&newer, &factor.user_id, &factor.sealed_secret).map_err(|_| TwoFactorError::Sealed)?;
    Ok((secret, Some(newer)))
}

/// A code of the authenticator, if it is right and was not used before.
pub(super) async fn check_totp(
    context: &Context<'_>,
    encryption: &impl EncryptionKeys,
    keys: &Keyring,
    factor: &Factor,
    code: &str,
) -> Result<RightStep, TwoFactorError> {
    let (secret, newer) = open_secret(encryption, keys, factor).await?;
    let keys = newer.as_deref().unwrap_or(keys);
    let step = secret
        .step_of(code, context.clock.now())
        .filter(|step| *step > factor.last_used_step)
        .ok_or(TwoFactorError::WrongCode)?;
    let resealed = is_outdated(keys, &factor.sealed_secret).then(|| secret.seal(keys, &factor.user_id, context.random));
    Ok(RightStep { step, sealed_secret: factor.sealed_secret.clone(), resealed })
}

/// Whether a shown code is right. `mailed` is the mailed code, with the key of
/// the row that it is in; a shown one is compared with nothing else.
pub(super) async fn check(
    context: &Context<'_>,
    encryption: &impl EncryptionKeys,
    keys: &Keyring,
    factor: &Factor,
    shown: ShownCode<'_>,
    mailed: Option<(&str, &MailedCode)>,
) -> Result<RightCode, TwoFactorError> {
    match shown {
        ShownCode::Totp(code) => check_totp(context, encryption, keys, factor, code).await.map(RightCode::Step),
        ShownCode::Backup(code) => {
            let (owner, code) = (factor.user_id.as_str(), BackupCode::read(code));
            find_code(keys, HashedCode::Backup, owner, code.as_str(), &factor.backup_codes)
                .map(|hash| RightCode::Backup(hash.to_owned()))
                .ok_or(TwoFactorError::WrongCode)
        }
        ShownCode::Mailed(code) => {
            let now = context.clock.now();
            let (key, known) =
                mailed.filter(|(_, known)| now < known.expires_at).ok_or(TwoFactorError::NoMailedCode)?;
            find_code(keys, HashedCode::Mailed, key, code, std::slice::from_ref(&known.hash))
                .map(|hash| RightCode::Mailed { key: key.to_owned(), hash: hash.to_owned() })
                .ok_or(TwoFactorError::WrongCode)
        }
    }
}
