use super::Context;
use crate::{
    domain::{
        Email, InvalidPassword, Password, PasswordRules, Purpose, ResetGrant, Timestamp, UserId, VerificationToken,
    },
    ports::{
        FindCredential, FindResetToken, HashError, HashPassword, ResetOutcome, ResetPassword, StoreError,
        StoreResetToken, StoreResult,
    },
};

/// A reset token, and whether there is anybody to mail it to.
#[derive(Debug)]
pub struct RequestedReset {
    /// The token, for the link.
    pub token: VerificationToken,
    /// Who gets the mail. None if nobody has the address: the token is then a
    /// blank that opens nothing.
    pub user_id: Option<UserId>,
}

/// Makes a reset token: one read, one write. Both happen for an unknown
/// address too, so that neither work nor failures tell whether it is known.
///
/// # Errors
/// The store's; no token was made.
pub async fn request_password_reset<S>(
    context: &Context<'_>,
    store: &S,
    email: &Email,
    token_seconds: i64,
) -> StoreResult<RequestedReset>
where
    S: FindCredential + StoreResetToken,
{
    let account = store.credential(email).await?;
    let token = VerificationToken::generate(Purpose::PasswordReset, context.random);
    let grant = ResetGrant {
        email: email.clone(),
        user_id: account.as_ref().map(|account| account.user_id.clone()),
        password_changed_at: account.map_or(Timestamp::from_millis(0), |account| account.password_changed_at),
        expires_at: context.clock.now().plus_seconds(token_seconds),
    };
    store.store_reset_token(&token.hash(), &grant).await?;
    Ok(RequestedReset { token, user_id: grant.user_id })
}

/// Whether a reset token would be taken now. Reads only.
///
/// # Errors
/// The store's.
pub async fn is_reset_token_live(
    context: &Context<'_>,
    store: &impl FindResetToken,
    token: &VerificationToken,
) -> StoreResult<bool> {
    Ok(find(context, store, token).await?.is_some())
}

/// Why no password was set.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// Unknown, used, expired, or overtaken by another change.
    #[error("invalid token")]
    InvalidToken,
    /// The rules refuse the password; the token is as good as before.
    #[error(transparent)]
    Password(#[from] InvalidPassword),
    /// The hash failed; the token is as good as before.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The store failed; the token is as good as before.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sets a new password: one read, the hash, one transaction that consumes the
/// token, sets the password, and ends all sessions and all other reset tokens.
/// A token that was overtaken is forgotten, so that it costs one hash and no
/// more. Whose password it is, and the address that the link went to: what
/// failed there before is to be forgotten now ([`super::forget_failures`]).
///
/// # Errors
/// [`ResetError`].
pub async fn confirm_password_reset<S>(
    context: &Context<'_>,
    hasher: &impl HashPassword,
    store: &S,
    token: &VerificationToken,
    password: Password,
    rules: PasswordRules,
) -> Result<(UserId, Email), ResetError>
where
    S: FindResetToken + ResetPassword,
{
    let (grant, user_id) = find(context, store, token).await?.ok_or(ResetError::InvalidToken)?;
    rules.check(&password, &grant.email)?;
    let hash = hasher.hash(password).await?;
    let now = context.clock.now();
    let token_hash = token.hash();
    match store.reset_password(&token_hash, &grant, &user_id, &hash, now).await? {
        ResetOutcome::Done => Ok((user_id, grant.email)),
        ResetOutcome::Stale => {
            // If this fails, the next one who shows it tries again.
            let _ = store.forget_reset_token(&token_hash).await;
            Err(ResetError::InvalidToken)
        }
    }
}

async fn find(
    context: &Context<'_>,
    store: &impl FindResetToken,
    token: &VerificationToken,
) -> StoreResult<Option<(ResetGrant, UserId)>> {
    let Some(grant) = store.reset_token(&token.hash()).await? else { return Ok(None) };
    let user_id = grant.user_id.clone().filter(|_| context.clock.now() < grant.expires_at);
    Ok(user_id.map(|user_id| (grant, user_id)))
}
