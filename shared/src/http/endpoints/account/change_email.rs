use serde::Serialize;
use tokio::time::Instant;

use super::AccountEndpoint;
use crate::{
    domain::ChangeStep,
    flows::{EmailChangeError, may_mail, request_email_change},
    http::{ApiError, Audit, AuthRequest, ErrorCode, Reply, body::Fields, endpoints::post::AnswerTime},
    mail::{Letter, Link},
    ports::{CountEvents, FindCredential, FindSession, SendMail, StartEmailChange},
};

#[derive(Serialize)]
struct Requested {
    status: bool,
}

impl<S, H, M, P, K> AccountEndpoint<S, H, M, P, K>
where
    S: FindSession + FindCredential + StartEmailChange + CountEvents,
    M: SendMail,
{
    /// `POST /change-email`. Answers alike, and after the same time, whether or
    /// not the new address is somebody's. A session that somebody found, not
    /// quite new any more, is not enough: the address is the key to the account.
    pub(super) async fn change_email(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let started = Instant::now();
        let (core, config) = (&self.core, &self.core.config);
        let mut fields = Fields::of_body(request.body.as_ref());
        let new_email = fields.email("newEmail");
        let callback_url = fields.optional_string("callbackURL");
        fields.finish()?;
        let new_email = new_email.ok_or(ErrorCode::INVALID_EMAIL)?;

        audit.event("email_change.request_failed");
        let (signed_in, _) = core.signed_in_by_token(&self.secrets, &self.store, request, audit).await?;
        signed_in.require_fresh()?;
        let user = &signed_in.live.user;
        let seconds = config.verification.token_seconds;
        let requested = request_email_change(&core.context(), &self.store, user, new_email.clone(), seconds).await?;
        let answer_time = AnswerTime::of(core, started);
        audit.event(if requested.token.is_some() { "email_change.requested" } else { "email_change.taken" });
        if let Some(token) = &requested.token {
            let url = core.verification_url(token, callback_url);
            let link = Link { url: &url, minutes: core.verification_minutes() };
            let (to, letter) = match requested.step {
                ChangeStep::Consent => (&user.email, Letter::EmailChangeConsent { link, new_email: &new_email }),
                ChangeStep::Change => (&new_email, Letter::EmailChange(link)),
            };
            let capped = !may_mail(&core.context(), &self.store, to).await?;
            if capped {
                audit.event("email_change.mail_capped");
            } else {
                let sending = self.post.send(&config.mail, to, &letter);
                answer_time.send(audit, "email_change.mail_failed", sending).await;
            }
        }
        answer_time.wait().await;
        Reply::json(&Requested { status: true })
    }
}

impl From<EmailChangeError> for ApiError {
    fn from(error: EmailChangeError) -> Self {
        match error {
            EmailChangeError::Same => ErrorCode::EMAIL_IS_THE_SAME.into(),
            EmailChangeError::Refused => ErrorCode::SIGN_IN_REFUSED.into(),
            EmailChangeError::Ended => ErrorCode::UNAUTHORIZED.into(),
            EmailChangeError::Store(error) => error.into(),
        }
    }
}
