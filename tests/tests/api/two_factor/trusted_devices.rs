//! Devices that are spared the second factor.

use futures_util::future::join_all;

use super::*;

/// A browser whose device is trusted, signed in and out again.
async fn trusted(app: &App, email: &str, authenticator: &Authenticator) -> Browser {
    trust(app, challenged(app, email).await, authenticator).await
}

/// Trusts the device of a browser that is asked for a code, and signs it out.
async fn trust(app: &App, mut browser: Browser, authenticator: &Authenticator) -> Browser {
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

/// A copied cookie is noticed: of all who use it one is spared the code.
#[tokio::test]
async fn of_many_who_show_one_device_one_is_spared_the_code() {
    let app = racing().await;
    let (email, authenticator, _) = enrolled(&app, "device-race").await;
    crate::steps::verify_email(&app, &email).await;
    let user_id = user_row(&app, &email).await.unwrap()["id"]["S"].clone();
    let mut browser = trusted(&app, &email, &authenticator).await;
    let devices = async || {
        let mut rows = app.rows("VerificationTokensTable").await;
        rows.retain(|row| row["userId"]["S"] == user_id && row["purpose"]["S"] == "trusted-device");
        rows.len()
    };
    let password = Call::new("POST", "/sign-in/email").json(&json!({"email": email, "password": PASSWORD}));
    for by_link in [false, true] {
        let device = browser_with(&app, TRUST_DEVICE, &browser.cookies[TRUST_DEVICE]);
        let mut calls = vec![password.clone(); 50];
        if by_link {
            // Links to the same address do not end each other.
            for call in &mut calls {
                let token = crate::magic_link::token_for(&app, &email).await;
                *call = Call::new("GET", format!("/magic-link/verify?token={token}"));
            }
        }
        let answers = join_all(calls.into_iter().map(|call| device.send_only(call))).await;
        assert_eq!(count(&answers, 200), 50);
        let (spared, asked): (Vec<_>, Vec<_>) =
            answers.iter().partition(|answer| answer.json()["twoFactorRedirect"].is_null());
        assert_eq!((spared.len(), asked.len()), (1, 49), "by link: {by_link}");
        assert!(asked.iter().all(|answer| answer.header("set-auth-token").is_empty()));
        assert_eq!(devices().await, 1);
        let renewed = spared[0].set_cookies().into_iter().find(|cookie| cookie.starts_with(TRUST_DEVICE)).unwrap();
        let value = renewed.split(';').next().unwrap().split_once('=').unwrap().1.to_owned();
        browser = browser_with(&app, TRUST_DEVICE, &value);
    }
    assert!(is_let_in(&mut browser, &email).await, "the one that was renewed is good");
    app.stop().await;
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

    let mut again = trust(app, challenged(app, &email).await, &authenticator).await;
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
