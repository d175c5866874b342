//! The one line that every request, and every other event, leaves in the log.

use std::{io::Write as _, time::Duration};

use http::StatusCode;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    metrics::{Measured, Meter, Metrics},
    routes::{Function, RouteInfo},
};
use crate::domain::{Email, Timestamp, UserId};

/// What an endpoint tells the log about a request: a stable event name and
/// hashed identifiers. It has no place for a password, token, cookie or address.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    mail_failed: bool,
}

impl Audit {
    /// Names what happened, such as `sign_in.succeeded`.
    pub fn event(&mut self, event: &'static str) -> &mut Self {
        self.event = Some(event);
        self
    }

    /// Whom it happened to.
    pub fn user(&mut self, id: &UserId) -> &mut Self {
        self.user = Some(fingerprint(id.as_str()));
        self
    }

    /// The address that was named.
    pub fn email(&mut self, email: &Email) -> &mut Self {
        self.email = Some(fingerprint(email.as_str()));
        self
    }

    /// The error that a redirect carries.
    pub fn detail(&mut self, detail: &'static str) -> &mut Self {
        self.detail = Some(detail);
        self
    }

    /// A mail that tells of what happened was not sent.
    pub fn mail_failed(&mut self) -> &mut Self {
        self.mail_failed = true;
        self
    }

    /// Its name.
    pub(super) const fn name(&self) -> Option<&'static str> {
        self.event
    }

    /// Whether a mail was not sent: that the request was about, or that tells
    /// of what happened.
    pub(super) fn tells_of_failed_mail(&self) -> bool {
        self.mail_failed || self.event.is_some_and(|event| event.ends_with(".mail_failed"))
    }

    /// Why; a fixed text or the code of a service's error.
    pub fn reason(&mut self, reason: impl Into<String>) -> &mut Self {
        self.reason = Some(reason.into());
        self
    }
}

/// The first 64 bits of SHA-256, in hex: the same person has the same value,
/// and whoever knows an identifier can search the log for it.
pub fn fingerprint(identifier: &str) -> String {
    Sha256::digest(identifier.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    timestamp: Timestamp,
    level: &'static str,
    message: &'static str,
    function: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    duration_ms: i64,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    metrics: Option<Metrics>,
    #[serde(flatten)]
    audit: &'a Audit,
}

/// Everything that the outcome line says.
pub struct Outcome<'a> {
    /// When the request came.
    pub started: Timestamp,
    /// When the answer was ready.
    pub finished: Timestamp,
    /// Function that served it.
    pub function: Function,
    /// The gateway's id.
    pub request_id: &'a str,
    /// Line of the route table, if it got so far.
    pub info: Option<&'static RouteInfo>,
    /// Status of the answer.
    pub status: StatusCode,
    /// `code` of the envelope.
    pub code: Option<&'static str>,
    /// How long it hashed passwords, if it did.
    pub hashing: Option<Duration>,
    /// What the endpoint said.
    pub audit: &'a Audit,
}

impl Outcome<'_> {
    /// Writes the line to standard output, where CloudWatch picks it up.
    pub fn log(&self, meter: Option<&Meter>) {
        let duration_ms = self.finished.millis().saturating_sub(self.started.millis());
        let measured = Measured {
            finished: self.finished,
            latency_millis: Some(duration_ms),
            hashing: self.hashing,
            status: self.status.as_u16(),
            audit: self.audit,
        };
        write_line(&Line {
            timestamp: self.finished,
            level: if self.status.is_server_error() { "ERROR" } else { "INFO" },
            message: "request",
            function: self.function.name(),
            request_id: self.request_id,
            route: self.info.map(|info| format!("{} {}", info.method, info.path)),
            status: Some(self.status.as_u16()),
            code: self.code,
            duration_ms,
            metrics: meter.and_then(|meter| meter.measure(&measured)),
            audit: self.audit,
        });
    }
}

/// Everything that the line of an invocation says that is no request: a step
/// of a rotation, or a question to the authorizer.
pub struct InvocationOutcome<'a> {
    /// What it is.
    pub message: &'static str,
    /// When the event came.
    pub started: Timestamp,
    /// When it was done with.
    pub finished: Timestamp,
    /// Function that took it.
    pub function: Function,
    /// Lambda's id of the invocation.
    pub request_id: &'a str,
    /// Whether the function could do its work.
    pub succeeded: bool,
    /// Its event, and why it failed.
    pub audit: &'a Audit,
}

impl InvocationOutcome<'_> {
    /// Writes the line.
    pub fn log(&self, meter: Option<&Meter>) {
        let measured = Measured {
            finished: self.finished,
            latency_millis: None,
            hashing: None,
            status: if self.succeeded { 200 } else { 500 },
            audit: self.audit,
        };
        write_line(&Line {
            timestamp: self.finished,
            level: if self.succeeded { "INFO" } else { "ERROR" },
            message: self.message,
            function: self.function.name(),
            request_id: self.request_id,
            route: None,
            status: None,
            code: None,
            duration_ms: self.finished.millis().saturating_sub(self.started.millis()),
            metrics: meter.and_then(|meter| meter.measure(&measured)),
            audit: self.audit,
        });
    }
}

/// Logs a fault that belongs to no request, such as a bad setting.
pub fn log_fault(function: Function, now: Timestamp, message: &'static str, reason: &str) {
    #[derive(Serialize)]
    struct Fault<'a> {
        timestamp: Timestamp,
        level: &'static str,
        message: &'static str,
        function: &'static str,
        reason: &'a str,
    }
    write_line(&Fault { timestamp: now, level: "ERROR", message, function: function.name(), reason });
}

fn write_line(line: &impl Serialize) {
    if let Ok(mut text) = serde_json::to_vec(line) {
        text.push(b'\n');
        // A full pipe or closed descriptor is no reason to fail a request.
        let _ = std::io::stdout().lock().write_all(&text);
    }
}
