use super::Context;
use crate::{
    domain::{Email, Limit, Scope, Timestamp},
    ports::{CountEvents, Counted, StoreResult},
};

/// Whether one more mail that anybody can ask for may go to an address: a link
/// or a notice of a sign-up. Counts it, over all kinds of mail, whether
/// or not the address is known; what would go beyond the caps is not sent, and
/// the answer does not tell.
///
/// Notices of what has happened to an account are not asked for by strangers
/// and do not count.
///
/// # Errors
/// The store's.
pub async fn may_mail(context: &Context<'_>, store: &impl CountEvents, to: &Email) -> StoreResult<bool> {
    count(context, store, |limit| Scope::mails(limit, to)).await.map(|counted| counted == Counted::Within)
}

/// The same for mails that only somebody can ask for who has shown to be the
/// user, or at least to know the password: codes, and links that confirm. They
/// have counts of their own, so that strangers cannot use them up; whoever asks
/// may be told, and the time at which there is another comes with the answer.
///
/// # Errors
/// The store's.
pub async fn may_mail_owner(
    context: &Context<'_>,
    store: &impl CountEvents,
    to: &Email,
) -> StoreResult<Result<(), Timestamp>> {
    match count(context, store, |limit| Scope::own_mails(limit, to)).await? {
        Counted::Within => Ok(Ok(())),
        Counted::Over(until) => Ok(Err(until)),
    }
}

async fn count(
    context: &Context<'_>,
    store: &impl CountEvents,
    scope: impl Fn(Limit) -> Scope,
) -> StoreResult<Counted> {
    let Some(limits) = context.limits else { return Ok(Counted::Within) };
    // In this order: what the short window refuses does not use up the day.
    for limit in [Limit::Mail, Limit::MailDaily] {
        let counted = store.count(&scope(limit), limits.quota(limit), context.clock.now()).await?;
        if counted != Counted::Within {
            return Ok(counted);
        }
    }
    Ok(Counted::Within)
}
