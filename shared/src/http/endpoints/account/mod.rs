mod change_email;
mod deletion;
mod link;
mod linked;
mod password;
mod profile;
mod provider_tokens;

use super::{Core, Post};
use crate::{
    adapters::SecretCache,
    http::{ApiError, Audit, AuthRequest, Endpoint, ErrorCode, Reply, routes::Route},
    ports::{
        AskProvider, ChangePassword, CountEvents, DeleteUser, EncryptionKeys, FindAccounts, FindCredential,
        FindDeletionToken, FindSession, HashPassword, LimitAttempts, LinkAccount, OAuthProviders, PurgeSessions,
        RefreshTokens, SendMail, SpendIdToken, StartEmailChange, StoreDeletionToken, StoreOAuthState, UnlinkAccount,
        UpdateProfile, VerifyIdToken,
    },
};

/// What users do with their own account: profile, password, address, linked
/// providers, deletion.
pub struct AccountEndpoint<S, H, M, P, K> {
    /// Settings and cookies.
    pub core: Core,
    /// Checks cookies and access tokens.
    pub secrets: SecretCache,
    /// Compares and hashes passwords.
    pub hasher: H,
    /// Users, accounts, sessions and tokens.
    pub store: S,
    /// Tells users what happened to their account.
    pub post: Post<M>,
    /// OAuth providers.
    pub providers: P,
    /// Opens and seals the providers' tokens.
    pub encryption: K,
}

impl<S, H, M, P, K> Endpoint for AccountEndpoint<S, H, M, P, K>
where
    S: FindSession
        + UpdateProfile
        + FindCredential
        + LimitAttempts
        + CountEvents
        + ChangePassword
        + StartEmailChange
        + StoreDeletionToken
        + FindDeletionToken
        + PurgeSessions
        + DeleteUser
        + FindAccounts
        + UnlinkAccount
        + StoreOAuthState
        + SpendIdToken
        + LinkAccount
        + RefreshTokens
        + Send
        + 'static,
    H: HashPassword + Send + 'static,
    M: SendMail + Send + 'static,
    P: OAuthProviders + VerifyIdToken + AskProvider + Send + 'static,
    K: EncryptionKeys + Send + 'static,
{
    async fn handle(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        match request.info.route {
            Route::UpdateUser => self.update_user(request, audit).await,
            Route::ChangePassword => self.change_password(request, audit).await,
            Route::VerifyPassword => self.verify_password(request, audit).await,
            Route::DeleteUser => self.delete_user(request, audit).await,
            Route::DeleteUserCallback => self.follow_deletion_link(request, audit).await,
            Route::ChangeEmail => self.change_email(request, audit).await,
            Route::ListAccounts => self.list_accounts(request, audit).await,
            Route::LinkSocial => self.link_social(request, audit).await,
            Route::UnlinkAccount => self.unlink_account(request, audit).await,
            Route::GetAccessToken => self.get_access_token(request, audit).await,
            Route::RefreshToken => self.refresh_token(request, audit).await,
            Route::AccountInfo => self.account_info(request, audit).await,
            _ => Err(ErrorCode::NOT_FOUND.into()),
        }
    }
}
