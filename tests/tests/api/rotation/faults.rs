//! Faults of Secrets Manager in the middle of a rotation.

use std::time::Duration;

use local::{Fault, FaultRule, Service, When};
use serde_json::json;
use tests::{App, PASSWORD, unique_email};

use super::{
    CURRENT, FUNCTION, PENDING, PREVIOUS, access_token, ask, events, finished, holder, is_accepted, lines, new_version,
    secrets_manager, start, until, value,
};
use crate::{
    secrets::kill_all,
    steps::age_sessions,
    support::{kid, sign_in},
};

fn fault(fault: Fault, operation: &str) -> FaultRule {
    FaultRule::new(Service::SecretsManager, fault).operation(operation).function(FUNCTION)
}

/// Waits until a step has failed: its event.
async fn failed(app: &App) -> String {
    let failure = || events(app).into_iter().find(|event| event.ends_with(".failed"));
    until(app, "a failure", async || failure().is_some()).await;
    failure().unwrap()
}

/// Wherever it stops, the service signs with what it has, and the same
/// rotation comes to its end later with the value that was made.
#[tokio::test]
async fn a_rotation_that_stops_is_resumed() {
    let app = start(1).await;
    let email = unique_email("resume");
    let mut browser = app.sign_up(&email).await;
    let operations = [
        ("DescribeSecret", "createSecret"),
        ("GetSecretValue", "createSecret"),
        ("PutSecretValue", "createSecret"),
        ("UpdateSecretVersionStage", "finishSecret"),
    ];
    for (operation, stops_at) in operations {
        for kind in [
            Fault::InternalError,
            Fault::Throttle,
            Fault::AccessDenied,
            Fault::DropBefore,
            Fault::Malformed,
            Fault::Hang,
        ] {
            let name = format!("{operation} {kind:?}");
            let old = holder(&app, CURRENT).await.unwrap();
            let jwt = access_token(&browser).await;
            let version = new_version();
            app.clear_logs();
            let rule = app.aws().inject(fault(kind.clone(), operation));
            ask(&app, &version).await.unwrap();
            assert_eq!(failed(&app).await, format!("secret_rotation.{stops_at}.failed"), "{name}");
            assert!(app.aws().fault_hits(rule) > 0, "{name}");
            let reason = lines(&app).pop().unwrap()["reason"].as_str().unwrap().to_owned();
            assert!(reason.starts_with(operation), "{name}: {reason}");

            assert_eq!(holder(&app, CURRENT).await.unwrap(), old, "{name}");
            assert_eq!(holder(&app, PENDING).await.unwrap(), version, "{name}");
            app.kill_instances("session").await;
            assert_eq!(kid(&access_token(&browser).await), old, "{name}");
            let made = value(&app, PENDING).await;
            assert_eq!(made.is_some(), stops_at == "finishSecret", "{name}");

            app.aws().clear_faults();
            let refused = ask(&app, &new_version()).await.unwrap_err();
            assert_eq!(refused["__type"], "InvalidRequestException", "{name}");
            finished(&app, &version).await;
            assert_eq!(holder(&app, PREVIOUS).await.unwrap(), old, "{name}");
            assert!(made.is_none() || app.aws().secret(super::SECRET) == made, "{name}");
            app.kill_instances("session").await;
            assert_eq!(kid(&access_token(&browser).await), version, "{name}");
            assert!(is_accepted(&app, &jwt).await, "{name}");
            // Time for a new cookie, before the next one.
            age_sessions(&app, &email, 2).await;
            assert!(browser.current_user().await.is_some(), "{name}");
        }
    }
    kill_all(&app).await;
    assert_eq!(sign_in(&app, &email, PASSWORD).await.1.status, 200);
}

/// The write went through, and the answer was lost: every time, or once.
#[tokio::test]
async fn lost_answers_lose_nothing() {
    let app = start(1).await;
    for when in [When::Times(1), When::Times(2), When::Always] {
        for operation in ["PutSecretValue", "UpdateSecretVersionStage"] {
            let name = format!("{operation} {when:?}");
            let old = holder(&app, CURRENT).await.unwrap();
            let version = new_version();
            app.clear_logs();
            let rule = app.aws().inject(fault(Fault::DropAfter, operation).when(when));
            ask(&app, &version).await.unwrap();
            let mut made = None;
            if (operation, when) == ("PutSecretValue", When::Always) {
                failed(&app).await;
                made = value(&app, PENDING).await;
                assert!(made.is_some(), "{name}");
                app.aws().clear_faults();
                ask(&app, &version).await.unwrap();
            }
            finished(&app, &version).await;
            assert!(app.aws().fault_hits(rule) > 0 || made.is_some(), "{name}");
            assert!(made.is_none() || app.aws().secret(super::SECRET) == made, "{name}");
            assert_eq!(holder(&app, PREVIOUS).await.unwrap(), old, "{name}");
            // The function has noticed that it was done.
            let has = |event: &str| events(&app).iter().any(|seen| seen == event);
            until(&app, &name, async || has("secret_rotation.finishSecret.succeeded")).await;
            assert!(!has("secret_rotation.finishSecret.failed"), "{name}");
            app.aws().clear_faults();
        }
    }
}

/// A process that is killed in a step leaves nothing that the next one cannot
/// go on with.
#[tokio::test]
async fn a_killed_function_is_resumed() {
    let app = start(1).await;
    for operation in ["PutSecretValue", "UpdateSecretVersionStage"] {
        let old = holder(&app, CURRENT).await.unwrap();
        let version = new_version();
        let rule = app.aws().inject(fault(Fault::Delay(Duration::from_secs(1)), operation));
        ask(&app, &version).await.unwrap();
        until(&app, operation, async || app.aws().fault_hits(rule) > 0).await;
        app.kill_instances(FUNCTION).await;
        app.aws().clear_faults();
        ask(&app, &version).await.unwrap();
        finished(&app, &version).await;
        assert_eq!(holder(&app, PREVIOUS).await.unwrap(), old, "{operation}");
    }
}

/// Whoever takes the label away has called the rotation off.
#[tokio::test]
async fn a_version_that_lost_its_label_is_not_finished() {
    let app = start(1).await;
    let old = holder(&app, CURRENT).await.unwrap();
    let version = super::begun(&app).await;
    super::step(&app, "createSecret", &version).await.unwrap();
    let remove = json!({"VersionStage": PENDING, "RemoveFromVersionId": version});
    secrets_manager(&app, "UpdateSecretVersionStage", remove).await.unwrap();
    assert!(super::step(&app, "finishSecret", &version).await.is_err());
    assert_eq!(holder(&app, CURRENT).await.unwrap(), old);
    super::rotate(&app).await;
}
