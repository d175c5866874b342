use super::{
    Admission, AdmissionError, Context, FirstFactor, admit,
    email_change::{ChangedEmail, ConsentedChange, change_email, consent},
};
use crate::{
    domain::{
        AddressGrant, ChangeStep, CredentialAccount, Email, LiveSession, Purpose, ResetGrant, User, UserId,
        VerificationGrant, VerificationToken,
    },
    ports::{
        ChangeEmail, FindAddressGrant, FindCredential, FindTrustedDevice, FindUser, Recovery, StoreError, StoreResult,
        StoreVerificationToken, Verification, VerifyAddress,
    },
};

/// How often a request that meets another one reads again.
pub(super) const ATTEMPTS: usize = 4;

/// The purposes of the links that are mailed to addresses.
const PURPOSES: [Purpose; 3] = [Purpose::EmailVerification, Purpose::EmailChangeConsent, Purpose::EmailChange];

/// A token that verifies an address, and whether there is anybody to mail it to.
#[derive(Debug)]
pub struct RequestedVerification {
    /// The token, for the link.
    pub token: VerificationToken,
    /// Who gets the mail. None if nobody has the address, or has shown it to
    /// be theirs: the token is then a blank that opens nothing.
    pub user_id: Option<UserId>,
}

/// Makes a token for whoever has an address that is not verified: two reads
/// and one write, for any address alike.
///
/// # Errors
/// The store's; no token was made.
pub async fn request_verification<S>(
    context: &Context<'_>,
    store: &S,
    email: &Email,
    token_seconds: i64,
) -> StoreResult<RequestedVerification>
where
    S: FindCredential + FindUser + StoreVerificationToken,
{
    let owner = store.credential(email).await?.map(|account| account.user_id);
    // Nobody is looked up for an unknown address, by the same means.
    let id = owner.unwrap_or_else(|| UserId::generate(context.random));
    let user = store.user(&id).await?.filter(|user| user.email == *email && !user.email_verified);
    let (token, grant) = verification_token(context, email, user.map(|user| user.id), token_seconds);
    store.store_verification_token(&token.hash(), &grant).await?;
    Ok(RequestedVerification { token, user_id: grant.user_id })
}

/// A token that verifies an address, with what is to be stored of it.
pub(super) fn verification_token(
    context: &Context<'_>,
    email: &Email,
    user_id: Option<UserId>,
    token_seconds: i64,
) -> (VerificationToken, VerificationGrant) {
    let token = VerificationToken::generate(Purpose::EmailVerification, context.random);
    let expires_at = context.clock.now().plus_seconds(token_seconds);
    (token, VerificationGrant { email: email.clone(), user_id, used: false, expires_at })
}

/// The browser in which a link was followed.
#[derive(Debug)]
pub struct Follower<'a> {
    /// The session that it is signed in with.
    pub session: Option<&'a LiveSession>,
    /// Whether that session was named by its own token. An access token, which
    /// back ends have too, vouches for nobody here.
    pub by_token: bool,
    /// The user that was signed up in it.
    pub signed_up: Option<UserId>,
    /// How the user goes on, if following the link signs in.
    pub sign_in: Option<FirstFactor<'a>>,
    /// Life of the token by which the owner of an account sets a password, in
    /// seconds, if the browser can be sent to where that is done.
    pub reset_seconds: Option<i64>,
    /// Life of the token of the next link, in seconds.
    pub token_seconds: i64,
}

/// What came of following a link.
#[derive(Debug)]
pub enum Followed {
    /// The address is verified, now or since before.
    Verified {
        /// The user.
        user_id: UserId,
        /// How they go on, if they were signed in by it.
        admission: Option<Admission>,
        /// Whether it was this request that verified it.
        is_first: bool,
    },
    /// The address is verified, and whoever made the account is out.
    Recovered {
        /// The user.
        user_id: UserId,
        /// Sets a password.
        reset: Option<VerificationToken>,
    },
    /// The user has allowed a change of address.
    Consented(ConsentedChange),
    /// The address is changed.
    Changed(ChangedEmail),
}

/// Why following a link did nothing.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Unknown, spent, or overtaken by another change.
    #[error("invalid token")]
    InvalidToken,
    /// Too old.
    #[error("token expired")]
    Expired,
    /// The user, or the address, is gone.
    #[error("user not found")]
    UserNotFound,
    /// The browser is not signed in as the user whom the link is for.
    #[error("not signed in as the link's user")]
    OtherUser,
    /// Somebody has the new address.
    #[error("e-mail address taken")]
    EmailTaken,
    /// A hook refused.
    #[error("sign-in refused by a hook")]
    Refused,
    /// The store failed; nothing was written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AdmissionError> for LinkError {
    fn from(error: AdmissionError) -> Self {
        match error {
            AdmissionError::Refused => Self::Refused,
            AdmissionError::Store(error) => Self::Store(error),
        }
    }
}

/// The keys under which the grant of a token may be found: its text does not
/// say for which link it is. None for what cannot be a token.
pub fn link_hashes(text: &str) -> Option<Vec<String>> {
    PURPOSES.iter().map(|purpose| Some(VerificationToken::parse(*purpose, text)?.hash())).collect()
}

/// Does what a link grants that was mailed to an address, once: two reads and
/// one transaction.
///
/// # Errors
/// [`LinkError`].
pub async fn follow_link<S>(
    context: &Context<'_>,
    store: &S,
    found: Option<(String, AddressGrant)>,
    follower: &Follower<'_>,
) -> Result<Followed, LinkError>
where
    S: FindAddressGrant + FindCredential + FindTrustedDevice + VerifyAddress + ChangeEmail,
{
    let (hash, grant) = found.ok_or(LinkError::InvalidToken)?;
    if context.clock.now() >= grant.expires_at() {
        return Err(LinkError::Expired);
    }
    match grant {
        AddressGrant::Verification(grant) => verify(context, store, &hash, &grant, follower).await,
        AddressGrant::Change(grant) if grant.step == ChangeStep::Consent => {
            consent(context, store, &hash, grant, follower).await.map(Followed::Consented)
        }
        AddressGrant::Change(grant) => {
            change_email(context, store, &hash, &grant, follower).await.map(Followed::Changed)
        }
    }
}

/// Verifies the address that a link was mailed to.
///
/// Whoever follows the link owns the address, and need not be who signed up
/// with it. Only the browser that did, or one that is signed in, shows that
/// they are the same; without that the account is taken from whoever made it.
async fn verify<S>(
    context: &Context<'_>,
    store: &S,
    token_hash: &str,
    grant: &VerificationGrant,
    follower: &Follower<'_>,
) -> Result<Followed, LinkError>
where
    S: FindAddressGrant + FindTrustedDevice + VerifyAddress,
{
    let user_id = grant.user_id.as_ref().ok_or(LinkError::InvalidToken)?;
    for _ in 0..ATTEMPTS {
        let (user, account) = store.user_and_address(user_id, &grant.email).await?;
        let (user, account) = user.zip(account).ok_or(LinkError::UserNotFound)?;
        if account.user_id != user.id {
            return Err(LinkError::InvalidToken);
        }
        if user.email_verified {
            return Ok(Followed::Verified { user_id: user.id, admission: None, is_first: false });
        }
        if grant.used {
            return Err(LinkError::InvalidToken);
        }
        let attempt = Attempt { context, token_hash, user: &user, account: &account, follower };
        // False: somebody was faster; what they did shows in the next read.
        if let Some(followed) = attempt.verify(store).await? {
            return Ok(followed);
        }
    }
    Err(StoreError::Unavailable { operation: "verify address", reason: "the user keeps changing".to_owned() }.into())
}

struct Attempt<'a> {
    context: &'a Context<'a>,
    token_hash: &'a str,
    user: &'a User,
    account: &'a CredentialAccount,
    follower: &'a Follower<'a>,
}

impl Attempt<'_> {
    async fn verify<S>(&self, store: &S) -> Result<Option<Followed>, LinkError>
    where
        S: FindTrustedDevice + VerifyAddress,
    {
        if self.user.password_changed_at != self.account.password_changed_at {
            return Ok(None);
        }
        let user_id = self.user.id.clone();
        if !self.is_by_its_maker() && self.has_ways_in() {
            let reset = self.recover(store).await?;
            return Ok(reset.map(|reset| Followed::Recovered { user_id, reset }));
        }
        let admission = match &self.follower.sign_in {
            Some(factor) => Some(admit(self.context, store, self.user, factor.clone()).await?),
            None => None,
        };
        let verification = Verification {
            token_hash: self.token_hash,
            user: self.user,
            admission: admission.as_ref().map(Admission::rows),
            recovery: None,
            now: self.context.clock.now(),
        };
        let done = store.verify_address(verification).await?;
        Ok(done.then_some(Followed::Verified { user_id, admission, is_first: true }))
    }

    /// Whether the browser is the one in which the account was made, or is
    /// signed in to it.
    fn is_by_its_maker(&self) -> bool {
        let now = self.context.clock.now();
        self.follower.session.is_some_and(|live| self.follower.by_token && live.session.is_live(self.user, now))
            || self.follower.signed_up.as_ref() == Some(&self.user.id)
    }

    /// Whether there is a way in that its owner has not shown to have the
    /// address: a password, or a provider's link. No provider has vouched for
    /// an address that is not verified.
    fn has_ways_in(&self) -> bool {
        let own = self.user.email.identity();
        self.account.password_hash.is_some() || self.user.identities.iter().any(|identity| *identity != own)
    }

    /// The token to set a password with, or none if it has nowhere to go; None
    /// if the user is not as they were read.
    async fn recover(&self, store: &impl VerifyAddress) -> StoreResult<Option<Option<VerificationToken>>> {
        let now = self.context.clock.now();
        let generation = self.user.next_generation(now);
        let reset = self.follower.reset_seconds.map(|seconds| {
            let token = VerificationToken::generate(Purpose::PasswordReset, self.context.random);
            let grant = ResetGrant {
                email: self.user.email.clone(),
                user_id: Some(self.user.id.clone()),
                password_changed_at: generation,
                expires_at: now.plus_seconds(seconds),
            };
            (token.hash(), grant, token)
        });
        let recovery = Recovery { generation, reset: reset.as_ref().map(|(hash, grant, _)| (hash.as_str(), grant)) };
        let verification = Verification {
            token_hash: self.token_hash,
            user: self.user,
            admission: None,
            recovery: Some(recovery),
            now,
        };
        let done = store.verify_address(verification).await?;
        Ok(done.then(|| reset.map(|(_, _, token)| token)))
    }
}
