use super::{Core, Post, views::Status};
use crate::{
    domain::{Password, Purpose, VerificationToken},
    flows::{ResetError, confirm_password_reset, forget_failures, is_reset_token_live},
    http::{
        ApiError, Audit, AuthRequest, Endpoint, ErrorCode, Reply, body::Fields, csrf, redirect::with_parameters,
        routes::Route,
    },
    mail::Letter,
    ports::{FindResetToken, HashPassword, LimitAttempts, ResetPassword, SendMail},
};

/// `POST /reset-password`, `POST /password-reset/confirm` and
/// `GET /reset-password/{token}`
pub struct ResetConfirmEndpoint<S, H, M> {
    /// Settings.
    pub core: Core,
    /// Hashes the new password.
    pub hasher: H,
    /// Tokens, accounts and users.
    pub store: S,
    /// Tells the owner of the address.
    pub post: Post<M>,
}

impl<S, H, M> Endpoint for ResetConfirmEndpoint<S, H, M>
where
    S: FindResetToken + ResetPassword + LimitAttempts + Send + 'static,
    H: HashPassword + Send + 'static,
    M: SendMail + Send + 'static,
{
    async fn handle(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        match request.info.route {
            Route::ResetPasswordLink => self.follow_link(request).await,
            _ => self.confirm(request, audit).await,
        }
    }
}

impl<S, H, M> ResetConfirmEndpoint<S, H, M>
where
    S: FindResetToken + ResetPassword + LimitAttempts,
    H: HashPassword,
    M: SendMail,
{
    async fn confirm(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let mut fields = Fields::of_body(request.body.as_ref());
        let password = fields.string("newPassword");
        let in_body = fields.optional_string("token");
        fields.finish()?;
        let mut fields = Fields::of_query(&request.query);
        let in_query = fields.optional_string("token");
        fields.finish()?;

        let token = [in_body, in_query].into_iter().flatten().find(|token| !token.is_empty());
        let token = token.ok_or(ErrorCode::INVALID_TOKEN)?;
        // A password that is refused leaves the token as it is.
        let password = Password::new(password)?;
        audit.event("password_reset.failed");
        let token = VerificationToken::parse(Purpose::PasswordReset, token).ok_or(ErrorCode::INVALID_TOKEN)?;
        let (user_id, email) = confirm_password_reset(
            &self.core.context(),
            &self.hasher,
            &self.store,
            &token,
            password,
            self.core.config.passwords,
        )
        .await
        .map_err(|error| match error {
            ResetError::InvalidToken => ErrorCode::INVALID_TOKEN.into(),
            ResetError::Password(error) => error.into(),
            ResetError::Hash(error) => error.into(),
            ResetError::Store(error) => ApiError::from(error),
        })?;
        audit.event("password_reset.succeeded").user(&user_id);
        let context = self.core.context();
        // A wait that is left over ends by itself.
        let ((), _) = futures_util::join!(
            self.post.notify(&self.core, audit, &email, &Letter::PasswordChanged),
            forget_failures(&context, &self.store, &email),
        );
        self.core.hooks.password_changed(&user_id).await;
        Reply::json(&Status { status: true })
    }

    /// The mailed link: tells the page whether the token is good, and leaves it so.
    async fn follow_link(&self, request: &AuthRequest) -> Result<Reply, ApiError> {
        let config = &self.core.config;
        let mut fields = Fields::of_query(&request.query);
        let callback_url = fields.string("callbackURL");
        fields.finish()?;
        csrf::check_callback_url(callback_url, &config.trusted_origins)?;
        let invalid = [("error", "INVALID_TOKEN")];
        if callback_url.is_empty() {
            return Reply::redirect(&with_parameters(&config.url(""), &config.url("/error"), &invalid));
        }
        let text = request.parameter.as_deref().unwrap_or_default();
        let is_live = match VerificationToken::parse(Purpose::PasswordReset, text) {
            Some(token) => is_reset_token_live(&self.core.context(), &self.store, &token).await?,
            None => false,
        };
        let valid = [("token", text)];
        let parameters = if is_live { &valid } else { &invalid };
        Reply::redirect(&with_parameters(&config.url(""), callback_url, parameters))
    }
}
