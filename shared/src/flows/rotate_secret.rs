use zeroize::Zeroizing;

use super::{Client, Context};
use crate::{
    crypto::{AccessTokenPolicy, AccessTokens, Keyring, SigningSecret, WeakSecret},
    domain::{Email, User, UserId, alphanumeric},
    ports::{RotateSigningSecret, SecretVersion, StoreError},
};

/// Length of a new secret, in characters of `A-Za-z0-9`: 381 random bits.
const SECRET_LENGTH: usize = 64;

/// The steps of a rotation, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RotationStep {
    /// Makes the new value.
    CreateSecret,
    /// Would tell it to whoever has to know; the functions read it themselves.
    SetSecret,
    /// Tries it.
    TestSecret,
    /// Makes it the current one.
    FinishSecret,
}

/// What Secrets Manager asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The step.
    pub step: RotationStep,
    /// Name or ARN of the secret.
    pub secret_id: String,
    /// The version in the making.
    pub version: String,
}

/// Why a step was not taken. No error holds a value.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// This function rotates one secret alone.
    #[error("the event names another secret than AUTH_SECRET_ID")]
    OtherSecret,
    /// The secret has no such version, or none with a stage.
    #[error("the secret has no staged version of this ClientRequestToken")]
    UnknownVersion,
    /// The version is not in the making.
    #[error("the version is not AWSPENDING")]
    NotPending,
    /// A step before this one was left out.
    #[error("the pending version has no value; createSecret comes first")]
    NoValue,
    /// The pending value is too short.
    #[error("the pending value is of no use: {0}")]
    Weak(#[from] WeakSecret),
    /// A token signed with the pending value does not verify.
    #[error("a token signed with the pending value does not verify")]
    Untrue,
    /// Secrets Manager failed. The step can be taken again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes one step of a rotation. Taking it again has no further effect, and a
/// version that is current already needs none.
///
/// Until the last step the service signs with what it signed with before,
/// wherever a rotation stops. No step promotes what would not sign.
///
/// # Errors
/// [`RotationError`]
pub async fn rotate_secret(
    context: &Context<'_>,
    policy: &AccessTokenPolicy,
    store: &impl RotateSigningSecret,
    rotation: &Rotation,
) -> Result<(), RotationError> {
    let secret = store.versions().await?;
    if !secret.names.contains(&rotation.secret_id) {
        return Err(RotationError::OtherSecret);
    }
    let version = rotation.version.as_str();
    match secret.version(version) {
        None => return Err(RotationError::UnknownVersion),
        Some(SecretVersion { is_current: true, .. }) => return Ok(()),
        Some(SecretVersion { is_pending: false, .. }) => return Err(RotationError::NotPending),
        Some(_) => {}
    }
    match rotation.step {
        RotationStep::CreateSecret => create(context, store, version).await,
        RotationStep::SetSecret => pending_value(store, version).await.map(drop),
        RotationStep::TestSecret => test(context, policy, store, version).await,
        RotationStep::FinishSecret => {
            test(context, policy, store, version).await?;
            promote(store, version, secret.current()).await
        }
    }
}

/// Makes a value, unless there is one already.
async fn create(context: &Context<'_>, store: &impl RotateSigningSecret, version: &str) -> Result<(), RotationError> {
    if store.pending_value(version).await?.is_none() {
        let value = Zeroizing::new(alphanumeric(context.random, SECRET_LENGTH));
        store.fill(version, &value).await?;
    }
    Ok(())
}

async fn pending_value(store: &impl RotateSigningSecret, version: &str) -> Result<Zeroizing<String>, RotationError> {
    store.pending_value(version).await?.ok_or(RotationError::NoValue)
}

/// Signs a token for nobody's session and reads it back.
async fn test(
    context: &Context<'_>,
    policy: &AccessTokenPolicy,
    store: &impl RotateSigningSecret,
    version: &str,
) -> Result<(), RotationError> {
    let value = pending_value(store, version).await?;
    let keys = Keyring { current: SigningSecret::new(version.to_owned(), &value)?, previous: None };
    let tokens = AccessTokens { keys: &keys, policy };
    let now = context.clock.now();
    let email = Email::parse("nobody@example.com").map_err(|_| RotationError::Untrue)?;
    let user = User::new(UserId::generate(context.random), String::new(), email, false, None, now);
    let client = Client { ip_address: None, user_agent: String::new(), known_device: None };
    let session = context.new_session(&user.id, now, true, client).session;
    let token = tokens.issue(&user, &session, now, None, context.random).map_err(|_| RotationError::Untrue)?;
    match tokens.verify(&token, now) {
        Ok(verified) if verified.session == session.handle => Ok(()),
        _ => Err(RotationError::Untrue),
    }
}

async fn promote(store: &impl RotateSigningSecret, version: &str, current: Option<&str>) -> Result<(), RotationError> {
    let Err(error) = store.promote(version, current).await else { return Ok(()) };
    // It may have happened all the same: the answer was lost, or the same step
    // was taken elsewhere.
    let now_current = store.versions().await.is_ok_and(|secret| secret.current() == Some(version));
    if now_current { Ok(()) } else { Err(error.into()) }
}

#[cfg(test)]
mod tests;
