//! Listing and ending the sessions of a user.

use std::time::Duration;

use futures_util::future::join_all;
use local::{Fault, FaultRule, Service, When};
use serde_json::{Value, json};
use tests::{Answer, App, Browser, Call, PASSWORD, unique_email};

use crate::{
    invariants,
    steps::{add_sessions, age_sessions, make_stale},
    support::*,
};

async fn list(browser: &mut Browser) -> Vec<Value> {
    let answer = browser.get("/list-sessions").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json().as_array().unwrap().clone()
}

async fn handle_of(browser: &mut Browser) -> String {
    let answer = browser.get("/get-session").await;
    answer.json()["session"]["token"].as_str().unwrap().to_owned()
}

#[track_caller]
fn assert_done(answer: &Answer) {
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"status":true}"#));
}

async fn generation(app: &App, email: &str) -> i64 {
    number(&user_row(app, email).await.unwrap(), "sessionsValidFrom")
}

#[tokio::test]
async fn a_user_sees_the_live_sessions_and_no_credential() {
    let app = App::shared();
    let email = unique_email("list");
    let mut first = app.sign_up(&email).await;
    let mut second = app.browser();
    let call = Call::new("POST", "/sign-in/email").header("user-agent", "second agent");
    second.send(call.json(&json!({"email": email, "password": PASSWORD}))).await;
    app.sign_up(&unique_email("stranger")).await;

    let current = first.get("/get-session").await.json()["session"].clone();
    let sessions = list(&mut first).await;
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0], current, "the oldest comes first, in the shape of get-session");
    assert_eq!(sessions[1]["userAgent"], "second agent");
    assert_eq!(sessions, list(&mut second).await);
    for browser in [&first, &second] {
        assert!(!Value::from(sessions.clone()).to_string().contains(&raw_token(browser)[32..]));
    }

    // One expires, and is dead though its row is there.
    let rows = sessions_of(app, &email).await;
    let expired = rows.into_iter().find(|row| row["userAgent"]["S"] == "second agent").unwrap();
    set_expiry(app, "SessionsTable", expired, now() - 1).await;
    assert_eq!(list(&mut first).await, [current]);
}

#[tokio::test]
async fn the_list_needs_a_fresh_session() {
    let app = App::shared();
    let email = unique_email("stale");
    let mut browser = app.sign_up(&email).await;
    make_stale(app, &email).await;
    assert_error(&browser.get("/list-sessions").await, 403, "SESSION_NOT_FRESH");
    let (mut fresh, _) = sign_in(app, &email, PASSWORD).await;
    assert_eq!(list(&mut fresh).await.len(), 2);
}

#[tokio::test]
async fn nobody_gets_in_without_a_session_and_nothing_changes_by_an_access_token() {
    let app = App::shared();
    let email = unique_email("access");
    let mut browser = app.sign_up(&email).await;
    let jwt = browser.get("/token").await.json()["token"].as_str().unwrap().to_owned();
    let bearer = |call: Call| call.header("authorization", format!("Bearer {jwt}"));
    let handle = handle_of(&mut browser).await;
    let changes = ["/revoke-session", "/revoke-sessions", "/revoke-other-sessions", "/update-session"];
    for path in changes {
        let call = Call::new("POST", path).json(&json!({"token": handle}));
        assert_error(&app.browser().send(call.clone()).await, 401, "UNAUTHORIZED");
        assert_error(&app.browser().send(bearer(call)).await, 401, "UNAUTHORIZED");
    }
    assert_error(&app.browser().get("/list-sessions").await, 401, "UNAUTHORIZED");
    // A back end may look.
    let answer = app.browser().send(bearer(Call::new("GET", "/list-sessions"))).await;
    assert_eq!(answer.json()[0]["token"], handle);
    assert!(browser.current_user().await.is_some());
}

#[tokio::test]
async fn a_session_is_ended_by_its_handle() {
    let app = App::shared();
    let email = unique_email("revoke");
    let mut first = app.sign_up(&email).await;
    let (mut second, _) = sign_in(app, &email, PASSWORD).await;
    let second_handle = handle_of(&mut second).await;
    let answer = first.post("/revoke-session", &json!({"token": second_handle})).await;
    assert_done(&answer);
    assert!(answer.set_cookies().is_empty());
    assert!(second.current_user().await.is_none());
    assert_eq!(sessions_of(app, &email).await.len(), 1);

    let own = handle_of(&mut first).await;
    let answer = first.post("/revoke-session", &json!({"token": own})).await;
    assert_done(&answer);
    assert_clears_session(&answer);
    assert!(sessions_of(app, &email).await.is_empty());
}

#[tokio::test]
async fn sessions_of_others_are_out_of_reach() {
    let app = App::shared();
    let (email, others) = (unique_email("mine"), unique_email("theirs"));
    let mut browser = app.sign_up(&email).await;
    let mut other = app.sign_up(&others).await;
    let handle = handle_of(&mut other).await;
    let other_id = other.current_user().await.unwrap()["id"].clone();
    let token = raw_token(&other);
    for body in [
        json!({"token": handle, "userId": other_id}),
        json!({"token": token}),
        json!({"token": format!("{}{handle}", other_id.as_str().unwrap())}),
        json!({"token": "x"}),
        json!({"token": ""}),
        json!({"token": "A".repeat(43)}),
    ] {
        let answer = browser.post("/revoke-session", &body).await;
        assert_done(&answer);
        assert!(answer.set_cookies().is_empty());
    }
    for path in ["/revoke-other-sessions", "/revoke-sessions"] {
        assert_done(&browser.post(path, &json!({"userId": other_id, "id": other_id})).await);
    }
    assert!(other.current_user().await.is_some());
    for body in [json!({}), json!({"token": 1}), json!({"token": null})] {
        assert_error(&other.post("/revoke-session", &body).await, 400, "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn all_sessions_end_with_one_write() {
    let app = App::shared();
    let email = unique_email("all");
    let mut browser = app.sign_up(&email).await;
    let (mut other, _) = sign_in(app, &email, PASSWORD).await;
    let before = generation(app, &email).await;
    let answer = browser.send(Call::new("POST", "/revoke-sessions")).await;
    assert_done(&answer);
    assert_clears_session(&answer);
    assert!(other.current_user().await.is_none());
    assert!(generation(app, &email).await > before);
    let (mut after, _) = sign_in(app, &email, PASSWORD).await;
    assert_eq!(list(&mut after).await.len(), 1, "the rows of dead sessions are not listed");
    // The address is proven no better than before: links of providers stay.
    let user = user_row(app, &email).await.unwrap();
    assert_eq!(number(&user, "recoveredAt"), number(&user, "createdAt"));
}

#[tokio::test]
async fn the_other_sessions_end_and_this_one_stays() {
    let app = App::shared();
    let email = unique_email("others");
    let mut browser = app.sign_up(&email).await;
    let (mut other, _) = sign_in(app, &email, PASSWORD).await;
    let answer = browser.send(Call::new("POST", "/revoke-other-sessions")).await;
    assert_done(&answer);
    assert!(answer.set_cookies().is_empty());
    assert!(browser.current_user().await.is_some());
    assert!(other.current_user().await.is_none());
    assert_eq!(list(&mut browser).await.len(), 1);
    assert_error(&other.post("/revoke-other-sessions", &json!({})).await, 401, "UNAUTHORIZED");
    assert!(browser.current_user().await.is_some());
}

#[tokio::test]
async fn a_session_has_no_fields_to_change() {
    let app = App::shared();
    let mut browser = app.sign_up(&unique_email("update")).await;
    for body in [json!({}), json!({"userId": "x", "expiresAt": "2099-01-01T00:00:00.000Z"})] {
        let answer = browser.post("/update-session", &body).await;
        assert_eq!((answer.status, answer.json()), (400, json!({"message": "No fields to update"})));
    }
    let answer = browser.post("/update-session", &json!([])).await;
    assert_eq!(answer.json()["message"], "[body] Invalid input: expected record, received array");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_revocations_of_the_others_keep_the_current_session() {
    let app = racing().await;
    let email = "ann@example.com";
    let mut browser = app.sign_up(email).await;
    let (mut other, _) = sign_in(&app, email, PASSWORD).await;
    let posts = (0..50).map(|_| browser.send_only(Call::new("POST", "/revoke-other-sessions").json(&json!({}))));
    let reads = (0..50).map(|_| browser.send_only(Call::new("GET", "/get-session")));
    let (posts, reads) = futures_util::join!(join_all(posts), join_all(reads));
    posts.iter().for_each(assert_done);
    for answer in reads {
        assert_eq!(answer.json()["user"]["email"], email, "a read in between signs nobody out");
    }
    assert!(browser.current_user().await.is_some());
    assert!(other.current_user().await.is_none());
    invariants::check(&app, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_session_outlives_a_revocation_of_all_by_its_extension() {
    let app = racing().await;
    let email = "ann@example.com";
    app.sign_up(email).await;
    for _ in 0..4 {
        let (browser, _) = sign_in(&app, email, PASSWORD).await;
        age_sessions(&app, email, 2).await;
        let reads = (0..40).map(|_| browser.send_only(Call::new("GET", "/get-session")));
        let ends = (0..10).map(|_| browser.send_only(Call::new("POST", "/revoke-sessions").json(&json!({}))));
        let (reads, ends) = futures_util::join!(join_all(reads), join_all(ends));
        assert!(reads.iter().all(|answer| answer.status == 200));
        // Whoever comes late is signed out already.
        assert!(ends.iter().any(|answer| answer.status == 200));
        assert!(ends.iter().all(|answer| [200, 401].contains(&answer.status)));
        let dead = browser.send_only(Call::new("GET", "/get-session")).await;
        assert_eq!(dead.text(), "null");
    }
}

/// The extension is held up until the others are dead: neither undoes the other.
#[tokio::test]
async fn a_session_that_is_extended_meanwhile_stays_the_only_one() {
    let app = racing().await;
    let email = "ann@example.com";
    let mut browser = app.sign_up(email).await;
    let (mut other, _) = sign_in(&app, email, PASSWORD).await;
    age_sessions(&app, email, 2).await;
    let held_up = FaultRule::new(Service::DynamoDb, Fault::Delay(Duration::from_millis(500)));
    let rule = app.aws().inject(held_up.operation("UpdateItem").table("SessionsTable").function("session"));
    let reader = browser.clone();
    let read = tokio::spawn(async move { reader.send_only(Call::new("GET", "/get-session")).await });
    wait_until(|| app.aws().fault_hits(rule) > 0).await;
    assert_done(&browser.post("/revoke-other-sessions", &json!({})).await);
    let answer = read.await.unwrap();
    assert!(answer.json()["user"].is_object() && !answer.set_cookies().is_empty(), "{}", answer.text());
    app.aws().clear_faults();
    let answer = browser.get("/get-session").await;
    assert_eq!(answer.json()["session"]["expiresAt"], answer.json()["expiresAt"]);
    assert!(answer.set_cookies().is_empty(), "extended already");
    assert!(other.current_user().await.is_none());
}

/// The first read sees the user's new generation and the session's old one.
#[tokio::test]
async fn a_read_between_the_halves_of_a_transaction_signs_nobody_out() {
    let app = racing().await;
    let email = "ann@example.com";
    let mut browser = app.sign_up(email).await;
    let mut user = user_row(&app, email).await.unwrap();
    let mut session = only_session(&app, email).await;
    let next = number(&user, "sessionsValidFrom") + 1;
    set_number(&mut user, "sessionsValidFrom", next);
    set_number(&mut session, "validFrom", next);
    app.put_row("UsersTable", &user).await;
    let second = FaultRule::new(Service::DynamoDb, Fault::Delay(Duration::from_millis(500)));
    let rule = app.aws().inject(second.operation("BatchGetItem").when(When::Nth(2)));
    let reader = browser.clone();
    let read = tokio::spawn(async move { reader.send_only(Call::new("GET", "/get-session")).await });
    wait_until(|| app.aws().fault_hits(rule) > 0).await;
    app.put_row("SessionsTable", &session).await;
    assert_eq!(read.await.unwrap().json()["user"]["email"], email);
    assert!(browser.current_user().await.is_some());
}

/// DynamoDB answers in pages of a megabyte.
#[tokio::test]
async fn five_thousand_sessions_are_listed_and_ended() {
    let app = racing().await;
    let email = "ann@example.com";
    let mut browser = app.sign_up(email).await;
    add_sessions(&app, email, 5000).await;
    app.aws().clear_calls();
    assert_eq!(list(&mut browser).await.len(), 5001);
    let queries = app.aws().calls().iter().filter(|call| call.operation == "Query").count();
    assert!(queries > 1, "one page only");
    assert_done(&browser.post("/revoke-other-sessions", &json!({})).await);
    assert_eq!(list(&mut browser).await.len(), 1);
    assert_done(&browser.post("/revoke-sessions", &json!({})).await);
    let (mut after, _) = sign_in(&app, email, PASSWORD).await;
    assert_eq!(list(&mut after).await.len(), 1);
}
