use super::Context;
use crate::{
    domain::User,
    ports::{FindAccounts, FindUser, StoreError, UnlinkAccount},
};

/// How often a call that races another change reads again.
const ATTEMPTS: usize = 4;

/// Why a way in was not given up.
#[derive(Debug, thiserror::Error)]
pub enum UnlinkError {
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
/// refused.
///
/// # Errors
/// [`UnlinkError`].
pub async fn unlink_account<S>(context: &Context<'_>, store: &S, user: User, id: &str) -> Result<(), UnlinkError>
where
    S: FindAccounts + FindUser + UnlinkAccount,
{
    let mut user = user;
    for _ in 0..ATTEMPTS {
        let mut accounts = store.accounts(&user).await?;
        accounts.retain(|account| account.is_way_in(&user));
        if accounts.len() <= 1 {
            return Err(UnlinkError::LastAccount);
        }
        let account = accounts.iter().find(|account| account.id() == id).ok_or(UnlinkError::NotFound)?;
        if store.unlink(&user, account, context.clock.now()).await? {
            return Ok(());
        }
        user = store.user(&user.id).await?.ok_or(UnlinkError::NotFound)?;
    }
    Err(StoreError::Unavailable { operation: "unlink account", reason: "the user keeps changing".to_owned() }.into())
}
