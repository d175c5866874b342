//! What becomes of tokens, cookies and sessions.

use serde_json::json;
use tests::{Call, PASSWORD, enrol, fake_provider::GoogleUser, unique_email};

use super::{access_token, holder, is_accepted, lines, rotate, start, value};
use crate::{
    secrets::kill_all,
    steps::{age_sessions, callback_url, trust_device, try_sign_up},
    support::{decoded, kid, raw_token, sign_in},
};

#[tokio::test]
async fn a_rotation_changes_the_key_of_new_access_tokens() {
    let app = start(1).await;
    let email = unique_email("rotation");
    let browser = app.sign_up(&email).await;
    let old_jwt = access_token(&browser).await;
    let (old, old_value) = (holder(&app, super::CURRENT).await.unwrap(), app.aws().secret(super::SECRET).unwrap());
    assert_eq!(kid(&old_jwt), old);

    let new = rotate(&app).await;
    let new_value = app.aws().secret(super::SECRET).unwrap();
    assert!(new_value.len() == 64 && new_value.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_ne!(new_value, old_value);
    assert_eq!(holder(&app, super::PREVIOUS).await, Some(old));
    assert_eq!(value(&app, super::PREVIOUS).await, Some(old_value.clone()));

    kill_all(&app).await;
    assert_eq!(kid(&access_token(&browser).await), new);
    let (_, answer) = sign_in(&app, &email, PASSWORD).await;
    assert_eq!(kid(answer.json()["token"].as_str().unwrap()), new);
    assert!(is_accepted(&app, &old_jwt).await);

    // One line a step, which says when, which and how long, and no value.
    let lines = lines(&app);
    assert_eq!(lines.len(), 4, "{lines:?}");
    for (line, step) in lines.iter().zip(super::STEPS) {
        assert_eq!(line["event"], format!("secret_rotation.{step}.succeeded"));
        assert_eq!((&line["function"], &line["level"]), (&json!("rotate-secret"), &json!("INFO")));
        assert!(line["timestamp"].is_string() && line["requestId"].is_string() && line["durationMs"].is_number());
    }
    for line in app.logs() {
        assert!(!line.text.contains(&old_value) && !line.text.contains(&new_value), "{}", line.text);
    }
}

/// Warm functions know the old secret for another five minutes. Whatever is
/// signed with the new one makes them look at once.
#[tokio::test]
async fn a_warm_function_takes_up_a_new_key_when_it_meets_it() {
    let app = start(1).await;
    let email = unique_email("warm");
    let old = app.sign_up(&email).await;
    let old_jwt = access_token(&old).await;
    let session = app.pool("session").unwrap().processes()[0].pid();
    for presents_cookie in [true, false] {
        let new = rotate(&app).await;
        assert_ne!(kid(&access_token(&old).await), new, "it does not look unless it has to");
        app.kill_instances("signin").await;
        let (mut browser, answer) = sign_in(&app, &email, PASSWORD).await;
        let jwt = answer.json()["token"].as_str().unwrap().to_owned();
        assert_eq!(kid(&jwt), new);
        app.aws().clear_calls();
        if presents_cookie {
            assert!(browser.current_user().await.is_some());
        } else {
            assert!(is_accepted(&app, &jwt).await);
        }
        let reads = app.aws().calls().iter().filter(|call| call.operation == "GetSecretValue").count();
        assert_eq!(reads, 2, "one look, at both versions");
        assert_eq!(kid(&access_token(&browser).await), new);
        if presents_cookie {
            assert!(is_accepted(&app, &old_jwt).await);
        }
    }
    assert_eq!(app.pool("session").unwrap().processes()[0].pid(), session);
}

/// A device that was trusted a moment ago is not asked for a code because the
/// function that signs in has not heard of the new secret yet.
#[tokio::test]
async fn a_warm_function_knows_a_device_that_was_trusted_after_the_rotation() {
    let app = start(1).await;
    let email = unique_email("trusted");
    let mut own = app.sign_up(&email).await;
    enrol(&mut own).await;
    assert_eq!(sign_in(&app, &email, PASSWORD).await.1.json()["twoFactorRedirect"], true);
    let signin = app.pool("signin").unwrap().processes()[0].pid();
    rotate(&app).await;
    let mut browser = app.browser();
    trust_device(&app, &mut browser, &email).await;
    let answer = browser.post("/sign-in/email", &json!({"email": email, "password": PASSWORD})).await;
    assert_eq!(answer.json()["user"]["email"], email, "{}", answer.text());
    assert_eq!(app.pool("signin").unwrap().processes()[0].pid(), signin);
}

/// Two rotations end what was signed before them: that is what an emergency
/// needs, and why the interval is longer than a session. Whoever came in
/// between, when the session was due to be extended, has a new cookie.
#[tokio::test]
async fn two_rotations_end_what_the_oldest_key_signed() {
    let app = start(1).await;
    let (in_use_email, away_email) = (unique_email("in-use"), unique_email("away"));
    let mut in_use = app.sign_up(&in_use_email).await;
    let mut away = app.browser();
    let signed_up = try_sign_up(&mut away, &away_email).await;
    let signed = signed_up.header("set-auth-token").to_owned();
    let jwt = access_token(&away).await;
    let person = GoogleUser::new("oldest", &unique_email("oldest"));
    let mut on_the_way = app.browser();
    let callback = callback_url(&app, &mut on_the_way, &person).await;
    let old_cookie = in_use.session_cookie().unwrap().to_owned();

    rotate(&app).await;
    kill_all(&app).await;
    for browser in [&mut in_use, &mut away] {
        assert!(browser.current_user().await.is_some());
    }
    assert_eq!(in_use.session_cookie().unwrap(), old_cookie, "a cookie is signed anew when it is extended");
    age_sessions(&app, &in_use_email, 2).await;
    assert!(in_use.current_user().await.is_some());
    let new_cookie = in_use.session_cookie().unwrap().to_owned();
    assert_ne!(new_cookie, old_cookie);
    let (old_token, new_token) = (decoded(&old_cookie), decoded(&new_cookie));
    assert_eq!(old_token.split('.').next(), new_token.split('.').next(), "the session is the same");

    rotate(&app).await;
    kill_all(&app).await;
    assert!(in_use.current_user().await.is_some());
    assert!(!is_accepted(&app, &jwt).await);
    assert!(!is_accepted(&app, &signed).await);
    let answer = away.get("/get-session").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "null"));
    assert_eq!(away.send_only(Call::new("GET", "/token")).await.status, 401);
    let answer = on_the_way.send(Call::new("GET", callback)).await;
    assert!(answer.header("location").contains("error=state_mismatch"), "{}", answer.header("location"));
    // The session itself is alive: it is the signature that is gone.
    assert!(is_accepted(&app, &raw_token(&away)).await);
    // Everybody can come back.
    assert_eq!(sign_in(&app, &away_email, PASSWORD).await.1.status, 200);
}
