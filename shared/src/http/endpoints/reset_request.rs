use serde::Serialize;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Core;
use crate::{
    flows::{RequestedReset, may_mail, request_password_reset},
    http::{ApiError, Audit, AuthRequest, Endpoint, ErrorCode, Reply, body::Fields, cookies::encode, csrf},
    mail::{ResetMail, Templates},
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
    pub mailer: M,
    /// Texts of the mail.
    pub templates: Templates,
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
        let deadline = config.mail.deadline();
        // A slow table must not eat up the time that the mail needs.
        let answer_at = (started + deadline).max(Instant::now() + deadline / 2);
        if let Some(user_id) = requested.user_id.as_ref().filter(|_| may_mail) {
            audit.user(user_id);
            let page = redirect_to.filter(|page| !page.is_empty()).unwrap_or(&config.reset.page);
            match timeout_at(answer_at, self.send(&email, &requested, page)).await {
                Ok(Ok(())) => {}
                Ok(Err(reason)) => drop(audit.event("password_reset.mail_failed").reason(reason)),
                Err(_) => drop(audit.event("password_reset.mail_failed").reason("deadline")),
            }
        }
        sleep_until(answer_at).await;
        Reply::json(&Requested { status: true, message: MESSAGE })
    }
}

impl<S, M: SendMail> ResetRequestEndpoint<S, M> {
    async fn send(&self, email: &crate::domain::Email, requested: &RequestedReset, page: &str) -> Result<(), String> {
        let config = &self.core.config;
        let link = format!(
            "{}?callbackURL={}",
            config.url(&format!("/reset-password/{}", requested.token.expose())),
            encode(page)
        );
        let mail = ResetMail {
            app_name: &config.mail.app_name,
            subject: &config.mail.reset_subject,
            link: &link,
            minutes: config.reset.token_seconds / 60,
        };
        let mail = self.templates.reset(email, &mail).map_err(|error| error.to_string())?;
        self.mailer.send(&mail).await.map_err(|error| error.to_string())
    }
}
