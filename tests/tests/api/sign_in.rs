//! Sign-in with a password.

use local::{Data, StackOptions};
use serde_json::{Value, json};
use tests::{Answer, App, Call, PASSWORD, fake_provider::GoogleUser, unique_email};

use crate::{oauth, support::*};

async fn sign_in_with(changes: Value) -> Answer {
    let mut body = json!({"email": "nobody@example.com", "password": PASSWORD});
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    App::shared().browser().post("/sign-in/email", &body).await
}

#[tokio::test]
async fn the_right_password_signs_in() {
    let app = App::shared();
    let email = unique_email("right");
    let user = app.sign_up(&email).await.current_user().await.unwrap();
    let (mut browser, answer) = sign_in(app, &format!(" {} ", email.to_uppercase()), PASSWORD).await;
    let body = answer.json();
    assert_eq!((answer.status, &body["redirect"], &body["user"]), (200, &json!(false), &user));
    assert!(body.get("url").is_none());
    assert!(body["token"].as_str().unwrap().starts_with("eyJ"));
    assert_eq!(cookie_names(&answer), ["better-auth.session_token"]);
    assert_eq!(answer.header("set-auth-token"), set_cookie(&answer, "better-auth.session_token").unwrap());
    assert_eq!(browser.current_user().await.unwrap(), user);
    assert_eq!(sessions_of(app, &email).await.len(), 2);
}

/// Status, body and header names of an answer, to the byte.
fn shape(answer: &Answer) -> (u16, String, Vec<String>) {
    let mut names: Vec<String> =
        answer.headers.iter().map(|(name, value)| format!("{name} ({} bytes)", value.len())).collect();
    names.retain(|name| !name.starts_with("apigw-requestid"));
    names.sort();
    (answer.status, answer.text(), names)
}

#[tokio::test]
async fn a_wrong_password_an_unknown_address_and_a_user_without_a_password_look_alike() {
    let app = App::shared();
    let (known, social) = (unique_email("known"), unique_email("social"));
    app.sign_up(&known).await;
    oauth::sign_in_with_google(app, &GoogleUser::new(&social, &social)).await;
    assert!(
        app.row("AccountsTable", "identity", &format!("email:{social}")).await.unwrap().get("passwordHash").is_none()
    );
    let (_, wrong) = sign_in(app, &known, "not the password").await;
    assert_error(&wrong, 401, "INVALID_EMAIL_OR_PASSWORD");
    assert_eq!(wrong.json()["message"], "Invalid email or password");
    assert!(wrong.set_cookies().is_empty());
    for email in [unique_email("unknown"), social] {
        for password in ["not the password", PASSWORD, "short", ""] {
            let (_, answer) = sign_in(app, &email, password).await;
            assert_eq!(shape(&answer), shape(&wrong), "{email}");
        }
    }
}

/// The hash is computed for whoever asks: without it the answer would come in
/// a fraction of the time.
#[tokio::test]
async fn an_unknown_address_costs_a_hash() {
    let app = App::shared();
    let email = unique_email("cost");
    app.sign_up(&email).await;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for _ in 0..12 {
        for (email, times) in [(&email, &mut known), (&unique_email("cost"), &mut unknown)] {
            let started = std::time::Instant::now();
            assert_eq!(sign_in(app, email, "not the password").await.1.status, 401);
            times.push(started.elapsed());
        }
    }
    let (known, unknown) = (known.into_iter().min().unwrap(), unknown.into_iter().min().unwrap());
    assert!(unknown > known / 2, "unknown {unknown:?}, known {known:?}");
}

#[tokio::test]
async fn what_is_no_address_is_named_but_not_as_a_schema_error() {
    for email in ["", "x", "a@b", "a@ex.com,b@ex.com", "a@ex.com\u{0}"] {
        let answer = sign_in_with(json!({"email": email})).await;
        assert_error(&answer, 400, "INVALID_EMAIL");
        assert_eq!(answer.json()["message"], "Invalid email");
    }
}

#[tokio::test]
async fn a_password_that_is_too_long_is_refused_before_the_hash() {
    let app = App::shared();
    let email = unique_email("long");
    app.sign_up(&email).await;
    for address in [email, unique_email("long")] {
        assert_error(&sign_in(app, &address, &"a".repeat(129)).await.1, 400, "PASSWORD_TOO_LONG");
        assert_error(&sign_in(app, &address, &"a".repeat(60_000)).await.1, 400, "PASSWORD_TOO_LONG");
        assert_error(&sign_in(app, &address, &"🔑".repeat(128)).await.1, 401, "INVALID_EMAIL_OR_PASSWORD");
    }
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    for (changes, message) in [
        (json!({"email": 1}), "[body.email] Invalid input: expected string, received number"),
        (json!({"email": ["a@ex.com", "b@ex.com"]}), "[body.email] Invalid input: expected string, received array"),
        (json!({"password": null}), "[body.password] Invalid input: expected string, received null"),
        (json!({"rememberMe": "true"}), "[body.rememberMe] Invalid input: expected boolean, received string"),
        (json!({"callbackURL": null}), "[body.callbackURL] Invalid input: expected string, received null"),
        (
            json!({"email": {}, "password": true}),
            "[body.email] Invalid input: expected string, received object; \
             [body.password] Invalid input: expected string, received boolean",
        ),
    ] {
        let answer = sign_in_with(changes).await;
        assert_error(&answer, 400, "VALIDATION_ERROR");
        assert_eq!(answer.json()["message"], message);
    }
}

#[tokio::test]
async fn a_callback_url_is_echoed_and_sent_as_location() {
    let app = App::shared();
    let email = unique_email("callback");
    app.sign_up(&email).await;
    let ask = |url: &str| {
        let body = json!({"email": email, "password": PASSWORD, "callbackURL": url});
        async move { app.browser().post("/sign-in/email", &body).await }
    };
    for url in ["/dash?a=1#b", &format!("{}/x", app.url())] {
        let answer = ask(url).await;
        let body = answer.json();
        assert_eq!((answer.status, &body["redirect"], &body["url"]), (200, &json!(true), &json!(url)));
        assert_eq!(answer.header("location"), url);
    }
    let answer = ask("").await;
    assert_eq!(
        (&answer.json()["redirect"], &answer.json()["url"], answer.header("location")),
        (&json!(false), &json!(""), "")
    );
    let answer = ask("https://evil.example/x").await;
    assert_error(&answer, 403, "INVALID_CALLBACK_URL");
    assert!(answer.set_cookies().is_empty() && answer.header("location").is_empty());
}

#[tokio::test]
async fn remembering_is_up_to_the_user() {
    let app = App::shared();
    let email = unique_email("remember");
    app.sign_up(&email).await;
    let mut browser = app.browser();
    let mut ask = async |remember: bool| {
        browser.post("/sign-in/email", &json!({"email": email, "password": PASSWORD, "rememberMe": remember})).await
    };
    let answer = ask(false).await;
    assert_eq!(cookie_names(&answer), ["better-auth.session_token", "better-auth.dont_remember"]);
    assert!(answer.set_cookies().iter().all(|cookie| !cookie.contains("Max-Age")));
    let answer = ask(true).await;
    assert_eq!(cookie_names(&answer), ["better-auth.session_token", "better-auth.dont_remember"]);
    assert!(answer.set_cookies()[0].contains("; Max-Age=604800;"));
    assert!(answer.set_cookies()[1].contains("better-auth.dont_remember=; Max-Age=0;"), "an old wish is forgotten");
    let answer = ask(true).await;
    assert_eq!(cookie_names(&answer), ["better-auth.session_token"]);
    let mut remembered: Vec<bool> =
        sessions_of(app, &email).await.iter().map(|row| row["remembered"]["BOOL"].as_bool().unwrap()).collect();
    remembered.sort_unstable();
    assert_eq!(remembered, [false, true, true, true]);
}

#[tokio::test]
async fn composed_and_decomposed_letters_are_one_password() {
    let app = App::shared();
    let (composed, decomposed) = ("caf\u{e9} password", "cafe\u{301} password");
    for (set, typed) in [(composed, decomposed), (decomposed, composed)] {
        let email = unique_email("nfc");
        let body = json!({"name": "Ann", "email": email, "password": set});
        assert_eq!(app.browser().post("/sign-up/email", &body).await.status, 200);
        assert!(password_works(app, &email, typed).await);
        assert!(!password_works(app, &email, "cafe password").await);
    }
}

#[tokio::test]
async fn a_form_signs_in_too() {
    let app = App::shared();
    let email = unique_email("form");
    app.sign_up(&email).await;
    let call = Call::new("POST", "/sign-in/email")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("email={}&password=correct+horse+battery&callbackURL=%2Fdash", encoded(&email)));
    let answer = app.browser().send(call).await;
    assert_eq!((answer.status, answer.header("location")), (200, "/dash"), "{}", answer.text());
}

/// Raised cost reaches old passwords when they are next used.
#[tokio::test]
async fn a_cheaper_hash_is_replaced_when_its_password_is_used() {
    let directory = std::env::temp_dir().join(format!("lambda-auth-rehash-{}", std::process::id()));
    let start = async |iterations: &str| {
        let env = vec![("AUTH_PASSWORD_ITERATIONS".to_owned(), iterations.to_owned())];
        App::start(StackOptions { data: Data::Path(directory.clone()), env, ..StackOptions::default() }).await
    };
    let email = unique_email("rehash");
    let hash = async |app: &App| {
        let row = app.row("AccountsTable", "identity", &format!("email:{email}")).await.unwrap();
        row["passwordHash"]["S"].as_str().unwrap().to_owned()
    };
    let app = start("2").await;
    app.sign_up(&email).await;
    let cheap = hash(&app).await;
    assert!(cheap.contains("t=2"), "{cheap}");
    assert!(password_works(&app, &email, PASSWORD).await);
    assert_eq!(hash(&app).await, cheap, "nothing to raise yet");
    app.stop().await;

    let app = start("3").await;
    assert!(!password_works(&app, &email, "not the password").await);
    assert_eq!(hash(&app).await, cheap, "a wrong password replaces nothing");
    assert!(password_works(&app, &email, PASSWORD).await);
    let dear = hash(&app).await;
    assert!(dear.contains("t=3"), "{dear}");
    assert!(password_works(&app, &email, PASSWORD).await);
    assert!(!password_works(&app, &email, "not the password").await);
    app.stop().await;
    std::fs::remove_dir_all(&directory).unwrap();
}

/// Whatever cookie a browser already has, signing in gives it a fresh one, and
/// the old one opens what it opened before.
#[tokio::test]
async fn a_planted_session_is_never_adopted() {
    let app = App::shared();
    let (attacker, victim) = (unique_email("attacker"), unique_email("victim"));
    let planted = app.sign_up(&attacker).await.session_cookie().unwrap().to_owned();
    app.sign_up(&victim).await;
    let user_id = user_row(app, &victim).await.unwrap()["id"]["S"].as_str().unwrap().to_owned();
    let unsigned = format!("{user_id}{}", "A".repeat(43));
    for value in [planted.clone(), unsigned.clone(), format!("{unsigned}.{}%3D", "A".repeat(43)), String::new()] {
        let mut browser = browser_with(app, "better-auth.session_token", &value);
        let answer = browser.post("/sign-in/email", &json!({"email": victim, "password": PASSWORD})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_ne!(browser.session_cookie().unwrap(), value);
        assert_eq!(browser.current_user().await.unwrap()["email"], victim);
        let user = browser_with(app, "better-auth.session_token", &value).current_user().await;
        let expected = (value == planted).then(|| json!(attacker));
        assert_eq!(user.map(|user| user["email"].clone()), expected);
    }
}

#[tokio::test]
async fn the_log_names_nobody() {
    let app = App::with_env(&[]).await;
    let (known, unknown) = (unique_email("log-known"), unique_email("log-unknown"));
    app.sign_up(&known).await;
    app.clear_logs();
    sign_in(&app, &known, "a wrong passphrase").await;
    sign_in(&app, &unknown, "a wrong passphrase").await;
    sign_in(&app, &known, PASSWORD).await;
    let lines: Vec<Value> = app.logs().iter().filter_map(|line| serde_json::from_str(&line.text).ok()).collect();
    let events: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    assert_eq!(events, ["sign_in.failed", "sign_in.failed", "sign_in.succeeded"]);
    // Whether an address is known must not show in the shape of its line either.
    let keys = |line: &Value| line.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&lines[0]), keys(&lines[1]));
    for line in app.logs() {
        for personal in [&known, &unknown, "wrong passphrase", PASSWORD] {
            assert!(!line.text.contains(personal), "{}", line.text);
        }
    }
}
