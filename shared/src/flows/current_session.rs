use std::time::Duration;

use tokio::time::timeout;

use super::Context;
use crate::{
    domain::{LiveSession, SessionHandle},
    ports::{ExtendSession, FindSession, StoreResult},
};

/// How long a request waits for an extension, which the next one can make.
const EXTENSION_LIMIT: Duration = Duration::from_secs(1);

/// A session that is alive, and whether it was extended just now.
#[derive(Debug)]
pub struct CurrentSession {
    /// The session and its user.
    pub live: LiveSession,
    /// Whether its expiry moved, so that the cookie has to move too.
    pub extended: bool,
}

/// The session under a handle, if it is alive, in one read; extended by one
/// conditional write when it is due and `refresh` is set.
///
/// Of concurrent requests at most one extends it, and none brings back a
/// session that ended meanwhile.
///
/// # Errors
/// The store's. A session that cannot be extended now is returned as it is.
pub async fn current_session<S>(
    context: &Context<'_>,
    store: &S,
    handle: &SessionHandle,
    refresh: bool,
) -> StoreResult<Option<CurrentSession>>
where
    S: FindSession + ExtendSession,
{
    let Some(LiveSession { mut session, user }) = live_session(context, store, handle).await? else { return Ok(None) };
    let now = context.clock.now();
    let mut extended = false;
    if refresh
        && let Some(expires_at) = session.extension(context.sessions, now)
        && matches!(timeout(EXTENSION_LIMIT, store.extend(&session, expires_at, now)).await, Ok(Ok(true)))
    {
        session.expires_at = expires_at;
        session.updated_at = now;
        extended = true;
    }
    Ok(Some(CurrentSession { live: LiveSession { session, user }, extended }))
}

/// The session under a handle, if it is alive: one read.
///
/// # Errors
/// The store's.
pub async fn live_session(
    context: &Context<'_>,
    store: &impl FindSession,
    handle: &SessionHandle,
) -> StoreResult<Option<LiveSession>> {
    let found = store.session(handle).await?;
    let now = context.clock.now();
    Ok(found.filter(|(session, user)| session.is_live(user, now)).map(|(session, user)| LiveSession { session, user }))
}
