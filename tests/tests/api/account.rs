//! What users change of themselves: profile and password.

use std::time::Duration;

use futures_util::future::join_all;
use local::{Fault, FaultRule, Service, When};
use serde_json::{Value, json};
use tests::{Answer, App, Browser, Call, PASSWORD, fake_provider::GoogleUser, unique_email};

use crate::{invariants, oauth, support::*};

const NEW_PASSWORD: &str = "a brand new password";

async fn update(browser: &mut Browser, body: &Value) -> Answer {
    browser.post("/update-user", body).await
}

async fn change(browser: &mut Browser, current: &str, new: &str) -> Answer {
    browser.post("/change-password", &json!({"currentPassword": current, "newPassword": new})).await
}

#[tokio::test]
async fn the_profile_is_changed_field_by_field() {
    let app = App::shared();
    let mut browser = app.sign_up(&unique_email("profile")).await;
    let before = browser.current_user().await.unwrap();
    let answer = update(&mut browser, &json!({"name": "Änn <b>", "image": "https://example.com/a.png"})).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"status":true}"#));
    assert_eq!(cookie_names(&answer), ["better-auth.session_token"], "the session cookie is sent again");
    assert!(!answer.header("set-auth-token").is_empty());
    let user = browser.current_user().await.unwrap();
    assert_eq!((&user["name"], &user["image"]), (&json!("Änn <b>"), &json!("https://example.com/a.png")));
    assert_eq!((&user["id"], &user["email"]), (&before["id"], &before["email"]));
    assert!(user["updatedAt"].as_str() >= before["updatedAt"].as_str());

    update(&mut browser, &json!({"image": null})).await;
    let user = browser.current_user().await.unwrap();
    assert_eq!((&user["name"], &user["image"]), (&json!("Änn <b>"), &Value::Null));
    update(&mut browser, &json!({"name": ""})).await;
    assert_eq!(browser.current_user().await.unwrap()["name"], "");
}

#[tokio::test]
async fn a_session_that_is_not_remembered_stays_so() {
    let app = App::shared();
    let email = unique_email("browser-only");
    app.sign_up(&email).await;
    let mut browser = app.browser();
    let body = json!({"email": email, "password": PASSWORD, "rememberMe": false});
    browser.post("/sign-in/email", &body).await;
    for path in ["/update-user", "/change-password"] {
        let body = json!({"name": "Ann", "currentPassword": PASSWORD, "newPassword": PASSWORD});
        let answer = browser.post(path, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let cookies = answer.set_cookies();
        assert_eq!(cookie_names(&answer), ["better-auth.session_token", "better-auth.dont_remember"], "{path}");
        assert!(cookies.iter().all(|cookie| !cookie.contains("Max-Age")), "{cookies:?}");
    }
    let handle = browser.get("/get-session").await.json()["session"]["token"].clone();
    let rows = sessions_of(app, &email).await;
    let row = rows.iter().find(|row| row["tokenHash"]["S"] == handle).unwrap();
    assert_eq!(row["remembered"]["BOOL"], false);
    assert!(number(row, "expiresAt") < now() + 2 * DAY);
}

#[tokio::test]
async fn nothing_else_of_the_user_can_be_set() {
    let app = App::shared();
    let (email, other) = (unique_email("fields"), unique_email("fields"));
    let mut browser = app.sign_up(&email).await;
    let others_id = app.sign_up(&other).await.current_user().await.unwrap()["id"].clone();
    let before = user_row(app, &email).await.unwrap();
    let refusal = |code: &'static str, message: &'static str| (400, json!({"message": message, "code": code}));
    let no_fields = (400, json!({"message": "No fields to update"}));
    let not_email = refusal("EMAIL_CAN_NOT_BE_UPDATED", "Email can not be updated");
    let not_factor = refusal("FIELD_NOT_ALLOWED", "twoFactorEnabled is not allowed to be set");
    for (body, expected) in [
        (json!({}), &no_fields),
        (
            json!({"id": "x", "emailVerified": true, "createdAt": 1, "sessionsValidFrom": 1, "role": "admin"}),
            &no_fields,
        ),
        (json!({"email": "", "twoFactorEnabled": false}), &no_fields),
        (json!({"email": other, "name": "x"}), &not_email),
        (json!({"email": email, "twoFactorEnabled": true}), &not_email),
        (json!({"name": "x", "twoFactorEnabled": true}), &not_factor),
        (json!({"name": "x", "twoFactorEnabled": "no"}), &not_factor),
    ] {
        let answer = update(&mut browser, &body).await;
        assert_eq!((answer.status, answer.json()), *expected, "{body}");
    }
    for body in [
        json!({"name": 1}),
        json!({"name": null}),
        json!({"name": "x".repeat(129)}),
        json!({"name": "x\ny"}),
        json!({"image": 1}),
        json!({"image": "javascript:alert(1)"}),
        json!({"image": "x".repeat(2049)}),
        json!({"image": "x\u{0}"}),
        json!([]),
        json!("x"),
    ] {
        assert_error(&update(&mut browser, &body).await, 400, "VALIDATION_ERROR");
    }
    assert_eq!(user_row(app, &email).await.unwrap(), before);
    // Whose profile it is, the session alone says.
    update(&mut browser, &json!({"name": "Mine", "id": others_id, "userId": others_id, "emailVerified": true})).await;
    assert_eq!(user_row(app, &other).await.unwrap()["name"]["S"], "Ann");
    let after = user_row(app, &email).await.unwrap();
    assert_eq!((&after["name"]["S"], &after["emailVerified"]["BOOL"]), (&json!("Mine"), &json!(false)));
}

#[tokio::test]
async fn changes_need_the_session_itself() {
    let app = App::shared();
    let email = unique_email("token");
    let mut browser = app.sign_up(&email).await;
    let jwt = browser.get("/token").await.json()["token"].as_str().unwrap().to_owned();
    let (user, account) =
        (user_row(app, &email).await, app.row("AccountsTable", "identity", &format!("email:{email}")).await);
    let body = json!({
        "name": "Mallory", "password": PASSWORD, "currentPassword": PASSWORD, "newPassword": NEW_PASSWORD,
    });
    for path in ["/update-user", "/change-password", "/verify-password", "/delete-user"] {
        let call = Call::new("POST", path).json(&body);
        assert_error(&app.browser().send(call.clone()).await, 401, "UNAUTHORIZED");
        let by_jwt = call.clone().header("authorization", format!("Bearer {jwt}"));
        assert_error(&app.browser().send(by_jwt).await, 401, "UNAUTHORIZED");
        // The body is looked at first, as Better Auth does.
        assert_error(&app.browser().send(Call::new("POST", path).json(&json!([]))).await, 400, "VALIDATION_ERROR");
    }
    assert_eq!(user_row(app, &email).await, user);
    assert_eq!(app.row("AccountsTable", "identity", &format!("email:{email}")).await, account);
    // The session token as a bearer token is the session itself.
    let call = Call::new("POST", "/verify-password").json(&body);
    let answer = app.browser().send(call.header("authorization", format!("Bearer {}", raw_token(&browser)))).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"status":true}"#));
}

#[tokio::test]
async fn a_new_password_ends_every_other_session_and_every_link() {
    let app = App::shared();
    let email = unique_email("change");
    let mut browser = app.sign_up(&email).await;
    let old = browser.clone();
    let (mut other, _) = sign_in(app, &email, PASSWORD).await;
    let reset_token = app.reset_token(&email).await;
    let before = browser.current_user().await.unwrap();
    // What it says of the other sessions makes no difference.
    let body = json!({"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD, "revokeOtherSessions": false});
    let answer = browser.post("/change-password", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(cookie_names(&answer), ["better-auth.session_token"]);
    let (token, mut user) = (answer.json()["token"].clone(), answer.json()["user"].clone());
    let claims = crate::access_tokens::claims_of(token.as_str().unwrap());
    assert_eq!(claims["sub"], before["id"]);
    user["updatedAt"] = before["updatedAt"].clone();
    assert_eq!(user, before);

    assert!(browser.current_user().await.is_some(), "the caller goes on under a new token");
    assert_ne!(browser.session_cookie(), old.session_cookie());
    assert!(old.clone().current_user().await.is_none());
    assert!(other.current_user().await.is_none());
    assert_error(&reset(app, &reset_token, "by an old link").await, 400, "INVALID_TOKEN");
    assert!(password_works(app, &email, NEW_PASSWORD).await);
    assert!(!password_works(app, &email, PASSWORD).await);
    let mail = app.mail_to(&email).await;
    assert_eq!((mail.subject.as_str(), mail.links.len()), ("Your password was changed", 0));
    // The new session is fresh, and a later reset works as ever.
    assert_eq!(browser.get("/list-sessions").await.status, 200);
    reset_to(app, &email, "yet another password").await;
    assert!(password_works(app, &email, "yet another password").await);
    assert_eq!(app.mail_to(&email).await.subject, "Your password was changed", "a reset tells the owner too");
}

#[tokio::test]
async fn a_refused_change_changes_nothing() {
    let app = App::shared();
    let email = unique_email("refused");
    let mut browser = app.sign_up(&email).await;
    let account = format!("email:{email}");
    let before = (user_row(app, &email).await, app.row("AccountsTable", "identity", &account).await);
    let (short, long) = ("1234567", "x".repeat(129));
    for (current, new, code) in [
        ("wrong password", NEW_PASSWORD, "INVALID_PASSWORD"),
        ("", NEW_PASSWORD, "INVALID_PASSWORD"),
        (PASSWORD, short, "PASSWORD_TOO_SHORT"),
        ("wrong password", short, "PASSWORD_TOO_SHORT"),
        (PASSWORD, long.as_str(), "PASSWORD_TOO_LONG"),
        (long.as_str(), NEW_PASSWORD, "PASSWORD_TOO_LONG"),
    ] {
        assert_error(&change(&mut browser, current, new).await, 400, code);
    }
    for body in
        [json!({}), json!({"currentPassword": PASSWORD}), json!({"newPassword": 1, "currentPassword": PASSWORD})]
    {
        assert_error(&browser.post("/change-password", &body).await, 400, "VALIDATION_ERROR");
    }
    let after = (user_row(app, &email).await, app.row("AccountsTable", "identity", &account).await);
    assert_eq!(after, before);
    assert!(app.mails().iter().all(|mail| !mail.is_to(&email)));
    assert!(browser.current_user().await.is_some());
}

#[tokio::test]
async fn a_user_without_a_password_has_none_to_change_or_verify() {
    let app = App::shared();
    let email = unique_email("passwordless");
    let (mut browser, _) = oauth::sign_in_with_google(app, &GoogleUser::new(&email, &email)).await;
    assert_error(&change(&mut browser, PASSWORD, NEW_PASSWORD).await, 400, "CREDENTIAL_ACCOUNT_NOT_FOUND");
    assert_error(&browser.post("/verify-password", &json!({"password": PASSWORD})).await, 400, "INVALID_PASSWORD");
    let answer = browser.post("/delete-user", &json!({"password": PASSWORD})).await;
    assert_error(&answer, 400, "CREDENTIAL_ACCOUNT_NOT_FOUND");
}

#[tokio::test]
async fn a_password_is_verified_and_nothing_else_happens() {
    let app = App::shared();
    let email = unique_email("verify");
    let mut browser = app.sign_up(&email).await;
    let answer = browser.post("/verify-password", &json!({"password": PASSWORD})).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"status":true}"#));
    assert!(answer.set_cookies().is_empty());
    for wrong in ["wrong password", "", &PASSWORD.to_uppercase()] {
        assert_error(&browser.post("/verify-password", &json!({"password": wrong})).await, 400, "INVALID_PASSWORD");
    }
    let long = json!({"password": "x".repeat(129)});
    assert_error(&browser.post("/verify-password", &long).await, 400, "PASSWORD_TOO_LONG");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_changes_one_is_made() {
    let app = racing().await;
    let email = "ann@example.com";
    let browser = app.sign_up(email).await;
    let changes = (0..50).map(|number| {
        let body = json!({"currentPassword": PASSWORD, "newPassword": other_password(number)});
        browser.send_only(Call::new("POST", "/change-password").json(&body))
    });
    let answers = join_all(changes).await;
    let winners: Vec<usize> = (0..50).filter(|number| answers[*number].status == 200).collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_error(answer, 401, "UNAUTHORIZED");
    }
    assert!(password_works(&app, email, &other_password(winners[0])).await);
    let mut winner = app.browser();
    let cookie = set_cookie(&answers[winners[0]], "better-auth.session_token").unwrap();
    winner.cookies.insert("better-auth.session_token".to_owned(), encoded(&cookie));
    assert!(winner.current_user().await.is_some());
    assert_eq!(app.mails().iter().filter(|mail| mail.is_to(email)).count(), 1);
    invariants::check(&app, &[]).await;
}

/// Holds the transaction of a change up, lets something happen meanwhile, and
/// says how the change was answered.
async fn change_held_up(app: &App, browser: &Browser, meanwhile: impl AsyncFnOnce()) -> Answer {
    let held_up = FaultRule::new(Service::DynamoDb, Fault::Delay(Duration::from_millis(900)));
    let rule = held_up.operation("TransactWriteItems").function("account").when(When::Nth(1));
    let rule = app.aws().inject(rule);
    let mut changer = browser.clone();
    let change = tokio::spawn(async move { change(&mut changer, PASSWORD, NEW_PASSWORD).await });
    wait_until(|| app.aws().fault_hits(rule) > 0).await;
    meanwhile().await;
    let answer = change.await.unwrap();
    app.aws().clear_faults();
    answer
}

#[tokio::test]
async fn a_change_loses_against_whatever_ended_its_session_meanwhile() {
    let app = racing().await;
    for what in ["reset", "sign-out", "revoke-sessions", "revoke-session"] {
        let email = unique_email(what);
        let mut browser = app.sign_up(&email).await;
        let session = browser.get("/get-session").await.json()["session"]["token"].clone();
        let reset_token = app.reset_token(&email).await;
        let answer = change_held_up(&app, &browser, async || match what {
            "reset" => assert_eq!(reset(&app, &reset_token, "by reset").await.status, 200),
            path => {
                let call = Call::new("POST", format!("/{path}")).json(&json!({"token": session}));
                assert_eq!(browser.send_only(call).await.status, 200);
            }
        })
        .await;
        assert_error(&answer, 401, "UNAUTHORIZED");
        assert!(!password_works(&app, &email, NEW_PASSWORD).await, "{what}");
        assert!(password_works(&app, &email, if what == "reset" { "by reset" } else { PASSWORD }).await, "{what}");
    }
    invariants::check(&app, &[]).await;
}

/// The session is read before a reset, and the account after it.
#[tokio::test]
async fn a_password_that_was_replaced_meanwhile_is_not_called_wrong() {
    let app = racing().await;
    let email = unique_email("overtaken");
    let mut browser = app.sign_up(&email).await;
    let token = app.reset_token(&email).await;
    let held_up = FaultRule::new(Service::DynamoDb, Fault::Delay(Duration::from_millis(900)));
    let rule = app.aws().inject(held_up.operation("GetItem").table("AccountsTable").function("account"));
    let check = tokio::spawn(async move { browser.post("/verify-password", &json!({"password": PASSWORD})).await });
    wait_until(|| app.aws().fault_hits(rule) > 0).await;
    assert_eq!(reset(&app, &token, NEW_PASSWORD).await.status, 200);
    assert_error(&check.await.unwrap(), 401, "UNAUTHORIZED");
}

#[tokio::test]
async fn a_change_goes_on_if_only_the_other_sessions_ended_meanwhile() {
    let app = racing().await;
    let email = unique_email("go-on");
    let browser = app.sign_up(&email).await;
    let answer = change_held_up(&app, &browser, async || {
        let call = Call::new("POST", "/revoke-other-sessions").json(&json!({}));
        assert_eq!(browser.send_only(call).await.status, 200);
    })
    .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(password_works(&app, &email, NEW_PASSWORD).await);
}

/// A reset whose generation was overtaken takes the next one, and is not
/// refused for it.
#[tokio::test]
async fn a_reset_comes_through_though_somebody_is_ahead_of_the_clock() {
    let app = App::shared();
    let email = unique_email("ahead");
    let mut browser = app.sign_up(&email).await;
    let token = app.reset_token(&email).await;
    let mut user = user_row(app, &email).await.unwrap();
    let ahead = now() + 60 * SECOND;
    set_number(&mut user, "sessionsValidFrom", ahead);
    app.put_row("UsersTable", &user).await;
    assert_eq!(reset(app, &token, NEW_PASSWORD).await.status, 200);
    let user = user_row(app, &email).await.unwrap();
    assert!(number(&user, "sessionsValidFrom") > ahead, "a generation never comes back");
    assert!(browser.current_user().await.is_none());
    assert!(password_works(app, &email, NEW_PASSWORD).await);
}

#[tokio::test]
async fn a_mail_that_cannot_be_sent_undoes_nothing() {
    let app = App::with_env(&[]).await;
    let email = unique_email("unsent");
    app.sign_up(&email).await;
    let token = app.reset_token(&email).await;
    app.aws().inject(FaultRule::new(Service::Ses, Fault::InternalError));
    assert_eq!(reset(&app, &token, PASSWORD).await.status, 200);
    let (mut browser, _) = sign_in(&app, &email, PASSWORD).await;
    assert_eq!(change(&mut browser, PASSWORD, NEW_PASSWORD).await.status, 200);
    assert_eq!(browser.post("/delete-user", &json!({"password": NEW_PASSWORD})).await.status, 200);
    let failed = app.logs().into_iter().filter(|line| line.text.contains(r#""mailFailed":true"#)).count();
    assert_eq!(failed, 3);
}
