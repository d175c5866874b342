mod change_email;
mod deletion;
mod password;
mod profile;

use super::{Core, Post};
use crate::{
    adapters::SecretCache,
    http::{ApiError, Audit, AuthRequest, Endpoint, ErrorCode, Reply, routes::Route},
    ports::{
        ChangePassword, CountEvents, DeleteUser, FindCredential, FindDeletionToken, FindSession, HashPassword,
        LimitAttempts, PurgeSessions, SendMail, StartEmailChange, StoreDeletionToken, UpdateProfile,
    },
};

/// What users do with their own account: profile, password, address, linked
/// providers, deletion.
pub struct AccountEndpoint<S, H, M> {
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
}

impl<S, H, M> Endpoint for AccountEndpoint<S, H, M>
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
        + Send
        + 'static,
    H: HashPassword + Send + 'static,
    M: SendMail + Send + 'static,
{
    async fn handle(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        match request.info.route {
            Route::UpdateUser => self.update_user(request, audit).await,
            Route::ChangePassword => self.change_password(request, audit).await,
            Route::VerifyPassword => self.verify_password(request, audit).await,
            Route::DeleteUser => self.delete_user(request, audit).await,
            Route::DeleteUserCallback => self.follow_deletion_link(request, audit).await,
            Route::ChangeEmail => self.change_email(request, audit).await,
            _ => Err(ErrorCode::NOT_FOUND.into()),
        }
    }
}
