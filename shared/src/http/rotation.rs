//! The loop around the rotation of the signing secret, which Secrets Manager
//! calls: events to steps, results to the log and to Lambda.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use lambda_http::{
    Error, LambdaEvent,
    lambda_runtime::{self, Diagnostic},
    service_fn,
};
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::{
    endpoints::Core,
    outcome::{Audit, InvocationOutcome},
    routes::Function,
    service::settings,
};
use crate::{
    adapters::SystemClock,
    config::Config,
    flows::{Rotation, RotationStep, rotate_secret},
    ports::{Clock as _, RotateSigningSecret},
};

const FUNCTION: Function = Function::RotateSecret;

/// Longest time that a step may take: below the function's own timeout, so
/// that the log says which step it was.
const DEADLINE: Duration = Duration::from_secs(12);

/// The event of Secrets Manager.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    step: RotationStep,
    secret_id: String,
    client_request_token: String,
}

/// Runs the function: reads the settings, and takes the steps that Secrets
/// Manager asks for until Lambda stops the process. What fails is reported to
/// Lambda, and so to Secrets Manager, which asks again.
///
/// # Errors
/// Only if the Runtime API goes away.
pub async fn serve_rotation<S: RotateSigningSecret>(store: impl FnOnce(&Config) -> S) -> Result<(), Error> {
    let ready = settings(FUNCTION).map(|config| (store(&config), config));
    let ready = ready.as_ref();
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        Box::pin(invoke(ready, event.payload.get(), &event.context.request_id)).await
    }))
    .await
}

async fn invoke<S: RotateSigningSecret>(
    ready: Option<&(S, Config)>,
    event: &str,
    request_id: &str,
) -> Result<(), Diagnostic> {
    let started = SystemClock.now();
    let event = read(event);
    let step = event.as_ref().map(|event| event.step);
    let result = match (ready, event) {
        (None, _) => Err("invalid settings".to_owned()),
        (_, None) => Err("not an event of a rotation".to_owned()),
        (Some((store, config)), Some(event)) => take(store, config, event).await,
    };
    let mut audit = Audit::default();
    audit.event(event_name(step, result.is_ok()));
    if let Err(reason) = &result {
        audit.reason(reason.clone());
    }
    let finished = SystemClock.now();
    let succeeded = result.is_ok();
    let (message, function) = ("rotation", FUNCTION);
    InvocationOutcome { message, started, finished, function, request_id, succeeded, audit: &audit }.log(None);
    result.map_err(|error_message| Diagnostic { error_type: "RotationFailed".to_owned(), error_message })
}

/// The event, if it is one. A list of the same values in order is none.
fn read(event: &str) -> Option<Event> {
    let fields: Map<String, Value> = serde_json::from_str(event).ok()?;
    serde_json::from_value(Value::Object(fields)).ok()
}

async fn take<S: RotateSigningSecret>(store: &S, config: &Config, event: Event) -> Result<(), String> {
    let core = Core::new(config.clone());
    let rotation = Rotation { step: event.step, secret_id: event.secret_id, version: event.client_request_token };
    let context = core.context();
    let work = rotate_secret(&context, &config.access_tokens, store, &rotation);
    match tokio::time::timeout(DEADLINE, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(result)) => result.map_err(|error| error.to_string()),
        Ok(Err(_)) => Err("panic".to_owned()),
        Err(_) => Err("deadline exceeded".to_owned()),
    }
}

const fn event_name(step: Option<RotationStep>, succeeded: bool) -> &'static str {
    match (step, succeeded) {
        (Some(RotationStep::CreateSecret), true) => "secret_rotation.createSecret.succeeded",
        (Some(RotationStep::CreateSecret), false) => "secret_rotation.createSecret.failed",
        (Some(RotationStep::SetSecret), true) => "secret_rotation.setSecret.succeeded",
        (Some(RotationStep::SetSecret), false) => "secret_rotation.setSecret.failed",
        (Some(RotationStep::TestSecret), true) => "secret_rotation.testSecret.succeeded",
        (Some(RotationStep::TestSecret), false) => "secret_rotation.testSecret.failed",
        (Some(RotationStep::FinishSecret), true) => "secret_rotation.finishSecret.succeeded",
        (Some(RotationStep::FinishSecret), false) => "secret_rotation.finishSecret.failed",
        (None, _) => "secret_rotation.failed",
    }
}
