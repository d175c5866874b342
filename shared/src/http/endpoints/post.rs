//! Mail, from an endpoint's side.

use std::future::Future;

use tokio::time::{Instant, sleep_until, timeout_at};

use super::Core;
use crate::{
    config::MailConfig,
    domain::Email,
    http::Audit,
    mail::{Letter, Templates},
    ports::SendMail,
};

/// Writes and sends mail.
pub struct Post<M> {
    mailer: M,
    templates: Templates,
}

impl<M: SendMail> Post<M> {
    /// Sends by the given mailer.
    pub fn new(mailer: M) -> Self {
        Self { mailer, templates: Templates::new() }
    }

    /// Sends a letter.
    ///
    /// # Errors
    /// Why it was not sent, for the log.
    pub async fn send(&self, config: &MailConfig, to: &Email, letter: &Letter<'_>) -> Result<(), String> {
        let mail = self.templates.write(config, to, letter).map_err(|error| error.to_string())?;
        self.mailer.send(&mail).await.map_err(|error| error.to_string())
    }

    /// Tells somebody of what has happened already. It is waited for, since a
    /// frozen process sends nothing, but not for long; what happened stays so
    /// if the mail fails, and the log says that it did.
    pub(super) async fn notify(&self, core: &Core, audit: &mut Audit, to: &Email, letter: &Letter<'_>) {
        let config = &core.config.mail;
        let sent = tokio::time::timeout(config.deadline(), self.send(config, to, letter)).await;
        if !matches!(sent, Ok(Ok(()))) {
            audit.mail_failed();
        }
    }
}

/// The moment at which a request is answered that may or may not send mail, so
/// that its duration does not tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct AnswerTime(Instant);

impl AnswerTime {
    /// For a request that started then. `now` what comes before the mail is
    /// done: a slow table must not eat up the time that the mail needs.
    pub(super) fn of(core: &Core, started: Instant) -> Self {
        let deadline = core.config.mail.deadline();
        Self((started + deadline).max(Instant::now() + deadline / 2))
    }

    /// Sends, until then; what fails shows in the log alone.
    pub(super) async fn send(
        self,
        audit: &mut Audit,
        event: &'static str,
        sending: impl Future<Output = Result<(), String>>,
    ) {
        match timeout_at(self.0, sending).await {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => drop(audit.event(event).reason(reason)),
            Err(_) => drop(audit.event(event).reason("deadline")),
        }
    }

    /// Waits for it.
    pub(super) async fn wait(self) {
        sleep_until(self.0).await;
    }
}
