use serde::Serialize;

use super::AccountEndpoint;
use crate::{
    domain::Password,
    flows::{ChangePasswordError, PasswordError, change_password, check_password},
    http::{
        ApiError, Audit, AuthRequest, ErrorCode, Reply,
        body::Fields,
        endpoints::{
            client,
            views::{Status, UserView},
        },
    },
    mail::Letter,
    ports::{ChangePassword, FindCredential, FindSession, HashPassword, LimitAttempts, SendMail},
};

#[derive(Serialize)]
struct Changed<'a> {
    token: &'a str,
    user: UserView<'a>,
}

impl<S, H, M, P, K> AccountEndpoint<S, H, M, P, K>
where
    S: FindSession + FindCredential + LimitAttempts + ChangePassword,
    H: HashPassword,
    M: SendMail,
{
    /// `POST /change-password`. All other sessions end, whatever
    /// `revokeOtherSessions` says: somebody who knew the old password may have
    /// one of them.
    pub(super) async fn change_password(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let mut fields = Fields::of_body(request.body.as_ref());
        let new = fields.string("newPassword");
        let current = fields.string("currentPassword");
        fields.optional_bool("revokeOtherSessions");
        fields.finish()?;
        let (signed_in, _) = self.core.signed_in_by_token(&self.secrets, &self.store, request, audit).await?;
        let new = Password::new(new)?;
        let current = Password::candidate(current)?;
        self.core.config.passwords.check(&new, &signed_in.live.user.email)?;

        audit.event("password.change_failed");
        let context = self.core.context();
        let passwords = (current, new);
        let (user, session) =
            change_password(&context, &self.hasher, &self.store, signed_in.live, passwords, client(request)).await?;
        audit.event("password.changed");
        self.post.notify(&self.core, audit, &user.email, &Letter::PasswordChanged).await;
        self.core.hooks.password_changed(&user.id).await;

        let keys = &signed_in.keys;
        let token = self.core.access_token(keys, &user, &session.session, None)?;
        let mut reply = Reply::json(&Changed { token: &token, user: UserView::from(&user) })?;
        self.core.give_session(&mut reply, request, keys, &session.token, session.session.remembered)?;
        self.core.remember_device(&mut reply, keys, None, &user)?;
        Ok(reply)
    }

    /// `POST /verify-password`. Nobody learns from it whether the user has one.
    pub(super) async fn verify_password(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let mut fields = Fields::of_body(request.body.as_ref());
        let password = fields.string("password");
        fields.finish()?;
        let (signed_in, _) = self.core.signed_in_by_token(&self.secrets, &self.store, request, audit).await?;
        let password = Password::candidate(password)?;
        audit.event("password.verification_failed");
        match check_password(&self.core.context(), &self.hasher, &self.store, &signed_in.live.user, password).await {
            Ok(_) => {
                audit.event("password.verified");
                Reply::json(&Status { status: true })
            }
            Err(PasswordError::Missing) => Err(ErrorCode::INVALID_PASSWORD.into()),
            Err(error) => Err(error.into()),
        }
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Missing => ErrorCode::CREDENTIAL_ACCOUNT_NOT_FOUND.into(),
            PasswordError::Wrong => ErrorCode::INVALID_PASSWORD.into(),
            PasswordError::Overtaken => ErrorCode::UNAUTHORIZED.into(),
            PasswordError::Attempt(error) => error.into(),
        }
    }
}

impl From<ChangePasswordError> for ApiError {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::Password(error) => error.into(),
            ChangePasswordError::SignedOut => ErrorCode::UNAUTHORIZED.into(),
        }
    }
}
