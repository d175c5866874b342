use super::{Client, Context, NewSession};
use crate::{
    domain::{
        CredentialAccount, Email, MAX_IMAGE_LENGTH, MAX_NAME_LENGTH, ProviderIdentity, Timestamp, User, UserId,
        truncate_chars,
    },
    ports::{ExpectedUser, LinkedAccount, OAuthSignIn, OAuthStore, StoreError, StoreResult},
};

/// How often a sign-in that races another one reads again.
const ATTEMPTS: usize = 4;

/// Who signed in, and how it came about.
#[derive(Debug)]
pub struct SignedInBy {
    /// The user.
    pub user_id: UserId,
    /// The session.
    pub session: NewSession,
    /// Whether the user is new.
    pub is_new: bool,
}

/// Why an identity that a provider vouches for did not sign anybody in.
#[derive(Debug, thiserror::Error)]
pub enum CallbackFailure {
    /// The provider gave no address.
    #[error("no e-mail address")]
    EmailNotFound,
    /// The address belongs to a user whom this identity may not be joined with.
    #[error("account not linked")]
    AccountNotLinked,
    /// The store failed; nothing was written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Signs in the owner of an identity: one read and one transaction.
///
/// A known identity signs its user in. A new one becomes a new user if its
/// address is free. If the address is somebody's, the two are joined only when
/// both sides have verified it: neither a stranger's unverified claim at a
/// provider nor an account that a stranger prepared here is ever merged.
///
/// # Errors
/// [`CallbackFailure`].
pub async fn finish_oauth(
    context: &Context<'_>,
    store: &impl OAuthStore,
    identity: &ProviderIdentity,
    client: Client,
) -> Result<SignedInBy, CallbackFailure> {
    let email = identity.email.as_ref().ok_or(CallbackFailure::EmailNotFound)?;
    let flow = Flow { context, store, identity, client };
    for _ in 0..ATTEMPTS {
        let accounts = store.oauth_accounts(identity).await?;
        let outcome = match (accounts.linked, accounts.email_owner) {
            (Some(linked), owner) => {
                let owns_address = owner.is_some_and(|owner| owner.user_id == linked.user_id);
                flow.sign_in_linked(linked, identity.email_verified && owns_address).await?
            }
            (None, Some(owner)) => flow.link(owner).await?,
            (None, None) => flow.register(email).await?,
        };
        // None: somebody was faster; what they did shows in the next read.
        if let Some(signed_in) = outcome {
            return Ok(signed_in);
        }
    }
    Err(StoreError::Unavailable { operation: "oauth sign in", reason: "the accounts keep changing".to_owned() }.into())
}

struct Flow<'a, S> {
    context: &'a Context<'a>,
    store: &'a S,
    identity: &'a ProviderIdentity,
    client: Client,
}

impl<S: OAuthStore> Flow<'_, S> {
    /// `vouched`: the provider has verified the very address that the user has.
    async fn sign_in_linked(
        &self,
        linked: LinkedAccount,
        vouched: bool,
    ) -> Result<Option<SignedInBy>, CallbackFailure> {
        let expected = ExpectedUser {
            link: false,
            email_verified: vouched,
            verify_email: false,
            refresh_link: vouched && !linked.proven,
            proven: vouched || linked.proven,
        };
        let (outcome, signed_in) = self.attempt(&linked.user_id, linked.generation, expected).await?;
        let user = match outcome {
            OAuthSignIn::Done => return Ok(Some(signed_in)),
            OAuthSignIn::Gone => return Ok(None),
            OAuthSignIn::Differs(user) => user,
        };
        // Somebody has proven to own the address since, by a reset. A link that
        // never proved as much may be a stranger's, who came first.
        if !linked.proven && user.sessions_valid_from != linked.generation {
            return Err(CallbackFailure::AccountNotLinked);
        }
        let expected = ExpectedUser {
            email_verified: false,
            verify_email: vouched && !user.email_verified,
            refresh_link: true,
            ..expected
        };
        let (outcome, signed_in) = self.attempt(&linked.user_id, user.sessions_valid_from, expected).await?;
        Ok((outcome == OAuthSignIn::Done).then_some(signed_in))
    }

    async fn link(&self, owner: CredentialAccount) -> Result<Option<SignedInBy>, CallbackFailure> {
        if !self.identity.email_verified {
            return Err(CallbackFailure::AccountNotLinked);
        }
        let expected =
            ExpectedUser { link: true, email_verified: true, verify_email: false, refresh_link: false, proven: true };
        // Sessions mostly are of the generation that the password is of.
        let (outcome, signed_in) = self.attempt(&owner.user_id, owner.password_changed_at, expected).await?;
        let user = match outcome {
            OAuthSignIn::Done => return Ok(Some(signed_in)),
            OAuthSignIn::Gone => return Ok(None),
            OAuthSignIn::Differs(user) => user,
        };
        if !user.email_verified {
            return Err(CallbackFailure::AccountNotLinked);
        }
        let (outcome, signed_in) = self.attempt(&owner.user_id, user.sessions_valid_from, expected).await?;
        Ok((outcome == OAuthSignIn::Done).then_some(signed_in))
    }

    async fn register(&self, email: &Email) -> Result<Option<SignedInBy>, CallbackFailure> {
        let mut user = User::new(
            UserId::generate(self.context.random),
            truncate_chars(&self.identity.name, MAX_NAME_LENGTH),
            email.clone(),
            self.identity.email_verified,
            self.identity.image.clone().filter(|image| image.chars().count() <= MAX_IMAGE_LENGTH),
            self.context.clock.now(),
        );
        user.identities = vec![email.identity(), self.identity.identity()];
        let session = self.context.new_session(&user.id, user.sessions_valid_from, true, self.client.clone());
        let created = self.store.register_oauth(&user, self.identity, &session.session).await?;
        Ok(created.then_some(SignedInBy { user_id: user.id, session, is_new: true }))
    }

    async fn attempt(
        &self,
        user_id: &UserId,
        generation: Timestamp,
        expected: ExpectedUser,
    ) -> StoreResult<(OAuthSignIn, SignedInBy)> {
        let session = self.context.new_session(user_id, generation, true, self.client.clone());
        let outcome = self.store.sign_in_oauth(self.identity, &session.session, &expected).await?;
        Ok((outcome, SignedInBy { user_id: user_id.clone(), session, is_new: false }))
    }
}
