//! Events that no honest gateway sends, handed to the functions directly.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::{App, PASSWORD};

use crate::{dice::Dice, support::*};

/// Each function with a request that it answers well.
const REQUESTS: [(&str, &str, &str, &str, u16); 7] = [
    (
        "signup",
        "POST",
        "/api/auth/sign-up/email",
        r#"{"name":"Ann","email":"EMAIL","password":"correct horse battery"}"#,
        200,
    ),
    ("signin", "POST", "/api/auth/sign-in/social", r#"{"provider":"google"}"#, 200),
    ("session", "GET", "/api/auth/get-session", "", 200),
    ("signout", "POST", "/api/auth/sign-out", "{}", 200),
    ("reset-request", "POST", "/api/auth/request-password-reset", r#"{"email":"nobody@example.com"}"#, 200),
    (
        "reset-confirm",
        "POST",
        "/api/auth/reset-password",
        r#"{"token":"x","newPassword":"correct horse battery"}"#,
        400,
    ),
    ("oauth-callback", "GET", "/api/auth/error", "", 200),
];

/// An honest event.
fn event(method: &str, path: &str, body: &str) -> Value {
    let mut event = json!({
        "version": "2.0",
        "routeKey": format!("{method} {path}"),
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "host": "localhost:3000", "content-type": "application/json", "user-agent": "test",
            "x-forwarded-proto": "http", "x-forwarded-for": "127.0.0.1",
        },
        "requestContext": {
            "accountId": "1", "apiId": "a", "domainName": "localhost", "requestId": "request-1",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test"},
            "routeKey": format!("{method} {path}"), "stage": "$default", "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 0,
        },
        "isBase64Encoded": false,
    });
    if !body.is_empty() {
        event["body"] = json!(body);
    }
    event
}

/// Asserts that an answer is of payload format 2.0 and no fault.
#[track_caller]
fn assert_sane(answer: &Value, what: &str) -> u64 {
    let status = answer["statusCode"].as_u64().unwrap_or_else(|| panic!("{what}: {answer}"));
    assert!((200..500).contains(&status), "{what}: {answer}");
    status
}

fn hostile_changes() -> Vec<(&'static str, Value)> {
    let long = "x".repeat(70_000);
    let mut changes = Vec::new();
    for host in ["x:99999", "a b", "[", "", "a/b", "a?b", "a#b", "a@b:c", "%", "::", "x:-1", "\u{e9}"] {
        changes.push(("/headers/host", json!(host)));
    }
    for scheme in ["https,http", "", "1x", " ", ":", "javascript"] {
        changes.push(("/headers/x-forwarded-proto", json!(scheme)));
    }
    for query in ["<", "a=<script>", "a=\"b\"", "a b", "%", "%zz", "\u{0}", "a=\r\nb", "{}", "^`|", long.as_str()] {
        changes.push(("/rawQueryString", json!(query)));
    }
    for (name, value) in [
        ("/headers/x", json!("a\u{0}b")),
        ("/headers/x", json!("a\r\nb: c")),
        ("/headers/x", json!("\u{7f}")),
        ("/headers/a b", json!("x")),
        ("/headers/", json!("x")),
        ("/headers/x:y", json!("x")),
        ("/headers/x", json!(["a"])),
        ("/headers/x", json!({})),
        ("/headers/x", json!(null)),
        ("/headers", json!("x")),
        ("/headers", json!([])),
        ("/rawPath", json!("")),
        ("/rawPath", json!("no slash")),
        ("/rawPath", json!("//evil.example/x")),
        ("/rawPath", json!("/api/auth/../../x")),
        ("/rawPath", json!("/\u{0}")),
        ("/rawPath", json!(format!("/{}", "x".repeat(70_000)))),
        ("/rawPath", json!(7)),
        ("/requestContext", json!(null)),
        ("/requestContext", json!("x")),
        ("/requestContext/http", json!(null)),
        ("/requestContext/http", json!([])),
        ("/requestContext/http/method", json!("")),
        ("/requestContext/http/method", json!("G ET")),
        ("/requestContext/http/method", json!("\u{0}")),
        ("/requestContext/http/method", json!(7)),
        ("/requestContext/stage", json!("a b")),
        ("/requestContext/domainName", json!("[")),
        ("/cookies", json!("a=b")),
        ("/cookies", json!([1])),
        ("/isBase64Encoded", json!("yes")),
        ("/isBase64Encoded", json!(1)),
        ("/body", json!({})),
        ("/body", json!(7)),
        ("/version", json!(null)),
    ] {
        changes.push((name, value));
    }
    changes
}

/// Sets a member, and makes it if it is not there.
fn set(event: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    if let Some(Value::Object(object)) = event.pointer_mut(parent) {
        object.insert(name.to_owned(), value);
    }
}

/// The honest request of each function is answered, whatever came before.
async fn assert_alive(app: &App, what: &str) {
    for (number, (function, method, path, body, status)) in REQUESTS.into_iter().enumerate() {
        if function == "reset-request" {
            continue;
        }
        let body = body.replace("EMAIL", &format!("alive-{}-{number}@example.com", unique()));
        let answer = app.invoke(function, event(method, path, &body)).await.unwrap();
        assert_eq!(answer["statusCode"], status, "{what}: {function} {answer}");
    }
}

/// Different for each call.
fn unique() -> u64 {
    static COUNTER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

fn pids(app: &App) -> BTreeMap<String, Vec<u32>> {
    let mut pids = BTreeMap::new();
    for (function, ..) in REQUESTS {
        let mut of_function: Vec<u32> =
            app.pool(function).unwrap().processes().iter().map(|process| process.pid()).collect();
        of_function.sort_unstable();
        pids.insert(function.to_owned(), of_function);
    }
    pids
}

#[tokio::test]
async fn hostile_events_are_answered_and_kill_nobody() {
    let app = App::start(local::StackOptions { instances: 1, ..local::StackOptions::default() }).await;
    assert_alive(&app, "at first").await;
    app.invoke("reset-request", event("POST", "/api/auth/request-password-reset", "{}")).await.unwrap();
    let before = pids(&app);
    for (function, method, path, ..) in REQUESTS {
        let mut refused = 0;
        for (pointer, value) in hostile_changes() {
            // A body that nobody acts on keeps this quick.
            let mut hostile = event(method, path, if method == "POST" { "[]" } else { "" });
            let what = format!("{function} {pointer} {}", value.to_string().chars().take(60).collect::<String>());
            set(&mut hostile, pointer, value);
            let answer = app.invoke(function, hostile).await.unwrap_or_else(|error| panic!("{what}: {error}"));
            let status = assert_sane(&answer, &what);
            if status >= 400 {
                refused += 1;
                if let Some(body) = answer["body"].as_str() {
                    let body: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{what}: {answer}"));
                    assert!(body["message"].is_string(), "{what}: {answer}");
                }
            }
        }
        assert!(refused >= 25, "{function}: only {refused} of the events were refused");
        for body in ["!", "YQ", "YQ=", "Y Q==", "====", "\u{0}"] {
            let mut hostile = event("POST", path, body);
            set(&mut hostile, "/isBase64Encoded", json!(true));
            let answer = app.invoke(function, hostile).await.unwrap();
            assert_eq!(assert_sane(&answer, body), 400, "{function} {body}: {answer}");
        }
    }
    assert_alive(&app, "at last").await;
    assert_eq!(pids(&app), before, "the same processes still serve");
}

#[tokio::test]
async fn what_is_no_event_is_answered_too() {
    let app = App::start(local::StackOptions { instances: 1, ..local::StackOptions::default() }).await;
    let other_kinds = [
        json!({"httpMethod": "GET", "path": "/api/auth/ok", "headers": {}, "requestContext": {}}),
        json!({"requestContext": {"elb": {"targetGroupArn": "x"}}, "httpMethod": "GET", "path": "/", "headers": {}}),
        json!({"Records": [{"body": "x"}]}),
        json!({}),
        json!([]),
        json!(null),
        json!("x"),
        json!(7),
    ];
    for (function, ..) in REQUESTS {
        for event in &other_kinds {
            let answer =
                app.invoke(function, event.clone()).await.unwrap_or_else(|error| panic!("{function} {event}: {error}"));
            assert!(assert_sane(&answer, &event.to_string()) >= 400, "{function} {event}: {answer}");
        }
    }
    assert_alive(&app, "afterwards").await;
}

#[tokio::test]
async fn a_body_in_base64_is_the_same_body() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    let app = App::with_env(&[]).await;
    let email = tests::unique_email("base64");
    let body = json!({"name": "Ann", "email": email, "password": PASSWORD}).to_string();
    let mut event = event("POST", "/api/auth/sign-up/email", &STANDARD.encode(body));
    set(&mut event, "/isBase64Encoded", json!(true));
    assert_eq!(app.invoke("signup", event).await.unwrap()["statusCode"], 200);
    assert!(password_works(&app, &email, PASSWORD).await);
}

/// A cookie with a control byte costs itself, not its neighbours.
#[tokio::test]
async fn a_broken_cookie_does_not_sign_anybody_out() {
    let app = App::with_env(&[]).await;
    let browser = app.sign_up(&tests::unique_email("broken-cookie")).await;
    let cookie = format!("better-auth.session_token={}", browser.session_cookie().unwrap());
    for junk in ["a=\u{0}", "a=b\r\nc", "\u{7f}", "é=ü", "=", ";", "a"] {
        let mut event = event("GET", "/api/auth/get-session", "");
        set(&mut event, "/cookies", json!([junk, cookie, junk]));
        let answer = app.invoke("session", event).await.unwrap();
        assert!(answer["body"].as_str().unwrap().starts_with("{\"session\""), "{junk:?}: {answer}");
    }
}

impl Dice {
    fn text(&mut self) -> String {
        const PIECES: [&str; 40] = [
            "a",
            "Ann",
            "@",
            ".",
            "example.com",
            "nobody@example.com",
            "/",
            "//",
            "\\",
            "?",
            "#",
            "&",
            "=",
            "%",
            "%00",
            "%2f",
            ":",
            "\u{0}",
            "\r\n",
            "\t",
            " ",
            "\"",
            "<script>",
            "é",
            "🔑",
            "\u{202e}",
            "\u{feff}",
            "{}",
            "[",
            "null",
            "true",
            "0",
            "-1",
            "1e99",
            "eyJhbGciOiJub25lIn0.e30.",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "https://evil.example",
            "Bearer ",
            "localhost",
            ";",
        ];
        let length = self.roll(6);
        let mut text: String = (0..length).map(|_| PIECES[self.roll(PIECES.len())]).collect();
        if self.roll(25) == 0 {
            text = text.repeat(200);
        }
        text
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.roll(if depth == 0 { 7 } else { 9 }) {
            0 => json!(null),
            1 => json!(self.roll(2) == 0),
            2 => json!(self.roll(1000)),
            3 => json!(-1.5),
            4..=6 => json!(self.text()),
            7 => (0..self.roll(4)).map(|_| self.value(depth - 1)).collect(),
            _ => Value::Object((0..self.roll(4)).map(|_| (self.name(), self.value(depth - 1))).collect()),
        }
    }

    fn name(&mut self) -> String {
        const NAMES: [&str; 22] = [
            "email",
            "password",
            "name",
            "image",
            "callbackURL",
            "rememberMe",
            "token",
            "newPassword",
            "redirectTo",
            "provider",
            "scopes",
            "additionalParams",
            "idToken",
            "disableRedirect",
            "errorCallbackURL",
            "newUserCallbackURL",
            "loginHint",
            "state",
            "code",
            "error",
            "iss",
            "__proto__",
        ];
        if self.roll(12) == 0 { self.text() } else { self.pick(&NAMES).to_owned() }
    }

    fn query(&mut self) -> String {
        let pairs: Vec<String> = (0..self.roll(5))
            .map(|_| {
                let (name, value) = (self.name(), self.text());
                if self.roll(4) == 0 { format!("{name}={value}") } else { format!("{name}={}", encoded(&value)) }
            })
            .collect();
        pairs.join("&")
    }

    /// An event that is honest but for what the dice say.
    fn event(&mut self) -> (&'static str, Value) {
        const ROUTES: [(&str, &str, &str); 14] = [
            ("signup", "POST", "/sign-up/email"),
            ("signin", "POST", "/sign-in/email"),
            ("signin", "POST", "/sign-in/social"),
            ("session", "GET", "/get-session"),
            ("session", "POST", "/get-session"),
            ("session", "GET", "/token"),
            ("signout", "POST", "/sign-out"),
            ("reset-confirm", "POST", "/reset-password"),
            ("reset-confirm", "GET", "/reset-password/{token}"),
            ("reset-confirm", "POST", "/password-reset/confirm"),
            ("oauth-callback", "GET", "/callback/{provider}"),
            ("oauth-callback", "POST", "/callback/{provider}"),
            ("oauth-callback", "GET", "/error"),
            ("reset-request", "POST", "/request-password-reset"),
        ];
        let (function, method, route) = ROUTES[self.roll(ROUTES.len())];
        let mut path = format!("/api/auth{route}");
        let mut event = event(method, &path, "");
        if let Some((prefix, name)) = route.split_once('{') {
            let parameter = if self.roll(2) == 0 { "google".to_owned() } else { self.text() };
            path = format!("/api/auth{prefix}{parameter}");
            set(&mut event, "/pathParameters", json!({name.trim_end_matches('}'): parameter}));
            set(&mut event, "/rawPath", json!(path));
        }
        set(&mut event, "/rawQueryString", json!(self.query()));
        if method == "POST" && self.roll(8) > 0 {
            let fields: serde_json::Map<String, Value> =
                (0..self.roll(6)).map(|_| (self.name(), self.value(3))).collect();
            let mut body =
                if self.roll(6) == 0 { self.value(4).to_string() } else { Value::Object(fields).to_string() };
            match self.roll(12) {
                0 => drop(body.pop()),
                1 => body = self.query(),
                2 => body.insert(self.roll(2), '{'),
                _ => {}
            }
            set(&mut event, "/body", json!(body));
            set(&mut event, "/isBase64Encoded", json!(self.roll(20) == 0));
        }
        for _ in 0..self.roll(4) {
            let name = self.pick(&[
                "host",
                "origin",
                "referer",
                "content-type",
                "authorization",
                "cookie",
                "user-agent",
                "x-forwarded-proto",
                "sec-fetch-site",
                "sec-fetch-mode",
                "x-forwarded-host",
            ]);
            let value = match self.roll(4) {
                0 => self
                    .pick(&["application/json", "application/x-www-form-urlencoded", "cross-site", "navigate", "null"])
                    .to_owned(),
                1 => format!("Bearer {}", self.text()),
                _ => self.text(),
            };
            set(&mut event, &format!("/headers/{name}"), json!(value));
        }
        if self.roll(3) == 0 {
            let cookies: Vec<String> = (0..self.roll(4))
                .map(|_| {
                    format!(
                        "{}={}",
                        self.pick(&["better-auth.session_token", "better-auth.state", "better-auth.session_data", "x"]),
                        self.text()
                    )
                })
                .collect();
            set(&mut event, "/cookies", json!(cookies));
            let origin = self.pick(&["http://localhost:3000", "https://evil.example"]);
            set(&mut event, "/headers/origin", json!(origin));
        }
        (function, event)
    }
}

#[tokio::test]
async fn two_thousand_random_events_cause_no_fault() {
    // Nobody waits for mail: the shortest deadline that the settings allow.
    let app = App::start(local::StackOptions {
        env: vec![("AUTH_MAIL_DEADLINE_MS".to_owned(), "100".to_owned())],
        instances: 1,
        ..local::StackOptions::default()
    })
    .await;
    assert_alive(&app, "at first").await;
    let mut dice = Dice::of(0x5EED_1234_ABCD_0001);
    let mut statuses = BTreeMap::new();
    for number in 0..2000 {
        let (function, event) = dice.event();
        let answer =
            app.invoke(function, event.clone()).await.unwrap_or_else(|error| panic!("{number}: {error}: {event}"));
        let status = answer["statusCode"].as_u64().unwrap_or_default();
        assert!((200..500).contains(&status), "{number}: {function} answers {answer} to {event}");
        *statuses.entry(status).or_insert(0) += 1;
    }
    for status in [200, 302, 400, 403, 415] {
        assert!(statuses.contains_key(&status), "the events are too uniform: {statuses:?}");
    }
    let panics: Vec<String> =
        app.logs().into_iter().map(|line| line.text).filter(|line| line.contains("\"panic\"")).collect();
    assert!(panics.is_empty(), "{panics:?}");
    assert_alive(&app, "at last").await;
}
