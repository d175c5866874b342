use super::{
    Context,
    verify_email::{ATTEMPTS, Follower, LinkError},
};
use crate::{
    domain::{ChangeStep, Email, EmailChangeGrant, Purpose, Session, User, UserId, VerificationToken},
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
    /// Whom it goes to: the old address if it is verified, else the new one.
    pub step: ChangeStep,
    /// The token, for the link; none if it would go to an address that is
    /// somebody's.
    pub token: Option<VerificationToken>,
}

/// Begins a change of address: one transaction, and before it one read if the
/// link goes to the new address. What the asker sees, in the own mailbox and
/// of links that were mailed before, is the same whether or not the new
/// address is somebody's.
///
/// # Errors
/// [`EmailChangeError`].
pub async fn request_email_change<S>(
    context: &Context<'_>,
    store: &S,
    user: &User,
    new_email: Email,
    token_seconds: i64,
) -> Result<RequestedChange, EmailChangeError>
where
    S: FindCredential + StartEmailChange,
{
    if new_email == user.email {
        return Err(EmailChangeError::Same);
    }
    if !is_allowed(context, user, &new_email).await {
        return Err(EmailChangeError::Refused);
    }
    let (step, purpose, is_mailed) = if user.email_verified {
        (ChangeStep::Consent, Purpose::EmailChangeConsent, true)
    } else {
        (ChangeStep::Change, Purpose::EmailChange, store.credential(&new_email).await?.is_none())
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
        Ok(RequestedChange { step, token: is_mailed.then_some(token) })
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
    let (user, _) = check(context, user.as_ref(), token_hash, &grant, follower)?;
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
}

/// Spends the link to the new address and makes the change. The session of
/// the browser goes on.
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
    for _ in 0..ATTEMPTS {
        let (user, account) = store.user_and_address(&grant.user_id, &grant.email).await?;
        let (user, session) = check(context, user.as_ref(), token_hash, grant, follower)?;
        if !is_allowed(context, user, &grant.new_email).await {
            return Err(LinkError::Refused);
        }
        let account = account.filter(|account| account.user_id == user.id).ok_or(LinkError::InvalidToken)?;
        let now = context.clock.now();
        let change = EmailChange {
            token_hash,
            new_email: &grant.new_email,
            user,
            account: &account,
            kept: session,
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
                return Ok(ChangedEmail { user: changed, old_email: grant.email.clone() });
            }
            EmailChangeOutcome::Taken => return Err(LinkError::EmailTaken),
            EmailChangeOutcome::SessionEnded => return Err(LinkError::OtherUser),
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

/// The user, and the session by which they follow the link, if the token is
/// the one that counts.
///
/// A click shows that somebody read the mailbox, or that a scanner did. Only
/// the user's own session, by its own token, shows that whoever asked for the
/// change has the mailbox too: nobody gets an account to a stranger's address,
/// nor away from its owner's, by a link that anybody else follows.
fn check<'a>(
    context: &Context<'_>,
    user: Option<&'a User>,
    token_hash: &str,
    grant: &EmailChangeGrant,
    follower: &Follower<'a>,
) -> Result<(&'a User, &'a Session), LinkError> {
    let user = user.ok_or(LinkError::UserNotFound)?;
    let is_current = user.email == grant.email
        && user.sessions_valid_from == grant.generation
        && user.email_change.as_deref() == Some(token_hash);
    if !is_current {
        return Err(LinkError::InvalidToken);
    }
    let session = follower.session.filter(|_| follower.by_token).map(|live| &live.session);
    let own = session.filter(|session| session.is_live(user, context.clock.now()));
    own.map(|session| (user, session)).ok_or(LinkError::OtherUser)
}
