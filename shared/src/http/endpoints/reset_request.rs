use serde::Serialize;
use tokio::time::Instant;

use super::{
    Core,
    post::{AnswerTime, Post},
};
use crate::{
    flows::{may_mail, request_password_reset},
    http::{ApiError, Audit, AuthRequest, Endpoint, ErrorCode, Reply, body::Fields, cookies::encode, csrf},
    mail::{Letter, Link},
    ports::{CountEvents, FindCredential, SendMail, StoreResetToken},
};

const MESSAGE: &str = "If this email exists in our system, check your email for the reset link";

/// `POST /request-password-reset` and `POST /password-reset/request`
pub struct ResetRequestEndpoint<S, M> {
    /// Settings.
    pub core: Core,
    /// Accounts and tokens.
    pub store: S,
    /// Sends the mail.
    pub post: Post<M>,
}

#[derive(Serialize)]
struct Requested {
    status: bool,
    message: &'static str,
}

impl<S, M> Endpoint for ResetRequestEndpoint<S, M>
where
    S: FindCredential + StoreResetToken + CountEvents + Send + 'static,
    M: SendMail + Send + 'static,
{
    /// Answers alike, and after the same time, whether or not there is anybody
    /// to write to and whether or not the mail could be sent: the answer waits
    /// for a fixed moment, and the mail may take no longer.
    async fn handle(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let started = Instant::now();
        let config = &self.core.config;
        let mut fields = Fields::of_body(request.body.as_ref());
        let email = fields.email("email");
        let redirect_to = fields.optional_string("redirectTo");
        fields.finish()?;
        csrf::check_login(request, &config.trusted_origins)?;
        let email = email.ok_or(ErrorCode::INVALID_EMAIL)?;

        audit.event("password_reset.request_failed").email(&email);
        let context = self.core.context();
        let (may_mail, requested) = futures_util::join!(
            may_mail(&context, &self.store, &email),
            request_password_reset(&context, &self.store, &email, config.reset.token_seconds),
        );
        let (may_mail, requested) = (may_mail?, requested?);
        audit.event(if may_mail { "password_reset.requested" } else { "password_reset.mail_capped" });
        let answer_time = AnswerTime::of(&self.core, started);
        if let Some(user_id) = requested.user_id.as_ref().filter(|_| may_mail) {
            audit.user(user_id);
            let page = redirect_to.filter(|page| !page.is_empty()).unwrap_or(&config.reset.page);
            let path = format!("/reset-password/{}", requested.token.expose());
            let url = format!("{}?callbackURL={}", config.url(&path), encode(page));
            let letter = Letter::PasswordReset(Link { url: &url, minutes: config.reset.token_seconds / 60 });
            let sending = self.post.send(&config.mail, &email, &letter);
            answer_time.send(audit, "password_reset.mail_failed", sending).await;
        }
        answer_time.wait().await;
        Reply::json(&Requested { status: true, message: MESSAGE })
    }
}
