//! The rotation of the signing secret, by its function, from the outside.

mod faults;
mod lives;
mod load;
mod steps;

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use local::{Fault, FaultRule, Service, StackOptions, runtime::InvokeError};
use serde_json::{Value, json};
use tests::{App, Browser, Call};

const SECRET: &str = "SigningSecret";
const FUNCTION: &str = "rotate-secret";
const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";
const PENDING: &str = "AWSPENDING";
const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

async fn start(instances: usize) -> App {
    App::start(StackOptions { instances, ..StackOptions::default() }).await
}

/// A version id that no other rotation has.
fn new_version() -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(1);
    format!("00000000-0000-4000-9000-{:012}", COUNTER.fetch_add(1, Ordering::Relaxed))
}

async fn secrets_manager(app: &App, operation: &str, request: Value) -> Result<Value, Value> {
    let mut request = request;
    request["SecretId"] = json!(SECRET);
    app.aws().secrets_manager(operation, &request).await
}

/// The version that holds a stage.
pub async fn holder(app: &App, stage: &str) -> Option<String> {
    let secret = secrets_manager(app, "DescribeSecret", json!({})).await.unwrap();
    let versions = secret["VersionIdsToStages"].as_object().unwrap();
    let holds = |stages: &Value| stages.as_array().unwrap().iter().any(|held| held == stage);
    versions.iter().find(|(_, stages)| holds(stages)).map(|(id, _)| id.clone())
}

/// The value of the version that holds a stage, if it has one.
async fn value(app: &App, stage: &str) -> Option<String> {
    let answer = secrets_manager(app, "GetSecretValue", json!({"VersionStage": stage})).await.ok()?;
    Some(answer["SecretString"].as_str().unwrap().to_owned())
}

/// Asks for a rotation to a version.
async fn ask(app: &App, version: &str) -> Result<Value, Value> {
    secrets_manager(app, "RotateSecret", json!({"ClientRequestToken": version})).await
}

/// Waits until something is so.
async fn until(app: &App, what: &str, is_so: impl AsyncFn() -> bool) {
    for _ in 0..1000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what} does not come: {:?}", lines(app));
}

/// Waits until a version is the current one.
async fn finished(app: &App, version: &str) {
    until(app, "the end", async || holder(app, CURRENT).await.as_deref() == Some(version)).await;
}

/// Rotates the secret: the new version.
pub async fn rotate(app: &App) -> String {
    let (version, before) = (new_version(), count(app, "finishSecret.succeeded"));
    ask(app, &version).await.unwrap();
    finished(app, &version).await;
    // The last step may still be writing its line.
    until(app, "a line", async || count(app, "finishSecret.succeeded") > before).await;
    version
}

/// A rotation that has stopped before its first step: its version.
pub async fn begun(app: &App) -> String {
    let version = new_version();
    let before = count(app, ".failed");
    let fault = FaultRule::new(Service::SecretsManager, Fault::AccessDenied).function(FUNCTION);
    let fault = app.aws().inject(fault);
    ask(app, &version).await.unwrap();
    until(app, "a failure", async || count(app, ".failed") > before).await;
    app.aws().remove_fault(fault);
    assert_eq!((holder(app, PENDING).await.as_ref(), value(app, PENDING).await), (Some(&version), None));
    version
}

/// Takes one step, as Secrets Manager asks for it.
async fn step(app: &App, step: &str, version: &str) -> Result<(), String> {
    let event = json!({"Step": step, "SecretId": SECRET, "ClientRequestToken": version});
    match app.invoke(FUNCTION, event).await {
        Ok(Value::Null) => Ok(()),
        Err(InvokeError::Failed(report)) => {
            let report: Value = serde_json::from_str(&report).unwrap();
            assert_eq!(report["errorType"], "RotationFailed");
            Err(report["errorMessage"].as_str().unwrap().to_owned())
        }
        other => panic!("{step}: {other:?}"),
    }
}

/// The lines of the rotation function in the log.
fn lines(app: &App) -> Vec<Value> {
    let logs = app.logs();
    let lines = logs.iter().filter(|line| line.function == FUNCTION);
    lines.map(|line| serde_json::from_str(&line.text).unwrap_or_else(|_| panic!("{}", line.text))).collect()
}

/// How many events have ended like this.
fn count(app: &App, end: &str) -> usize {
    events(app).iter().filter(|event| event.ends_with(end)).count()
}

fn events(app: &App) -> Vec<String> {
    lines(app).iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect()
}

/// An access token for a browser's session.
async fn access_token(browser: &Browser) -> String {
    let answer = browser.send_only(Call::new("GET", "/token")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["token"].as_str().unwrap().to_owned()
}

/// Whether a bearer token is somebody's.
async fn is_accepted(app: &App, token: &str) -> bool {
    let call = Call::new("GET", "/get-session").header("authorization", format!("Bearer {token}"));
    let answer = app.browser().send_only(call).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    !answer.json()["user"].is_null()
}
