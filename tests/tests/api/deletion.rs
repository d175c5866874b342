//! Deleting users.

use std::time::Duration;

use futures_util::future::join_all;
use local::{Fault, FaultRule, Service, When};
use serde_json::{Value, json};
use tests::{Answer, App, Browser, Call, PASSWORD, fake_provider::GoogleUser, unique_email};

use crate::{
    invariants,
    steps::{add_sessions, make_stale, sign_in_with_google, try_sign_up, verify_email},
    support::*,
};

const BY_MAIL: [(&str, &str); 1] = [("AUTH_CONFIRM_DELETION", "true")];

async fn delete(browser: &mut Browser, body: &Value) -> Answer {
    browser.post("/delete-user", body).await
}

#[track_caller]
fn assert_deleted(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json(), json!({"success": true, "message": "User deleted"}));
    assert_clears_session(answer);
}

/// Asserts that nothing names a user any more.
async fn assert_gone(app: &App, user_id: &str) {
    for table in ["UsersTable", "AccountsTable", "SessionsTable"] {
        for row in app.rows(table).await {
            assert!(!row.to_string().contains(user_id), "{table}: {row}");
        }
    }
}

async fn id_of(browser: &mut Browser) -> String {
    browser.current_user().await.unwrap()["id"].as_str().unwrap().to_owned()
}

/// Asks for the mailed link: its path below the base, and the token in it.
async fn deletion_link(app: &App, browser: &mut Browser, email: &str, body: &Value) -> (String, String) {
    let answer = delete(browser, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json(), json!({"success": true, "message": "Verification email sent"}));
    assert!(answer.set_cookies().is_empty());
    let mail = app.mail_to(email).await;
    assert_eq!(mail.subject, "Delete your account");
    let link = mail.links[0].strip_prefix(&format!("{}/api/auth", app.url())).unwrap().to_owned();
    let token = query_of(&link)["token"].clone();
    (link, token)
}

#[tokio::test]
async fn a_user_leaves_with_everything_and_the_address_is_free_again() {
    let app = App::shared();
    let email = unique_email("leave");
    let mut browser = app.sign_up(&email).await;
    let id = id_of(&mut browser).await;
    verify_email(app, &email).await;
    sign_in_with_google(app, &GoogleUser::new(&email, &email)).await;
    let (mut other, _) = sign_in(app, &email, PASSWORD).await;
    let jwt = other.get("/token").await.json()["token"].as_str().unwrap().to_owned();
    let reset_token = app.reset_token(&email).await;
    let secrets = json!({"identity": {"S": format!("two-factor:{id}")}, "userId": {"S": id}});
    app.put_row("AccountsTable", &secrets).await;

    let copy = browser.clone();
    assert_deleted(&delete(&mut browser, &json!({"password": PASSWORD})).await);
    assert_gone(app, &id).await;
    let mail = app.mail_to(&email).await;
    assert_eq!((mail.subject.as_str(), mail.links.len()), ("Your account was deleted", 0));
    for mut session in [copy, other] {
        assert!(session.current_user().await.is_none());
        assert_error(&delete(&mut session, &json!({"password": PASSWORD})).await, 401, "UNAUTHORIZED");
    }
    let call = Call::new("GET", "/get-session").header("authorization", format!("Bearer {jwt}"));
    assert_eq!(app.browser().send(call).await.text(), "null");
    assert!(!password_works(app, &email, PASSWORD).await);
    assert_error(&reset(app, &reset_token, "by an old link").await, 400, "INVALID_TOKEN");

    // Whoever comes next is somebody else, whom no old link concerns.
    let mut next = app.sign_up(&email).await;
    assert_ne!(id_of(&mut next).await, id);
    assert_error(&reset(app, &reset_token, "by an old link").await, 400, "INVALID_TOKEN");
    let mut by_google = sign_in_with_google(app, &GoogleUser::new(&email, &unique_email("other-address"))).await;
    assert_ne!(id_of(&mut by_google).await, id);
}

#[tokio::test]
async fn a_deletion_needs_the_password_or_a_fresh_session() {
    let app = App::shared();
    let email = unique_email("fresh");
    let mut browser = app.sign_up(&email).await;
    make_stale(app, &email).await;
    for body in [json!({}), json!({"password": ""})] {
        let answer = delete(&mut browser, &body).await;
        assert_error(&answer, 400, "SESSION_EXPIRED");
        assert_eq!(answer.json()["message"], "Session expired. Re-authenticate to perform this action.");
    }
    assert_error(&delete(&mut browser, &json!({"password": "wrong password"})).await, 400, "INVALID_PASSWORD");
    assert_error(&delete(&mut browser, &json!({"password": "x".repeat(129)})).await, 400, "PASSWORD_TOO_LONG");
    assert_error(&browser.send(Call::new("POST", "/delete-user")).await, 400, "VALIDATION_ERROR");
    assert_error(&delete(&mut browser, &json!({"password": 1})).await, 400, "VALIDATION_ERROR");
    for token in ["x".to_owned(), "A".repeat(43), app.reset_token(&email).await] {
        let answer = delete(&mut browser, &json!({"token": token, "password": PASSWORD})).await;
        assert_error(&answer, 404, "INVALID_TOKEN");
    }
    assert!(browser.current_user().await.is_some());
    assert_deleted(&delete(&mut browser, &json!({"password": PASSWORD})).await);

    // A fresh session will do, and nobody else is named.
    let (mut fresh, mut other) = (app.sign_up(&email).await, app.sign_up(&unique_email("bystander")).await);
    let (id, others_id) = (id_of(&mut fresh).await, id_of(&mut other).await);
    assert_deleted(&delete(&mut fresh, &json!({"userId": others_id, "id": others_id})).await);
    assert_gone(app, &id).await;
    assert!(other.current_user().await.is_some());
}

#[tokio::test]
async fn a_mailed_link_deletes_in_the_browser_of_its_user_only() {
    let app = App::with_env(&BY_MAIL).await;
    let email = unique_email("link");
    let mut browser = app.sign_up(&email).await;
    let id = id_of(&mut browser).await;
    let mut other = app.sign_up(&unique_email("other")).await;
    let jwt = browser.get("/token").await.json()["token"].as_str().unwrap().to_owned();
    let (link, token) = deletion_link(&app, &mut browser, &email, &json!({"callbackURL": "/bye?x=1"})).await;
    assert!(link.ends_with("&callbackURL=%2Fbye%3Fx%3D1"), "{link}");
    assert!(browser.current_user().await.is_some());

    assert_error(&app.browser().get(&link).await, 404, "FAILED_TO_GET_USER_INFO");
    let by_jwt = Call::new("GET", link.clone()).header("authorization", format!("Bearer {jwt}"));
    assert_error(&app.browser().send(by_jwt).await, 404, "FAILED_TO_GET_USER_INFO");
    assert_error(&other.get(&link).await, 404, "INVALID_TOKEN");
    assert_error(&delete(&mut other, &json!({"token": token})).await, 404, "INVALID_TOKEN");
    assert_eq!(browser.send(Call::new("HEAD", link.clone())).await.status, 404);
    let evil = format!("/delete-user/callback?token={token}&callbackURL=https%3A%2F%2Fevil.example");
    assert_error(&browser.get(&evil).await, 403, "INVALID_CALLBACK_URL");
    assert_error(&browser.get("/delete-user/callback").await, 400, "VALIDATION_ERROR");
    assert!(browser.current_user().await.is_some() && other.current_user().await.is_some());

    let answer = browser.get(&link).await;
    assert_redirect(&answer, "/bye?x=1");
    assert_clears_session(&answer);
    assert_gone(&app, &id).await;
    assert!(app.rows("VerificationTokensTable").await.is_empty(), "the token is spent");
    assert_error(&browser.get(&link).await, 404, "FAILED_TO_GET_USER_INFO");
    let mut next = app.sign_up(&email).await;
    assert_error(&next.get(&link).await, 404, "INVALID_TOKEN");
    invariants::check(&app, &[token]).await;
}

#[tokio::test]
async fn the_token_of_the_link_can_be_posted_and_the_callback_left_out() {
    let app = App::with_env(&BY_MAIL).await;
    for by_post in [true, false] {
        let email = unique_email("post");
        let mut browser = app.sign_up(&email).await;
        make_stale(&app, &email).await;
        let (link, token) = deletion_link(&app, &mut browser, &email, &json!({})).await;
        assert!(link.ends_with("&callbackURL=%2F"), "{link}");
        let answer = if by_post {
            delete(&mut browser, &json!({"token": token})).await
        } else {
            browser.get(&format!("/delete-user/callback?token={token}")).await
        };
        assert_deleted(&answer);
    }
    assert!(app.rows("UsersTable").await.is_empty());
}

#[tokio::test]
async fn a_link_dies_with_its_time_and_with_the_sessions() {
    let app = App::with_env(&BY_MAIL).await;
    let email = unique_email("dead-link");
    let mut browser = app.sign_up(&email).await;
    let (link, token) = deletion_link(&app, &mut browser, &email, &json!({})).await;
    let row = app.rows("VerificationTokensTable").await.swap_remove(0);
    let expiry = number(&row, "expiresAt");
    assert!((now() + DAY - 60 * SECOND..=now() + DAY).contains(&expiry), "a day: {expiry}");
    set_expiry(&app, "VerificationTokensTable", row.clone(), now() - 1).await;
    assert_error(&browser.get(&link).await, 404, "INVALID_TOKEN");
    assert_error(&delete(&mut browser, &json!({"token": token})).await, 404, "INVALID_TOKEN");
    assert_eq!(app.rows("VerificationTokensTable").await.len(), 1, "the row is there all the same");
    app.put_row("VerificationTokensTable", &row).await;
    browser.post("/revoke-other-sessions", &json!({})).await;
    assert_error(&browser.get(&link).await, 404, "INVALID_TOKEN");
    assert!(browser.current_user().await.is_some());
}

#[tokio::test]
async fn a_link_leads_to_trusted_pages_and_is_mailed_or_the_request_fails() {
    let app = App::with_env(&BY_MAIL).await;
    let email = unique_email("pages");
    let mut browser = app.sign_up(&email).await;
    let body = json!({"callbackURL": "https://evil.example"});
    assert_error(&delete(&mut browser, &body).await, 403, "INVALID_CALLBACK_URL");
    assert_error(&delete(&mut browser, &json!({"password": "wrong password"})).await, 400, "INVALID_PASSWORD");
    assert!(app.mails().is_empty());
    for fault in [Fault::InternalError, Fault::Hang] {
        app.aws().inject(FaultRule::new(Service::Ses, fault));
        assert_error(&delete(&mut browser, &json!({})).await, 503, "SERVICE_UNAVAILABLE");
        app.aws().clear_faults();
    }
    deletion_link(&app, &mut browser, &email, &json!({"password": PASSWORD})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_deletions_one_happens() {
    for by_link in [false, true] {
        let app = if by_link { App::with_env(&BY_MAIL).await } else { racing().await };
        let email = unique_email("fifty");
        let mut browser = app.sign_up(&email).await;
        let id = id_of(&mut browser).await;
        add_sessions(&app, &email, 60).await;
        let by_fields = |fields| Call::new("POST", "/delete-user").json(&fields);
        // A link can be followed, and its token posted.
        let calls = if by_link {
            let (link, token) = deletion_link(&app, &mut browser, &email, &json!({})).await;
            [Call::new("GET", link), by_fields(json!({"token": token}))]
        } else {
            [by_fields(json!({})), by_fields(json!({}))]
        };
        app.clear_mails();
        let answers = join_all((0..50).map(|at| browser.send_only(calls[at % 2].clone()))).await;
        let done = answers.iter().filter(|answer| [200, 302].contains(&answer.status)).count();
        assert_eq!(done, 1);
        for answer in answers.iter().filter(|answer| ![200, 302].contains(&answer.status)) {
            assert!([401, 404].contains(&answer.status), "{} {}", answer.status, answer.text());
        }
        assert_eq!(app.mails().len(), 1);
        assert_gone(&app, &id).await;
        invariants::check(&app, &[]).await;
    }
}

/// Holds the transaction of a deletion up, lets something happen meanwhile, and
/// says how the deletion was answered.
async fn deletion_held_up(app: &App, browser: &Browser, meanwhile: impl AsyncFnOnce()) -> Answer {
    let held_up = FaultRule::new(Service::DynamoDb, Fault::Delay(Duration::from_millis(900)));
    let rule = held_up.operation("TransactWriteItems").function("account").when(When::Nth(1));
    let rule = app.aws().inject(rule);
    let mut leaver = browser.clone();
    let deletion = tokio::spawn(async move { delete(&mut leaver, &json!({})).await });
    wait_until(|| app.aws().fault_hits(rule) > 0).await;
    meanwhile().await;
    let answer = deletion.await.unwrap();
    app.aws().clear_faults();
    answer
}

#[tokio::test]
async fn what_is_linked_or_begun_meanwhile_goes_too() {
    let app = racing().await;
    let email = unique_email("meanwhile");
    let mut browser = app.sign_up(&email).await;
    let id = id_of(&mut browser).await;
    verify_email(&app, &email).await;
    let answer = deletion_held_up(&app, &browser, async || {
        assert!(password_works(&app, &email, PASSWORD).await);
        sign_in_with_google(&app, &GoogleUser::new(&email, &email)).await;
    })
    .await;
    assert_deleted(&answer);
    assert_gone(&app, &id).await;
    invariants::check(&app, &[]).await;
}

#[tokio::test]
async fn a_session_that_ended_meanwhile_deletes_nobody() {
    let app = racing().await;
    for path in ["/sign-out", "/revoke-sessions"] {
        let email = unique_email("ended");
        let browser = app.sign_up(&email).await;
        let answer = deletion_held_up(&app, &browser, async || {
            let call = Call::new("POST", path).json(&json!({}));
            assert_eq!(browser.send_only(call).await.status, 200);
        })
        .await;
        assert_error(&answer, 401, "UNAUTHORIZED");
        assert!(password_works(&app, &email, PASSWORD).await, "{path}");
    }
}

/// The sign-in has found its user, and stores its session when the user is gone.
#[tokio::test]
async fn a_sign_in_that_stalls_ends_up_with_nobody() {
    let app = racing().await;
    let email = unique_email("stalled");
    let mut browser = app.sign_up(&email).await;
    let held_up = FaultRule::new(Service::DynamoDb, Fault::Delay(Duration::from_millis(1200)));
    let rule = app.aws().inject(held_up.operation("PutItem").table("SessionsTable").function("signin"));
    let (late_app, late_email) = (app.url(), email.clone());
    let late = tokio::spawn(async move {
        let mut browser = Browser::new(&late_app);
        let answer = browser.post("/sign-in/email", &json!({"email": late_email, "password": PASSWORD})).await;
        (browser, answer)
    });
    wait_until(|| app.aws().fault_hits(rule) > 0).await;
    assert_deleted(&delete(&mut browser, &json!({})).await);
    let (mut late, answer) = late.await.unwrap();
    app.aws().clear_faults();
    assert_eq!(answer.status, 200, "it was let in before");
    assert!(late.current_user().await.is_none());
    assert_error(&delete(&mut late, &json!({})).await, 401, "UNAUTHORIZED");
    assert_eq!(try_sign_up(&mut app.browser(), &email).await.status, 200);
    assert!(late.current_user().await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_signs_in_once_the_user_is_gone() {
    let app = racing().await;
    let email = unique_email("race");
    let browser = app.sign_up(&email).await;
    let sign_ins = join_all((0..25).map(|_| sign_in(&app, &email, PASSWORD)));
    let deletion = browser.send_only(Call::new("POST", "/delete-user").json(&json!({})));
    let (sign_ins, deletion) = futures_util::join!(sign_ins, deletion);
    assert_deleted(&deletion);
    for (mut browser, answer) in sign_ins {
        assert!([200, 401].contains(&answer.status), "{}", answer.text());
        assert!(browser.current_user().await.is_none());
    }
    assert!(!password_works(&app, &email, PASSWORD).await);
}

#[tokio::test]
async fn five_thousand_sessions_go_with_their_user() {
    let app = racing().await;
    let email = unique_email("many");
    let mut browser = app.sign_up(&email).await;
    add_sessions(&app, &email, 5000).await;
    // What DynamoDB leaves alone now and then is asked for again.
    let unprocessed = FaultRule::new(Service::DynamoDb, Fault::UnprocessedKeys).operation("BatchWriteItem");
    let rule = app.aws().inject(unprocessed.when(When::Every(7)));
    // On a busy machine it takes a few requests.
    let mut answer = delete(&mut browser, &json!({})).await;
    for _ in 0..10 {
        if answer.status == 503 {
            answer = delete(&mut browser, &json!({})).await;
        }
    }
    assert_deleted(&answer);
    assert!(app.aws().fault_hits(rule) > 10);
    for table in TABLES {
        assert_eq!(app.rows(table).await.len(), 0, "{table}");
    }
}

#[tokio::test]
async fn a_deletion_that_does_not_get_through_goes_on_at_the_next_try() {
    let app = racing().await;
    let email = unique_email("slow");
    let mut browser = app.sign_up(&email).await;
    add_sessions(&app, &email, 3000).await;
    let slow = FaultRule::new(Service::DynamoDb, Fault::Delay(Duration::from_millis(600)));
    app.aws().inject(slow.operation("BatchWriteItem"));
    let mut left = sessions_of(&app, &email).await.len();
    for _ in 0..2 {
        let answer = delete(&mut browser, &json!({})).await;
        assert_error(&answer, 503, "SERVICE_UNAVAILABLE");
        let now_left = sessions_of(&app, &email).await.len();
        assert!(now_left < left, "{now_left} of {left} are left");
        left = now_left;
        assert!(browser.current_user().await.is_some(), "until then the user is there");
        assert!(password_works(&app, &email, PASSWORD).await);
    }
    app.aws().clear_faults();
    assert_deleted(&delete(&mut browser, &json!({})).await);
    invariants::check(&app, &[]).await;
    assert!(app.rows("SessionsTable").await.is_empty());
}

/// The rows that a last look would have removed are dead without it.
#[tokio::test]
async fn a_last_look_that_fails_changes_nothing_for_anybody() {
    let app = App::with_env(&[]).await;
    let mut browser = app.sign_up(&unique_email("last")).await;
    for fault in [Fault::InternalError, Fault::Hang] {
        let second = FaultRule::new(Service::DynamoDb, fault).operation("Query").when(When::Nth(2));
        app.aws().inject(second);
        assert_deleted(&delete(&mut browser, &json!({})).await);
        app.aws().clear_faults();
        browser = app.sign_up(&unique_email("last")).await;
    }
}

/// The log is what a restore goes by: it must not bring somebody back whose
/// deletion was done, though no answer ever said so.
#[tokio::test]
async fn a_deletion_whose_answers_are_lost_is_logged_as_undecided() {
    let app = App::with_env(&[]).await;
    let mut browser = app.sign_up(&unique_email("lost-answer")).await;
    let id = id_of(&mut browser).await;
    app.aws().inject(FaultRule::new(Service::DynamoDb, Fault::DropAfter).operation("TransactWriteItems"));
    assert_error(&delete(&mut browser, &json!({})).await, 503, "SERVICE_UNAVAILABLE");
    app.aws().clear_faults();
    assert_gone(&app, &id).await;
    let lines: Vec<Value> = app.logs().iter().filter_map(|line| serde_json::from_str(&line.text).ok()).collect();
    let told = lines.iter().find(|line| line["event"] == "user.deletion_undecided").expect("the deletion in the log");
    let signed_up = lines.iter().find(|line| line["event"] == "sign_up.succeeded").expect("the sign-up in the log");
    assert_eq!(told["user"], signed_up["user"]);
    assert!(told["user"].is_string());
}

/// Kills the function at any moment of its work. Every time the user is either
/// there, and can sign in and try again, or gone altogether.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_that_is_killed_leaves_a_user_or_none() {
    let app = racing().await;
    let mut kills = 0;
    for round in 0..3 {
        let email = unique_email("killed");
        let mut browser = app.sign_up(&email).await;
        let id = id_of(&mut browser).await;
        add_sessions(&app, &email, if round == 0 { 5000 } else { 500 }).await;
        for attempt in 0_u64.. {
            let leaver = browser.clone();
            let call = Call::new("POST", "/delete-user").json(&json!({}));
            let deletion = tokio::spawn(async move { leaver.send_only(call).await });
            // Less and less often, so that it ends.
            if attempt < 12 {
                tokio::time::sleep(Duration::from_millis(15 + 40 * attempt)).await;
                app.kill_instances("account").await;
                kills += 1;
            }
            let status = deletion.await.unwrap().status;
            if user_row(&app, &email).await.is_none() {
                break;
            }
            assert!(status >= 500, "{status}, and the user is there");
            assert!(browser.current_user().await.is_some());
            assert!(password_works(&app, &email, PASSWORD).await);
        }
        assert!(!password_works(&app, &email, PASSWORD).await);
        assert!(browser.current_user().await.is_none());
        for table in ["UsersTable", "AccountsTable"] {
            assert!(!app.rows(table).await.iter().any(|row| row.to_string().contains(&id)), "{table}");
        }
        assert_eq!(try_sign_up(&mut app.browser(), &email).await.status, 200, "the address is free");
    }
    assert!(kills > 10, "{kills}");
}
