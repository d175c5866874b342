use super::{Admission, AdmissionError, Context, FirstFactor, admit};
use crate::{
    domain::{AddressOwner, Email, MagicLinkGrant, Purpose, User, UserId, VerificationToken},
    hooks::Decision,
    ports::{
        FindCredential, FindMagicLink, FindTrustedDevice, FindUser, RedeemMagicLink, Redemption, StoreError,
        StoreMagicLink, StoreResult,
    },
};

/// How often a link that meets a change of its user reads again.
const ATTEMPTS: usize = 4;

/// Makes a magic link: one read, one write, for a known address as for an
/// unknown one.
///
/// # Errors
/// The store's; no link was made.
pub async fn request_magic_link<S>(
    context: &Context<'_>,
    store: &S,
    email: &Email,
    name: &str,
    seconds: i64,
) -> StoreResult<VerificationToken>
where
    S: FindCredential + StoreMagicLink,
{
    let account = store.credential(email).await?;
    let token = VerificationToken::generate(Purpose::MagicLink, context.random);
    let grant = MagicLinkGrant {
        email: email.clone(),
        name: name.to_owned(),
        owner: account
            .map(|account| AddressOwner { user_id: account.user_id, password_changed_at: account.password_changed_at }),
        expires_at: context.clock.now().plus_seconds(seconds),
    };
    store.store_magic_link(&token.hash(), &grant).await?;
    Ok(token)
}

/// Who signed in by a link.
#[derive(Debug)]
pub struct SignedInByLink {
    /// The user.
    pub user: User,
    /// How they go on.
    pub admission: Admission,
    /// Whether the user is new.
    pub is_new: bool,
}

/// Why a link signed nobody in. It is as good, or as bad, as before.
#[derive(Debug, thiserror::Error)]
pub enum MagicLinkError {
    /// Unknown, used, expired, or overtaken by a change of password or address.
    #[error("invalid token")]
    InvalidToken,
    /// A hook refused.
    #[error("sign-in refused by a hook")]
    Refused,
    /// The store failed; nothing was written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AdmissionError> for MagicLinkError {
    fn from(error: AdmissionError) -> Self {
        match error {
            AdmissionError::Refused => Self::Refused,
            AdmissionError::Store(error) => Self::Store(error),
        }
    }
}

/// Signs in the owner of an address by the link that was mailed there: one
/// read of the token, one of the user, and one transaction that spends the
/// token and admits the user. A link to nobody's address makes a user.
///
/// An account whose address was never verified may have been made by a
/// stranger who waits for the owner. Its password, its sessions and its
/// unproven links end in the same transaction.
///
/// # Errors
/// [`MagicLinkError`].
pub async fn redeem_magic_link<S>(
    context: &Context<'_>,
    store: &S,
    token: &VerificationToken,
    factor: FirstFactor<'_>,
) -> Result<SignedInByLink, MagicLinkError>
where
    S: FindMagicLink + RedeemMagicLink + FindCredential + FindUser + FindTrustedDevice,
{
    let token_hash = token.hash();
    let grant = store.magic_link(&token_hash).await?.filter(|grant| context.clock.now() < grant.expires_at);
    let grant = grant.ok_or(MagicLinkError::InvalidToken)?;
    let mut owner = grant.owner.as_ref().map(|owner| owner.user_id.clone());
    let link = Link { context, store, token_hash: &token_hash, factor };
    for _ in 0..ATTEMPTS {
        let (redemption, signed_in) = match &owner {
            None => link.register(&grant).await?,
            Some(id) => {
                let user = store.user(id).await?.filter(|user| grant.opens(user));
                link.sign_in(user.ok_or(MagicLinkError::InvalidToken)?).await?
            }
        };
        match redemption {
            Redemption::Done => return Ok(signed_in),
            Redemption::Spent => return Err(MagicLinkError::InvalidToken),
            // Somebody was faster; what they did shows in the next read.
            Redemption::Differs if owner.is_none() => {
                owner = store.credential(&grant.email).await?.map(|account| account.user_id);
            }
            Redemption::Differs => {}
        }
    }
    Err(StoreError::Unavailable { operation: "redeem magic link", reason: "the user keeps changing".to_owned() }.into())
}

struct Link<'a, S> {
    context: &'a Context<'a>,
    store: &'a S,
    token_hash: &'a str,
    factor: FirstFactor<'a>,
}

impl<S: RedeemMagicLink + FindTrustedDevice> Link<'_, S> {
    async fn register(&self, grant: &MagicLinkGrant) -> Result<(Redemption, SignedInByLink), MagicLinkError> {
        let (id, now) = (UserId::generate(self.context.random), self.context.clock.now());
        let mut user = User::new(id, grant.name.clone(), grant.email.clone(), true, None, now);
        user.identities.push(user.email.identity());
        if self.context.hooks.sign_up(&user).await == Decision::Deny {
            return Err(MagicLinkError::Refused);
        }
        let admission = self.admit(&user).await?;
        let redemption = self.store.register_by_link(self.token_hash, &user, admission.rows(), now).await?;
        Ok((redemption, SignedInByLink { user, admission, is_new: true }))
    }

    async fn sign_in(&self, user: User) -> Result<(Redemption, SignedInByLink), MagicLinkError> {
        let now = self.context.clock.now();
        if user.email_verified {
            let admission = self.admit(&user).await?;
            let redemption = self.store.sign_in_by_link(self.token_hash, &user, admission.rows(), now).await?;
            return Ok((redemption, SignedInByLink { user, admission, is_new: false }));
        }
        let recovered = user.recovered(now);
        let admission = self.admit(&recovered).await?;
        let rows = admission.rows();
        let redemption = self.store.recover_by_link(self.token_hash, &user, &recovered, rows, now).await?;
        Ok((redemption, SignedInByLink { user: recovered, admission, is_new: false }))
    }

    async fn admit(&self, user: &User) -> Result<Admission, AdmissionError> {
        admit(self.context, self.store, user, self.factor.clone()).await
    }
}
