//! Resetting a password.

use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use local::{Fault, FaultRule, Service};
use serde_json::{Value, json};
use tests::{Answer, App, Call, PASSWORD, fake_provider::GoogleUser, reset_token_in, unique_email};

use crate::{
    invariants,
    mails::{self, link_to},
    oauth,
    support::*,
};

const MESSAGE: &str = "If this email exists in our system, check your email for the reset link";

async fn request(app: &App, body: &Value) -> Answer {
    app.browser().post("/request-password-reset", body).await
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_the_mailed_link() {
    let app = App::shared();
    let email = unique_email("story");
    let mut old_session = app.sign_up(&email).await;
    let answer =
        request(app, &json!({"email": format!(" {} ", email.to_uppercase()), "redirectTo": "/reset?from=mail"})).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"status": true, "message": MESSAGE})));
    let mail = app.mail_to(&email).await;
    assert_eq!(mail.to, std::slice::from_ref(&email));
    assert_eq!((mail.subject.as_str(), mail.links.len()), ("Reset your password", 1));
    assert!(mail.from.contains("no-reply@example.com"), "{}", mail.from);
    assert!(mail.text.contains(&mail.links[0]) && mail.html.contains("href="));
    let link = link_to(app, &email).await;
    assert!(link.ends_with("?callbackURL=%2Freset%3Ffrom%3Dmail"), "{link}");

    let answer = app.browser().get(&link).await;
    let token = reset_token_in(&link);
    assert_redirect(&answer, &format!("{}/reset?from=mail&token={token}", app.url()));
    assert_eq!((answer.header("referrer-policy"), answer.header("cache-control")), ("no-referrer", "no-store"));
    assert!(answer.set_cookies().is_empty());
    assert!(old_session.current_user().await.is_some(), "the link alone changes nothing");

    let answer = reset(app, &token, "a brand new password").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"status":true}"#));
    assert!(answer.set_cookies().is_empty(), "a reset signs nobody in");
    assert!(old_session.current_user().await.is_none(), "old sessions are over");
    assert!(password_works(app, &email, "a brand new password").await);
    assert!(!password_works(app, &email, PASSWORD).await);
    assert_error(&reset(app, &token, "yet another password").await, 400, "INVALID_TOKEN");
    let answer = app.browser().get(&link).await;
    assert_redirect(&answer, &format!("{}/reset?from=mail&error=INVALID_TOKEN", app.url()));
}

#[tokio::test]
async fn the_plain_routes_do_the_same() {
    let app = App::shared();
    let email = unique_email("plain");
    app.sign_up(&email).await;
    let answer = app.browser().post("/password-reset/request", &json!({"email": email})).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"status": true, "message": MESSAGE})));
    let link = link_to(app, &email).await;
    assert!(link.ends_with("?callbackURL=%2Freset-password"), "the configured page: {link}");
    let body = json!({"token": reset_token_in(&link), "newPassword": "a brand new password"});
    let answer = app.browser().post("/password-reset/confirm", &body).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"status":true}"#));
    assert!(password_works(app, &email, "a brand new password").await);
    assert_error(&app.browser().post("/password-reset/confirm", &body).await, 400, "INVALID_TOKEN");
}

#[tokio::test]
async fn a_user_without_a_password_gets_one() {
    let app = App::shared();
    let email = unique_email("first-password");
    oauth::sign_in_with_google(app, &GoogleUser::new(&email, &email)).await;
    reset_to(app, &email, "a first password").await;
    assert!(password_works(app, &email, "a first password").await);
}

#[tokio::test]
async fn a_request_tells_nobody_whether_the_address_is_known() {
    let app = App::shared();
    let known = unique_email("known");
    app.sign_up(&known).await;
    let mut times = [Duration::MAX; 2];
    let mut shapes = Vec::new();
    for _ in 0..4 {
        for (i, email) in [known.clone(), unique_email("unknown")].into_iter().enumerate() {
            let started = Instant::now();
            let answer = request(app, &json!({"email": email, "redirectTo": "/reset"})).await;
            times[i] = times[i].min(started.elapsed());
            let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
            names.sort();
            shapes.push((answer.status, answer.text(), names));
            assert_eq!(mails::count_all(app, &email) > 0, i == 0, "{email}");
        }
    }
    shapes.dedup();
    assert_eq!(shapes.len(), 1, "{shapes:?}");
    assert_eq!(shapes[0].0, 200);
    let [known, unknown] = times;
    // The tests' own deadline is 300 ms.
    assert!(known.min(unknown) >= Duration::from_millis(290), "{times:?}");
    assert!(known.abs_diff(unknown) < Duration::from_millis(60), "{times:?}");
}

#[tokio::test]
async fn a_mail_that_cannot_be_sent_does_not_show() {
    let app = App::with_env(&[]).await;
    let email = unique_email("unsent");
    app.sign_up(&email).await;
    let usual = request(&app, &json!({"email": unique_email("unknown")})).await;
    for fault in
        [Fault::InternalError, Fault::Throttle, Fault::AccessDenied, Fault::DropBefore, Fault::Hang, Fault::Malformed]
    {
        app.aws().inject(FaultRule::new(Service::Ses, fault.clone()));
        let started = Instant::now();
        let answer = request(&app, &json!({"email": email})).await;
        assert_eq!((answer.status, answer.text()), (200, usual.text()), "{fault:?}");
        assert!(started.elapsed() < Duration::from_secs(3), "{fault:?} {:?}", started.elapsed());
        app.aws().clear_faults();
    }
    // The next one comes through.
    reset_to(&app, &email, "a brand new password").await;
    let events: Vec<Value> = app.logs().iter().filter_map(|line| serde_json::from_str(&line.text).ok()).collect();
    assert!(events.iter().any(|line: &Value| line["event"] == "password_reset.mail_failed"));
}

#[tokio::test]
async fn a_request_needs_one_address_and_sends_one_mail() {
    let app = App::shared();
    let (ann, bob) = (unique_email("one"), unique_email("two"));
    app.sign_up(&ann).await;
    app.sign_up(&bob).await;
    for email in [
        json!(format!("{ann},{bob}")),
        json!([ann, bob]),
        json!(format!("{ann}\nBcc: {bob}")),
        json!(format!("<{ann}>")),
        json!({"a": ann}),
        json!(null),
        json!(""),
        json!(1),
    ] {
        let answer = request(app, &json!({"email": email})).await;
        assert_error(&answer, 400, "VALIDATION_ERROR");
    }
    assert_error(&request(app, &json!({})).await, 400, "VALIDATION_ERROR");
    assert_error(&request(app, &json!({"email": ann, "redirectTo": "/x".repeat(2000)})).await, 400, "VALIDATION_ERROR");
    assert_eq!(mails::count_all(app, &ann) + mails::count_all(app, &bob), 0);
}

#[tokio::test]
async fn the_page_must_be_trusted() {
    let app = App::shared();
    let email = unique_email("page");
    app.sign_up(&email).await;
    for page in ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"] {
        let answer = request(app, &json!({"email": email, "redirectTo": page})).await;
        assert_error(&answer, 403, "INVALID_REDIRECT_URL");
        assert_eq!(answer.json()["message"], "Invalid redirectURL");
    }
    let answer = request(app, &json!({"email": email, "redirectTo": 1})).await;
    assert_eq!(answer.json(), json!({"message": "Invalid redirectURL: expected a string"}));
    assert_eq!(mails::count_all(app, &email), 0);
    let page = format!("{}/reset", app.url());
    assert_eq!(request(app, &json!({"email": email, "redirectTo": page})).await.status, 200);
    let link = link_to(app, &email).await;
    assert_redirect(&app.browser().get(&link).await, &format!("{page}?token={}", reset_token_in(&link)));
}

#[tokio::test]
async fn the_link_leads_nowhere_but_to_trusted_pages() {
    let app = App::shared();
    let email = unique_email("link");
    app.sign_up(&email).await;
    let token = app.reset_token(&email).await;
    let follow = async |query: &str| app.browser().get(&format!("/reset-password/{token}{query}")).await;
    for evil in ["https://evil.example", "//evil.example", "/\\evil", "javascript:alert(1)", "x"] {
        let answer = follow(&format!("?callbackURL={}", encoded(evil))).await;
        assert_error(&answer, 403, "INVALID_CALLBACK_URL");
        assert!(answer.header("location").is_empty() && !answer.text().contains(&token), "{evil}");
    }
    let twice = follow("?callbackURL=%2Fa&callbackURL=%2Fb").await;
    assert_eq!(twice.json()["message"], "[query.callbackURL] Invalid input: expected string, received array");
    let missing = follow("").await;
    assert_eq!(missing.json()["message"], "[query.callbackURL] Invalid input: expected string, received undefined");
    assert_redirect(&follow("?callbackURL=").await, &format!("{}/api/auth/error?error=INVALID_TOKEN", app.url()));
    assert_redirect(
        &follow("?callbackURL=%2Fa%3Fb%3D1%26token%3Dx%23c").await,
        &format!("{}/a?b=1&token={token}#c", app.url()),
    );
    assert_eq!(
        app.browser().send(Call::new("HEAD", format!("/reset-password/{token}?callbackURL=%2Fa"))).await.status,
        404
    );
    assert_eq!(
        app.browser().send(Call::new("OPTIONS", format!("/reset-password/{token}?callbackURL=%2Fa"))).await.status,
        404
    );
    // All of that left it as it was.
    assert_eq!(reset(app, &token, "a brand new password").await.status, 200);
}

#[tokio::test]
async fn a_link_with_a_bad_token_says_so_to_the_page() {
    let app = App::shared();
    let token = {
        let email = unique_email("bad-link");
        app.sign_up(&email).await;
        app.reset_token(&email).await
    };
    let flipped: String =
        token.chars().map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect();
    let long = "A".repeat(3000);
    for bad in ["x", &"A".repeat(43), &token[1..], &flipped, &format!("{token}%0A"), "%00", &format!("{token}A"), &long]
    {
        let answer = app.browser().get(&format!("/reset-password/{bad}?callbackURL=%2Freset")).await;
        assert_redirect(&answer, &format!("{}/reset?error=INVALID_TOKEN", app.url()));
    }
}

#[tokio::test]
async fn a_token_that_is_none_is_refused() {
    let app = App::shared();
    let email = unique_email("bad-token");
    app.sign_up(&email).await;
    let token = app.reset_token(&email).await;
    for bad in [
        "",
        "x",
        &token[1..],
        &format!("{token}\n"),
        &format!("{token}\u{0}"),
        &token.to_lowercase(),
        "٣",
        &"A".repeat(43),
        &"A".repeat(4096),
        "#",
        "/",
    ] {
        let answer = reset(app, bad, "a brand new password").await;
        assert_error(&answer, 400, "INVALID_TOKEN");
        assert_eq!(answer.json()["message"], "Invalid token");
    }
    let without = json!({"newPassword": "a brand new password"});
    assert_error(&app.browser().post("/reset-password", &without).await, 400, "INVALID_TOKEN");
    for body in [
        json!({"newPassword": "a brand new password", "token": [token]}),
        json!({"token": token}),
        json!({"token": token, "newPassword": 1}),
        json!([token]),
    ] {
        assert_error(&app.browser().post("/reset-password", &body).await, 400, "VALIDATION_ERROR");
    }
    let twice = format!("/reset-password?token={token}&token={token}");
    assert_error(
        &app.browser().post(&twice, &json!({"newPassword": "a brand new password"})).await,
        400,
        "VALIDATION_ERROR",
    );
    let in_query = format!("/reset-password?token={token}");
    assert_eq!(app.browser().post(&in_query, &json!({"newPassword": "a brand new password"})).await.status, 200);
}

#[tokio::test]
async fn a_refused_password_leaves_the_token_good() {
    let app = App::shared();
    let email = unique_email("unburnt");
    app.sign_up(&email).await;
    let token = app.reset_token(&email).await;
    for (password, code) in [
        ("", "PASSWORD_TOO_SHORT"),
        ("seven77", "PASSWORD_TOO_SHORT"),
        (&"a".repeat(129), "PASSWORD_TOO_LONG"),
        (&"a".repeat(60_000), "PASSWORD_TOO_LONG"),
    ] {
        assert_error(&reset(app, &token, password).await, 400, code);
    }
    let huge =
        Call::new("POST", "/reset-password").json(&json!({"token": token, "newPassword": "a".repeat(1_000_000)}));
    assert_error(&app.browser().send(huge).await, 413, "PAYLOAD_TOO_LARGE");
    assert!(password_works(app, &email, PASSWORD).await);
    assert_eq!(reset(app, &token, &"🔑".repeat(8)).await.status, 200);
    assert!(password_works(app, &email, &"🔑".repeat(8)).await);
}

#[tokio::test]
async fn an_expired_token_is_refused_though_its_row_is_there() {
    let app = App::with_env(&[]).await;
    let email = unique_email("expired");
    app.sign_up(&email).await;
    for age in [0, SECOND, 2 * DAY] {
        let token = app.reset_token(&email).await;
        let row =
            app.rows("VerificationTokensTable").await.into_iter().max_by_key(|row| number(row, "expiresAt")).unwrap();
        let left = number(&row, "expiresAt") - now();
        assert!((3500 * SECOND..=3600 * SECOND).contains(&left), "{left}");
        set_expiry(&app, "VerificationTokensTable", row, now() - age).await;
        assert_error(&reset(&app, &token, "a brand new password").await, 400, "INVALID_TOKEN");
        let answer = app.browser().get(&format!("/reset-password/{token}?callbackURL=%2Fr")).await;
        assert_redirect(&answer, &format!("{}/r?error=INVALID_TOKEN", app.url()));
    }
    assert!(password_works(&app, &email, PASSWORD).await);
}

/// Every token opens the door of its own purpose only.
#[tokio::test]
async fn a_state_is_no_reset_token_and_a_reset_token_is_no_state() {
    let app = App::shared();
    let email = unique_email("purpose");
    let mut session = app.sign_up(&email).await;
    let token = app.reset_token(&email).await;
    let mut browser = app.browser();
    let url = browser.post("/sign-in/social", &json!({"provider": "google"})).await.header("location").to_owned();
    let state = query_of(&url)["state"].clone();
    let jwt = session.get("/token").await.json()["token"].as_str().unwrap().to_owned();
    let handle = only_session(app, &email).await["tokenHash"]["S"].as_str().unwrap().to_owned();
    for foreign in [&state, &jwt, &handle, &raw_token(&session), &decoded(session.session_cookie().unwrap())] {
        assert_error(&reset(app, foreign, "a brand new password").await, 400, "INVALID_TOKEN");
        let answer = app.browser().get(&format!("/reset-password/{}?callbackURL=%2Fr", encoded(foreign))).await;
        assert_redirect(&answer, &format!("{}/r?error=INVALID_TOKEN", app.url()));
    }
    for foreign in [&token, &handle, &raw_token(&session)] {
        let answer = browser.clone().get(&format!("/callback/google?state={foreign}&code=x")).await;
        assert_eq!(query_of(answer.header("location"))["error"], "state_mismatch");
        let call = Call::new("GET", "/get-session").header("authorization", format!("Bearer {token}"));
        assert_eq!(app.browser().send(call).await.text(), "null");
    }
    // The wrong doors have used neither of them up.
    let callback =
        app.provider.consent_as_google(&url, GoogleUser::new(&unique_email("s"), &unique_email("purpose"))).unwrap();
    let answer = browser.get(&callback).await;
    assert_redirect(&answer, &app.url());
    assert_eq!(reset(app, &token, "a brand new password").await.status, 200);
}

#[tokio::test]
async fn one_reset_ends_all_other_tokens() {
    let app = App::shared();
    let email = unique_email("outstanding");
    app.sign_up(&email).await;
    let (first, second, third) =
        (app.reset_token(&email).await, app.reset_token(&email).await, app.reset_token(&email).await);
    assert_eq!(reset(app, &second, "a brand new password").await.status, 200);
    for token in [first, third, second] {
        assert_error(&reset(app, &token, "yet another password").await, 400, "INVALID_TOKEN");
        let answer = app.browser().get(&format!("/reset-password/{token}?callbackURL=%2Fr")).await;
        // The link reads the token alone; whether it is outdated shows when it is used.
        assert_eq!(answer.status, 302);
    }
    assert!(password_works(app, &email, "a brand new password").await);
    reset_to(app, &email, "the next password").await;
    assert!(password_works(app, &email, "the next password").await);
}

/// Fifty people, or one attacker, with one token and fifty passwords.
#[tokio::test]
async fn a_token_sets_one_password() {
    let app = racing().await;
    let email = "ann@example.com";
    let mut sessions = vec![app.sign_up(email).await];
    for _ in 0..3 {
        sessions.push(sign_in(&app, email, PASSWORD).await.0);
    }
    let token = app.reset_token(email).await;
    let spare = app.reset_token(email).await;
    let browser = app.browser();
    let attempts = (0..50).map(|i| {
        let body = json!({"token": token, "newPassword": other_password(i)});
        browser.send_only(Call::new("POST", "/reset-password").json(&body))
    });
    let answers = join_all(attempts).await;
    let winners: Vec<usize> = (0..50).filter(|i| answers[*i].status == 200).collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_error(answer, 400, "INVALID_TOKEN");
    }
    assert!(password_works(&app, email, &other_password(winners[0])).await);
    for loser in [(winners[0] + 1) % 50, (winners[0] + 25) % 50] {
        assert!(!password_works(&app, email, &other_password(loser)).await);
    }
    assert!(!password_works(&app, email, PASSWORD).await);
    for session in &mut sessions {
        assert!(session.current_user().await.is_none());
    }
    assert_error(&reset(&app, &spare, "by the spare token").await, 400, "INVALID_TOKEN");
    let mut secrets: Vec<String> = (0..50).map(other_password).collect();
    secrets.extend([token, spare]);
    invariants::check(&app, &secrets).await;
}

/// Two tokens at once: one of them wins.
#[tokio::test]
async fn two_tokens_at_once_set_one_password() {
    let app = racing().await;
    let email = "ann@example.com";
    app.sign_up(email).await;
    for round in 0..5 {
        let (first, second) = (app.reset_token(email).await, app.reset_token(email).await);
        let (a, b) = (other_password(2 * round), other_password(2 * round + 1));
        let answers = join(reset(&app, &first, &a), reset(&app, &second, &b)).await;
        let won = (answers.0.status == 200, answers.1.status == 200);
        assert!(won.0 != won.1, "{won:?}");
        assert_eq!((password_works(&app, email, &a).await, password_works(&app, email, &b).await), won);
    }
    invariants::check(&app, &[]).await;
}

#[tokio::test]
async fn no_session_of_the_old_password_outlives_a_reset() {
    let app = racing().await;
    let email = "ann@example.com";
    app.sign_up(email).await;
    let mut password = PASSWORD.to_owned();
    for round in 0..30 {
        let token = app.reset_token(email).await;
        let next = other_password(round);
        let delay = Duration::from_millis(2 * (round as u64 % 20));
        let ((mut browser, answer), reset) = join(sign_in(&app, email, &password), async {
            tokio::time::sleep(delay).await;
            reset(&app, &token, &next).await
        })
        .await;
        assert_eq!(reset.status, 200, "{}", reset.text());
        assert!([200, 401].contains(&answer.status), "{}", answer.text());
        assert!(browser.current_user().await.is_none(), "round {round}");
        password = next;
    }
    assert!(password_works(&app, email, &password).await);
    invariants::check(&app, &[]).await;
}

/// The same, with each step of the sign-in held up until the reset is done.
#[tokio::test]
async fn a_sign_in_that_stalls_does_not_outlive_a_reset_either() {
    let app = racing().await;
    let email = "ann@example.com";
    app.sign_up(email).await;
    let mut password = PASSWORD.to_owned();
    for (round, (operation, table)) in
        [("GetItem", "AccountsTable"), ("GetItem", "UsersTable"), ("PutItem", "SessionsTable")].into_iter().enumerate()
    {
        let token = app.reset_token(email).await;
        let rule = FaultRule::new(Service::DynamoDb, Fault::Delay(Duration::from_millis(800)));
        let rule = app.aws().inject(rule.operation(operation).table(table).function("signin"));
        let next = other_password(round);
        let ((mut browser, answer), reset) = join(sign_in(&app, email, &password), async {
            while app.aws().fault_hits(rule) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            reset(&app, &token, &next).await
        })
        .await;
        app.aws().clear_faults();
        assert_eq!(reset.status, 200, "{}", reset.text());
        assert!([200, 401].contains(&answer.status), "{operation} {table}: {}", answer.text());
        assert!(browser.current_user().await.is_none(), "{operation} {table}");
        assert!(password_works(&app, email, &next).await);
        password = next;
    }
    invariants::check(&app, &[]).await;
}

#[tokio::test]
async fn no_header_changes_the_link() {
    let app = App::shared();
    let email = unique_email("poisoned");
    app.sign_up(&email).await;
    let body = json!({"email": email, "redirectTo": "/reset"});
    for (name, value) in [
        ("host", "evil.example"),
        ("host", "user@evil.example:80"),
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "host=evil.example;proto=https"),
        ("x-original-url", "https://evil.example/"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-port", "1"),
    ] {
        let before = mails::count_all(app, &email);
        let mut browser = app.browser();
        browser.origin = None;
        let answer = browser.send(Call::new("POST", "/request-password-reset").header(name, value).json(&body)).await;
        assert!(answer.status == 200, "{name}: {}", answer.text());
        assert_eq!(mails::count_all(app, &email), before + 1, "{name}");
        let mail = app.mail_to(&email).await;
        assert!(
            mail.links[0].starts_with(&format!("{}/api/auth/reset-password/", app.url())),
            "{name}: {}",
            mail.links[0]
        );
        assert!(!mail.text.contains("evil") && !mail.html.contains("evil"));
    }
}

#[tokio::test]
async fn a_name_full_of_markup_stays_out_of_the_mail_or_is_escaped() {
    let app = App::shared();
    let email = unique_email("markup");
    let body = json!({"name": "<a href=//evil.example>click</a>", "email": email, "password": PASSWORD});
    assert_eq!(app.browser().post("/sign-up/email", &body).await.status, 200);
    request(app, &json!({"email": email, "redirectTo": "/r?a=1&b=\"<x>"})).await;
    let mail = app.mail_to(&email).await;
    assert!(!mail.html.contains("//evil.example") && !mail.html.contains("<x>"), "{}", mail.html);
    assert_eq!(mail.links.len(), 1, "{:?}", mail.links);
}

#[tokio::test]
async fn an_outage_of_the_tables_leaves_the_token_good() {
    let app = App::with_env(&[]).await;
    let email = unique_email("outage");
    app.sign_up(&email).await;
    let token = app.reset_token(&email).await;
    for operation in ["GetItem", "TransactWriteItems"] {
        app.aws().inject(
            FaultRule::new(Service::DynamoDb, Fault::AccessDenied).operation(operation).function("reset-confirm"),
        );
        let answer = reset(&app, &token, "a brand new password").await;
        assert_error(&answer, 503, "SERVICE_UNAVAILABLE");
        assert_eq!(answer.header("retry-after"), "1");
        app.aws().clear_faults();
    }
    assert!(password_works(&app, &email, PASSWORD).await);
    assert_eq!(reset(&app, &token, "a brand new password").await.status, 200);
}
