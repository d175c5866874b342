use super::{Client, Context, NewSession, PasswordError, check_password, live_session};
use crate::{
    domain::{LiveSession, Password, User},
    ports::{ChangeOutcome, ChangePassword, FindCredential, FindSession, HashPassword, LimitAttempts, StoreError},
};

/// How often a change starts over that met one of the sessions alone.
const ATTEMPTS: usize = 3;

/// Why the password was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// The current password was not confirmed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The session ended meanwhile, as by another change of the password.
    #[error("session ended")]
    SignedOut,
}

impl From<StoreError> for ChangePasswordError {
    fn from(error: StoreError) -> Self {
        Self::Password(error.into())
    }
}

/// Changes the password of a signed-in user: one read, two hashes, one
/// transaction. A new generation of sessions starts with it, in which the
/// caller has the only one, under a new token.
///
/// # Errors
/// [`ChangePasswordError`].
pub async fn change_password<S>(
    context: &Context<'_>,
    hasher: &impl HashPassword,
    store: &S,
    mut live: LiveSession,
    (current, new): (Password, Password),
    client: Client,
) -> Result<(User, NewSession), ChangePasswordError>
where
    S: FindCredential + LimitAttempts + FindSession + ChangePassword,
{
    for _ in 0..ATTEMPTS {
        let LiveSession { session, user } = &live;
        let account = check_password(context, hasher, store, user, current.clone()).await?;
        let hash = hasher.hash(new.clone()).await.map_err(|error| PasswordError::Attempt(error.into()))?;
        let generation = user.next_generation(context.clock.now());
        let successor = context.new_session(&user.id, generation, session.remembered, client.clone());
        match store.change_password(user, &account, &hash, &session.handle, &successor.session).await? {
            ChangeOutcome::Done => {
                let changed_at = successor.session.created_at;
                let user = User {
                    sessions_valid_from: generation,
                    password_changed_at: generation,
                    updated_at: changed_at,
                    ..live.user
                };
                return Ok((user, successor));
            }
            // Whatever else was in the way has ended this session too.
            ChangeOutcome::Stale => {
                live =
                    live_session(context, store, &live.session.handle).await?.ok_or(ChangePasswordError::SignedOut)?
            }
        }
    }
    let reason = "the sessions keep ending".to_owned();
    Err(StoreError::Unavailable { operation: "change password", reason }.into())
}
