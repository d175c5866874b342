use super::{Context, live_session};
use crate::{
    domain::{Account, LiveSession},
    ports::{FindAccounts, FindSession, StoreError, UnlinkAccount},
};

/// How often a call that races another change reads again.
const ATTEMPTS: usize = 4;

/// Why a way in was not given up.
#[derive(Debug, thiserror::Error)]
pub enum UnlinkError {
    /// The session that asked is over.
    #[error("the session is over")]
    NotSignedIn,
    /// It is the only one.
    #[error("the last account")]
    LastAccount,
    /// The user has none of that id.
    #[error("account not found")]
    NotFound,
    /// The store failed; nothing was written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Gives up the account with an id, unless it is the user's last way in: one
/// read and one transaction. Of concurrent calls that would leave none, one is
/// refused. Returns what was given up.
///
/// # Errors
/// [`UnlinkError`].
pub async fn unlink_account<S>(
    context: &Context<'_>,
    store: &S,
    live: LiveSession,
    id: &str,
) -> Result<Account, UnlinkError>
where
    S: FindAccounts + FindSession + UnlinkAccount,
{
    let LiveSession { session, mut user } = live;
    for _ in 0..ATTEMPTS {
        let mut accounts = store.accounts(&user).await?;
        accounts.retain(|account| account.is_way_in(&user));
        if accounts.len() == 1 {
            return Err(UnlinkError::LastAccount);
        }
        let account = accounts.iter().find(|account| account.id() == id).ok_or(UnlinkError::NotFound)?;
        if store.unlink(&user, account, context.clock.now()).await? {
            return Ok(account.clone());
        }
        user = live_session(context, store, &session.handle).await?.ok_or(UnlinkError::NotSignedIn)?.user;
    }
    Err(StoreError::Unavailable { operation: "unlink account", reason: "the user keeps changing".to_owned() }.into())
}
