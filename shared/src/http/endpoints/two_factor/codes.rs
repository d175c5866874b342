use std::sync::Arc;

use serde::Serialize;

use super::{Status, TwoFactorEndpoint, TwoFactorStore};
use crate::{
    crypto::Keyring,
    flows::{
        CompletedSignIn, NewMailedCode, ShownCode, StepUp, TwoFactorError, code_for_challenge, code_for_session,
        complete_sign_in, spend_backup_code, step_up,
    },
    http::{
        ApiError, Audit, AuthRequest, ErrorCode, Reply,
        body::Fields,
        endpoints::{client, signed_in::SignedIn, views::UserView},
        routes::Route,
    },
    mail::Letter,
    ports::{EncryptionKeys, HashPassword, SendMail},
};

#[derive(Serialize)]
struct Verified<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    user: UserView<'a>,
}

/// A code with what goes with it.
struct Shown<'a> {
    code: ShownCode<'a>,
    trust: bool,
    /// Whether a backup code is spent for its answer alone.
    is_bare: bool,
    not_enabled: ErrorCode,
    wrong: ErrorCode,
}

impl<'a> Shown<'a> {
    fn read(request: &'a AuthRequest) -> Result<Self, ApiError> {
        let mut fields = Fields::of_body(request.body.as_ref());
        let code = fields.string("code");
        let is_backup = request.info.route == Route::TwoFactorVerifyBackupCode;
        let is_bare = is_backup && fields.optional_bool("disableSession").unwrap_or(false);
        let trust = fields.optional_bool("trustDevice").unwrap_or(false);
        fields.finish()?;
        let (code, not_enabled, wrong) = match request.info.route {
            Route::TwoFactorVerifyBackupCode => {
                (ShownCode::Backup(code), ErrorCode::BACKUP_CODES_NOT_ENABLED, ErrorCode::INVALID_BACKUP_CODE)
            }
            Route::TwoFactorVerifyOtp => (ShownCode::Mailed(code), ErrorCode::OTP_NOT_ENABLED, ErrorCode::INVALID_CODE),
            _ => (ShownCode::Totp(code), ErrorCode::TOTP_NOT_ENABLED, ErrorCode::INVALID_CODE),
        };
        Ok(Self { code, trust, is_bare, not_enabled, wrong })
    }

    fn on_wire(&self, error: TwoFactorError) -> ApiError {
        error.on_wire(self.not_enabled, self.wrong)
    }
}

impl<S, H, K, M> TwoFactorEndpoint<S, H, K, M>
where
    S: TwoFactorStore,
    H: HashPassword,
    K: EncryptionKeys,
    M: SendMail,
{
    /// Takes a code: of somebody who is signed in, else of the sign-in that
    /// this browser has pending.
    pub(super) async fn verify(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let shown = Shown::read(request)?;
        audit.event("two_factor.failed");
        if let Some(signed_in) = self.signed_in(request, audit).await? {
            return Box::pin(self.verify_signed_in(request, audit, &signed_in, &shown)).await;
        }
        Box::pin(self.verify_pending(request, audit, &shown)).await
    }

    async fn verify_signed_in(
        &self,
        request: &AuthRequest,
        audit: &mut Audit,
        signed_in: &SignedIn,
        shown: &Shown<'_>,
    ) -> Result<Reply, ApiError> {
        let SignedIn { keys, live, .. } = signed_in;
        let context = self.core.context();
        let outcome = step_up(&context, &self.store, &self.encryption, live, shown.code, client(request)).await;
        let session = match outcome.map_err(|error| shown.on_wire(error))? {
            StepUp::Right => {
                audit.event("two_factor.succeeded");
                None
            }
            StepUp::Enabled(session) => {
                audit.event("two_factor.enabled");
                self.post.notify(&self.core, audit, &live.user.email, &Letter::TwoFactorEnabled).await;
                Some(session)
            }
        };
        // The user is shown as before, which is what Better Auth's client expects.
        let current = session.as_ref().map_or(&live.session, |session| &session.session);
        let token = self.core.access_token(keys, &live.user, current, None)?;
        let mut reply = Reply::json(&Verified { token: Some(&token), user: UserView::from(&live.user) })?;
        if let Some(session) = &session {
            self.core.give_session(&mut reply, request, keys, &session.token, live.session.remembered)?;
        }
        Ok(reply)
    }

    async fn verify_pending(
        &self,
        request: &AuthRequest,
        audit: &mut Audit,
        shown: &Shown<'_>,
    ) -> Result<Reply, ApiError> {
        let token = self.challenge(request).await?;
        let (context, store, encryption) = (self.core.context(), &self.store, &self.encryption);
        if let (true, ShownCode::Backup(code)) = (shown.is_bare, shown.code) {
            return match spend_backup_code(&context, store, encryption, &token, code).await {
                Ok(user) => {
                    audit.event("two_factor.succeeded").user(&user.id);
                    Reply::json(&Verified { token: None, user: UserView::from(&user) })
                }
                Err(error) => self.refuse(audit, shown, error),
            };
        }
        let completed =
            complete_sign_in(&context, store, encryption, &token, shown.code, client(request), shown.trust).await;
        match completed {
            Ok(completed) => {
                let keys = self.secrets.keys().await.map_err(ApiError::unavailable)?;
                audit.event("two_factor.signed_in").user(&completed.user.id);
                self.let_in(request, &keys, &completed)
            }
            Err(error) => self.refuse(audit, shown, error),
        }
    }

    fn let_in(
        &self,
        request: &AuthRequest,
        keys: &Arc<Keyring>,
        completed: &CompletedSignIn,
    ) -> Result<Reply, ApiError> {
        let CompletedSignIn { user, session, remember, device } = completed;
        let token = self.core.access_token(keys, user, &session.session, None)?;
        let mut reply = Reply::json(&Verified { token: Some(&token), user: UserView::from(user) })?;
        self.core.give_session(&mut reply, request, keys, &session.token, *remember)?;
        reply.set_cookie(&self.core.cookies.clear_challenge())?;
        let known = self.core.cookies.known_device(&request.headers, keys, &user.email);
        self.core.remember_device(&mut reply, keys, known, user)?;
        if let Some(device) = device {
            let seconds = self.core.config.two_factor.policy.trust_seconds;
            reply.set_cookie(&self.core.cookies.set_trusted_device(keys, &device.token, seconds))?;
        }
        Ok(reply)
    }

    /// A challenge that takes no more codes had better be forgotten.
    fn refuse(&self, audit: &mut Audit, shown: &Shown<'_>, error: TwoFactorError) -> Result<Reply, ApiError> {
        if !matches!(error, TwoFactorError::TooManyAttempts) {
            return Err(shown.on_wire(error));
        }
        audit.reason(error.to_string());
        let mut reply = Reply::error(&shown.on_wire(error));
        reply.set_cookie(&self.core.cookies.clear_challenge())?;
        Ok(reply)
    }

    /// Mails a code. That the mail failed is in the log alone: the person asks
    /// for another one.
    pub(super) async fn send_code(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let mut fields = Fields::of_optional_body(request.body.as_ref());
        fields.optional_bool("trustDevice");
        fields.finish()?;
        audit.event("two_factor.code_failed");
        let context = self.core.context();
        let code = match self.signed_in(request, audit).await? {
            Some(signed_in) => code_for_session(&context, &self.store, &self.encryption, signed_in.live).await,
            None => {
                let token = self.challenge(request).await?;
                code_for_challenge(&context, &self.store, &self.encryption, &token).await
            }
        };
        let NewMailedCode { user, code, minutes } =
            code.map_err(|error| error.on_wire(ErrorCode::OTP_NOT_ENABLED, ErrorCode::INVALID_CODE))?;
        audit.event("two_factor.code_sent").user(&user.id);
        self.post.notify(&self.core, audit, &user.email, &Letter::OneTimeCode { code: &code, minutes }).await;
        Reply::json(&Status { status: true })
    }

    /// Who is signed in by the session's own token, if anybody is. An access
    /// token speaks for nobody here: back ends have it too.
    async fn signed_in(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Option<SignedIn>, ApiError> {
        let found = self.core.find_signed_in(&self.secrets, &self.store, request, audit).await?;
        Ok(found.filter(|signed_in| signed_in.token.is_some()))
    }
}
