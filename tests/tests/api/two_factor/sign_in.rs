//! A sign-in that waits for its second factor, and what completes it.

use futures_util::future::join_all;
use local::{Fault, FaultRule, Service, When};

use super::*;
use crate::mails::code_in;

#[tokio::test]
async fn a_code_completes_it() {
    let app = App::shared();
    let (email, authenticator, _) = enrolled(app, "complete").await;
    let sessions = sessions_of(app, &email).await.len();
    for (remember, max_age) in [(true, "Max-Age=604800"), (false, "Path=/; HttpOnly; SameSite=Lax")] {
        let mut browser = app.browser();
        let body = json!({"email": email, "password": PASSWORD, "rememberMe": remember});
        let answer = browser.post("/sign-in/email", &body).await;
        assert_challenged(&browser, &answer);
        assert_eq!(sessions_of(app, &email).await.len(), sessions + usize::from(!remember));
        let code = authenticator.code(app).await;
        let answer = verify_totp(&mut browser, &code).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["user"]["email"], email);
        assert_eq!(answer.json()["user"]["twoFactorEnabled"], true);
        assert_eq!(answer.json()["token"].as_str().unwrap().split('.').count(), 3);
        assert!(!answer.header("set-auth-token").is_empty());
        let cookies = answer.set_cookies();
        assert!(cookies[0].contains("session_token") && cookies[0].contains(max_age), "{cookies:?}");
        assert_eq!(cookies[0].contains("Max-Age"), remember);
        assert!(cookies.contains(&format!("{TWO_FACTOR}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax")), "{cookies:?}");
        assert_eq!(browser.current_user().await.unwrap()["email"], email);
        assert_eq!(challenges_of(app, &email).await.len(), 0);
    }
}

#[tokio::test]
async fn a_challenge_opens_nothing_else() {
    let app = App::shared();
    let (email, _, _) = enrolled(app, "pending").await;
    let mut browser = challenged(app, &email).await;
    let session = browser.get("/get-session").await;
    assert_eq!((session.status, session.json()), (200, json!(null)));
    assert_eq!(browser.get("/token").await.status, 401);
    let password = json!({"password": PASSWORD});
    for (path, body) in [
        ("/two-factor/disable", &password),
        ("/two-factor/enable", &password),
        ("/two-factor/generate-backup-codes", &password),
        ("/two-factor/get-totp-uri", &password),
    ] {
        assert_error(&browser.post(path, body).await, 401, "UNAUTHORIZED");
    }
    for (method, path) in [("GET", "/list-sessions"), ("POST", "/change-password"), ("POST", "/update-user")] {
        let body = json!({"currentPassword": PASSWORD, "newPassword": "x".repeat(9), "name": "Eve"});
        let call = Call::new(method, path);
        let answer = browser.send(if method == "POST" { call.json(&body) } else { call }).await;
        assert!([401, 404].contains(&answer.status) || answer.json().is_null(), "{path}: {}", answer.text());
    }
    // Its value is none of a session's or a device's either.
    let value = browser.cookies[TWO_FACTOR].clone();
    for name in ["better-auth.session_token", TRUST_DEVICE] {
        assert_eq!(browser_with(app, name, &value).current_user().await, None);
    }
    let token = decoded(&value).rsplit_once('.').unwrap().0.to_owned();
    let bearer = Call::new("GET", "/get-session").header("authorization", format!("Bearer {token}"));
    assert_eq!(app.browser().send(bearer).await.json(), json!(null));
    assert_eq!(challenges_of(app, &email).await.len(), 1, "it is still good for its purpose");
}

#[tokio::test]
async fn only_ones_own_live_challenge_counts() {
    let app = App::shared();
    let (email, authenticator, _) = enrolled(app, "own").await;
    let (_, other, _) = enrolled(app, "foreign").await;
    let code = other.code(app).await;
    assert_error(&verify_totp(&mut challenged(app, &email).await, &code).await, 401, "INVALID_CODE");
    let code = authenticator.code(app).await;

    let invalid = "INVALID_TWO_FACTOR_COOKIE";
    assert_error(&verify_totp(&mut app.browser(), &code).await, 401, invalid);
    for value in ["", "junk", "a.b", &format!("{}.{}%3D", "A".repeat(43), "A".repeat(43))] {
        assert_error(&verify_totp(&mut browser_with(app, TWO_FACTOR, value), &code).await, 401, invalid);
    }

    // Expired, with the row still there.
    let mut browser = challenged(app, &email).await;
    let rows = challenges_of(app, &email).await;
    for row in rows {
        set_expiry(app, "VerificationTokensTable", row, now() - 1).await;
    }
    let before = authenticator.row(app).await;
    assert_error(&verify_totp(&mut browser.clone(), &code).await, 401, invalid);
    assert_eq!(authenticator.row(app).await, before, "nothing is counted");
    assert_error(&browser.post("/two-factor/send-otp", &json!({})).await, 401, invalid);

    // Used.
    let mut browser = challenged(app, &email).await;
    let used = browser.clone();
    assert_eq!(verify_totp(&mut browser, &code).await.status, 200);
    let code = authenticator.code(app).await;
    assert_error(&verify_totp(&mut used.clone(), &code).await, 401, invalid);

    // Of a generation that a password reset ended.
    let mut browser = challenged(app, &email).await;
    reset_to(app, &email, PASSWORD).await;
    let before = authenticator.row(app).await;
    assert_error(&verify_totp(&mut browser, &code).await, 401, invalid);
    assert_error(&browser.post("/two-factor/send-otp", &json!({})).await, 401, invalid);
    assert_eq!(authenticator.row(app).await, before, "nothing is counted");
    assert_eq!(verify_totp(&mut challenged(app, &email).await, &code).await.status, 200);
}

#[tokio::test]
async fn no_code_is_spent_on_what_has_expired() {
    let app = App::shared();
    let (email, authenticator, signed_in) = enrolled(app, "over").await;
    for mut browser in [challenged(app, &email).await, signed_in] {
        assert_eq!(browser.post("/two-factor/send-otp", &json!({})).await.status, 200);
        let mailed = code_in(&app.mail_to(&email).await.text);
        let shown = authenticator.code(app).await;
        let rows = [
            ("VerificationTokensTable", challenges_of(app, &email).await),
            ("SessionsTable", sessions_of(app, &email).await),
        ];
        for (table, rows) in &rows {
            for row in rows {
                set_expiry(app, table, row.clone(), now() - 1).await;
            }
        }
        let before = authenticator.row(app).await;
        for (path, code) in [("totp", &shown), ("backup-code", &authenticator.backup_codes[0]), ("otp", &mailed)] {
            let answer = browser.clone().post(&format!("/two-factor/verify-{path}"), &json!({"code": code})).await;
            assert_error(&answer, 401, "INVALID_TWO_FACTOR_COOKIE");
        }
        assert_eq!(authenticator.row(app).await, before, "neither codes nor attempts are spent");
        for (table, rows) in &rows {
            for row in rows {
                app.put_row(table, row).await;
            }
        }
        assert_eq!(verify_totp(&mut browser, &shown).await.status, 200);
    }
}

#[tokio::test]
async fn one_challenge_makes_one_session() {
    let app = racing().await;
    let (email, authenticator, _) = enrolled(&app, "once").await;
    let browser = challenged(&app, &email).await;
    let before = sessions_of(&app, &email).await.len();
    // Different codes, so that it is the challenge that is fought over.
    let code = authenticator.code(&app).await;
    let calls =
        [totp_call(&code), backup_call(&authenticator.backup_codes[0]), backup_call(&authenticator.backup_codes[1])];
    let answers = join_all((0..51).map(|at| browser.send_only(calls[at % 3].clone()))).await;
    assert_eq!(count(&answers, 200), 1, "{:?}", answers.iter().map(Answer::code).collect::<Vec<_>>());
    assert_eq!(sessions_of(&app, &email).await.len(), before + 1);
    app.stop().await;
}

#[tokio::test]
async fn a_hook_may_refuse() {
    let app = App::with_env(&[("AUTH_ALLOWED_EMAIL_DOMAINS", "example.com")]).await;
    let (email, authenticator, _) = enrolled(&app, "hook").await;
    let mut browser = challenged(&app, &email).await;
    let user = user_row(&app, &email).await.unwrap();
    let mut moved = user.clone();
    moved["email"] = json!({"S": "somebody@elsewhere.example"});
    app.put_row("UsersTable", &moved).await;
    let code = authenticator.code(&app).await;
    let before = authenticator.row(&app).await;
    assert_error(&verify_totp(&mut browser, &code).await, 403, "SIGN_IN_REFUSED");
    assert_eq!(authenticator.row(&app).await, before, "neither code nor attempt is spent");
    app.put_row("UsersTable", &user).await;
    assert_eq!(verify_totp(&mut browser, &code).await.status, 200);
    app.stop().await;
}

#[tokio::test]
async fn a_fault_costs_no_attempt_and_lets_nobody_in() {
    let app = App::with_env(&[]).await;
    let (email, authenticator, _) = enrolled(&app, "fault").await;
    let mut browser = challenged(&app, &email).await;
    let code = authenticator.code(&app).await;
    let before = (challenges_of(&app, &email).await, authenticator.row(&app).await);
    for (operation, table) in [
        ("UpdateItem", "VerificationTokensTable"),
        ("UpdateItem", "AccountsTable"),
        ("GetItem", "UsersTable"),
        ("TransactWriteItems", "AccountsTable"),
    ] {
        for _ in 0..7 {
            let rule = FaultRule::new(Service::DynamoDb, Fault::AccessDenied).operation(operation).table(table);
            app.aws().inject(rule.function("two-factor").when(When::Times(1)));
            assert_error(&verify_totp(&mut browser, &code).await, 503, "SERVICE_UNAVAILABLE");
            app.aws().clear_faults();
        }
        assert_eq!((challenges_of(&app, &email).await, authenticator.row(&app).await), before, "{operation} {table}");
    }
    assert_eq!(verify_totp(&mut browser, &code).await.status, 200);
    app.stop().await;
}

#[tokio::test]
async fn no_body_is_too_strange() {
    let app = App::shared();
    let (email, authenticator, mut signed_in) = enrolled(app, "strange").await;
    let code = authenticator.code(app).await;
    for path in ["verify-totp", "verify-backup-code", "verify-otp"] {
        let path = format!("/two-factor/{path}");
        for body in [
            json!({"code": 123_456}),
            json!({}),
            json!(null),
            json!({"code": ["1"]}),
            json!({"code": "1", "trustDevice": "yes"}),
        ] {
            let answer = signed_in.post(&path, &body).await;
            assert_error(&answer, 400, "VALIDATION_ERROR");
        }
        let full_width: String =
            code.chars().map(|digit| char::from_u32(digit as u32 - 0x30 + 0xff10).unwrap()).collect();
        let strange =
            [format!("{code} "), full_width, format!("{code}0"), String::new(), "\u{0}".repeat(6), "9".repeat(60_000)];
        for (at, code) in strange.into_iter().enumerate() {
            if at % 3 == 0 {
                signed_in = challenged(app, &email).await;
                let mut row = authenticator.row(app).await.unwrap();
                row.as_object_mut().unwrap().remove("failures");
                app.put_row("AccountsTable", &row).await;
            }
            let answer = signed_in.post(&path, &json!({"code": code})).await;
            let expected = if path.ends_with("otp") && !path.ends_with("totp") { 400 } else { 401 };
            assert_eq!(answer.status, expected, "{path} {code:.20}: {}", answer.text());
        }
    }
}
