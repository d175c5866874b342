//! The authorizer, asked as API Gateway asks it.

use local::{Fault, FaultRule, Service, StackOptions, runtime::InvokeError};
use serde_json::{Value, json};
use tests::{App, Browser, Call, unique_email};

use crate::{
    python::script,
    rotation::rotate,
    support::{kid, user_row},
};

const FUNCTION: &str = "authorizer";

/// The event of a request with this `Authorization` header to a route of
/// another API that is protected by the authorizer.
pub fn event(authorization: &str) -> Value {
    json!({
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": "arn:aws:execute-api:us-east-1:000000000000:abcdef/$default/GET/me",
        "identitySource": [authorization],
        "routeKey": "GET /me",
        "rawPath": "/me",
        "rawQueryString": "",
        "headers": {"authorization": authorization, "host": "api.example.com"},
        "requestContext": {
            "accountId": "000000000000", "apiId": "abcdef", "domainName": "api.example.com", "requestId": "request-1",
            "http": {"method": "GET", "path": "/me", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test"},
            "routeKey": "GET /me", "stage": "$default", "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 0,
        },
    })
}

/// The answer to a token.
pub async fn ask(app: &App, token: &str) -> Value {
    app.invoke(FUNCTION, event(&format!("Bearer {token}"))).await.unwrap()
}

/// What the function reported instead of an answer.
async fn fault(app: &App, token: &str) -> Value {
    match app.invoke(FUNCTION, event(&format!("Bearer {token}"))).await {
        Err(InvokeError::Failed(report)) => serde_json::from_str(&report).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn refused() -> Value {
    json!({"isAuthorized": false})
}

async fn access_token(browser: &mut Browser) -> String {
    browser.get("/token").await.json()["token"].as_str().unwrap().to_owned()
}

/// A stack whose authorizer looks if sessions live.
async fn checking() -> App {
    let parameters = vec![("AuthorizerChecksSession".to_owned(), "true".to_owned())];
    App::start(StackOptions { parameters, ..StackOptions::default() }).await
}

/// The lines of the authorizer in the log.
fn lines(app: &App) -> Vec<Value> {
    let lines = app.logs().into_iter().filter(|line| line.function == FUNCTION);
    lines.map(|line| serde_json::from_str(&line.text).unwrap()).collect()
}

#[tokio::test]
async fn a_good_token_passes_and_says_who() {
    let app = App::start(StackOptions::default()).await;
    let email = unique_email("authorizer");
    let token = access_token(&mut app.sign_up(&email).await).await;
    let claims = crate::access_tokens::claims_of(&token);
    app.aws().clear_calls();
    let expected = json!({"isAuthorized": true, "context": {
        "sub": claims["sub"], "sid": claims["sid"], "email": email, "name": "Ann", "emailVerified": false,
        "exp": claims["exp"],
    }});
    assert_eq!(ask(&app, &token).await, expected);
    assert_eq!(app.invoke(FUNCTION, event(&format!("bearer {token}"))).await.unwrap(), expected);
    // Where there is no identity source, there is the header.
    let mut bare = event(&format!("Bearer {token}"));
    bare["identitySource"] = Value::Null;
    assert_eq!(app.invoke(FUNCTION, bare).await.unwrap(), expected);
    // It is verified here: nobody is asked.
    assert!(app.aws().calls().is_empty(), "{:?}", app.aws().calls());

    let lines = lines(&app);
    let line = &lines[0];
    assert_eq!((&line["event"], &line["level"]), (&json!("authorizer.allowed"), &json!("INFO")));
    assert_eq!(line["user"], json!(shared::http::fingerprint(claims["sub"].as_str().unwrap())));
    for line in app.logs() {
        assert!(!line.text.contains(&token) && !line.text.contains(&email), "{}", line.text);
    }
}

/// The list of good and forged tokens that PyJWT and the service agree on.
#[tokio::test]
async fn it_agrees_with_the_service_on_every_token() {
    let app = App::shared();
    let token = access_token(&mut app.sign_up(&unique_email("authorizer")).await).await;
    let key = format!("{}={}", kid(&token), app.aws().secret("SigningSecret").unwrap());
    let url = app.url();
    let arguments = ["--secret", &key, "--issuer", &url, "--audience", &url, "--token", &token];
    let vectors = script("make_vectors.py", &arguments, "").await;
    let list: Vec<Value> = serde_json::from_str(&vectors.1).unwrap();
    assert!(vectors.0 && list.len() >= 80, "{} vectors", list.len());
    // White space around a token is the header's, not the token's.
    let is_bare = |token: &str| token == token.trim_matches(' ');
    for vector in list.iter().filter(|vector| is_bare(vector["token"].as_str().unwrap())) {
        let answer = ask(app, vector["token"].as_str().unwrap()).await;
        assert_eq!(answer["isAuthorized"], vector["valid"], "{}", vector["name"]);
        assert!(answer["isAuthorized"] == true || answer == refused(), "{answer}");
    }
}

#[tokio::test]
async fn whatever_event_comes_is_answered_no() {
    let app = App::start(StackOptions { instances: 1, ..StackOptions::default() }).await;
    let token = access_token(&mut app.sign_up(&unique_email("authorizer")).await).await;
    let good = event(&format!("Bearer {token}"));
    let before = app.pool(FUNCTION).unwrap().processes()[0].pid();
    for (pointer, value) in [
        ("/identitySource", json!([""])),
        ("/identitySource", json!([format!("Basic {token}")])),
        ("/identitySource", json!([token])),
        ("/identitySource", json!([format!("Bearer {token}, Bearer {token}")])),
        ("/identitySource", json!([format!("Bearer {token}"), format!("Bearer {token}")])),
        ("/identitySource", json!(["another"])),
        ("/identitySource", json!([null])),
        ("/identitySource", json!([[format!("Bearer {token}")]])),
        ("/identitySource", json!([{"Authorization": format!("Bearer {token}")}])),
        ("/identitySource", json!(format!("Bearer {token}"))),
        ("/identitySource", json!({})),
        ("/identitySource", json!(7)),
        ("/version", json!("1.0")),
        ("/version", json!(2)),
        ("/version", json!(null)),
        ("/type", json!("TOKEN")),
        ("/type", json!(null)),
    ] {
        let mut hostile = good.clone();
        *hostile.pointer_mut(pointer).unwrap() = value.clone();
        assert_eq!(app.invoke(FUNCTION, hostile).await.unwrap(), refused(), "{pointer} {value}");
    }
    for headers in [json!(null), json!([]), json!({}), json!({"authorization": [token]}), json!({"cookie": token})] {
        let mut hostile = good.clone();
        (hostile["identitySource"], hostile["headers"]) = (json!([]), headers.clone());
        assert_eq!(app.invoke(FUNCTION, hostile).await.unwrap(), refused(), "{headers}");
    }
    for text in ["null", "[]", "{}", "7", "\"x\"", "{\"version\":\"2.0\",\"type\":\"REQUEST\"}"] {
        let answer = app.invoke_raw(FUNCTION, text).await.unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&answer).unwrap(), refused(), "{text}");
    }
    // What says nothing of who asks changes nothing.
    for (name, value) in
        [("requestContext", json!(null)), ("headers", json!("x")), ("routeArn", json!("x".repeat(70_000)))]
    {
        let mut odd = good.clone();
        odd[name] = value;
        assert_eq!(app.invoke(FUNCTION, odd).await.unwrap()["isAuthorized"], true, "{name}");
    }
    assert_eq!(app.pool(FUNCTION).unwrap().processes()[0].pid(), before, "the same process still serves");
}

/// Back ends of the service's own give out no authority: the other tokens that
/// it makes do not open an API.
#[tokio::test]
async fn only_an_access_token_passes() {
    let app = App::shared();
    let browser = app.sign_up(&unique_email("authorizer")).await;
    let session = crate::support::raw_token(&browser);
    let cookie = crate::support::decoded(browser.session_cookie().unwrap());
    for token in [session.as_str(), &cookie, browser.session_cookie().unwrap()] {
        assert_eq!(ask(app, token).await, refused());
    }
}

#[tokio::test]
async fn a_rotation_is_noticed_by_the_first_token_of_the_new_secret() {
    let app = App::start(StackOptions { instances: 1, ..StackOptions::default() }).await;
    let old = access_token(&mut app.sign_up(&unique_email("authorizer")).await).await;
    assert_eq!(ask(&app, &old).await["isAuthorized"], true);
    for is_accepted in [true, false] {
        rotate(&app).await;
        // These take the new secret up at their start; the authorizer runs on.
        app.kill_instances("signup").await;
        app.kill_instances("session").await;
        let new = access_token(&mut app.sign_up(&unique_email("authorizer")).await).await;
        assert_ne!(kid(&new), kid(&old));
        assert_eq!(ask(&app, &new).await["isAuthorized"], true);
        assert_eq!(ask(&app, &old).await["isAuthorized"], is_accepted);
    }
}

#[tokio::test]
async fn a_session_that_is_over_is_noticed_where_it_is_looked_for() {
    for (app, looks) in [(App::start(StackOptions::default()).await, false), (checking().await, true)] {
        let email = unique_email("authorizer");
        let mut browser = app.sign_up(&email).await;
        let token = access_token(&mut browser).await;
        app.aws().clear_calls();
        assert_eq!(ask(&app, &token).await["isAuthorized"], true);
        let mut used = Vec::new();
        for call in app.aws().calls() {
            assert_eq!(call.function.as_deref(), Some(FUNCTION));
            used.extend(call.actions);
        }
        used.sort();
        let read = |table: &str| ("dynamodb:BatchGetItem".to_owned(), table.to_owned());
        assert_eq!(used, if looks { vec![read("SessionsTable"), read("UsersTable")] } else { vec![] });

        // The row is newer than the token.
        let mut row = user_row(&app, &email).await.unwrap();
        row["name"] = json!({"S": "Anna"});
        row["emailVerified"] = json!({"BOOL": true});
        app.put_row("UsersTable", &row).await;
        let context = ask(&app, &token).await["context"].clone();
        let expected = if looks { (json!("Anna"), json!(true)) } else { (json!("Ann"), json!(false)) };
        assert_eq!((context["name"].clone(), context["emailVerified"].clone()), expected);

        assert_eq!(browser.post("/sign-out", &json!({})).await.status, 200);
        assert_eq!(ask(&app, &token).await["isAuthorized"], !looks);
        let second = app.sign_up(&unique_email("authorizer")).await;
        let call = Call::new("GET", "/token");
        let token = second.send_only(call).await.json()["token"].as_str().unwrap().to_owned();
        assert_eq!(ask(&app, &token).await["isAuthorized"], true);
    }
}

/// An answer is kept by the gateway, an error is not: what cannot be decided
/// must not shut anybody out for longer than it lasts.
#[tokio::test]
async fn what_cannot_be_decided_is_an_error() {
    let app = checking().await;
    let token = access_token(&mut app.sign_up(&unique_email("authorizer")).await).await;
    let fault_id = app.aws().inject(FaultRule::new(Service::DynamoDb, Fault::AccessDenied).function(FUNCTION));
    let report = fault(&app, &token).await;
    assert_eq!(report["errorType"], "Unavailable");
    app.aws().remove_fault(fault_id);
    assert_eq!(ask(&app, &token).await["isAuthorized"], true);

    app.kill_instances(FUNCTION).await;
    let fault_id = app.aws().inject(FaultRule::new(Service::SecretsManager, Fault::AccessDenied).function(FUNCTION));
    assert_eq!(fault(&app, &token).await["errorType"], "Unavailable");
    // A token that is none needs no secret to be refused.
    assert_eq!(app.invoke(FUNCTION, event("Basic x")).await.unwrap(), refused());
    app.aws().remove_fault(fault_id);
    assert_eq!(ask(&app, &token).await["isAuthorized"], true);
    let failed = lines(&app).into_iter().filter(|line| line["event"] == "authorizer.failed");
    assert!(failed.count() >= 2);
    assert!(lines(&app).iter().all(|line| (line["level"] == "ERROR") == (line["event"] == "authorizer.failed")));

    let app = App::with_env(&[("AUTH_SESSION_SECONDS", "soon")]).await;
    assert_eq!(fault(&app, &token).await["errorMessage"], "invalid settings");
}

/// What no known secret has signed may be of a newer one.
#[tokio::test]
async fn a_token_of_a_secret_that_cannot_be_read_is_undecided() {
    let app = App::start(StackOptions { instances: 1, ..StackOptions::default() }).await;
    let old = access_token(&mut app.sign_up(&unique_email("authorizer")).await).await;
    assert_eq!(ask(&app, &old).await["isAuthorized"], true);
    rotate(&app).await;
    app.kill_instances("signup").await;
    app.kill_instances("session").await;
    let new = access_token(&mut app.sign_up(&unique_email("authorizer")).await).await;
    let fault_id = app.aws().inject(FaultRule::new(Service::SecretsManager, Fault::AccessDenied).function(FUNCTION));
    for _ in 0..2 {
        assert_eq!(fault(&app, &new).await["errorType"], "Unavailable");
        assert_eq!(ask(&app, &old).await["isAuthorized"], true);
    }
    app.aws().remove_fault(fault_id);
    assert_eq!(ask(&app, &new).await["isAuthorized"], true);
    // Once it was read, what it has not signed is refused, however often it comes.
    rotate(&app).await;
    rotate(&app).await;
    app.kill_instances(FUNCTION).await;
    for _ in 0..5 {
        assert_eq!(ask(&app, &new).await, refused());
    }
}
