use super::{Context, TokensToSeal, live_session};
use crate::{
    domain::{MAX_IDENTITIES, ProviderIdentity, SessionHandle, UserId},
    ports::{FindSession, LinkAccount, LinkOutcome, StoreError},
};

/// How often a link that races another change reads again.
const ATTEMPTS: usize = 4;

/// Why an identity was not linked to the user who asked for it.
#[derive(Debug, thiserror::Error)]
pub enum LinkFailure {
    /// The session that asked is over.
    #[error("the session is over")]
    NotSignedIn,
    /// The provider gave no address.
    #[error("no e-mail address")]
    NoEmail,
    /// The provider has not verified the address.
    #[error("address not verified by the provider")]
    Unverified,
    /// The address is not the user's.
    #[error("another e-mail address")]
    DifferentEmail,
    /// The user has as many ways in as there may be.
    #[error("too many ways in")]
    TooMany,
    /// The identity is linked to somebody else.
    #[error("linked to somebody else")]
    Taken,
    /// The store failed; nothing was written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Links an identity to the user of a session, which has to be alive still:
/// one read and one transaction. The provider must have verified the very
/// address that the user has, so that nobody adds a stranger's account to
/// theirs, or theirs to a stranger's.
///
/// # Errors
/// [`LinkFailure`].
pub async fn link_account<S>(
    context: &Context<'_>,
    store: &S,
    session: &SessionHandle,
    identity: &ProviderIdentity,
    tokens: Option<TokensToSeal<'_>>,
) -> Result<UserId, LinkFailure>
where
    S: FindSession + LinkAccount,
{
    let tokens = tokens.map(|tokens| tokens.seal(&session.user_id, context.random));
    for _ in 0..ATTEMPTS {
        let user = live_session(context, store, session).await?.ok_or(LinkFailure::NotSignedIn)?.user;
        if identity.email.is_none() {
            return Err(LinkFailure::NoEmail);
        }
        if !identity.email_verified {
            return Err(LinkFailure::Unverified);
        }
        if identity.email.as_ref() != Some(&user.email) {
            return Err(LinkFailure::DifferentEmail);
        }
        if user.identities.len() >= MAX_IDENTITIES && !user.identities.contains(&identity.identity()) {
            return Err(LinkFailure::TooMany);
        }
        match store.link(&user, identity, tokens.as_ref(), context.clock.now()).await? {
            LinkOutcome::Linked => return Ok(user.id),
            LinkOutcome::Taken => return Err(LinkFailure::Taken),
            LinkOutcome::Changed => {}
        }
    }
    Err(StoreError::Unavailable { operation: "link account", reason: "the user keeps changing".to_owned() }.into())
}
