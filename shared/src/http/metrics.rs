//! Metrics, in the line of the log that an invocation writes anyway:
//! CloudWatch's embedded metric format, which costs no call.
//!
//! Every name and every set of dimensions is a metric to pay for. There are
//! nine, without dimensions; what they are about by function or route is in
//! the lines themselves, and Lambda has metrics of each function already.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde::Serialize;

use super::outcome::Audit;
use crate::{config::Config, domain::Timestamp};

/// Makes the metrics of a process.
pub struct Meter {
    namespace: String,
    is_cold: AtomicBool,
}

/// The metrics of a line: members of the line, and what says which they are.
#[derive(Debug, Serialize)]
pub struct Metrics {
    #[serde(rename = "_aws")]
    about: About,
    #[serde(flatten)]
    values: BTreeMap<&'static str, f64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct About {
    timestamp: i64,
    cloud_watch_metrics: [Directive; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: String,
    dimensions: [[&'static str; 0]; 1],
    metrics: Vec<Definition>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    name: &'static str,
    unit: &'static str,
}

/// What became of an invocation.
pub struct Measured<'a> {
    /// When it was done.
    pub finished: Timestamp,
    /// How long a request took; none for what is no request of the API.
    pub latency_millis: Option<i64>,
    /// How long it hashed passwords, if it did.
    pub hashing: Option<Duration>,
    /// Status of the answer, or what it would be.
    pub status: u16,
    /// What the endpoint said.
    pub audit: &'a Audit,
}

impl Meter {
    /// As the settings want it; none without metrics.
    pub fn from_config(config: &Config) -> Option<Self> {
        let namespace = config.metrics_namespace.clone()?;
        Some(Self { namespace, is_cold: AtomicBool::new(true) })
    }

    /// The metrics of an invocation, if it has any. What did not happen is left
    /// out, and costs nothing to store.
    pub fn measure(&self, measured: &Measured<'_>) -> Option<Metrics> {
        let mut values = BTreeMap::new();
        let mut metrics = Vec::new();
        let mut put = |name, unit, value| {
            values.insert(name, value);
            metrics.push(Definition { name, unit });
        };
        #[expect(clippy::cast_precision_loss, reason = "a request takes seconds at most")]
        if let Some(latency) = measured.latency_millis {
            put("Latency", "Milliseconds", latency as f64);
        }
        if let Some(hashing) = measured.hashing {
            // Tenths are precise enough, and short.
            put("HashTime", "Milliseconds", (hashing.as_secs_f64() * 10_000.0).round() / 10.0);
        }
        let is_cold = self.is_cold.swap(false, Ordering::Relaxed);
        let happened = [
            ("ColdStarts", is_cold),
            ("Faults", measured.status >= 500),
            ("Throttled", measured.status == 429),
            ("MailFailures", measured.audit.tells_of_failed_mail()),
        ];
        for (name, _) in happened.into_iter().filter(|(_, happened)| *happened) {
            put(name, "Count", 1.0);
        }
        if let Some(name) = measured.audit.name().and_then(|event| counter(event, measured.status)) {
            put(name, "Count", 1.0);
        }
        if metrics.is_empty() {
            return None;
        }
        let directive = Directive { namespace: self.namespace.clone(), dimensions: [[]], metrics };
        let about = About { timestamp: measured.finished.millis(), cloud_watch_metrics: [directive] };
        Some(Metrics { about, values })
    }
}

/// What an event counts for. A fault, and what was too much, is no sign-in
/// that was refused.
fn counter(event: &str, status: u16) -> Option<&'static str> {
    match event {
        "sign_in.succeeded" | "oauth.signed_in" | "magic_link.signed_in" | "two_factor.signed_in" => Some("SignIns"),
        "sign_up.succeeded" | "oauth.signed_up" | "magic_link.signed_up" => Some("SignUps"),
        "sign_in.failed" | "oauth.failed" | "magic_link.failed" | "two_factor.failed"
            if status < 500 && status != 429 =>
        {
            Some("SignInFailures")
        }
        _ => None,
    }
}
