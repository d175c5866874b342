//! The events for `sam local invoke`, handed to the real binaries.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use local::{build::workspace_root, runtime::InvokeError};
use serde_json::{Value, json};
use shared::{
    config::BASE_PATH,
    http::{Function, ROUTES},
};
use tests::{App, unique_email};

use crate::rotation;

/// In the place of tokens, and of an address, in the files.
const SESSION_TOKEN: &str = "SESSION_TOKEN";
const ACCESS_TOKEN: &str = "ACCESS_TOKEN";
const EMAIL: &str = "ann@example.com";

const ROTATION_EVENTS: [&str; 4] = ["create-secret", "set-secret", "test-secret", "finish-secret"];

/// What each event is answered as it is in its file, where nobody has signed
/// up yet, and with the token of somebody of that address who is signed in.
const STATUSES: &[(&str, u16, u16)] = &[
    ("sign-up-email", 200, 422),
    ("sign-in-email", 401, 200),
    ("sign-in-social", 200, 200),
    ("get-session", 200, 200),
    ("post-session", 405, 405),
    ("get-token", 401, 200),
    ("ok", 200, 200),
    ("list-sessions", 401, 200),
    ("revoke-session", 401, 200),
    ("revoke-sessions", 401, 200),
    ("revoke-other-sessions", 401, 200),
    // There is no field that could be changed.
    ("update-session", 401, 400),
    ("sign-out", 200, 200),
    ("request-password-reset", 200, 200),
    ("request-password-reset-alias", 200, 200),
    // No link of theirs has been mailed.
    ("reset-password", 400, 400),
    ("reset-password-alias", 400, 400),
    ("reset-password-link", 302, 302),
    ("send-verification-email", 200, 200),
    ("verify-email", 302, 302),
    ("sign-in-magic-link", 200, 200),
    ("magic-link-verify", 302, 302),
    ("oauth-callback", 302, 302),
    ("oauth-callback-form", 302, 302),
    ("error-page", 200, 200),
    ("two-factor-enable", 401, 200),
    ("two-factor-disable", 401, 200),
    // There is no second factor yet.
    ("two-factor-verify-totp", 401, 400),
    ("two-factor-verify-backup-code", 401, 400),
    ("two-factor-verify-otp", 401, 400),
    ("two-factor-send-otp", 401, 400),
    ("two-factor-generate-backup-codes", 401, 400),
    ("two-factor-get-totp-uri", 401, 400),
    ("update-user", 401, 200),
    ("change-password", 401, 200),
    ("verify-password", 401, 200),
    ("change-email", 401, 200),
    ("delete-user", 401, 200),
    ("delete-user-callback", 404, 404),
    ("list-accounts", 401, 200),
    ("link-social", 401, 200),
    // None is linked.
    ("unlink-account", 401, 400),
    ("get-access-token", 401, 400),
    ("refresh-token", 401, 400),
    ("account-info", 401, 400),
];

/// An event file.
struct File {
    function: String,
    name: String,
    text: String,
}

impl File {
    fn event(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    fn statuses(&self) -> (u16, u16) {
        let line = STATUSES.iter().find(|(name, ..)| *name == self.name);
        let (_, as_it_is, signed_in) = line.unwrap_or_else(|| panic!("no status for {}", self.name));
        (*as_it_is, *signed_in)
    }
}

#[track_caller]
fn assert_status(name: &str, answer: &Value, status: u16) {
    assert_eq!(answer["statusCode"], status, "{name}: {answer}");
}

/// All event files.
fn files() -> Vec<File> {
    let mut files = Vec::new();
    for function in fs::read_dir(workspace_root().join("functions")).unwrap() {
        let function = function.unwrap();
        let name = function.file_name().into_string().unwrap();
        let events = fs::read_dir(function.path().join("events")).unwrap_or_else(|_| panic!("{name} has no events"));
        for event in events {
            let path = event.unwrap().path();
            assert_eq!(path.extension().unwrap(), "json", "{}", path.display());
            files.push(File {
                function: name.clone(),
                name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
                text: fs::read_to_string(path).unwrap(),
            });
        }
    }
    files
}

/// Those of a function.
fn of(function: Function) -> Vec<File> {
    let mut files = files();
    files.retain(|file| file.function == function.name());
    files
}

/// Those of functions that have routes.
fn requests() -> Vec<File> {
    let mut files = files();
    files.retain(|file| ![Function::RotateSecret, Function::Authorizer].map(Function::name).contains(&&*file.function));
    files
}

#[test]
fn every_route_has_an_event_and_every_event_a_route() {
    let mut events = BTreeMap::new();
    for file in requests() {
        let event = file.event();
        let key = (file.function.clone(), event["routeKey"].as_str().unwrap().to_owned());
        let twice = events.insert(key, file.name.clone());
        assert_eq!(twice, None, "{} is of the same route", file.name);
    }
    let routes = ROUTES
        .iter()
        .map(|info| (info.function.name().to_owned(), format!("{} {BASE_PATH}{}", info.method, info.path)))
        .collect::<BTreeSet<_>>();
    assert_eq!(events.into_keys().collect::<BTreeSet<_>>(), routes);
}

#[test]
fn the_rotation_has_an_event_for_every_step() {
    let files = of(Function::RotateSecret);
    let names: BTreeSet<&str> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, BTreeSet::from(ROTATION_EVENTS));
}

/// What API Gateway says twice has to agree, or the event is none of its.
#[test]
fn the_events_are_of_the_gateway() {
    for file in requests() {
        let event = file.event();
        let context = &event["requestContext"];
        let (method, pattern) = event["routeKey"].as_str().unwrap().split_once(' ').unwrap();
        assert_eq!(event["version"], "2.0", "{}", file.name);
        assert_eq!(event["routeKey"], context["routeKey"], "{}", file.name);
        assert_eq!(event["rawPath"], context["http"]["path"], "{}", file.name);
        assert_eq!(method, context["http"]["method"], "{}", file.name);
        let mut path = pattern.to_owned();
        for (name, value) in event["pathParameters"].as_object().into_iter().flatten() {
            path = path.replace(&format!("{{{name}}}"), value.as_str().unwrap());
        }
        assert_eq!(event["rawPath"], path, "{}", file.name);
        let query = url::form_urlencoded::parse(event["rawQueryString"].as_str().unwrap().as_bytes());
        let query: BTreeMap<_, _> = query.into_owned().collect();
        let parameters = event.get("queryStringParameters").cloned().unwrap_or_else(|| json!({}));
        assert_eq!(parameters, json!(query), "{}", file.name);
        assert_eq!(event["body"].is_string(), method == "POST", "{}", file.name);
    }
}

#[tokio::test]
async fn every_event_is_answered_as_it_should() {
    let app = App::with_env(&[]).await;
    // Only then does the address belong to somebody.
    let is_sign_up = |file: &File| file.name == "sign-up-email";
    let mut files = requests();
    files.sort_by_key(is_sign_up);
    for file in files {
        let answer = app.invoke(&file.function, file.event()).await.unwrap();
        assert_status(&file.name, &answer, file.statuses().0);
    }
}

#[tokio::test]
async fn every_event_is_answered_to_somebody_who_is_signed_in() {
    let app = App::with_env(&[]).await;
    let files = requests();
    let sign_up = files.iter().find(|file| file.name == "sign-up-email").unwrap();
    for file in &files {
        let email = unique_email("events");
        let event = serde_json::from_str(&sign_up.text.replace(EMAIL, &email)).unwrap();
        let signed_up = app.invoke(&sign_up.function, event).await.unwrap();
        let token = signed_up["headers"]["set-auth-token"].as_str().unwrap();
        let event = file.text.replace(EMAIL, &email).replace(SESSION_TOKEN, token);
        let answer = app.invoke(&file.function, serde_json::from_str(&event).unwrap()).await.unwrap();
        assert_status(&file.name, &answer, file.statuses().1);
    }
}

#[tokio::test]
async fn the_steps_of_a_rotation_are_taken_in_their_order() {
    let app = App::with_env(&[]).await;
    let version = rotation::begun(&app).await;
    let files = of(Function::RotateSecret);
    for name in ROTATION_EVENTS {
        let file = files.iter().find(|file| file.name == name).unwrap();
        let mut event = file.event();
        // No secret has a version of that name.
        let refused = app.invoke(&file.function, event.clone()).await;
        let Err(InvokeError::Failed(report)) = refused else { panic!("{name}: {refused:?}") };
        assert!(report.contains("no staged version"), "{name}: {report}");
        event["ClientRequestToken"] = json!(version);
        assert_eq!(app.invoke(&file.function, event).await.unwrap(), Value::Null, "{name}");
    }
    assert_eq!(rotation::holder(&app, "AWSCURRENT").await, Some(version));
}

#[tokio::test]
async fn the_authorizer_lets_a_good_token_pass_alone() {
    let app = App::shared();
    let files = of(Function::Authorizer);
    let [file] = files.as_slice() else { panic!("{} events", files.len()) };
    let refused = app.invoke(&file.function, file.event()).await.unwrap();
    assert_eq!(refused, json!({"isAuthorized": false}));
    let mut browser = app.sign_up(&unique_email("events")).await;
    let token = browser.get("/token").await.json()["token"].as_str().unwrap().to_owned();
    let event = serde_json::from_str(&file.text.replace(ACCESS_TOKEN, &token)).unwrap();
    assert_eq!(app.invoke(&file.function, event).await.unwrap()["isAuthorized"], true);
}
