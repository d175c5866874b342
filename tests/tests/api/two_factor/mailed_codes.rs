//! Codes by mail.

use futures_util::future::join_all;

use super::*;
use crate::mails::code_in;

async fn send(app: &App, browser: &mut Browser, email: &str) -> String {
    let before = app.mails().len();
    let answer = browser.post("/two-factor/send-otp", &json!({})).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"status": true})));
    assert!(app.mails().len() > before);
    code_in(&app.mail_to(email).await.text)
}

fn call(code: &str) -> Call {
    Call::new("POST", "/two-factor/verify-otp").json(&json!({"code": code}))
}

#[tokio::test]
async fn a_mailed_code_completes_its_own_sign_in_once() {
    let app = App::shared();
    let (email, _, _) = enrolled(app, "mailed").await;
    let (mut browser, mut other) = (challenged(app, &email).await, challenged(app, &email).await);
    assert_error(&browser.send(call("123456")).await, 400, "OTP_HAS_EXPIRED");
    let code = send(app, &mut browser, &email).await;
    assert_error(&other.send(call(&code)).await, 400, "OTP_HAS_EXPIRED");
    let for_other = send(app, &mut other, &email).await;
    if for_other != code {
        assert_error(&other.send(call(&code)).await, 401, "INVALID_CODE");
    }
    for row in challenges_of(app, &email).await {
        assert!(!row.to_string().contains(&format!("\"{code}\"")), "{row}");
    }
    let twin = browser.clone();
    let answer = browser.send(call(&code)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(browser.current_user().await.unwrap()["email"], email);
    assert_error(&twin.clone().send(call(&code)).await, 401, "INVALID_TWO_FACTOR_COOKIE");
}

#[tokio::test]
async fn the_newest_code_counts_and_expires() {
    let app = App::shared();
    let (email, _, _) = enrolled(app, "newest").await;
    let mut browser = challenged(app, &email).await;
    let old = send(app, &mut browser, &email).await;
    let new = send(app, &mut browser, &email).await;
    if old != new {
        assert_error(&browser.send(call(&old)).await, 401, "INVALID_CODE");
    }
    let mut row = challenges_of(app, &email).await.remove(0);
    let expires_at = number(&row, "codeExpiresAt");
    assert!((expires_at - now() - 180 * SECOND).abs() < 30 * SECOND);
    set_number(&mut row, "codeExpiresAt", now() - 1);
    app.put_row("VerificationTokensTable", &row).await;
    assert_error(&browser.send(call(&new)).await, 400, "OTP_HAS_EXPIRED");
    set_number(&mut row, "codeExpiresAt", expires_at);
    app.put_row("VerificationTokensTable", &row).await;
    assert_eq!(browser.send(call(&new)).await.status, 200);
}

#[tokio::test]
async fn a_mailed_code_at_once_many_times_signs_in_once() {
    let app = racing().await;
    let (email, _, _) = enrolled(&app, "mailed-race").await;
    let mut browser = challenged(&app, &email).await;
    let code = send(&app, &mut browser, &email).await;
    let answers = join_all((0..50).map(|_| browser.send_only(call(&code)))).await;
    assert_eq!(count(&answers, 200), 1, "{:?}", answers.iter().map(Answer::code).collect::<Vec<_>>());
    app.stop().await;
}

#[tokio::test]
async fn a_code_of_somebody_signed_in_counts_once_too() {
    let app = racing().await;
    let (email, authenticator, mut browser) = enrolled(&app, "step-up-race").await;
    let mailed = call(&send(&app, &mut browser, &email).await);
    let shown = totp_call(&authenticator.code(&app).await);
    for call in [mailed, shown, backup_call(&authenticator.backup_codes[0])] {
        let answers = join_all((0..50).map(|_| browser.send_only(call.clone()))).await;
        let codes: Vec<String> = answers.iter().map(Answer::code).collect();
        assert_eq!(count(&answers, 200), 1, "{codes:?}");
        assert!(!codes.iter().any(|code| code == "UNAUTHORIZED"), "{codes:?}");
        assert!(answers.iter().all(|answer| [200, 400, 401, 429].contains(&answer.status)), "{codes:?}");
        // What the losers left behind.
        let mut row = authenticator.row(&app).await.unwrap();
        row.as_object_mut().unwrap().remove("failures");
        app.put_row("AccountsTable", &row).await;
    }
    app.stop().await;
}

#[tokio::test]
async fn somebody_signed_in_shows_a_mailed_code_too() {
    let app = App::shared();
    let (email, _, mut browser) = enrolled(app, "mailed-step-up").await;
    assert_error(&browser.send(call("123456")).await, 400, "OTP_HAS_EXPIRED");
    let code = send(app, &mut browser, &email).await;
    let answer = browser.send(call(&code)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.set_cookies().is_empty());
    assert_error(&browser.send(call(&code)).await, 400, "OTP_HAS_EXPIRED");

    // Five tries a code; and an expired row counts for nothing.
    let code = send(app, &mut browser, &email).await;
    for _ in 0..5 {
        assert_error(&browser.send(call("x")).await, 401, "INVALID_CODE");
    }
    assert_error(&browser.send(call(&code)).await, 400, "TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE");
    let code = send(app, &mut browser, &email).await;
    let user = user_row(app, &email).await.unwrap();
    let rows = app.rows("VerificationTokensTable").await;
    let row = rows.into_iter().find(|row| row["userId"] == user["id"] && row["purpose"]["S"] == "mailed-code").unwrap();
    assert!(!row.to_string().contains(&format!("\"{code}\"")));
    set_expiry(app, "VerificationTokensTable", row, now() - 1).await;
    assert_error(&browser.send(call(&code)).await, 400, "OTP_HAS_EXPIRED");
}

#[tokio::test]
async fn without_a_second_factor_there_is_no_mailed_code() {
    let app = App::shared();
    let email = unique_email("no-factor");
    let mut browser = app.sign_up(&email).await;
    assert_error(&browser.post("/two-factor/send-otp", &json!({})).await, 400, "OTP_NOT_ENABLED");
    assert_error(&browser.send(call("123456")).await, 400, "OTP_NOT_ENABLED");
    let answer = app.browser().post("/two-factor/send-otp", &json!({})).await;
    assert_error(&answer, 401, "INVALID_TWO_FACTOR_COOKIE");
    assert!(!app.mails().iter().any(|mail| mail.to.contains(&email)));
}
