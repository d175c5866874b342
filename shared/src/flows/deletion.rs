use std::time::Duration;

use tokio::time::timeout;

use super::{Context, live_session};
use crate::{
    domain::{DeletionGrant, LiveSession, Purpose, User, VerificationToken},
    ports::{
        DeleteUser, DeletionOutcome, FindDeletionToken, FindSession, PurgeSessions, StoreDeletionToken, StoreError,
        StoreResult,
    },
};

/// How often a deletion starts over that met a change of the user.
const ATTEMPTS: usize = 3;
/// How long one request removes sessions. What is left then, the next one
/// finds; what comes after needs its share of the request's time.
const PURGE_LIMIT: Duration = Duration::from_secs(4);
/// How long a deletion that is done looks for what came meanwhile.
const SWEEP_LIMIT: Duration = Duration::from_millis(500);

/// Why nobody was deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeletionError {
    /// Unknown, used, expired, somebody else's, or of an ended session.
    #[error("invalid token")]
    InvalidToken,
    /// The session ended meanwhile, as by another deletion.
    #[error("session ended")]
    SignedOut,
    /// The store failed; the user is as good as before, but for sessions.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a token by which a user can confirm the deletion: one write.
///
/// # Errors
/// The store's; no token was made.
pub async fn request_deletion(
    context: &Context<'_>,
    store: &impl StoreDeletionToken,
    user: &User,
    token_seconds: i64,
) -> StoreResult<VerificationToken> {
    let token = VerificationToken::generate(Purpose::UserDeletion, context.random);
    let grant = DeletionGrant {
        user_id: user.id.clone(),
        valid_from: user.sessions_valid_from,
        expires_at: context.clock.now().plus_seconds(token_seconds),
    };
    store.store_deletion_token(&token.hash(), &grant).await?;
    Ok(token)
}

/// Deletes a signed-in user, with a token if one is asked for.
///
/// First the rows of all other sessions go, however many requests that takes:
/// until then the user is there, signed in, and can ask again. Then one
/// transaction deletes the user and every way in. A session that somebody
/// began meanwhile is dead with the user; its row is removed if it is there.
///
/// # Errors
/// [`DeletionError`].
pub async fn delete_user<S>(
    context: &Context<'_>,
    store: &S,
    mut live: LiveSession,
    token: Option<&VerificationToken>,
) -> Result<User, DeletionError>
where
    S: FindSession + FindDeletionToken + PurgeSessions + DeleteUser,
{
    let token_hash = token.map(VerificationToken::hash);
    for _ in 0..ATTEMPTS {
        let LiveSession { session, user } = &live;
        if let Some(hash) = &token_hash {
            let grant = store.deletion_token(hash).await?;
            if !grant.is_some_and(|grant| grant.is_live(user, context.clock.now())) {
                return Err(DeletionError::InvalidToken);
            }
        }
        let purge = store.purge_sessions(&user.id, Some(&session.handle));
        timeout(PURGE_LIMIT, purge).await.map_err(|_| too_many_sessions())??;
        match store.delete_user(user, &session.handle, token_hash.as_deref(), context.clock.now()).await? {
            DeletionOutcome::Done => {
                // Nobody is left whom a fault could matter to: the rows are
                // dead, and DynamoDB collects them some day.
                let _ = timeout(SWEEP_LIMIT, store.purge_sessions(&user.id, None)).await;
                return Ok(live.user);
            }
            DeletionOutcome::Stale => {
                live = live_session(context, store, &live.session.handle).await?.ok_or(DeletionError::SignedOut)?
            }
        }
    }
    let reason = "the user keeps changing".to_owned();
    Err(StoreError::Unavailable { operation: "delete user", reason }.into())
}

fn too_many_sessions() -> StoreError {
    StoreError::Unavailable { operation: "purge sessions", reason: "not through yet".to_owned() }
}
