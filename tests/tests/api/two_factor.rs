//! The second factor.

mod attempts;
mod backup_codes;
mod enrolment;
mod mailed_codes;
mod replay;
mod sign_in;
mod trusted_devices;
mod ways_in;

use serde_json::json;
use tests::{Answer, App, Authenticator, Browser, Call, PASSWORD, enrol, unique_email};

use crate::support::*;

const TWO_FACTOR: &str = "better-auth.two_factor";
const TRUST_DEVICE: &str = "better-auth.trust_device";

/// A user with a second factor: address, authenticator and the browser that is
/// signed in.
async fn enrolled(app: &App, name: &str) -> (String, Authenticator, Browser) {
    let email = unique_email(name);
    let mut browser = app.sign_up(&email).await;
    let authenticator = enrol(&mut browser).await;
    (email, authenticator, browser)
}

/// A browser whose sign-in waits for the second factor.
async fn challenged(app: &App, email: &str) -> Browser {
    let (browser, answer) = sign_in(app, email, PASSWORD).await;
    assert_challenged(&browser, &answer);
    browser
}

/// Asserts that a sign-in waits for its second factor and has given nothing
/// else away.
#[track_caller]
fn assert_challenged(browser: &Browser, answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json(), json!({"twoFactorRedirect": true, "twoFactorMethods": ["totp", "otp"]}));
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), [TWO_FACTOR]);
    assert_eq!(answer.header("set-auth-token"), "");
}

async fn verify_totp(browser: &mut Browser, code: &str) -> Answer {
    browser.post("/two-factor/verify-totp", &json!({"code": code})).await
}

/// One attempt of many that are made at once.
fn totp_call(code: &str) -> Call {
    Call::new("POST", "/two-factor/verify-totp").json(&json!({"code": code}))
}

fn backup_call(code: &str) -> Call {
    Call::new("POST", "/two-factor/verify-backup-code").json(&json!({"code": code}))
}

/// The challenges of a user that are in the table.
async fn challenges_of(app: &App, email: &str) -> Vec<serde_json::Value> {
    let user = user_row(app, email).await.unwrap();
    let mut rows = app.rows("VerificationTokensTable").await;
    rows.retain(|row| row["userId"] == user["id"] && row["purpose"]["S"] == "two-factor-challenge");
    rows
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}
