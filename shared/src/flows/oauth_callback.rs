use super::{Admission, AdmissionError, Context, FirstFactor, admission::admit_unseen, admit};
use crate::{
    crypto::{Keyring, seal_tokens},
    domain::{
        CredentialAccount, Email, MAX_IDENTITIES, MAX_IMAGE_LENGTH, MAX_NAME_LENGTH, ProviderIdentity, ProviderTokens,
        SealedTokens, Timestamp, User, UserId, truncate_chars,
    },
    hooks::Decision,
    ports::{
        ExpectedUser, FindTrustedDevice, FindUser, LinkedAccount, OAuthSignIn, OAuthStore, Random, StoreError,
        StoreResult,
    },
};

/// How often a sign-in that races another one reads again.
const ATTEMPTS: usize = 4;

/// Who signed in, and how it came about.
#[derive(Debug)]
pub struct SignedInBy {
    /// The user.
    pub user_id: UserId,
    /// How they go on.
    pub admission: Admission,
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
    /// A hook refused.
    #[error("sign-in refused by a hook")]
    Refused,
    /// The store failed; nothing was written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AdmissionError> for CallbackFailure {
    fn from(error: AdmissionError) -> Self {
        match error {
            AdmissionError::Refused => Self::Refused,
            AdmissionError::Store(error) => Self::Store(error),
        }
    }
}

/// Signs in the owner of an identity: one read and one transaction.
///
/// A known identity signs its user in. A new one becomes a new user if its
/// address is free. If the address is somebody's, the two are joined only when
/// both sides have verified it: neither a stranger's unverified claim at a
/// provider nor an account that a stranger prepared here is ever merged.
///
/// The user's row is not read beforehand: the transaction makes sure that it is
/// as it mostly is, and returns it if not. A hook that decides over sign-ins
/// costs one read.
///
/// # Errors
/// [`CallbackFailure`].
pub async fn finish_oauth<S>(
    context: &Context<'_>,
    store: &S,
    identity: &ProviderIdentity,
    tokens: Option<TokensToSeal<'_>>,
    factor: FirstFactor<'_>,
) -> Result<SignedInBy, CallbackFailure>
where
    S: OAuthStore + FindUser + FindTrustedDevice,
{
    let email = identity.email.as_ref().ok_or(CallbackFailure::EmailNotFound)?;
    let flow = Flow { context, store, identity, tokens, factor };
    for _ in 0..ATTEMPTS {
        let accounts = store.oauth_accounts(identity).await?;
        let outcome = match (accounts.linked, accounts.email_owner) {
            (Some(linked), owner) => {
                let owns_address = owner.is_some_and(|owner| owner.user_id == linked.user_id);
                let vouched = Some(email).filter(|_| identity.email_verified && owns_address);
                flow.sign_in_linked(linked, vouched).await?
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
    tokens: Option<TokensToSeal<'a>>,
    factor: FirstFactor<'a>,
}

/// A provider's tokens, and the keys to seal them with once it is known whose
/// they are.
#[derive(Clone, Copy)]
pub struct TokensToSeal<'a> {
    /// The tokens.
    pub tokens: &'a ProviderTokens,
    /// The encryption keys.
    pub keys: &'a Keyring,
}

impl TokensToSeal<'_> {
    /// The tokens, sealed for a user.
    pub fn seal(&self, user_id: &UserId, random: &dyn Random) -> SealedTokens {
        seal_tokens(self.keys, user_id, self.tokens, random)
    }
}

/// A user as far as they are known.
enum Known<'a> {
    /// By id and, most likely, generation of sessions.
    Unseen(&'a UserId, Timestamp),
    /// By the row.
    Seen(Box<User>),
}

impl<S: OAuthStore + FindUser + FindTrustedDevice> Flow<'_, S> {
    /// `vouched`: the address that the user has, if the provider has verified it.
    async fn sign_in_linked(
        &self,
        linked: LinkedAccount,
        vouched: Option<&Email>,
    ) -> Result<Option<SignedInBy>, CallbackFailure> {
        let expected = ExpectedUser {
            two_factor_since: None,
            link: false,
            email_verified: vouched.is_some(),
            verify_email: false,
            refresh_link: vouched.is_some() && linked.proven_email.as_ref() != vouched,
            proven: vouched.is_some(),
        };
        let mut user = match self.first_look(&linked.user_id, linked.generation).await? {
            Some(Known::Seen(user)) => user,
            Some(known) => match self.attempt(&known, expected).await? {
                (OAuthSignIn::Done, signed_in) => return Ok(Some(signed_in)),
                (OAuthSignIn::Gone, _) => return Ok(None),
                (OAuthSignIn::Differs(user), _) => user,
            },
            None => return Ok(None),
        };
        // The user may have another address by now than when the accounts were read.
        let vouched = vouched.is_some_and(|email| *email == user.email);
        // Now, as for a link that is to be made, or before.
        let proven = (vouched && user.email_verified) || linked.proven_email.as_ref() == Some(&user.email);
        // Somebody has taken the account over by its address since. A link that
        // has not proved as much may be a stranger's, who came first.
        if !proven && linked.generation < user.recovered_at {
            return Err(CallbackFailure::AccountNotLinked);
        }
        let verify_email = vouched && !user.email_verified;
        // As they are going to be; that is what the hooks decide by.
        user.email_verified |= vouched;
        let expected =
            ExpectedUser { email_verified: false, verify_email, refresh_link: true, proven: vouched, ..expected };
        let (outcome, signed_in) = self.attempt(&Known::Seen(user), expected).await?;
        Ok((outcome == OAuthSignIn::Done).then_some(signed_in))
    }

    async fn link(&self, owner: CredentialAccount) -> Result<Option<SignedInBy>, CallbackFailure> {
        if !self.identity.email_verified {
            return Err(CallbackFailure::AccountNotLinked);
        }
        let expected = ExpectedUser {
            two_factor_since: None,
            link: true,
            email_verified: true,
            verify_email: false,
            refresh_link: false,
            proven: true,
        };
        // Sessions mostly are of the generation that the password is of.
        let user = match self.first_look(&owner.user_id, owner.password_changed_at).await? {
            Some(Known::Seen(user)) => user,
            Some(known) => match self.attempt(&known, expected).await? {
                (OAuthSignIn::Done, signed_in) => return Ok(Some(signed_in)),
                (OAuthSignIn::Gone, _) => return Ok(None),
                (OAuthSignIn::Differs(user), _) => user,
            },
            None => return Ok(None),
        };
        // The address may be free again, or somebody else's.
        if self.identity.email.as_ref() != Some(&user.email) {
            return Ok(None);
        }
        if !user.email_verified || user.identities.len() >= MAX_IDENTITIES {
            return Err(CallbackFailure::AccountNotLinked);
        }
        let (outcome, signed_in) = self.attempt(&Known::Seen(user), expected).await?;
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
        let hooks = self.context.hooks;
        if hooks.sign_up(&user).await == Decision::Deny
            || hooks.sign_in(&user, self.factor.method).await == Decision::Deny
        {
            return Err(CallbackFailure::Refused);
        }
        let factor = &self.factor;
        let session =
            self.context.new_session(&user.id, user.sessions_valid_from, factor.remember, factor.client.clone());
        let tokens = self.sealed_for(&user.id);
        let created = self.store.register_oauth(&user, self.identity, tokens.as_ref(), &session.session).await?;
        Ok(created.then_some(SignedInBy { user_id: user.id, admission: admit_unseen(session), is_new: true }))
    }

    fn sealed_for(&self, user_id: &UserId) -> Option<SealedTokens> {
        self.tokens.map(|tokens| tokens.seal(user_id, self.context.random))
    }

    /// The user's row if a hook wants to see it first. None if it is gone.
    async fn first_look<'u>(&self, id: &'u UserId, generation: Timestamp) -> StoreResult<Option<Known<'u>>> {
        if self.context.hooks.decides() {
            Ok(self.store.user(id).await?.map(|user| Known::Seen(Box::new(user))))
        } else {
            Ok(Some(Known::Unseen(id, generation)))
        }
    }

    async fn attempt(
        &self,
        user: &Known<'_>,
        expected: ExpectedUser,
    ) -> Result<(OAuthSignIn, SignedInBy), CallbackFailure> {
        let factor = self.factor.clone();
        let (user_id, admission, two_factor_since) = match user {
            Known::Unseen(id, generation) => {
                let session = self.context.new_session(id, *generation, factor.remember, factor.client);
                (*id, admit_unseen(session), None)
            }
            Known::Seen(user) => {
                (&user.id, admit(self.context, self.store, user, factor).await?, user.two_factor_since)
            }
        };
        let expected = ExpectedUser { two_factor_since, ..expected };
        let now = self.context.clock.now();
        let tokens = self.sealed_for(user_id);
        let outcome =
            self.store.sign_in_oauth(self.identity, tokens.as_ref(), admission.rows(), &expected, now).await?;
        Ok((outcome, SignedInBy { user_id: user_id.clone(), admission, is_new: false }))
    }
}
