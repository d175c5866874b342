//! The ways in that a user has.

use serde::Serialize;

use super::AccountEndpoint;
use crate::{
    domain::{Account, Timestamp},
    flows::{UnlinkError, unlink_account},
    http::{ApiError, Audit, AuthRequest, ErrorCode, Reply, body::Fields, endpoints::views::Status},
    mail::Letter,
    ports::{FindAccounts, FindSession, SendMail, UnlinkAccount},
};

/// An account, without what it is made of.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountView<'a> {
    id: String,
    provider_id: &'a str,
    account_id: &'a str,
    user_id: &'a str,
    scopes: &'a [String],
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl<'a> From<&'a Account> for AccountView<'a> {
    fn from(account: &'a Account) -> Self {
        Self {
            id: account.id(),
            provider_id: &account.provider,
            account_id: &account.account_id,
            user_id: account.user_id.as_str(),
            scopes: account.scopes(),
            created_at: account.created_at,
            updated_at: account.updated_at,
        }
    }
}

impl<S, H, M, P, K> AccountEndpoint<S, H, M, P, K>
where
    S: FindSession + FindAccounts + UnlinkAccount,
    M: SendMail,
{
    /// `GET /list-accounts`
    pub(super) async fn list_accounts(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let user = self.core.signed_in(&self.secrets, &self.store, request, audit).await?.live.user;
        let mut accounts = self.store.accounts(&user).await?;
        accounts.retain(|account| account.is_way_in(&user));
        Reply::json(&accounts.iter().map(AccountView::from).collect::<Vec<_>>())
    }

    /// `POST /unlink-account`
    pub(super) async fn unlink_account(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let mut fields = Fields::of_body(request.body.as_ref());
        let account_id = fields.string("accountId");
        fields.finish()?;
        let (signed_in, _) = self.core.signed_in_by_token(&self.secrets, &self.store, request, audit).await?;
        signed_in.require_fresh()?;
        audit.event("account.unlink_failed");
        let email = signed_in.live.user.email.clone();
        let unlinked =
            unlink_account(&self.core.context(), &self.store, signed_in.live, account_id).await.map_err(|error| {
                match error {
                    UnlinkError::NotSignedIn => ErrorCode::UNAUTHORIZED.into(),
                    UnlinkError::LastAccount => ErrorCode::FAILED_TO_UNLINK_LAST_ACCOUNT.into(),
                    UnlinkError::NotFound => ErrorCode::ACCOUNT_NOT_FOUND.into(),
                    UnlinkError::Store(error) => ApiError::from(error),
                }
            })?;
        audit.event("account.unlinked");
        if unlinked.is_credential() {
            self.core.hooks.password_changed(&unlinked.user_id).await;
            self.post.notify(&self.core, audit, &email, &Letter::PasswordRemoved).await;
        }
        Reply::json(&Status { status: true })
    }
}
