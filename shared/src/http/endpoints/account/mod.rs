mod change_email;

use super::{Core, Post};
use crate::{
    adapters::SecretCache,
    http::{ApiError, Audit, AuthRequest, Endpoint, ErrorCode, Reply, routes::Route},
    ports::{FindCredential, FindSession, HashPassword, SendMail, StartEmailChange},
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
    S: FindSession + FindCredential + StartEmailChange + Send + 'static,
    H: HashPassword + Send + 'static,
    M: SendMail + Send + 'static,
{
    async fn handle(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        match request.info.route {
            Route::ChangeEmail => self.change_email(request, audit).await,
            _ => Err(ErrorCode::NOT_FOUND.into()),
        }
    }
}
