//! The four steps, one at a time: repeated, out of order, for the wrong
//! version, by many at once.

use futures_util::future::join_all;
use local::runtime::InvokeError;
use serde_json::{Value, json};
use tests::unique_email;

use super::{
    CURRENT, FUNCTION, PENDING, PREVIOUS, STEPS, access_token, ask, begun, events, finished, holder, lines,
    new_version, rotate, secrets_manager, start, step, until, value,
};
use crate::{secrets::kill_all, support::kid};

#[tokio::test]
async fn every_step_can_be_repeated() {
    let app = start(1).await;
    let browser = app.sign_up(&unique_email("repeat")).await;
    let old = holder(&app, CURRENT).await.unwrap();
    let version = begun(&app).await;
    let mut pending = None;
    for name in STEPS {
        // Half-done, the service goes on with what it had.
        kill_all(&app).await;
        assert_eq!(kid(&access_token(&browser).await), old, "before {name}");
        for _ in 0..3 {
            step(&app, name, &version).await.unwrap();
            let now = value(&app, PENDING).await;
            assert!(now.is_some() && (pending.is_none() || now == pending), "{name}");
            pending = now;
        }
    }
    // The whole of it once more, after its end.
    for name in STEPS {
        step(&app, name, &version).await.unwrap();
    }
    assert_eq!(holder(&app, CURRENT).await.unwrap(), version);
    assert_eq!(holder(&app, PREVIOUS).await.unwrap(), old);
    assert_eq!(app.aws().secret(super::SECRET), pending);
    kill_all(&app).await;
    assert_eq!(kid(&access_token(&browser).await), version);
    // Nothing of it keeps the next one from beginning.
    rotate(&app).await;
}

#[tokio::test]
async fn steps_out_of_order_are_refused() {
    let app = start(1).await;
    let old = (holder(&app, CURRENT).await, app.aws().secret(super::SECRET));
    let version = begun(&app).await;
    for name in &STEPS[1..] {
        let error = step(&app, name, &version).await.unwrap_err();
        assert_eq!(error, "the pending version has no value; createSecret comes first");
    }
    assert_eq!((holder(&app, CURRENT).await, app.aws().secret(super::SECRET)), old);
    assert_eq!(value(&app, PENDING).await, None);
    until(&app, "the last line", async || events(&app).iter().any(|event| event.contains("finishSecret"))).await;
    let line = lines(&app).pop().unwrap();
    assert_eq!((&line["level"], &line["event"]), (&json!("ERROR"), &json!("secret_rotation.finishSecret.failed")));
    assert_eq!(line["reason"], "the pending version has no value; createSecret comes first");
    // A step that is left out is no harm if what it would have shown holds.
    step(&app, "createSecret", &version).await.unwrap();
    step(&app, "finishSecret", &version).await.unwrap();
    assert_eq!(holder(&app, CURRENT).await.unwrap(), version);
}

#[tokio::test]
async fn only_a_pending_version_of_this_secret_is_touched() {
    let app = start(1).await;
    rotate(&app).await;
    let previous = holder(&app, PREVIOUS).await.unwrap();
    let version = begun(&app).await;
    let before = secrets_manager(&app, "DescribeSecret", json!({})).await.unwrap();
    for name in STEPS {
        let unknown = step(&app, name, &new_version()).await.unwrap_err();
        assert_eq!(unknown, "the secret has no staged version of this ClientRequestToken");
        let not_pending = step(&app, name, &previous).await.unwrap_err();
        assert_eq!(not_pending, "the version is not AWSPENDING");
        for other in
            ["OAuthClientsSecret", "SigningSecre", "", "arn:aws:secretsmanager:us-east-1:000000000000:secret:x"]
        {
            let event = json!({"Step": name, "SecretId": other, "ClientRequestToken": version});
            let error = app.invoke(FUNCTION, event).await.unwrap_err().to_string();
            assert!(error.contains("the event names another secret than AUTH_SECRET_ID"), "{error}");
        }
    }
    assert_eq!(secrets_manager(&app, "DescribeSecret", json!({})).await.unwrap(), before);
    assert_eq!(value(&app, PENDING).await, None);
    // By its ARN, which is how Secrets Manager names it.
    let event = json!({"Step": "createSecret", "SecretId": before["ARN"], "ClientRequestToken": version});
    assert_eq!(app.invoke(FUNCTION, event).await.unwrap(), Value::Null);
    assert!(value(&app, PENDING).await.is_some());
}

#[tokio::test]
async fn many_takers_of_a_step_agree() {
    let app = start(4).await;
    let old = holder(&app, CURRENT).await.unwrap();
    let version = begun(&app).await;
    for name in STEPS {
        let results = join_all((0..50).map(|_| step(&app, name, &version))).await;
        for result in results {
            result.unwrap();
        }
    }
    assert_eq!(holder(&app, CURRENT).await.unwrap(), version);
    assert_eq!(holder(&app, PREVIOUS).await.unwrap(), old);
    let puts = app.aws().calls().into_iter().filter(|call| call.operation == "PutSecretValue");
    assert!(puts.filter(|call| call.status == 200).count() <= 1, "one value was made");
}

/// What an operator has put there by hand is kept, and tested all the same.
#[tokio::test]
async fn a_pending_value_that_is_there_is_kept_and_tested() {
    let app = start(1).await;
    let browser = app.sign_up(&unique_email("by-hand")).await;
    let old = holder(&app, CURRENT).await.unwrap();
    for weak in [" ", "short", &"s".repeat(31), &format!("{}\n\n", "s".repeat(31))] {
        let version = new_version();
        let put = json!({"ClientRequestToken": version, "SecretString": weak, "VersionStages": [PENDING]});
        secrets_manager(&app, "PutSecretValue", put).await.unwrap();
        for (name, expected) in STEPS.iter().zip([true, true, false, false]) {
            let result = step(&app, name, &version).await;
            assert_eq!(result.is_ok(), expected, "{weak:?} {name}: {result:?}");
            if let Err(error) = result {
                assert_eq!(error, "the pending value is of no use: the signing secret is shorter than 32 bytes");
            }
        }
        assert_eq!(value(&app, PENDING).await.as_deref(), Some(weak));
    }
    kill_all(&app).await;
    assert_eq!(kid(&access_token(&browser).await), old);

    let (version, own) = (new_version(), "own choice ".repeat(4));
    let put = json!({"ClientRequestToken": version, "SecretString": own, "VersionStages": [PENDING]});
    secrets_manager(&app, "PutSecretValue", put).await.unwrap();
    ask(&app, &version).await.unwrap();
    finished(&app, &version).await;
    assert_eq!(app.aws().secret(super::SECRET), Some(own));
    kill_all(&app).await;
    assert_eq!(kid(&access_token(&browser).await), version);
}

/// What AWS does when the schedule is set up: it tries the function, and the
/// secret stays what it was.
#[tokio::test]
async fn a_schedule_is_set_up_without_a_rotation() {
    let app = start(1).await;
    let before = (holder(&app, CURRENT).await, app.aws().secret(super::SECRET));
    let request = json!({"ClientRequestToken": new_version(), "RotateImmediately": false});
    secrets_manager(&app, "RotateSecret", request).await.unwrap();
    until(&app, "the end", async || holder(&app, PENDING).await.is_none() && !events(&app).is_empty()).await;
    assert_eq!(events(&app), ["secret_rotation.testSecret.succeeded"]);
    assert_eq!((holder(&app, CURRENT).await, app.aws().secret(super::SECRET)), before);
}

#[tokio::test]
async fn what_is_no_event_of_a_rotation_is_refused() {
    let app = start(1).await;
    let process = app.pool(FUNCTION).unwrap().processes()[0].pid();
    let before = secrets_manager(&app, "DescribeSecret", json!({})).await.unwrap();
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let samples = [
        "null",
        "{}",
        "[]",
        "\"createSecret\"",
        r#"["createSecret", "SigningSecret", "x"]"#,
        r#"{"Step": "createSecret"}"#,
        r#"{"Step": "dropSecret", "SecretId": "SigningSecret", "ClientRequestToken": "x"}"#,
        r#"{"Step": "CreateSecret", "SecretId": "SigningSecret", "ClientRequestToken": "x"}"#,
        r#"{"Step": 1, "SecretId": null, "ClientRequestToken": []}"#,
        r#"{"version": "2.0", "routeKey": "GET /api/auth/ok", "rawPath": "/api/auth/ok"}"#,
        &deep,
    ];
    app.aws().clear_calls();
    for event in samples {
        let Err(InvokeError::Failed(report)) = app.invoke_raw(FUNCTION, event.to_owned()).await else {
            panic!("{event} was taken");
        };
        assert!(report.contains("not an event of a rotation"), "{event}: {report}");
    }
    assert!(app.aws().calls().is_empty());
    until(&app, "the last line", async || events(&app).len() == samples.len()).await;
    assert_eq!(events(&app), vec!["secret_rotation.failed"; samples.len()]);
    assert_eq!(secrets_manager(&app, "DescribeSecret", json!({})).await.unwrap(), before);
    assert_eq!(app.pool(FUNCTION).unwrap().processes()[0].pid(), process);
}
