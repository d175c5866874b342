use tokio::time::Instant;

use super::{post::AnswerTime, verify_email::VerifyEmailEndpoint};
use crate::{
    flows::request_verification,
    http::{ApiError, Audit, AuthRequest, ErrorCode, Reply, body::Fields, csrf},
    mail::{Letter, Link},
    ports::{FindCredential, FindSession, FindUser, SendMail, StoreVerificationToken},
};

#[derive(serde::Serialize)]
struct Sent {
    status: bool,
}

impl<S, M> VerifyEmailEndpoint<S, M>
where
    S: FindCredential + FindUser + FindSession + StoreVerificationToken,
    M: SendMail,
{
    /// Answers strangers alike, and after the same time, whether the address is
    /// unknown, verified or neither.
    pub(super) async fn send(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let started = Instant::now();
        let config = &self.core.config;
        let mut fields = Fields::of_body(request.body.as_ref());
        let email = fields.email("email");
        let callback_url = fields.optional_string("callbackURL");
        fields.finish()?;
        csrf::check_login(request, &config.trusted_origins)?;
        let email = email.ok_or(ErrorCode::INVALID_EMAIL)?;

        audit.event("email_verification.request_failed").email(&email);
        if let Some(signed_in) = self.core.find_signed_in(&self.secrets, &self.store, request, audit).await? {
            let user = &signed_in.live.user;
            if user.email != email {
                return Err(ErrorCode::EMAIL_MISMATCH.into());
            }
            if user.email_verified {
                return Err(ErrorCode::EMAIL_ALREADY_VERIFIED.into());
            }
        }
        let seconds = config.verification.token_seconds;
        let requested = request_verification(&self.core.context(), &self.store, &email, seconds).await?;
        audit.event("email_verification.requested");
        let answer_time = AnswerTime::of(&self.core, started);
        if let Some(user_id) = &requested.user_id {
            audit.user(user_id);
            let url = self.core.verification_url(&requested.token, callback_url);
            let letter = Letter::VerifyEmail(Link { url: &url, minutes: self.core.verification_minutes() });
            let sending = self.post.send(&config.mail, &email, &letter);
            answer_time.send(audit, "email_verification.mail_failed", sending).await;
        }
        answer_time.wait().await;
        Reply::json(&Sent { status: true })
    }
}
