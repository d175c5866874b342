//! What a link is, and when it is worthless.

use std::time::{Duration, Instant};

use local::{Fault, FaultRule, Service};
use tests::Call;

use super::*;
use crate::steps::{change_address, verify_email};

#[tokio::test]
async fn a_link_signs_a_newcomer_up_and_then_in() {
    let app = App::shared();
    let email = unique_email("newcomer");
    let body = json!({
        "email": format!(" {} ", email.to_uppercase()), "name": "Ann <b>", "callbackURL": "/done?a=1#b",
        "newUserCallbackURL": WELCOME, "errorCallbackURL": FAILED, "metadata": {"any": ["thing"]},
    });
    let answer = app.browser().post("/sign-in/magic-link", &body).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"status":true}"#));
    assert!(answer.set_cookies().is_empty());
    assert!(user_row(app, &email).await.is_none(), "nobody exists before the link is followed");
    let mail = app.mail_to(&email).await;
    assert_eq!((mail.subject.as_str(), mail.links.len()), ("Your link to sign in", 1));
    assert!(mail.text.contains(&mail.links[0]) && mail.text.contains("5 minutes"), "{}", mail.text);
    let link = mail.links[0].split("/api/auth").nth(1).unwrap();
    let query = query_of(link);
    let targets = ["callbackURL", "newUserCallbackURL", "errorCallbackURL"].map(|name| query[name].as_str());
    assert_eq!(targets, ["/done?a=1#b", WELCOME, FAILED]);
    assert_eq!(query["token"].len(), 43, "256 bits");

    let mut browser = app.browser();
    let answer = browser.get(link).await;
    assert_redirect(&answer, &format!("{}{WELCOME}", app.url()));
    assert_eq!((answer.header("referrer-policy"), answer.header("cache-control")), ("no-referrer", "no-store"));
    assert_eq!(cookie_names(&answer), ["better-auth.session_token"]);
    let user = browser.current_user().await.unwrap();
    assert_eq!((&user["email"], &user["name"]), (&json!(email), &json!("Ann <b>")));
    assert_eq!((&user["emailVerified"], &user["image"]), (&json!(true), &json!(null)));
    let account = app.row("AccountsTable", "identity", &format!("email:{email}")).await.unwrap();
    assert!(account.get("passwordHash").is_none());
    assert_eq!(account["userId"]["S"], user["id"]);

    // The link is spent, and says so to the page that wants to know.
    let answer = app.browser().get(link).await;
    assert_redirect(&answer, &format!("{}/failed?from=test&error=INVALID_TOKEN", app.url()));
    assert!(browser.current_user().await.is_some(), "and the session goes on");

    // The next one leads the known user to the other page.
    let mut second = app.browser();
    let answer = second
        .get(
            &link_with(app, &json!({"callbackURL": "/done?a=1#b", "newUserCallbackURL": WELCOME, "email": email}))
                .await,
        )
        .await;
    assert_redirect(&answer, &format!("{}/done?a=1#b", app.url()));
    assert_eq!(second.current_user().await.unwrap()["id"], user["id"]);
    assert_eq!(sessions_of(app, &email).await.len(), 2);
}

#[tokio::test]
async fn a_link_without_a_target_is_answered_with_the_session() {
    let app = App::shared();
    let email = unique_email("json");
    let link = link_with(app, &json!({"email": email, "callbackURL": ""})).await;
    assert_eq!(query_of(&link)["callbackURL"], "/");
    let token = query_of(&link)["token"].clone();
    let (mut browser, answer) = verify(app, &token).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    let current = browser.get("/get-session").await.json();
    assert_eq!((&body["user"], &body["session"]), (&current["user"], &current["session"]));
    assert_eq!(body["user"]["name"], "");
    assert!(!raw_token(&browser).contains(body["session"]["token"].as_str().unwrap()));
    let jwt = body["token"].as_str().unwrap();
    let bearer = Call::new("GET", "/get-session").header("authorization", format!("Bearer {jwt}"));
    assert_eq!(app.browser().send(bearer).await.json()["user"]["email"], email);
    assert_eq!(answer.header("set-auth-token"), decoded(browser.session_cookie().unwrap()));
    assert_worthless(app, &verify(app, &token).await.1);
}

#[tokio::test]
async fn the_row_names_the_address_and_hides_the_token() {
    let app = App::with_env(&[("AUTH_MAGIC_LINK_SECONDS", "900")]).await;
    let email = unique_email("row");
    let token = token_for(&app, &email).await;
    let mail = app.mail_to(&email).await;
    assert!(mail.text.contains("15 minutes"), "{}", mail.text);
    let row = app.rows("VerificationTokensTable").await.pop().unwrap();
    assert!(!row.to_string().contains(&token), "{row}");
    assert_eq!((&row["purpose"]["S"], &row["email"]["S"]), (&json!("magic-link"), &json!(email)));
    let left = number(&row, "expiresAt") - now();
    assert!((890 * SECOND..=900 * SECOND).contains(&left), "{left}");
    assert!(number(&row, "ttl") * SECOND >= number(&row, "expiresAt"));
}

#[tokio::test]
async fn an_expired_link_is_refused_though_its_row_is_there() {
    let app = App::with_env(&[]).await;
    let (known, new) = (unique_email("expired"), unique_email("expired-new"));
    app.sign_up(&known).await;
    for email in [&known, &new] {
        for age in [0, SECOND, 2 * DAY] {
            let token = token_for(&app, email).await;
            let rows = app.rows("VerificationTokensTable").await;
            let row = rows.into_iter().max_by_key(|row| number(row, "expiresAt")).unwrap();
            let left = number(&row, "expiresAt") - now();
            assert!((290 * SECOND..=300 * SECOND).contains(&left), "{left}");
            set_expiry(&app, "VerificationTokensTable", row, now() - age).await;
            assert_worthless(&app, &verify(&app, &token).await.1);
        }
    }
    assert!(user_row(&app, &new).await.is_none());
    assert_eq!(sessions_of(&app, &known).await.len(), 1, "the one of the sign-up");
}

#[tokio::test]
async fn what_is_no_token_is_worthless() {
    let app = App::shared();
    let email = unique_email("bad-token");
    let token = token_for(app, &email).await;
    let flipped: String =
        token.chars().map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect();
    let long = "A".repeat(3000);
    for bad in ["", "x", &"A".repeat(43), &token[1..], &flipped, &format!("{token}%0A"), "%00", "%D9%A3", &long] {
        assert_worthless(app, &verify(app, bad).await.1);
    }
    for (query, problem) in [
        (String::new(), "[query.token] Invalid input: expected string, received undefined"),
        (format!("?token={token}&token={token}"), "[query.token] Invalid input: expected string, received array"),
        (
            format!("?token={token}&callbackURL=/a&callbackURL=/b"),
            "[query.callbackURL] Invalid input: expected string, received array",
        ),
    ] {
        let answer = app.browser().get(&format!("/magic-link/verify{query}")).await;
        assert_error(&answer, 400, "VALIDATION_ERROR");
        assert_eq!(answer.json()["message"], problem);
    }
    assert_eq!(verify(app, &token).await.1.status, 200, "none of that used it up");
}

/// Scanners ask before people do.
#[tokio::test]
async fn head_and_options_and_post_leave_a_link_good() {
    let app = App::shared();
    let email = unique_email("scanner");
    let link = link_with(app, &json!({"email": email, "callbackURL": DONE})).await;
    for method in ["HEAD", "OPTIONS", "POST", "PUT"] {
        let answer = app.browser().send(Call::new(method, link.as_str())).await;
        assert_eq!(answer.status, 404, "{method}");
        assert!(answer.set_cookies().is_empty());
    }
    assert!(user_row(app, &email).await.is_none());
    assert_redirect(&app.browser().get(&link).await, &format!("{}{DONE}", app.url()));
}

/// The link opens wherever the mailbox is read, and signs in nobody else: the
/// browser that asked stays as it is.
#[tokio::test]
async fn a_link_signs_in_the_browser_that_follows_it_alone() {
    let app = App::shared();
    let email = unique_email("device");
    let mut asking = app.browser();
    assert_eq!(asking.post("/sign-in/magic-link", &json!({"email": email})).await.status, 200);
    let link = app.mail_to(&email).await.links[0].clone();
    let mut reading = app.sign_up(&unique_email("somebody-else")).await;
    assert_eq!(reading.get(&link).await.status, 302);
    assert_eq!(reading.current_user().await.unwrap()["email"], email);
    assert!(asking.current_user().await.is_none());
}

#[tokio::test]
async fn a_password_reset_makes_links_worthless() {
    let app = App::shared();
    let email = unique_email("reset");
    app.sign_up(&email).await;
    verify_email(app, &email).await;
    let token = token_for(app, &email).await;
    reset_to(app, &email, "a brand new password").await;
    assert_worthless(app, &verify(app, &token).await.1);
    sign_in_by_link(app, &email).await;
}

/// A link of before the user existed is the user's only as long as nothing
/// happened to the password.
#[tokio::test]
async fn a_link_of_before_the_sign_up_dies_with_the_first_reset() {
    let app = App::shared();
    let email = unique_email("before");
    let (first, second) = (token_for(app, &email).await, token_for(app, &email).await);
    app.sign_up(&email).await;
    verify_email(app, &email).await;
    let (mut browser, answer) = verify(app, &first).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(browser.current_user().await.is_some());
    reset_to(app, &email, "a brand new password").await;
    assert_worthless(app, &verify(app, &second).await.1);
}

#[tokio::test]
async fn a_change_of_address_makes_links_worthless() {
    let app = App::with_env(&[]).await;
    let (old, new) = (unique_email("old"), unique_email("new"));
    app.sign_up(&old).await;
    verify_email(&app, &old).await;
    let token = token_for(&app, &old).await;
    change_address(&app, &old, &new).await;
    assert_worthless(&app, &verify(&app, &token).await.1);
    // The old address is nobody's: its link makes a user of its own.
    let mut browser = sign_in_by_link(&app, &old).await;
    let stranger = browser.current_user().await.unwrap()["id"].clone();
    let mut browser = sign_in_by_link(&app, &new).await;
    assert_ne!(browser.current_user().await.unwrap()["id"], stranger);
}

#[tokio::test]
async fn a_request_tells_nobody_whether_the_address_is_known() {
    let app = App::with_env(&[]).await;
    let known = unique_email("known");
    app.sign_up(&known).await;
    let mut shapes = Vec::new();
    for fault in [None, Some(Fault::InternalError), Some(Fault::Hang)] {
        if let Some(fault) = fault {
            app.aws().inject(FaultRule::new(Service::Ses, fault));
        }
        for email in [known.clone(), unique_email("unknown")] {
            let started = Instant::now();
            let answer = app.browser().post("/sign-in/magic-link", &json!({"email": email})).await;
            let took = started.elapsed();
            // The tests' own deadline is 300 ms: no answer comes before it.
            assert!(took >= Duration::from_millis(290), "{took:?}");
            let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
            names.sort();
            shapes.push((answer.status, answer.text(), names));
        }
        app.aws().clear_faults();
    }
    shapes.dedup();
    assert_eq!(shapes.len(), 1, "{shapes:?}");
    let events: Vec<Value> = app.logs().iter().filter_map(|line| serde_json::from_str(&line.text).ok()).collect();
    assert!(events.iter().any(|line: &Value| line["event"] == "magic_link.mail_failed"));
    // The next one comes through.
    sign_in_by_link(&app, &known).await;
}

#[tokio::test]
async fn a_request_needs_one_address_and_a_name_of_one_line() {
    let app = App::shared();
    let (ann, bob) = (unique_email("one"), unique_email("two"));
    for body in [
        json!({"email": format!("{ann},{bob}")}),
        json!({"email": [ann, bob]}),
        json!({"email": format!("{ann}\nBcc: {bob}")}),
        json!({"email": null}),
        json!({"email": ""}),
        json!({}),
        json!([ann]),
        json!({"email": ann, "name": 1}),
        json!({"email": ann, "name": "a".repeat(129)}),
        json!({"email": ann, "name": "Ann\r\nBcc: x"}),
        json!({"email": ann, "metadata": "x"}),
        json!({"email": ann, "callbackURL": "/x".repeat(2000)}),
    ] {
        let answer = app.browser().post("/sign-in/magic-link", &body).await;
        assert_error(&answer, 400, "VALIDATION_ERROR");
    }
    assert_eq!(mails::count_all(app, &ann) + mails::count_all(app, &bob), 0);
}

#[tokio::test]
async fn no_header_changes_the_link() {
    let app = App::shared();
    let email = unique_email("poisoned");
    for (name, value) in [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "host=evil.example;proto=https"),
        ("x-original-url", "https://evil.example/"),
    ] {
        let before = mails::count_all(app, &email);
        let mut browser = app.browser();
        browser.origin = None;
        let call = Call::new("POST", "/sign-in/magic-link").header(name, value).json(&json!({"email": email}));
        assert_eq!(browser.send(call).await.status, 200);
        assert_eq!(mails::count_all(app, &email), before + 1, "{name}");
        let mail = app.mail_to(&email).await;
        assert!(mail.links[0].starts_with(&format!("{}/api/auth/magic-link/verify?", app.url())), "{}", mail.links[0]);
        assert!(!mail.text.contains("evil") && !mail.html.contains("evil"));
    }
}
