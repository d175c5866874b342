//! What is secret stays out of logs, tables and answers that are not its own.

use local::{Fault, FaultRule, Service, StackOptions};
use serde_json::json;
use tests::{App, Authenticator, Browser, Call, fake_provider::GoogleUser};

use crate::{invariants, magic_link, mails::*, oauth, rotation, support::*};

/// A day in the life of the service, good and bad, at the loudest log level.
#[tokio::test]
async fn nothing_secret_is_logged_or_stored() {
    let env = [
        ("RUST_LOG", "trace"),
        ("AWS_LAMBDA_LOG_LEVEL", "TRACE"),
        ("RUST_BACKTRACE", "full"),
        ("AUTH_RATE_LIMITS", "true"),
        ("AUTH_RATE_LIMIT_RULES", "sign-in=99/10,sign-up=99/10,request-password-reset=99/10"),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let app = App::start(StackOptions { env, ..StackOptions::default() }).await;
    let (email, password, wrong) = ("canary@example.com", "c4n4ry password one", "c4n4ry password wrong");
    let mut secrets = vec![password.to_owned(), wrong.to_owned()];
    for name in ["SigningSecret", "EncryptionSecret", "OAuthClientsSecret"] {
        secrets.push(app.aws().secret(name).unwrap());
    }
    secrets.push("google-client-secret-c4n4ry-51d0".to_owned());

    let mut browser = app.browser();
    let body = json!({"name": "Ann", "email": email, "password": password});
    let answer = browser.post("/sign-up/email", &body).await;
    let jwt = answer.json()["token"].as_str().unwrap().to_owned();
    secrets.extend([jwt.clone(), answer.header("set-auth-token").to_owned(), raw_token(&browser)]);
    secrets.push(browser.session_cookie().unwrap().to_owned());
    browser.get("/get-session").await;
    app.browser().send(Call::new("GET", "/token").header("authorization", format!("Bearer {jwt}"))).await;
    app.browser()
        .send(Call::new("GET", "/get-session").header("authorization", format!("Bearer {}", raw_token(&browser))))
        .await;
    sign_in(&app, email, wrong).await;
    let (mut second, answer) = sign_in(&app, email, password).await;
    secrets.extend([answer.json()["token"].as_str().unwrap().to_owned(), raw_token(&second)]);
    secrets.push(set_cookie(&answer, "better-auth.known_device").unwrap());
    second.post("/sign-out", &json!({})).await;

    let changed = "c4n4ry password changed";
    let change = json!({"currentPassword": password, "newPassword": changed});
    let answer = browser.post("/change-password", &change).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    secrets.extend([changed.to_owned(), answer.json()["token"].as_str().unwrap().to_owned(), raw_token(&browser)]);
    browser.get("/list-sessions").await;
    let wrong = json!({"password": "c4n4ry password unverified", "token": "c4n4ry-deletion-token"});
    browser.post("/verify-password", &wrong).await;
    browser.post("/delete-user", &wrong).await;
    secrets.extend(["c4n4ry password unverified".to_owned(), "c4n4ry-deletion-token".to_owned()]);

    let token = app.reset_token(email).await;
    app.browser().get(&format!("/reset-password/{token}?callbackURL=%2Freset")).await;
    let next = "c4n4ry password two";
    assert_eq!(reset(&app, &token, next).await.status, 200);
    secrets.extend([token.clone(), next.to_owned()]);
    reset(&app, &token, "c4n4ry password three").await;
    secrets.push("c4n4ry password three".to_owned());

    let token = magic_link::token_for(&app, email).await;
    let (by_link, answer) = magic_link::verify(&app, &token).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    secrets.extend([token, answer.json()["token"].as_str().unwrap().to_owned(), raw_token(&by_link)]);
    let unused = magic_link::token_for(&app, email).await;

    let google = GoogleUser::new("1", "canary-google@example.com");
    let (by_google, callback) = oauth::sign_in_and_tell(&app, &google).await;
    let query = query_of(&callback);
    secrets.extend([query["state"].clone(), query["code"].clone(), raw_token(&by_google)]);
    let issued: Vec<String> = app
        .provider
        .recorded()
        .into_iter()
        .filter_map(|request| request.parameters.get("code_verifier").cloned())
        .collect();
    assert_eq!(issued.len(), 1);
    secrets.extend(issued);

    rotation::rotate(&app).await;
    secrets.push(app.aws().secret("SigningSecret").unwrap());

    secrets.extend(second_factor(&app, email, next).await);

    // The links that verify and change an address.
    let (email, moved) = ("canary-links@example.com", "canary-moved@example.com");
    app.sign_up(email).await;
    let token = verification_token(&app, email).await;
    let path = format!("/verify-email?token={token}&callbackURL=%2Freset");
    let answer = app.browser().get(&path).await;
    let reset_token = query_of(answer.header("location"))["token"].clone();
    assert_eq!(reset(&app, &reset_token, next).await.status, 200);
    secrets.extend([token.clone(), reset_token]);
    let mut links = sign_in(&app, email, next).await.0;
    let consent = change_token(&app, &mut links, email, moved).await;
    follow(&mut links, &consent).await;
    let change = token_in(&link_to(&app, moved).await);
    let mut bodies = Vec::new();
    for fault in [Fault::InternalError, Fault::AccessDenied, Fault::Malformed] {
        app.aws().inject(FaultRule::new(Service::DynamoDb, fault));
        bodies.push(follow(&mut links, &change).await);
        bodies.push(links.post("/change-email", &json!({"newEmail": "canary-next@example.com"})).await);
        bodies.push(app.browser().post("/send-verification-email", &json!({"email": email})).await);
        app.aws().clear_faults();
    }
    assert_eq!(follow(&mut links, &change).await.status, 200);
    secrets.extend([consent, change, raw_token(&links)]);

    // Faults are where secrets leak.
    for fault in [Fault::InternalError, Fault::AccessDenied, Fault::Malformed] {
        app.aws().inject(FaultRule::new(Service::DynamoDb, fault.clone()));
        app.aws().inject(FaultRule::new(Service::Ses, fault));
        bodies.push(sign_in(&app, email, next).await.1);
        bodies.push(browser.get("/get-session").await);
        bodies.push(app.browser().post("/sign-up/email", &body).await);
        bodies.push(app.browser().post("/request-password-reset", &json!({"email": moved})).await);
        bodies.push(app.browser().post("/sign-in/magic-link", &json!({"email": email})).await);
        bodies.push(magic_link::verify(&app, &unused).await.1);
        bodies.push(reset(&app, &"A".repeat(43), next).await);
        app.aws().clear_faults();
    }
    secrets.push(unused);
    for answer in bodies {
        assert!(answer.status >= 500 || answer.json().is_null(), "{} {}", answer.status, answer.text());
        for secret in secrets.iter().map(String::as_str).chain(["Table", "arn:", "dynamodb", ".rs"]) {
            assert!(!answer.text().contains(secret), "{}", answer.text());
        }
    }
    // Counters name nobody.
    let counters = app.rows(LIMITS_TABLE).await;
    assert!(counters.len() > 5 && !format!("{counters:?}").contains('@'), "{counters:?}");
    // Nor does anything personal stand in the log.
    for line in app.logs() {
        assert!(!line.text.contains("@example.com"), "{}", line.text);
        assert!(!line.text.contains("/verify-email?"), "{}", line.text);
        assert!(!line.text.contains("/reset-password/") || line.text.contains("{token}"), "{}", line.text);
    }
    invariants::check(&app, &secrets).await;
}

/// Enrols a second factor, signs in with it and gives it up: its secrets.
/// Codes of six digits are too short to look for; tables hold hashes of them.
async fn second_factor(app: &App, email: &str, password: &str) -> Vec<String> {
    let (mut browser, _) = sign_in(app, email, password).await;
    let user_id = browser.current_user().await.unwrap()["id"].as_str().unwrap().to_owned();
    let answer = browser.post("/two-factor/enable", &json!({"password": password})).await;
    let authenticator = Authenticator::from_answer(&answer, &user_id);
    let mut secrets = authenticator.backup_codes.clone();
    secrets.extend(authenticator.backup_codes.iter().map(|code| code.replace('-', "")));
    secrets.push(authenticator.base32.clone());
    let verify = async |browser: &mut Browser, path: &str, code: &str| {
        browser.post(&format!("/two-factor/{path}"), &json!({"code": code, "trustDevice": true})).await
    };
    assert_eq!(verify(&mut browser, "verify-totp", &authenticator.shown()).await.status, 200);
    for path in ["verify-totp", "verify-backup-code"] {
        let (mut pending, _) = sign_in(app, email, password).await;
        pending.post("/two-factor/send-otp", &json!({})).await;
        verify(&mut pending, path, "c4n4ry-wrong-code").await;
        secrets.push(decoded(&pending.cookies["better-auth.two_factor"]).split('.').next().unwrap().to_owned());
        let code =
            if path == "verify-totp" { authenticator.code(app).await } else { authenticator.backup_codes[0].clone() };
        let answer = verify(&mut pending, path, &code).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        secrets.push(decoded(&pending.cookies["better-auth.trust_device"]).split('.').next().unwrap().to_owned());
        secrets.extend([raw_token(&pending), answer.json()["token"].as_str().unwrap().to_owned()]);
    }
    secrets.push("c4n4ry-wrong-code".to_owned());
    let shown = browser.post("/two-factor/get-totp-uri", &json!({"password": password})).await;
    assert!(shown.text().contains(&authenticator.base32));
    let answer = browser.post("/two-factor/generate-backup-codes", &json!({"password": password})).await;
    let codes: Vec<String> = serde_json::from_value(answer.json()["backupCodes"].clone()).unwrap();
    secrets.extend(codes);
    invariants::hold_no_secret(app, &secrets).await;
    assert_eq!(browser.post("/two-factor/disable", &json!({"password": password})).await.status, 200);
    secrets
}
