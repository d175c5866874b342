//! How a second factor comes and goes.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use shared::adapters::OsRandom;
use tests::start_enrolment;

use super::*;

#[tokio::test]
async fn the_first_code_enables_it_and_replaces_the_session() {
    let app = App::shared();
    let email = unique_email("enrol");
    let mut browser = app.sign_up(&email).await;
    let old = browser.clone();
    let (mut elsewhere, _) = sign_in(app, &email, PASSWORD).await;
    let answer = browser.post("/two-factor/enable", &json!({"password": PASSWORD, "issuer": "Acme & Co"})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["method"], "totp");
    assert!(answer.set_cookies().is_empty());
    let uri = answer.json()["totpURI"].as_str().unwrap().to_owned();
    let label =
        format!("otpauth://totp/Acme%20%26%20Co:{}?secret=", encoded(&email).replace("%2D", "-").replace("%2E", "."));
    assert!(uri.starts_with(&label), "{uri} {label}");
    assert!(uri.ends_with("&issuer=Acme+%26+Co&digits=6&period=30"), "{uri}");
    let codes = answer.json()["backupCodes"].as_array().unwrap().clone();
    assert_eq!(codes.len(), 10);

    let id = user_row(app, &email).await.unwrap()["id"]["S"].as_str().unwrap().to_owned();
    let authenticator = Authenticator::from_answer(&answer, &id);
    // Neither opens nor gates anything before its first code.
    assert_eq!(browser.current_user().await.unwrap()["twoFactorEnabled"], false);
    assert!(password_works(app, &email, PASSWORD).await);
    assert_error(
        &browser.post("/two-factor/verify-backup-code", &json!({"code": codes[0]})).await,
        400,
        "BACKUP_CODES_NOT_ENABLED",
    );

    let mails = app.mails().len();
    let answer = verify_totp(&mut browser, &authenticator.shown()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["user"]["twoFactorEnabled"], false, "the user as before");
    assert_ne!(raw_token(&browser), raw_token(&old));
    assert_eq!(old.clone().current_user().await, None, "the old session is over");
    assert_eq!(elsewhere.current_user().await, None, "no session is left that was not asked for the factor");
    assert_eq!(browser.current_user().await.unwrap()["twoFactorEnabled"], true);
    let bearer = format!("Bearer {}", answer.json()["token"].as_str().unwrap());
    let by_token = app.browser().send(Call::new("GET", "/get-session").header("authorization", bearer)).await;
    assert_eq!(by_token.json()["user"]["email"], email, "the token is of the new session");
    assert!(app.mails().len() > mails);
    assert_eq!(app.mail_to(&email).await.subject, "Two-factor authentication is on");
    let again = browser.post("/two-factor/enable", &json!({"password": PASSWORD})).await;
    assert_error(&again, 400, "TOTP_ALREADY_ENABLED");
}

#[tokio::test]
async fn a_session_alone_changes_nothing() {
    let app = App::shared();
    let (email, _, mut browser) = enrolled(app, "reauth").await;
    let before = (user_row(app, &email).await, app.row("AccountsTable", "identity", &format!("email:{email}")).await);
    for path in ["enable", "disable", "generate-backup-codes", "get-totp-uri"] {
        let path = format!("/two-factor/{path}");
        for (body, code) in [
            (json!({}), "VALIDATION_ERROR"),
            (json!({"password": 5}), "VALIDATION_ERROR"),
            (json!({"password": ""}), "INVALID_PASSWORD"),
            (json!({"password": "not the password"}), "INVALID_PASSWORD"),
            (json!({"password": "x".repeat(129)}), "PASSWORD_TOO_LONG"),
        ] {
            assert_error(&browser.post(&path, &body).await, 400, code);
        }
        assert_error(&app.browser().post(&path, &json!({"password": PASSWORD})).await, 401, "UNAUTHORIZED");
        // A back end that was given the access token must not do it either.
        let token = browser.get("/token").await.json()["token"].as_str().unwrap().to_owned();
        let call = Call::new("POST", path.as_str()).json(&json!({"password": PASSWORD}));
        let answer = app.browser().send(call.header("authorization", format!("Bearer {token}"))).await;
        assert_error(&answer, 401, "UNAUTHORIZED");
    }
    assert_eq!(before.0, user_row(app, &email).await);
    assert_error(
        &browser.post("/two-factor/enable", &json!({"password": PASSWORD, "method": "otp"})).await,
        400,
        "OTP_NOT_CONFIGURED",
    );
    assert_error(
        &browser.post("/two-factor/enable", &json!({"password": PASSWORD, "method": "sms"})).await,
        400,
        "VALIDATION_ERROR",
    );
}

#[tokio::test]
async fn an_old_session_does_not_start_an_enrolment() {
    let app = App::shared();
    let email = unique_email("stale");
    let mut browser = app.sign_up(&email).await;
    let mut row = only_session(app, &email).await;
    let created = number(&row, "createdAt") - DAY;
    set_number(&mut row, "createdAt", created);
    app.put_row("SessionsTable", &row).await;
    let answer = browser.post("/two-factor/enable", &json!({"password": PASSWORD})).await;
    assert_error(&answer, 403, "SESSION_NOT_FRESH");
}

#[tokio::test]
async fn a_user_without_a_password_cannot_enrol() {
    let app = App::shared();
    let person = tests::fake_provider::GoogleUser::new("no-password", &unique_email("no-password"));
    let mut browser = crate::steps::sign_in_with_google(app, &person).await;
    let answer = browser.post("/two-factor/enable", &json!({"password": PASSWORD})).await;
    assert_error(&answer, 400, "INVALID_PASSWORD");
}

#[tokio::test]
async fn of_many_enrolments_at_once_the_last_one_counts() {
    let app = App::shared();
    let email = unique_email("parallel");
    let browser = app.sign_up(&email).await;
    let id = user_row(app, &email).await.unwrap()["id"]["S"].as_str().unwrap().to_owned();
    let call = || Call::new("POST", "/two-factor/enable").json(&json!({"password": PASSWORD}));
    let answers = join_all((0..20).map(|_| browser.send_only(call()))).await;
    assert_eq!(count(&answers, 200), 20);
    let authenticators: Vec<Authenticator> =
        answers.iter().map(|answer| Authenticator::from_answer(answer, &id)).collect();
    assert_eq!(authenticators.iter().map(|one| &one.base32).collect::<BTreeSet<_>>().len(), 20);
    // Ask which secret is stored; only that one enables.
    let shown = browser.clone().post("/two-factor/get-totp-uri", &json!({"password": PASSWORD})).await;
    let stored = Authenticator::from_answer(&shown, &id);
    let (stored, others): (Vec<_>, Vec<_>) = authenticators.into_iter().partition(|one| one.base32 == stored.base32);
    assert_eq!((stored.len(), others.len()), (1, 19));
    for other in others.iter().take(5) {
        assert_error(&verify_totp(&mut browser.clone(), &other.shown()).await, 401, "INVALID_CODE");
    }
    assert_eq!(verify_totp(&mut browser.clone(), &stored[0].shown()).await.status, 200);
}

#[tokio::test]
async fn the_first_code_at_once_many_times_enables_it_once() {
    let app = racing().await;
    let email = unique_email("first-code");
    let mut browser = app.sign_up(&email).await;
    let authenticator = start_enrolment(&mut browser).await;
    let code = authenticator.shown();
    let answers = join_all((0..50).map(|_| browser.send_only(totp_call(&code)))).await;
    assert_eq!(count(&answers, 200), 1, "{:?}", answers.iter().map(Answer::code).collect::<Vec<_>>());
    assert_eq!(sessions_of(&app, &email).await.len(), 1);
    assert!(answers.iter().all(|answer| [200, 401, 429].contains(&answer.status)));
    app.stop().await;
}

#[tokio::test]
async fn disabling_ends_challenges_and_lets_passwords_in_again() {
    let app = App::shared();
    let (email, authenticator, mut browser) = enrolled(app, "disable").await;
    let mut pending = challenged(app, &email).await;
    let mut elsewhere = challenged(app, &email).await;
    let code = authenticator.code(app).await;
    assert_eq!(verify_totp(&mut elsewhere, &code).await.status, 200);
    let old = browser.clone();
    let answer = browser.post("/two-factor/disable", &json!({"password": PASSWORD})).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"status": true})));
    assert_eq!(old.clone().current_user().await, None);
    assert_eq!(elsewhere.current_user().await, None, "all other sessions end");
    assert_eq!(browser.current_user().await.unwrap()["twoFactorEnabled"], false);
    assert_eq!(authenticator.row(app).await, None);
    assert_eq!(app.mail_to(&email).await.subject, "Two-factor authentication is off");
    assert_error(&verify_totp(&mut pending, &authenticator.shown()).await, 401, "INVALID_TWO_FACTOR_COOKIE");
    assert!(password_works(app, &email, PASSWORD).await);
    for (path, code) in [("generate-backup-codes", "TWO_FACTOR_NOT_ENABLED"), ("get-totp-uri", "TOTP_NOT_ENABLED")] {
        let answer = browser.post(&format!("/two-factor/{path}"), &json!({"password": PASSWORD})).await;
        assert_error(&answer, 400, code);
    }
    // A challenge of the old enrolment is none of the new one.
    let next = enrol(&mut browser).await;
    let code = next.code(app).await;
    assert_error(&verify_totp(&mut pending, &code).await, 401, "INVALID_TWO_FACTOR_COOKIE");
    assert_eq!(verify_totp(&mut challenged(app, &email).await, &code).await.status, 200);
}

#[tokio::test]
async fn a_session_that_ended_changes_nothing() {
    let app = App::shared();
    let email = unique_email("ended");
    let mut browser = app.sign_up(&email).await;
    let authenticator = start_enrolment(&mut browser).await;
    reset_to(app, &email, &other_password(1)).await;
    assert_error(&verify_totp(&mut browser, &authenticator.shown()).await, 401, "INVALID_TWO_FACTOR_COOKIE");
    assert_eq!(authenticator.row(app).await.unwrap()["enabled"]["BOOL"], false);
}

#[tokio::test]
async fn a_secret_is_sealed_for_its_user() {
    let app = App::shared();
    let (email, authenticator, mut browser) = enrolled(app, "sealed").await;
    let (_, other, _) = enrolled(app, "other").await;
    let row = authenticator.row(app).await.unwrap();
    let other_row = other.row(app).await.unwrap();
    assert!(!row.to_string().contains(&authenticator.base32));

    let mut swapped = row.clone();
    swapped["secret"] = other_row["secret"].clone();
    app.put_row("AccountsTable", &swapped).await;
    let code = other.shown();
    authenticator.set_last_step(app, 0).await;
    let before = authenticator.row(app).await;
    let mut pending = challenged(app, &email).await;
    let answer = verify_totp(&mut pending, &code).await;
    assert_error(&answer, 401, "INVALID_CODE");
    assert_eq!(pending.session_cookie(), None);
    assert_eq!(authenticator.row(app).await, before, "no attempt is spent");
    let shown = browser.post("/two-factor/get-totp-uri", &json!({"password": PASSWORD})).await;
    assert_error(&shown, 400, "TOTP_NOT_ENABLED");

    app.put_row("AccountsTable", &row).await;
    let code = authenticator.code(app).await;
    assert_eq!(verify_totp(&mut pending, &code).await.status, 200);
}

#[tokio::test]
async fn a_secret_is_sealed_anew_after_a_rotation() {
    let app = App::with_env(&[]).await;
    let (email, authenticator, mut browser) = enrolled(&app, "rotated").await;
    let before = authenticator.row(&app).await.unwrap()["secret"].clone();
    let next = shared::domain::alphanumeric(&OsRandom, 64);
    app.aws().put_secret("EncryptionSecret", &next).unwrap();
    app.kill_instances("two-factor").await;
    let code = authenticator.code(&app).await;
    assert_eq!(verify_totp(&mut challenged(&app, &email).await, &code).await.status, 200);
    let after = authenticator.row(&app).await.unwrap()["secret"].clone();
    assert_ne!(before["S"].as_str().unwrap().split('.').next(), after["S"].as_str().unwrap().split('.').next());
    let shown = browser.post("/two-factor/get-totp-uri", &json!({"password": PASSWORD})).await;
    assert!(shown.text().contains(&authenticator.base32), "{}", shown.text());
    // Backup codes are hashed: the previous key still knows them.
    let mut pending = challenged(&app, &email).await;
    let answer = pending.send(backup_call(&authenticator.backup_codes[0])).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    app.stop().await;
}
