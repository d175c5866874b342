use super::{
    Context,
    verify_email::{ATTEMPTS, Follower, LinkError},
};
use crate::{
    domain::{ChangeStep, Email, EmailChangeGrant, Purpose, User, UserId, VerificationToken},
    hooks::Decision,
    ports::{
        ChangeEmail, EmailChange, EmailChangeOutcome, FindAddressGrant, FindCredential, StartEmailChange, StoreError,
    },
};

/// Why no change of address was begun.
#[derive(Debug, thiserror::Error)]
pub enum EmailChangeError {
    /// The user has that address.
    #[error("the address is the same")]
    Same,
    /// A hook would not let in somebody with that address.
    #[error("address refused by a hook")]
    Refused,
    /// The session ended, or the address changed, meanwhile.
    #[error("the session ended")]
    Ended,
    /// The store failed; nothing was written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The first link of a change of address.
#[derive(Debug)]
pub struct RequestedChange {
    /// The token, for the link.
    pub token: VerificationToken,
    /// Whom it goes to: the old address if it is verified, else the new one.
    pub step: ChangeStep,
}

/// Begins a change of address: one read, one transaction. Nothing happens, and
/// nobody is told, if the new address is somebody's: None.
///
/// # Errors
/// [`EmailChangeError`].
pub async fn request_email_change<S>(
    context: &Context<'_>,
    store: &S,
    user: &User,
    new_email: Email,
    token_seconds: i64,
) -> Result<Option<RequestedChange>, EmailChangeError>
where
    S: FindCredential + StartEmailChange,
{
    if new_email == user.email {
        return Err(EmailChangeError::Same);
    }
    if !is_allowed(context, user, &new_email).await {
        return Err(EmailChangeError::Refused);
    }
    if store.credential(&new_email).await?.is_some() {
        return Ok(None);
    }
    let (step, purpose) = if user.email_verified {
        (ChangeStep::Consent, Purpose::EmailChangeConsent)
    } else {
        (ChangeStep::Change, Purpose::EmailChange)
    };
    let token = VerificationToken::generate(purpose, context.random);
    let grant = EmailChangeGrant {
        step,
        user_id: user.id.clone(),
        email: user.email.clone(),
        new_email,
        generation: user.sessions_valid_from,
        expires_at: context.clock.now().plus_seconds(token_seconds),
    };
    if store.start_email_change(&token.hash(), &grant).await? {
        Ok(Some(RequestedChange { token, step }))
    } else {
        Err(EmailChangeError::Ended)
    }
}

/// A change that the owner of the old address has allowed.
#[derive(Debug)]
pub struct ConsentedChange {
    /// Whose address changes.
    pub user_id: UserId,
    /// The address to be.
    pub new_email: Email,
    /// The token of the link that goes there; none if somebody has taken the
    /// address meanwhile.
    pub token: Option<VerificationToken>,
}

/// Spends the link to the old address and makes the one to the new address.
pub(super) async fn consent<S>(
    context: &Context<'_>,
    store: &S,
    token_hash: &str,
    grant: EmailChangeGrant,
    follower: &Follower<'_>,
) -> Result<ConsentedChange, LinkError>
where
    S: FindAddressGrant + FindCredential + ChangeEmail,
{
    let (user, _) = store.user_and_address(&grant.user_id, &grant.email).await?;
    let user = check(user.as_ref(), token_hash, &grant, follower)?;
    if !is_allowed(context, user, &grant.new_email).await {
        return Err(LinkError::Refused);
    }
    let is_free = store.credential(&grant.new_email).await?.is_none();
    let token = VerificationToken::generate(Purpose::EmailChange, context.random);
    let now = context.clock.now();
    let next =
        EmailChangeGrant { step: ChangeStep::Change, expires_at: now.plus_seconds(follower.token_seconds), ..grant };
    if !store.consent_to_email_change(token_hash, &token.hash(), &next, now).await? {
        return Err(LinkError::InvalidToken);
    }
    Ok(ConsentedChange { user_id: next.user_id, new_email: next.new_email, token: is_free.then_some(token) })
}

/// An address that has changed.
#[derive(Debug)]
pub struct ChangedEmail {
    /// The user, with the new address.
    pub user: User,
    /// The old address.
    pub old_email: Email,
    /// Whether the follower's session goes on.
    pub kept: bool,
}

/// Spends the link to the new address and makes the change.
pub(super) async fn change_email<S>(
    context: &Context<'_>,
    store: &S,
    token_hash: &str,
    grant: &EmailChangeGrant,
    follower: &Follower<'_>,
) -> Result<ChangedEmail, LinkError>
where
    S: FindAddressGrant + ChangeEmail,
{
    let mut kept = follower.session.filter(|_| follower.by_token);
    for _ in 0..ATTEMPTS {
        let (user, account) = store.user_and_address(&grant.user_id, &grant.email).await?;
        let user = check(user.as_ref(), token_hash, grant, follower)?;
        if !is_allowed(context, user, &grant.new_email).await {
            return Err(LinkError::Refused);
        }
        let account = account.filter(|account| account.user_id == user.id).ok_or(LinkError::InvalidToken)?;
        let now = context.clock.now();
        kept = kept.filter(|live| live.session.is_live(user, now));
        let change = EmailChange {
            token_hash,
            new_email: &grant.new_email,
            user,
            account: &account,
            kept: kept.map(|live| &live.session),
            generation: user.next_generation(now),
            now,
        };
        match store.change_email(change).await? {
            EmailChangeOutcome::Done => {
                let changed = User {
                    email: grant.new_email.clone(),
                    sessions_valid_from: change.generation,
                    updated_at: now,
                    email_change: None,
                    ..user.clone()
                };
                return Ok(ChangedEmail { user: changed, old_email: grant.email.clone(), kept: kept.is_some() });
            }
            EmailChangeOutcome::Taken => return Err(LinkError::EmailTaken),
            EmailChangeOutcome::SessionEnded => kept = None,
            EmailChangeOutcome::Stale => {}
        }
    }
    Err(StoreError::Unavailable { operation: "change email", reason: "the user keeps changing".to_owned() }.into())
}

/// Whether the hooks would have the user under another address. They are asked
/// again by every link: an answer may differ from that of an hour ago.
async fn is_allowed(context: &Context<'_>, user: &User, email: &Email) -> bool {
    let changed = User { email: email.clone(), ..user.clone() };
    context.hooks.sign_up(&changed).await == Decision::Allow
}

/// The user, if the token is the one that counts and the browser is not
/// somebody else's.
fn check<'u>(
    user: Option<&'u User>,
    token_hash: &str,
    grant: &EmailChangeGrant,
    follower: &Follower<'_>,
) -> Result<&'u User, LinkError> {
    let user = user.ok_or(LinkError::UserNotFound)?;
    let is_current = user.email == grant.email
        && user.sessions_valid_from == grant.generation
        && user.email_change.as_deref() == Some(token_hash);
    if !is_current {
        return Err(LinkError::InvalidToken);
    }
    match follower.session {
        Some(live) if live.user.id != user.id => Err(LinkError::OtherUser),
        _ => Ok(user),
    }
}
