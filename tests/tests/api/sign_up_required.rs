//! Signing up, and in, where addresses have to be verified.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use local::{Fault, FaultRule, Service, StackOptions};
use serde_json::{Value, json};
use tests::{Answer, App, Browser, PASSWORD, fake_provider::GoogleUser, unique_email};

use crate::{invariants, mails::*, oauth, steps::set_signed_cookie, support::*};

const VERIFY: &str = "Verify your e-mail address";
const ATTEMPT: &str = "You have an account already";
const COOKIE: &str = "better-auth.sign_up";

async fn start(env: &[(&str, &str)]) -> App {
    let mut env: Vec<(String, String)> =
        env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    env.push(("AUTH_REQUIRE_EMAIL_VERIFICATION".to_owned(), "true".to_owned()));
    App::start(StackOptions { instances: 4, env, ..StackOptions::default() }).await
}

async fn sign_up(app: &App, body: &Value) -> (Browser, Answer) {
    let mut browser = app.browser();
    let answer = browser.post("/sign-up/email", body).await;
    (browser, answer)
}

fn person(email: &str) -> Value {
    json!({"name": "Ann", "email": email, "password": PASSWORD, "image": "https://example.com/a.png"})
}

#[tokio::test]
async fn whoever_signs_up_gets_in_once_the_address_is_verified() {
    let app = start(&[]).await;
    let email = unique_email("required");
    let mut body = person(&email);
    body["callbackURL"] = json!("/welcome");
    let (mut browser, answer) = sign_up(&app, &body).await;
    assert_eq!((answer.status, &answer.json()["token"]), (200, &Value::Null), "{}", answer.text());
    let user = answer.json()["user"].clone();
    assert_eq!((&user["email"], &user["emailVerified"]), (&json!(email), &json!(false)));
    assert_eq!(cookie_names(&answer), [COOKIE]);
    assert!(
        answer.set_cookies()[0].contains("; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax"),
        "{:?}",
        answer.set_cookies()
    );
    assert_eq!(set_cookie(&answer, COOKIE).unwrap().split('.').next(), user["id"].as_str());
    assert!(answer.header("set-auth-token").is_empty());
    assert!(browser.current_user().await.is_none());
    assert!(sessions_of(&app, &email).await.is_empty());

    assert_error(&self::sign_in(&app, &email, PASSWORD).await.1, 403, "EMAIL_NOT_VERIFIED");
    assert_error(&self::sign_in(&app, &email, "wrong password").await.1, 401, "INVALID_EMAIL_OR_PASSWORD");

    let link = link_to(&app, &email).await;
    assert!(link.ends_with("&callbackURL=%2Fwelcome"), "{link}");
    let answer = browser.get(&link).await;
    assert_redirect(&answer, "/welcome");
    assert!(answer.set_cookies().is_empty());
    assert!(password_works(&app, &email, PASSWORD).await, "the browser that signed up keeps its password");
    invariants::check(&app, &[token_in(&link)]).await;
}

#[tokio::test]
async fn a_sign_up_in_another_browser_does_not_vouch_for_the_click() {
    let app = start(&[]).await;
    let (email, other) = (unique_email("mine"), unique_email("theirs"));
    sign_up(&app, &person(&email)).await;
    let (mut elsewhere, _) = sign_up(&app, &person(&other)).await;
    let answer = elsewhere.get(&link_to(&app, &email).await).await;
    assert!(answer.header("location").contains("/reset-password?token="), "{}", answer.header("location"));
    assert!(!password_works(&app, &email, PASSWORD).await);

    // Nor does a cookie that nobody signed, or that was signed for another use.
    let email = unique_email("forged");
    let (browser, _) = sign_up(&app, &person(&email)).await;
    let link = link_to(&app, &email).await;
    let signed = decoded(&browser.cookies[COOKIE]);
    let (value, signature) = signed.rsplit_once('.').unwrap();
    let (id, expires_at) = value.split_once('.').unwrap();
    let expires_at: i64 = expires_at.parse().unwrap();
    assert!((expires_at - now() - 3600 * SECOND).abs() < 60 * SECOND);
    let identity = format!("email:{email}");
    let rows =
        [("UsersTable", "id", id), ("AccountsTable", "identity", &identity), ("VerificationTokensTable", "userId", id)];
    let mut before = Vec::new();
    for (table, attribute, value) in rows {
        before.push((table, app.row(table, attribute, value).await.unwrap()));
    }
    let moved = format!("{}-.{expires_at}.{signature}", &id[..31]);
    let longer = format!("{id}.{}.{signature}", expires_at + 1);
    for value in [id.to_owned(), format!("{id}."), format!("{value}.{}=", "A".repeat(43)), moved, longer] {
        let mut forger = browser_with(&app, COOKIE, &encoded(&value));
        let answer = forger.get(&link).await;
        assert!(answer.header("location").contains("/reset-password?token="), "{value}");
        for (table, row) in &before {
            app.put_row(table, row).await;
        }
    }
    // Nor one that the browser kept for too long.
    let mut late = app.browser();
    set_signed_cookie(&app, &mut late, COOKIE, &format!("{id}.{}", now() - 1));
    assert!(late.get(&link).await.header("location").contains("/reset-password?token="));
    for (table, row) in &before {
        app.put_row(table, row).await;
    }
    assert_eq!(browser_with(&app, COOKIE, &browser.cookies[COOKIE]).get(&link).await.header("location"), "/");
}

#[tokio::test]
async fn following_the_link_in_the_browser_that_signed_up_signs_in_if_it_is_meant_to() {
    let app = start(&[("AUTH_SIGN_IN_AFTER_VERIFICATION", "true")]).await;
    let email = unique_email("auto");
    let (mut browser, _) = sign_up(&app, &person(&email)).await;
    let link = link_to(&app, &email).await;
    let answer = browser.get(&link).await;
    assert_redirect(&answer, "/");
    assert_eq!(browser.current_user().await.unwrap()["email"], email);
    let answer = browser.get(&link).await;
    assert_redirect(&answer, "/");
    assert_eq!(sessions_of(&app, &email).await.len(), 1, "the first click alone signs in");
}

/// Free, or taken by whomever: body, status, headers, cookies and time agree.
#[tokio::test]
async fn a_sign_up_does_not_tell_whether_an_address_is_taken() {
    let app = start(&[]).await;
    let (unverified, verified, social) = (unique_email("unverified"), unique_email("verified"), unique_email("social"));
    sign_up(&app, &person(&unverified)).await;
    sign_up(&app, &person(&verified)).await;
    crate::steps::verify_email(&app, &verified).await;
    oauth::sign_in_with_google(&app, &GoogleUser::new(&social, &social)).await;
    let mut times = vec![Duration::MAX; 5];
    let mut shapes = Vec::new();
    for _ in 0..3 {
        let emails =
            [unverified.clone(), verified.clone(), social.clone(), verified.to_uppercase(), unique_email("free")];
        for (i, email) in emails.iter().enumerate() {
            let mut body = person(email);
            body["password"] = json!("another password of theirs");
            let started = Instant::now();
            let (_, answer) = sign_up(&app, &body).await;
            times[i] = times[i].min(started.elapsed());
            shapes.push(shape(&answer, &[email.to_lowercase().as_str()]));
        }
    }
    shapes.sort();
    shapes.dedup();
    assert_eq!(shapes.len(), 1, "{shapes:#?}");
    let (shortest, longest) = (times.iter().min().unwrap(), times.iter().max().unwrap());
    assert!(*longest - *shortest < Duration::from_millis(100), "{times:?}");
    assert!(*shortest >= Duration::from_millis(290), "{times:?}");
    for email in [&unverified, &verified, &social] {
        assert_eq!(count(&app, email, ATTEMPT), 1, "{email} is told once in fifteen minutes");
        assert!(!app.mail_to(email).await.text.contains("http"));
    }
    assert!(!password_works(&app, &verified, "another password of theirs").await);
    assert!(password_works(&app, &verified, PASSWORD).await);

    // After a quarter of an hour they are told again.
    let mut marks = app.rows("VerificationTokensTable").await;
    marks.retain(|row| row["purpose"]["S"] == "notice");
    assert_eq!(marks.len(), 3);
    for mark in marks {
        assert!((now() + 890 * SECOND..=now() + 900 * SECOND).contains(&number(&mark, "expiresAt")));
        assert!(!mark.to_string().contains("example.com"));
        set_expiry(&app, "VerificationTokensTable", mark, now()).await;
    }
    sign_up(&app, &person(&verified)).await;
    assert_eq!(count(&app, &verified, ATTEMPT), 2);
}

#[tokio::test]
async fn a_mail_that_cannot_be_sent_does_not_show() {
    let app = start(&[]).await;
    let taken = unique_email("taken");
    let (_, answer) = sign_up(&app, &person(&taken)).await;
    let usual = shape(&answer, &[&taken]);
    for fault in [Fault::InternalError, Fault::AccessDenied, Fault::Hang] {
        app.aws().inject(FaultRule::new(Service::Ses, fault));
        for email in [taken.clone(), unique_email("free")] {
            let (_, answer) = sign_up(&app, &person(&email)).await;
            assert_eq!(shape(&answer, &[&email]), usual);
            assert!(user_row(&app, &email).await.is_some(), "the user is kept");
        }
        app.aws().clear_faults();
    }
    assert!(app.logs().iter().any(|line| line.text.contains("sign_up.mail_failed")));
    assert_eq!(count(&app, &taken, VERIFY), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_sign_ups_of_one_address_get_one_answer() {
    let app = start(&[]).await;
    let email = unique_email("race");
    let sign_ups = (0..50).map(|i| {
        let (app, email) = (&app, email.clone());
        async move {
            let spelling = if i % 2 == 0 { email.clone() } else { email.to_uppercase() };
            let body = json!({"name": "Ann", "email": spelling, "password": other_password(i)});
            sign_up(app, &body).await.1
        }
    });
    let answers = join_all(sign_ups).await;
    let mut shapes: Vec<String> = answers.iter().map(|answer| shape(answer, &[&email])).collect();
    shapes.sort();
    shapes.dedup();
    assert_eq!(shapes.len(), 1, "{shapes:#?}");
    assert!(shapes[0].starts_with("200 "), "{}", shapes[0]);
    let mut users = app.rows("UsersTable").await;
    assert_eq!(users.len(), 1);
    let user = users.remove(0);
    assert_eq!(user["email"]["S"], email);
    // The winner is who was told the id of the user who is there.
    let winners: Vec<usize> = (0..50).filter(|i| answers[*i].json()["user"]["id"] == user["id"]["S"]).collect();
    assert_eq!(winners.len(), 1);
    assert_error(&self::sign_in(&app, &email, &other_password(winners[0])).await.1, 403, "EMAIL_NOT_VERIFIED");
    assert!(!password_works(&app, &email, &other_password((winners[0] + 1) % 50)).await);
    assert_eq!((count(&app, &email, VERIFY), count(&app, &email, ATTEMPT)), (1, 1));
    invariants::check(&app, &[]).await;
}

#[tokio::test]
async fn providers_sign_up_and_in_as_ever() {
    let app = start(&[]).await;
    let email = unique_email("provider");
    let (mut browser, _) = oauth::sign_in_with_google(&app, &GoogleUser::new(&email, &email)).await;
    assert_eq!(browser.current_user().await.unwrap()["emailVerified"], true);
    assert_eq!(count_all(&app, &email), 0);
}

#[tokio::test]
async fn a_mail_may_be_sent_where_nothing_is_required() {
    let app = App::with_env(&[("AUTH_VERIFY_ON_SIGN_UP", "true")]).await;
    let email = unique_email("optional");
    let mut browser = app.browser();
    let answer = browser.post("/sign-up/email", &person(&email)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(cookie_names(&answer), ["better-auth.session_token"]);
    assert!(browser.current_user().await.is_some());
    let answer = browser.get(&link_to(&app, &email).await).await;
    assert_redirect(&answer, "/");
    assert_eq!(browser.current_user().await.unwrap()["emailVerified"], true);
    assert_error(&sign_up(&app, &person(&email)).await.1, 422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL");
    assert_eq!(count(&app, &email, ATTEMPT), 0);

    app.aws().inject(FaultRule::new(Service::Ses, Fault::InternalError));
    let email = unique_email("optional-unsent");
    assert_eq!(sign_up(&app, &person(&email)).await.1.status, 200, "a mail that fails undoes nothing");
}
