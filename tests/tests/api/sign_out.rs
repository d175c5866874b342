//! Sign-out.

use serde_json::json;
use tests::{App, Call, unique_email};

use crate::support::*;

fn bearer(method: &str, path: &str, token: &str) -> Call {
    Call::new(method, path).header("authorization", format!("Bearer {token}"))
}

#[tokio::test]
async fn the_session_is_over_at_once_and_everywhere() {
    let app = App::shared();
    let email = unique_email("out");
    let mut browser = app.sign_up(&email).await;
    let mut copy = browser.clone();
    let jwt = copy.get("/token").await.json()["token"].as_str().unwrap().to_owned();
    let answer = browser.post("/sign-out", &json!({})).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"success":true}"#));
    assert_clears_session(&answer);
    assert!(browser.session_cookie().is_none());
    assert!(sessions_of(app, &email).await.is_empty());
    for _ in 0..8 {
        let answer = copy.send_only(Call::new("GET", "/get-session")).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "null"));
        assert_eq!(app.browser().send(bearer("GET", "/get-session", &jwt)).await.text(), "null");
    }
    assert_error(&copy.send_only(Call::new("GET", "/token")).await, 401, "UNAUTHORIZED");
    assert_error(&app.browser().send(bearer("GET", "/token", &jwt)).await, 401, "UNAUTHORIZED");
}

#[tokio::test]
async fn whoever_has_no_session_is_signed_out_all_the_same() {
    let app = App::shared();
    let mut signed_out = app.sign_up(&unique_email("twice")).await;
    let cookie = signed_out.session_cookie().unwrap().to_owned();
    signed_out.post("/sign-out", &json!({})).await;
    for mut browser in [
        app.browser(),
        browser_with(app, "better-auth.session_token", &cookie),
        browser_with(app, "better-auth.session_token", "garbage"),
    ] {
        for call in [Call::new("POST", "/sign-out"), Call::new("POST", "/sign-out").json(&json!({}))] {
            let answer = browser.send(call).await;
            assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"success":true}"#));
            assert_clears_session(&answer);
        }
    }
}

#[tokio::test]
async fn other_sessions_go_on() {
    let app = App::shared();
    let (email, stranger) = (unique_email("mine"), unique_email("stranger"));
    let mut first = app.sign_up(&email).await;
    let (mut second, _) = sign_in(app, &email, tests::PASSWORD).await;
    let mut stranger = app.sign_up(&stranger).await;
    first.post("/sign-out", &json!({})).await;
    assert!(second.current_user().await.is_some());
    assert!(stranger.current_user().await.is_some());
    assert_eq!(sessions_of(app, &email).await.len(), 1);
}

#[tokio::test]
async fn every_form_of_bearer_token_signs_out() {
    let app = App::shared();
    let email = unique_email("bearer-out");
    app.sign_up(&email).await;
    for form in ["jwt", "raw", "signed", "encoded"] {
        let (browser, answer) = sign_in(app, &email, tests::PASSWORD).await;
        let token = match form {
            "jwt" => answer.json()["token"].as_str().unwrap().to_owned(),
            "raw" => raw_token(&browser),
            "signed" => answer.header("set-auth-token").to_owned(),
            _ => browser.session_cookie().unwrap().to_owned(),
        };
        let before = sessions_of(app, &email).await.len();
        assert_eq!(app.browser().send(bearer("POST", "/sign-out", &token)).await.status, 200);
        assert_eq!(sessions_of(app, &email).await.len(), before - 1, "{form}");
        assert!(browser.clone().current_user().await.is_none(), "{form}");
    }
}

#[tokio::test]
async fn a_forged_token_signs_nobody_out() {
    let app = App::shared();
    let email = unique_email("forged-out");
    let mut browser = app.sign_up(&email).await;
    let row = only_session(app, &email).await;
    let handle = row["tokenHash"]["S"].as_str().unwrap();
    let jwt = browser.get("/token").await.json()["token"].as_str().unwrap().to_owned();
    let unsigned = format!("{}.", jwt.rsplit_once('.').unwrap().0);
    for token in [handle, &unsigned, row["userId"]["S"].as_str().unwrap()] {
        app.browser().send(bearer("POST", "/sign-out", token)).await;
        assert!(browser.current_user().await.is_some(), "{token}");
    }
}

#[tokio::test]
async fn the_body_may_be_missing_but_not_wrong() {
    let app = App::shared();
    let mut browser = app.sign_up(&unique_email("out-body")).await;
    let answer = browser.send(Call::new("POST", "/sign-out").json(&json!([]))).await;
    assert_error(&answer, 400, "VALIDATION_ERROR");
    let answer = browser.send(Call::new("POST", "/sign-out").header("content-type", "text/plain").body("{}")).await;
    assert_error(&answer, 415, "UNSUPPORTED_MEDIA_TYPE");
    assert!(browser.current_user().await.is_some());
}
