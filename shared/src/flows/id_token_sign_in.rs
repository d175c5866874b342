use super::{CallbackFailure, Context, FirstFactor, SignedInBy, finish_oauth};
use crate::{
    domain::User,
    ports::{FindTrustedDevice, FindUser, OAuthError, OAuthStore, SpendIdToken, StoreError, VerifyIdToken},
};

/// An id token that a client has of a provider.
#[derive(Clone, Copy)]
pub struct PresentedIdToken<'a> {
    /// Provider id.
    pub provider: &'a str,
    /// The token.
    pub token: &'a str,
    /// The nonce that the client asked with, if it says.
    pub nonce: Option<&'a str>,
}

/// Why an id token signed nobody in.
#[derive(Debug, thiserror::Error)]
pub enum IdTokenSignInError {
    /// The provider's.
    #[error(transparent)]
    Provider(#[from] OAuthError),
    /// The token was presented before.
    #[error("id token was presented before")]
    Spent,
    /// The identity may not sign in.
    #[error(transparent)]
    Failure(#[from] CallbackFailure),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Signs in the owner of an id token, by the rules of the redirect flow: a
/// write, a read, a transaction, and a read of the user.
///
/// The token is spent before anything else happens, so that whoever finds it
/// later, in a log or a history, has nothing. A sign-in that fails after that
/// needs a new one.
///
/// # Errors
/// [`IdTokenSignInError`].
pub async fn sign_in_with_id_token(
    context: &Context<'_>,
    providers: &impl VerifyIdToken,
    store: &(impl SpendIdToken + OAuthStore + FindUser + FindTrustedDevice),
    presented: PresentedIdToken<'_>,
    factor: FirstFactor<'_>,
) -> Result<(User, SignedInBy), IdTokenSignInError> {
    let PresentedIdToken { provider, token, nonce } = presented;
    let verified = providers.verify_id_token(provider, token, nonce).await?;
    if !store.spend_id_token(&verified.token_hash, verified.expires_at).await? {
        return Err(IdTokenSignInError::Spent);
    }
    let signed_in = finish_oauth(context, store, &verified.identity, None, factor).await?;
    // Gone between two calls: the session went with the user.
    let user = store.user(&signed_in.user_id).await?.ok_or(CallbackFailure::AccountNotLinked)?;
    Ok((user, signed_in))
}
