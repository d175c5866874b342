use super::{Context, live_session};
use crate::{
    domain::{LiveSession, Session, User},
    ports::{EndOtherSessions, FindSession, ListSessions, StoreError, StoreResult},
};

/// How often a revocation starts over that met an extension or another one.
const ATTEMPTS: usize = 3;

/// The live sessions of a user, oldest first.
///
/// # Errors
/// The store's.
pub async fn list_sessions(context: &Context<'_>, store: &impl ListSessions, user: &User) -> StoreResult<Vec<Session>> {
    let now = context.clock.now();
    let mut sessions = store.sessions(&user.id).await?;
    sessions.retain(|session| session.is_live(user, now));
    sessions.sort_by(|a, b| (a.created_at, &a.handle.token_hash).cmp(&(b.created_at, &b.handle.token_hash)));
    Ok(sessions)
}

/// Ends all sessions of a user but this one: one transaction. `false` if this
/// one has ended meanwhile.
///
/// # Errors
/// The store's.
pub async fn end_other_sessions<S>(context: &Context<'_>, store: &S, live: &LiveSession) -> StoreResult<bool>
where
    S: EndOtherSessions + FindSession,
{
    let seen = live.session.valid_from;
    for _ in 0..ATTEMPTS {
        let now = context.clock.now();
        if store.end_other_sessions(&live.session, live.user.next_generation(now), now).await? {
            return Ok(true);
        }
        match live_session(context, store, &live.session.handle).await? {
            // Somebody else did the same with this session: the others of the
            // generation that was seen are dead.
            Some(live) if live.session.valid_from != seen => return Ok(true),
            Some(_) => {}
            None => return Ok(false),
        }
    }
    let reason = "the sessions keep ending".to_owned();
    Err(StoreError::Unavailable { operation: "end other sessions", reason })
}
