//! The signing secret: outages of Secrets Manager, bad secrets, rotation.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse as _, routing::post};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use local::{Fault, FaultRule, Service, StackOptions};
use serde_json::{Value, json};
use shared::adapters::{Aws, SecretCache};
use tests::{Answer, App, Browser, Call, PASSWORD, fake_provider::GoogleUser, unique_email};

use crate::{
    steps::{Snapshot, callback_url, sign_in_with_google, try_sign_up},
    support::{browser_with, decoded, encoded, kid, sign_in},
};

const SECRET: &str = "SigningSecret";
/// What the functions read it by.
const READ: &str = "GetSecretValue";

async fn start() -> App {
    App::start(StackOptions { instances: 1, ..StackOptions::default() }).await
}

/// A secret that is long enough.
fn strong(letter: char) -> String {
    std::iter::repeat_n(letter, 40).collect()
}

fn rotate(app: &App, value: &str) {
    app.aws().put_secret(SECRET, value).unwrap();
}

fn outage(fault: Fault) -> FaultRule {
    FaultRule::new(Service::SecretsManager, fault)
}

/// How often secrets were read since the calls were last forgotten.
fn reads(app: &App) -> usize {
    app.aws().calls().iter().filter(|call| call.operation == READ).count()
}

/// The functions that sign or verify anything.
const WITH_SECRET: [&str; 5] = ["signup", "signin", "session", "signout", "oauth-callback"];

/// Has all of them started anew.
pub async fn kill_all(app: &App) {
    for function in WITH_SECRET {
        app.kill_instances(function).await;
    }
}

/// One request to each function that needs the secret, by a browser that is
/// signed in.
async fn requests(app: &App, browser: &Browser, email: &str) -> Vec<(&'static str, Answer)> {
    let new = try_sign_up(&mut app.browser(), &unique_email("new")).await;
    let (_, sign_in) = sign_in(app, email, PASSWORD).await;
    let get_session = browser.send_only(Call::new("GET", "/get-session")).await;
    let token = browser.send_only(Call::new("GET", "/token")).await;
    let sign_out = browser.send_only(Call::new("POST", "/sign-out")).await;
    vec![("sign-up", new), ("sign-in", sign_in), ("get-session", get_session), ("token", token), ("sign-out", sign_out)]
}

fn assert_put_off(name: &str, answer: &Answer) {
    assert_eq!((answer.status, answer.code().as_str()), (503, "SERVICE_UNAVAILABLE"), "{name}: {}", answer.text());
    assert!(answer.header("retry-after").parse::<u32>().is_ok(), "{name}: {:?}", answer.headers);
    assert!(answer.set_cookies().is_empty(), "{name}: {:?}", answer.set_cookies());
    assert!(answer.header("set-auth-token").is_empty() && answer.header("set-auth-jwt").is_empty(), "{name}");
}

/// A browser with the session cookie of another one, signed by nobody.
fn forged(app: &App, browser: &Browser) -> Browser {
    let signed = decoded(browser.session_cookie().unwrap());
    let (token, signature) = signed.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let name = browser.cookies.keys().find(|name| name.ends_with("session_token")).unwrap();
    browser_with(app, name, &encoded(&format!("{token}.{first}{}", &signature[1..])))
}

async fn bearer(app: &App, token: &str) -> Value {
    let call = Call::new("GET", "/get-session").header("authorization", format!("Bearer {token}"));
    let answer = app.browser().send_only(call).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["user"].clone()
}

/// Whoever comes while nothing can be signed is put off, in time; the first
/// one to come after that is served.
#[tokio::test]
async fn an_outage_at_the_start_puts_requests_off_until_it_ends() {
    let app = start().await;
    let email = unique_email("cold");
    let browser = app.sign_up(&email).await;
    for fault in
        [Fault::Hang, Fault::InternalError, Fault::Throttle, Fault::DropBefore, Fault::AccessDenied, Fault::Malformed]
    {
        for function in ["session", "signup"] {
            app.kill_instances(function).await;
            let rule = app.aws().inject(outage(fault.clone()));
            let before = Snapshot::take(&app).await;
            for attempt in ["first", "second"] {
                let started = Instant::now();
                let answer = match function {
                    "session" => browser.send_only(Call::new("GET", "/get-session")).await,
                    _ => try_sign_up(&mut app.browser(), &unique_email("cold")).await,
                };
                let took = started.elapsed();
                assert_put_off(&format!("{fault:?} {function} {attempt}"), &answer);
                assert!(took < Duration::from_secs(3), "{fault:?} {function} {attempt}: {took:?}");
            }
            assert!(app.aws().fault_hits(rule) > 0);
            assert_eq!(Snapshot::take(&app).await, before);
            let process = app.pool(function).unwrap().processes()[0].pid();
            app.aws().clear_faults();
            let answer = match function {
                "session" => browser.send_only(Call::new("GET", "/get-session")).await,
                _ => try_sign_up(&mut app.browser(), &unique_email("cold")).await,
            };
            assert_eq!(answer.status, 200, "{fault:?} {function}: {}", answer.text());
            assert!(!answer.json()["user"].is_null(), "{fault:?} {function}");
            assert_eq!(app.pool(function).unwrap().processes()[0].pid(), process, "it did not crash");
        }
    }
    // What needs no secret never notices.
    app.kill_instances("session").await;
    app.aws().inject(outage(Fault::AccessDenied));
    assert_eq!(app.browser().get("/ok").await.status, 200);
}

#[tokio::test]
async fn an_outage_goes_unnoticed_by_warm_functions() {
    let app = start().await;
    let email = unique_email("warm");
    let browser = app.sign_up(&email).await;
    let person = GoogleUser::new("warm", &unique_email("warm"));
    sign_in_with_google(&app, &person).await;
    let rule = app.aws().inject(outage(Fault::Hang));
    for (name, answer) in requests(&app, &browser, &email).await {
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
    }
    sign_in_with_google(&app, &person).await;
    assert_eq!(app.aws().fault_hits(rule), 0);

    // A forgery makes the function look for a newer secret; the next request
    // does not suffer.
    forged(&app, &browser).get("/get-session").await;
    assert!(app.aws().fault_hits(rule) > 0);
    let browser = app.sign_up(&unique_email("warm")).await;
    let started = Instant::now();
    assert!(browser.clone().current_user().await.is_some());
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

/// The state of an OAuth sign-in is spent before the client's credentials are
/// read; the browser is then told that it is worth another try. Without the
/// encryption secret nothing is spent: the very same answer works later.
#[tokio::test]
async fn missing_client_credentials_put_a_callback_off() {
    let app = start().await;
    let person = GoogleUser::new("clients", &unique_email("clients"));
    let mut browser = app.browser();
    let url = callback_url(&app, &mut browser, &person).await;
    let before = Snapshot::take(&app).await.without_tokens();
    // The process has its signing secret already.
    let denied = |secret| outage(Fault::AccessDenied).secret(secret).function("oauth-callback");
    let with_tokens = Snapshot::take(&app).await;
    let rule = app.aws().inject(denied("EncryptionSecret"));
    assert_put_off("encryption", &browser.send(Call::new("GET", url.clone())).await);
    assert!(app.aws().fault_hits(rule) > 0);
    assert_eq!(Snapshot::take(&app).await, with_tokens);
    app.aws().clear_faults();
    let rule = app.aws().inject(denied("OAuthClientsSecret"));
    let answer = browser.send(Call::new("GET", url)).await;
    assert_eq!(answer.header("location"), "/failed?error=temporarily_unavailable");
    assert_eq!(app.aws().fault_hits(rule), 1);
    assert_eq!(Snapshot::take(&app).await.without_tokens(), before);
    app.aws().clear_faults();
    sign_in_with_google(&app, &person).await;
}

#[tokio::test]
async fn a_weak_secret_never_signs() {
    let app = start().await;
    let email = unique_email("weak");
    let browser = app.sign_up(&email).await;
    let before = Snapshot::take(&app).await;
    let short = "s".repeat(31);
    for weak in ["", " ", "\n\t \n", "short", &short, &format!("  {short}\n\n\n")] {
        rotate(&app, weak);
        kill_all(&app).await;
        for (name, answer) in requests(&app, &browser, &email).await {
            assert_put_off(&format!("{weak:?} {name}"), &answer);
        }
        let callback = app.browser().get(&format!("/callback/google?code=x&state={}", "s".repeat(43))).await;
        assert_put_off(&format!("{weak:?} callback"), &callback);
        let social = app.browser().post("/sign-in/social", &json!({"provider": "google"})).await;
        assert_put_off(&format!("{weak:?} social"), &social);
    }
    assert_eq!(Snapshot::take(&app).await, before);

    // It recovers without a restart, and the weak one, now the previous one,
    // verifies nothing: neither does the good one before it.
    rotate(&app, &strong('n'));
    let (mut browser, answer) = sign_in(&app, &email, PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(browser.current_user().await.is_some());
}

/// A weak secret that arrives while a good one is known is not taken up.
#[tokio::test]
async fn a_weak_secret_does_not_displace_a_good_one() {
    let app = start().await;
    let email = unique_email("displace");
    let browser = app.sign_up(&email).await;
    rotate(&app, "weak");
    app.aws().clear_calls();
    // A forgery makes a function read it.
    for (method, path) in [("GET", "/get-session"), ("POST", "/sign-out")] {
        forged(&app, &browser).send(Call::new(method, path)).await;
    }
    assert_eq!(reads(&app), 4, "two versions, by two functions");
    assert!(browser.clone().current_user().await.is_some());
    for (name, answer) in requests(&app, &browser, &email).await {
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_rotation_refuses_nothing_that_is_valid() {
    let app = start().await;
    let email = unique_email("rotate");
    let mut old = app.browser();
    let body = json!({"name": "Ann", "email": email, "password": PASSWORD});
    let old_jwt = old.post("/sign-up/email", &body).await.json()["token"].as_str().unwrap().to_owned();
    assert!(old.current_user().await.is_some());

    rotate(&app, &strong('b'));
    // Warm processes know the old one only.
    assert_eq!(old.current_user().await.unwrap()["email"], email);
    assert_eq!(bearer(&app, &old_jwt).await["email"], email);

    // A fresh one signs with the new one, and the warm one, started a moment
    // ago, takes it up at once: as a cookie, and as a token.
    app.kill_instances("signin").await;
    let session_process = app.pool("session").unwrap().processes()[0].pid();
    app.aws().clear_calls();
    let (mut new, answer) = sign_in(&app, &email, PASSWORD).await;
    let new_jwt = answer.json()["token"].as_str().unwrap().to_owned();
    assert_ne!(kid(&new_jwt), kid(&old_jwt));
    assert_eq!(new.current_user().await.unwrap()["email"], email);
    assert_eq!(bearer(&app, &new_jwt).await["email"], email);
    let by_session = app.aws().calls().into_iter().filter(|call| call.function.as_deref() == Some("session"));
    assert_eq!(by_session.filter(|call| call.operation == READ).count(), 2, "one look, at both versions");
    // The old one is now the previous one.
    assert_eq!(old.current_user().await.unwrap()["email"], email);
    assert_eq!(bearer(&app, &old_jwt).await["email"], email);
    assert_eq!(app.pool("session").unwrap().processes()[0].pid(), session_process);

    // To a fresh process both are good, and it signs with the new one.
    app.kill_instances("session").await;
    let answer = old.get("/get-session").await;
    assert_eq!(answer.json()["user"]["email"], email);
    assert_eq!(kid(answer.json()["token"].as_str().unwrap()), kid(&new_jwt));
    assert_eq!(bearer(&app, &old_jwt).await["email"], email);
    assert_eq!(new.current_user().await.unwrap()["email"], email);

    // Sign-out understands what is newer than itself, too.
    assert_eq!(new.clone().post("/sign-out", &json!({})).await.status, 200);
    assert_eq!(new.current_user().await, None);
    assert_eq!(bearer(&app, &new_jwt).await, Value::Null);
    assert!(old.current_user().await.is_some());

    // Two rotations end what the first secret signed, for warm processes as
    // soon as they meet something newer.
    rotate(&app, &strong('c'));
    app.kill_instances("signin").await;
    let (mut newest, _) = sign_in(&app, &email, PASSWORD).await;
    assert!(newest.current_user().await.is_some());
    for when in ["warm", "fresh"] {
        assert_eq!(old.clone().current_user().await, None, "{when}");
        assert_eq!(bearer(&app, &old_jwt).await, Value::Null, "{when}");
        assert!(newest.current_user().await.is_some(), "{when}");
        app.kill_instances("session").await;
    }
}

/// A sign-in with a provider that spans a rotation comes to its end.
#[tokio::test]
async fn an_oauth_sign_in_survives_a_rotation() {
    let app = start().await;
    let person = GoogleUser::new("rotate", &unique_email("rotate"));
    sign_in_with_google(&app, &person).await;
    for newer_at in ["signin", "oauth-callback"] {
        rotate(&app, &strong(newer_at.chars().next().unwrap()));
        app.kill_instances(newer_at).await;
        let mut browser = app.browser();
        let url = callback_url(&app, &mut browser, &person).await;
        let answer = browser.send(Call::new("GET", url)).await;
        assert_eq!(answer.header("location"), "/done", "newer at {newer_at}");
    }
}

/// Forgeries cost a few reads at once and then one every ten seconds, and
/// disturb nobody.
#[tokio::test]
async fn forgeries_do_not_make_a_load() {
    let app = start().await;
    let email = unique_email("flood");
    let mut browser = app.sign_up(&email).await;
    assert!(browser.current_user().await.is_some());
    let (name, value) = browser.cookies.iter().next().unwrap();
    let (token, _) = value.rsplit_once('.').unwrap();
    let jwt = browser.send_only(Call::new("GET", "/token")).await.json()["token"].as_str().unwrap().to_owned();
    let payload = jwt.split('.').nth(1).unwrap();

    app.aws().clear_calls();
    let started = Instant::now();
    for n in 0..150_u64 {
        let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": format!("00000000-0000-4000-8000-{n:012}")});
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        assert_eq!(bearer(&app, &format!("{header}.{payload}.{}", "A".repeat(43))).await, Value::Null);
        let mut forged = app.browser();
        forged.cookies.insert(name.clone(), format!("{token}.{n:043}%3D"));
        assert_eq!(forged.current_user().await, None);
        assert_eq!(forged.post("/sign-out", &json!({})).await.status, 200);
    }
    let windows = usize::try_from(started.elapsed().as_secs()).unwrap() / 10;
    let (reads, limit) = (reads(&app), 2 * 2 * (3 + windows));
    assert!((4..=limit).contains(&reads), "{reads} reads, {limit} at most, by two functions");
    assert!(browser.current_user().await.is_some());
    assert_eq!(app.rows("SessionsTable").await.len(), 1);
}

/// A Secrets Manager that answers each stage as it is told to.
#[derive(Clone, Default)]
struct Stages(Arc<Mutex<HashMap<&'static str, Stage>>>);

#[derive(Clone)]
enum Stage {
    Version(&'static str, String),
    Down,
}

impl Stages {
    fn set(&self, current: Stage, previous: Option<Stage>) {
        let mut stages = self.0.lock().unwrap();
        stages.clear();
        stages.insert("AWSCURRENT", current);
        stages.extend(previous.map(|previous| ("AWSPREVIOUS", previous)));
    }

    /// A cache that reads from here.
    async fn cache(&self) -> SecretCache {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(answer)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let aws = Aws::from_variables(|name| (name == "AWS_ENDPOINT_URL").then(|| url.clone()));
        SecretCache::new(aws.secrets_manager(), SECRET.to_owned())
    }
}

async fn answer(State(stages): State<Stages>, body: String) -> axum::response::Response {
    let request: Value = serde_json::from_str(&body).unwrap();
    let stage = stages.0.lock().unwrap().get(request["VersionStage"].as_str().unwrap()).cloned();
    let refuse = |kind: &str| (StatusCode::BAD_REQUEST, Json(json!({"__type": kind}))).into_response();
    match stage {
        Some(Stage::Version(id, value)) => Json(json!({"VersionId": id, "SecretString": value})).into_response(),
        Some(Stage::Down) => refuse("AccessDeniedException"),
        None => refuse("ResourceNotFoundException"),
    }
}

fn version(id: &'static str) -> Stage {
    Stage::Version(id, strong(id.chars().last().unwrap()))
}

fn ids(keys: &shared::crypto::Keyring) -> Vec<String> {
    keys.accepted().map(|secret| secret.version().to_owned()).collect()
}

/// The two versions are read side by side: a rotation between the two reads
/// leaves the version in the middle out, and an outage may hit one of them.
#[tokio::test]
async fn a_version_that_was_missed_is_found_when_it_is_needed() {
    let stages = Stages::default();
    // Torn by a rotation from 1 and 2 to 2 and 3.
    stages.set(version("v3"), Some(version("v1")));
    let cache = stages.cache().await;
    cache.load().await;
    let torn = cache.keys().await.unwrap();
    assert_eq!(ids(&torn), ["v3", "v1"]);
    stages.set(version("v3"), Some(version("v2")));
    assert_eq!(ids(&cache.renewed(&torn).await.unwrap().unwrap()), ["v3", "v2"]);
    assert_eq!(ids(&cache.keys().await.unwrap()), ["v3", "v2"]);

    // The previous one could not be read at the start.
    stages.set(version("v2"), Some(Stage::Down));
    let cache = stages.cache().await;
    cache.load().await;
    let half = cache.keys().await.unwrap();
    assert_eq!(ids(&half), ["v2"]);
    stages.set(version("v2"), Some(version("v1")));
    assert_eq!(ids(&cache.renewed(&half).await.unwrap().unwrap()), ["v2", "v1"]);

    // Nor can it be read now: what is known of it stays.
    let known = cache.keys().await.unwrap();
    stages.set(version("v2"), Some(Stage::Down));
    assert!(cache.renewed(&known).await.is_err());
    assert_eq!(ids(&cache.keys().await.unwrap()), ["v2", "v1"]);
    // What was current before a rotation is what was previous after it.
    stages.set(version("v3"), Some(Stage::Down));
    assert_eq!(ids(&cache.renewed(&known).await.unwrap().unwrap()), ["v3", "v2"]);
}

#[tokio::test]
async fn only_good_secrets_are_kept() {
    let stages = Stages::default();
    let cache = stages.cache().await;
    assert!(cache.keys().await.unwrap_err().to_string().contains("ResourceNotFoundException"));
    stages.set(Stage::Version("weak", "short".to_owned()), Some(version("v1")));
    let error = cache.keys().await.unwrap_err().to_string();
    assert!(error.contains("shorter than 32 bytes"), "{error}");
    // A weak version before a good one is as good as none.
    stages.set(version("v2"), Some(Stage::Version("weak", "short".to_owned())));
    let good = cache.keys().await.unwrap();
    assert_eq!(ids(&good), ["v2"]);
    // A weak one after it is not taken up, nor is an outage.
    for current in [Stage::Version("weak", "short".to_owned()), Stage::Down] {
        stages.set(current, Some(version("v2")));
        assert!(cache.renewed(&good).await.is_err());
        assert_eq!(ids(&cache.keys().await.unwrap()), ["v2"]);
    }
}
