use super::Context;
use crate::{
    domain::{Email, Limit, Scope},
    ports::{CountEvents, Counted, StoreResult},
};

/// Whether one more mail that anybody can ask for may go to an address: a link,
/// a code, or a notice of a sign-up. Counts it, over all kinds of mail, whether
/// or not the address is known; what would go beyond the caps is not sent, and
/// the answer does not tell.
///
/// Notices of what has happened to an account are not asked for by strangers
/// and do not count.
///
/// # Errors
/// The store's.
pub async fn may_mail(context: &Context<'_>, store: &impl CountEvents, to: &Email) -> StoreResult<bool> {
    let Some(limits) = context.limits else { return Ok(true) };
    // In this order: what the short window refuses does not use up the day.
    for limit in [Limit::Mail, Limit::MailDaily] {
        let counted = store.count(&Scope::mails(limit, to), limits.quota(limit), context.clock.now()).await?;
        if counted != Counted::Within {
            return Ok(false);
        }
    }
    Ok(true)
}
