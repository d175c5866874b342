//! Devices that are spared the second factor.

use super::*;

/// A browser whose device is trusted, signed in and out again.
async fn trusted(app: &App, email: &str, authenticator: &Authenticator) -> Browser {
    let mut browser = challenged(app, email).await;
    let code = authenticator.code(app).await;
    let answer = browser.post("/two-factor/verify-totp", &json!({"code": code, "trustDevice": true})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let cookie = answer.set_cookies().into_iter().find(|cookie| cookie.starts_with(TRUST_DEVICE)).unwrap();
    assert!(cookie.contains("Max-Age=2592000"), "{cookie}");
    assert_eq!(browser.post("/sign-out", &json!({})).await.status, 200);
    browser
}

async fn is_let_in(browser: &mut Browser, email: &str) -> bool {
    let answer = browser.post("/sign-in/email", &json!({"email": email, "password": PASSWORD})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let is_in = answer.json()["twoFactorRedirect"].is_null();
    assert_eq!(browser.session_cookie().is_some(), is_in);
    is_in
}

#[tokio::test]
async fn a_trusted_device_is_let_in_and_gets_a_new_token() {
    let app = App::shared();
    let (email, authenticator, _) = enrolled(app, "trusted").await;
    let mut browser = trusted(app, &email, &authenticator).await;
    let old = browser.cookies[TRUST_DEVICE].clone();
    assert!(is_let_in(&mut browser, &email).await);
    assert_ne!(browser.cookies[TRUST_DEVICE], old);
    assert!(!is_let_in(&mut browser_with(app, TRUST_DEVICE, &old), &email).await, "the old token is dead");
    assert_eq!(browser.post("/sign-out", &json!({})).await.status, 200);
    assert!(is_let_in(&mut browser, &email).await, "it outlives a sign-out");
    assert!(!is_let_in(&mut app.browser(), &email).await, "others are asked");
}

#[tokio::test]
async fn trust_is_of_one_user_and_dies_with_its_row_factor_and_generation() {
    let app = App::shared();
    let (email, authenticator, mut signed_in) = enrolled(app, "untrusted").await;
    let (other_email, _, _) = enrolled(app, "untrusted-other").await;
    let browser = trusted(app, &email, &authenticator).await;
    let value = browser.cookies[TRUST_DEVICE].clone();
    let device = || browser_with(app, TRUST_DEVICE, &value);
    assert!(!is_let_in(&mut device(), &other_email).await);
    let mut forged = browser_with(app, TRUST_DEVICE, &format!("{}.{}%3D", "A".repeat(43), "A".repeat(43)));
    assert!(!is_let_in(&mut forged, &email).await);

    let user = user_row(app, &email).await.unwrap();
    let is_device = |row: &serde_json::Value| row["userId"] == user["id"] && row["purpose"]["S"] == "trusted-device";
    let row = app.rows("VerificationTokensTable").await.into_iter().find(is_device).unwrap();
    set_expiry(app, "VerificationTokensTable", row.clone(), now() - 1).await;
    assert!(!is_let_in(&mut device(), &email).await, "expired");
    app.put_row("VerificationTokensTable", &row).await;

    reset_to(app, &email, PASSWORD).await;
    assert!(!is_let_in(&mut device(), &email).await, "after a password reset");
    assert_eq!(signed_in.current_user().await, None);

    let mut again = trusted(app, &email, &authenticator).await;
    let value = again.cookies[TRUST_DEVICE].clone();
    assert!(is_let_in(&mut again, &email).await);
    let value_now = again.cookies[TRUST_DEVICE].clone();
    assert_ne!(value, value_now);
    let answer = again.post("/two-factor/disable", &json!({"password": PASSWORD})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!again.cookies.contains_key(TRUST_DEVICE));
    enrol(&mut again).await;
    assert!(!is_let_in(&mut browser_with(app, TRUST_DEVICE, &value_now), &email).await, "after a new enrolment");
}
