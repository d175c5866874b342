//! Verifying an address.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use local::{Fault, FaultRule, Service, StackOptions};
use serde_json::{Value, json};
use tests::{Answer, App, Browser, Call, PASSWORD, fake_provider::GoogleUser, unique_email};

use crate::{csrf::evil_targets, invariants, mails::*, oauth, support::*};

/// What following a link answers.
fn verified() -> Value {
    json!({"status": true, "user": null})
}

async fn is_verified(app: &App, email: &str) -> bool {
    user_row(app, email).await.unwrap()["emailVerified"]["BOOL"] == true
}

async fn send(browser: &mut Browser, email: &str) -> Answer {
    browser.post("/send-verification-email", &json!({"email": email})).await
}

/// A stack on which following the link signs in.
async fn signing_in() -> App {
    let env = vec![("AUTH_SIGN_IN_AFTER_VERIFICATION".to_owned(), "true".to_owned())];
    App::start(StackOptions { instances: 4, env, ..StackOptions::default() }).await
}

#[tokio::test]
async fn the_mailed_link_verifies_the_address_of_whoever_is_signed_in() {
    let app = App::shared();
    let email = unique_email("verify");
    let mut browser = app.sign_up(&email).await;
    assert_eq!(count_all(app, &email), 0, "no mail that nobody asked for");
    let answer =
        browser.post("/send-verification-email", &json!({"email": email, "callbackURL": "/welcome?a=b"})).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"status":true}"#));
    let link = link_to(app, &email).await;
    assert!(link.starts_with("/verify-email?token=") && link.ends_with("&callbackURL=%2Fwelcome%3Fa%3Db"), "{link}");
    assert!(!is_verified(app, &email).await);

    let answer = browser.get(&link).await;
    assert_redirect(&answer, "/welcome?a=b");
    assert!(answer.set_cookies().is_empty(), "the link signs nobody in");
    assert!(is_verified(app, &email).await);
    assert_eq!(browser.current_user().await.unwrap()["emailVerified"], true, "the session goes on");
    assert!(password_works(app, &email, PASSWORD).await, "the password is the user's own");

    let mails = count_all(app, &email);
    for _ in 0..2 {
        let answer = app.browser().get(&link).await;
        assert_redirect(&answer, "/welcome?a=b");
        assert!(answer.set_cookies().is_empty());
        let answer = follow(&mut app.browser(), &token_in(&link)).await;
        assert_eq!((answer.status, answer.json()), (200, verified()), "a second click is told that all is well");
    }
    assert_eq!(count_all(app, &email), mails);
}

#[tokio::test]
async fn a_link_for_json_answers_json() {
    let app = App::shared();
    let email = unique_email("json");
    let mut browser = app.sign_up(&email).await;
    assert_eq!(send(&mut browser, &email.to_uppercase()).await.status, 200);
    let link = link_to(app, &email).await;
    assert!(link.ends_with("&callbackURL=%2F"), "{link}");
    for path in [
        format!("/verify-email?token={}", token_in(&link)),
        format!("/verify-email?token={}&callbackURL=", token_in(&link)),
    ] {
        let answer = browser.get(&path).await;
        assert_eq!((answer.status, answer.json()), (200, verified()));
    }
    assert!(is_verified(app, &email).await);
}

/// Somebody signs up with another person's address. When that person follows
/// the mail in good faith, the stranger is out.
#[tokio::test]
async fn a_link_does_not_activate_a_strangers_password() {
    let app = App::shared();
    let email = unique_email("victim");
    let mut stranger = app.sign_up(&email).await;
    assert_eq!(send(&mut stranger, &email).await.status, 200);
    let link = link_to(app, &email).await;
    let old_reset = app.reset_token(&email).await;

    let mut owner = app.browser();
    let answer = owner.get(&link).await;
    let target = answer.header("location").to_owned();
    assert!(target.starts_with(&format!("{}/reset-password?token=", app.url())), "{target}");
    assert!(answer.set_cookies().is_empty());
    assert!(is_verified(app, &email).await);
    assert!(stranger.current_user().await.is_none(), "the stranger's session is over");
    assert!(!password_works(app, &email, PASSWORD).await, "the stranger's password is worth nothing");
    let account = app.row("AccountsTable", "identity", &format!("email:{email}")).await.unwrap();
    assert!(account.get("passwordHash").is_none());

    assert_error(&reset(app, &old_reset, "a stranger's second try").await, 400, "INVALID_TOKEN");
    let answer = reset(app, &query_of(&target)["token"], "the owner's own password").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(password_works(app, &email, "the owner's own password").await);
    // The link has done its work.
    let answer = app.browser().get(&link).await;
    assert_redirect(&answer, "/");
    assert!(password_works(app, &email, "the owner's own password").await);
}

#[tokio::test]
async fn for_json_the_owner_asks_for_a_password_as_usual() {
    let app = App::shared();
    let email = unique_email("victim-json");
    let mut stranger = app.sign_up(&email).await;
    let token = verification_token(app, &email).await;
    let answer = follow(&mut app.browser(), &token).await;
    assert_eq!((answer.status, answer.json()), (200, verified()));
    assert!(stranger.current_user().await.is_none());
    assert!(!password_works(app, &email, PASSWORD).await);
    reset_to(app, &email, "the owner's own password").await;
    assert!(password_works(app, &email, "the owner's own password").await);
}

#[tokio::test]
async fn neither_another_session_nor_an_access_token_vouches_for_the_browser() {
    let app = App::shared();
    let mut other = app.sign_up(&unique_email("other")).await;
    let email = unique_email("not-mine");
    let mut stranger = app.sign_up(&email).await;
    let jwt = stranger.get("/token").await.json()["token"].as_str().unwrap().to_owned();
    let token = verification_token(app, &email).await;
    assert_eq!(follow(&mut other, &token).await.json(), verified());
    assert!(!password_works(app, &email, PASSWORD).await);
    assert!(other.current_user().await.is_some(), "the other user stays signed in");

    let email = unique_email("by-jwt");
    let mut browser = app.sign_up(&email).await;
    let own = browser.get("/token").await.json()["token"].as_str().unwrap().to_owned();
    assert_ne!(jwt, own);
    let token = verification_token(app, &email).await;
    let call =
        Call::new("GET", format!("/verify-email?token={token}")).header("authorization", format!("Bearer {own}"));
    assert_eq!(app.browser().send(call).await.json(), verified());
    assert!(!password_works(app, &email, PASSWORD).await);
}

/// A provider's link that never proved the address may be a stranger's too.
#[tokio::test]
async fn a_link_that_proved_nothing_dies_with_the_password() {
    let app = App::shared();
    let email = unique_email("unproven");
    let stranger = GoogleUser { email_verified: json!(false), ..GoogleUser::new(&email, &email) };
    let (mut browser, _) = oauth::sign_in_with_google(app, &stranger).await;
    assert!(browser.current_user().await.is_some());
    let token = verification_token(app, &email).await;
    assert_eq!(follow(&mut app.browser(), &token).await.json(), verified());
    assert!(browser.current_user().await.is_none());
    let (mut again, answer) = oauth::sign_in_with_google(app, &stranger).await;
    assert!(answer.header("location").contains("account_not_linked"), "{}", answer.header("location"));
    assert!(again.current_user().await.is_none());
}

#[tokio::test]
async fn who_has_nothing_to_lose_loses_nothing() {
    let app = App::shared();
    let email = unique_email("bare");
    let mut browser = app.sign_up(&email).await;
    let mut account = app.row("AccountsTable", "identity", &format!("email:{email}")).await.unwrap();
    account.as_object_mut().unwrap().remove("passwordHash");
    app.put_row("AccountsTable", &account).await;
    let token = verification_token(app, &email).await;
    let answer = app.browser().get(&format!("/verify-email?token={token}&callbackURL=/in")).await;
    assert_redirect(&answer, "/in");
    assert!(browser.current_user().await.is_some(), "there was nothing to retire");
}

#[tokio::test]
async fn strangers_learn_nothing_from_a_request() {
    let app = App::shared();
    let (unverified, verified) = (unique_email("unverified"), unique_email("verified"));
    app.sign_up(&unverified).await;
    app.sign_up(&verified).await;
    crate::steps::verify_email(app, &verified).await;
    let mut times = [Duration::MAX; 3];
    let mut shapes = Vec::new();
    for _ in 0..3 {
        for (i, email) in [unverified.clone(), verified.clone(), unique_email("unknown")].into_iter().enumerate() {
            let started = Instant::now();
            let answer = send(&mut app.browser(), &email).await;
            times[i] = times[i].min(started.elapsed());
            shapes.push(shape(&answer, &[]));
            assert_eq!(count_all(app, &email) > 0, i == 0, "{email}");
        }
    }
    shapes.dedup();
    assert_eq!(shapes.len(), 1, "{shapes:?}");
    // The tests' own deadline is 300 ms.
    let (shortest, longest) = (times.iter().min().unwrap(), times.iter().max().unwrap());
    assert!(*shortest >= Duration::from_millis(290), "{times:?}");
    assert!(*longest - *shortest < Duration::from_millis(80), "{times:?}");
}

#[tokio::test]
async fn a_mail_that_cannot_be_sent_does_not_show() {
    let app = App::with_env(&[]).await;
    let email = unique_email("unsent");
    app.sign_up(&email).await;
    let usual = shape(&send(&mut app.browser(), &unique_email("unknown")).await, &[]);
    for fault in [Fault::InternalError, Fault::AccessDenied, Fault::Hang] {
        app.aws().inject(FaultRule::new(Service::Ses, fault));
        assert_eq!(shape(&send(&mut app.browser(), &email).await, &[]), usual);
        app.aws().clear_faults();
    }
    assert_eq!(count_all(&app, &email), 0);
    assert!(app.logs().iter().any(|line| line.text.contains("email_verification.mail_failed")));
    let token = verification_token(&app, &email).await;
    assert_eq!(follow(&mut app.browser(), &token).await.json(), verified(), "the next mail works");
}

#[tokio::test]
async fn who_is_signed_in_is_told_what_is_wrong() {
    let app = App::shared();
    let email = unique_email("told");
    let mut browser = app.sign_up(&email).await;
    assert_error(&send(&mut browser, &unique_email("else")).await, 400, "EMAIL_MISMATCH");
    crate::steps::verify_email(app, &email).await;
    assert_error(&send(&mut browser, &email).await, 400, "EMAIL_ALREADY_VERIFIED");
    assert_error(&send(&mut browser, "nobody").await, 400, "VALIDATION_ERROR");
    assert_eq!(count_all(app, &email), 0);
}

#[tokio::test]
async fn other_sites_send_nobody_mail() {
    let app = App::shared();
    let email = unique_email("csrf");
    app.sign_up(&email).await;
    let body = json!({"email": email});
    for (name, value) in [("origin", "https://evil.example"), ("referer", "https://evil.example/x"), ("origin", "null")]
    {
        let call = Call::new("POST", "/send-verification-email").json(&body).header(name, value);
        let mut browser = app.browser();
        browser.origin = None;
        assert_eq!(browser.send(call).await.status, 403, "{name}: {value}");
    }
    assert_eq!(count_all(app, &email), 0);
}

#[tokio::test]
async fn what_is_no_token_is_told_apart_from_what_was_one() {
    let app = App::shared();
    let email = unique_email("errors");
    let browser = app.sign_up(&email).await;
    let token = verification_token(app, &email).await;
    let reset_token = app.reset_token(&email).await;
    let session = raw_token(&browser);
    let longer = format!("{token}A");
    for bad in
        ["", "x", "%00", "a%2Fb", &"A".repeat(43), &token[1..], &longer, &reset_token, &session, &"x".repeat(4000)]
    {
        assert_error(&follow(&mut app.browser(), bad).await, 401, "INVALID_TOKEN");
        let answer = app.browser().get(&format!("/verify-email?token={bad}&callbackURL=/p%3Fa%3Db%23c")).await;
        assert_redirect(&answer, "/p?a=b&error=INVALID_TOKEN#c");
    }
    for query in ["", "?callbackURL=/x", "?token=a&token=b"] {
        assert_error(&app.browser().get(&format!("/verify-email{query}")).await, 400, "VALIDATION_ERROR");
    }
    assert!(!is_verified(app, &email).await);
    assert_error(&reset(app, &token, "a brand new password").await, 400, "INVALID_TOKEN");
    assert_eq!(reset(app, &reset_token, PASSWORD).await.status, 200, "the wrong door spends nothing");

    let row = app.row("VerificationTokensTable", "email", &email).await.unwrap();
    set_expiry(app, "VerificationTokensTable", row.clone(), now()).await;
    assert_error(&follow(&mut app.browser(), &token).await, 401, "TOKEN_EXPIRED");
    assert_redirect(
        &app.browser().get(&format!("/verify-email?token={token}&callbackURL=/p")).await,
        "/p?error=TOKEN_EXPIRED",
    );
    assert!(!is_verified(app, &email).await);
    set_expiry(app, "VerificationTokensTable", row, now() + 60 * SECOND).await;
    assert_eq!(follow(&mut app.browser(), &token).await.json(), verified());
}

#[tokio::test]
async fn a_link_is_for_one_user_with_one_address() {
    let app = App::with_env(&[]).await;
    let email = unique_email("bound");
    app.sign_up(&email).await;
    let token = verification_token(&app, &email).await;
    let account = app.row("AccountsTable", "identity", &format!("email:{email}")).await.unwrap();
    let other = unique_email("bound-other");
    app.sign_up(&other).await;
    let others = user_row(&app, &other).await.unwrap();

    let mut taken = account.clone();
    taken["userId"] = others["id"].clone();
    app.put_row("AccountsTable", &taken).await;
    assert_error(&follow(&mut app.browser(), &token).await, 401, "INVALID_TOKEN");
    let key = json!({"TableName": "AccountsTable", "Key": {"identity": {"S": format!("email:{email}")}}});
    app.aws().dynamodb("DeleteItem", &key).await.unwrap();
    assert_error(&follow(&mut app.browser(), &token).await, 401, "USER_NOT_FOUND");
    assert!(!is_verified(&app, &email).await);
    app.put_row("AccountsTable", &account).await;
    let user = user_row(&app, &email).await.unwrap();
    let key = json!({"TableName": "UsersTable", "Key": {"id": user["id"]}});
    app.aws().dynamodb("DeleteItem", &key).await.unwrap();
    let answer = app.browser().get(&format!("/verify-email?token={token}&callbackURL=/p")).await;
    assert_redirect(&answer, "/p?error=USER_NOT_FOUND");
}

#[tokio::test]
async fn targets_elsewhere_are_refused_when_asked_for_and_when_followed() {
    let app = App::shared();
    let email = unique_email("targets");
    let mut browser = app.sign_up(&email).await;
    assert_eq!(send(&mut browser, &email).await.status, 200);
    let (token, mails) = (token_in(&link_to(app, &email).await), count_all(app, &email));
    for target in evil_targets(app) {
        let body = json!({"email": email, "callbackURL": target});
        assert_error(&browser.post("/send-verification-email", &body).await, 403, "INVALID_CALLBACK_URL");
        let answer = browser.get(&format!("/verify-email?token={token}&callbackURL={}", encoded(&target))).await;
        assert_error(&answer, 403, "INVALID_CALLBACK_URL");
        assert!(answer.header("location").is_empty() && !answer.text().contains(&token), "{target:?}");
    }
    let long = format!("/{}", "x".repeat(10_000));
    let answer = browser.get(&format!("/verify-email?token={token}&callbackURL={long}")).await;
    assert!((400..500).contains(&answer.status), "{}", answer.text());
    assert_eq!(count_all(app, &email), mails);
    assert!(!is_verified(app, &email).await, "nothing was spent");
    assert_eq!(follow(&mut browser, &token).await.json(), verified());
}

#[tokio::test]
async fn only_a_get_follows_the_link() {
    let app = App::shared();
    let email = unique_email("methods");
    let mut browser = app.sign_up(&email).await;
    let token = verification_token(app, &email).await;
    for method in ["HEAD", "OPTIONS", "POST", "PUT"] {
        let answer = browser.send(Call::new(method, format!("/verify-email?token={token}"))).await;
        assert!(answer.status >= 400 || method == "OPTIONS", "{method}: {}", answer.status);
        assert!(!is_verified(app, &email).await, "{method}");
    }
    assert_eq!(follow(&mut browser, &token).await.json(), verified());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_clicks_one_verifies_and_signs_in() {
    let app = signing_in().await;
    let email = unique_email("race");
    // Nothing to retire: the click itself is the way in.
    oauth::sign_in_with_google(&app, &GoogleUser::new(&email, &email)).await;
    let mut user = user_row(&app, &email).await.unwrap();
    let own = json!({"L": [{"S": format!("email:{email}")}]});
    user["identities"] = own;
    user["emailVerified"] = json!({"BOOL": false});
    app.put_row("UsersTable", &user).await;
    for row in sessions_of(&app, &email).await {
        let key = json!({"userId": row["userId"], "tokenHash": row["tokenHash"]});
        app.aws().dynamodb("DeleteItem", &json!({"TableName": "SessionsTable", "Key": key})).await.unwrap();
    }
    let tokens = [verification_token(&app, &email).await, verification_token(&app, &email).await];
    let browser = app.browser();
    let answers = join_all((0..60).map(|i| follow_only(&browser, &tokens[i % 2]))).await;
    for answer in &answers {
        assert_eq!((answer.status, answer.json()), (200, verified()), "{}", answer.text());
    }
    let signed_in: Vec<&Answer> = answers.iter().filter(|answer| !answer.set_cookies().is_empty()).collect();
    assert_eq!(signed_in.len(), 1, "one click signs in");
    assert_eq!(cookie_names(signed_in[0]), ["better-auth.session_token"]);
    assert_eq!(sessions_of(&app, &email).await.len(), 1);
    assert!(is_verified(&app, &email).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_clicks_one_recovers_the_account() {
    let app = racing().await;
    let email = unique_email("race-recovery");
    app.sign_up(&email).await;
    let token = verification_token(&app, &email).await;
    let browser = app.browser();
    let path = format!("/verify-email?token={token}&callbackURL=/in");
    let answers = join_all((0..50).map(|_| browser.send_only(Call::new("GET", path.clone())))).await;
    let to_reset: Vec<&str> =
        answers.iter().map(|answer| answer.header("location")).filter(|target| target.contains("token=")).collect();
    assert_eq!(to_reset.len(), 1, "{to_reset:?}");
    assert!(answers.iter().all(|answer| answer.status == 302));
    assert_eq!(answers.iter().filter(|answer| answer.header("location") == "/in").count(), 49);
    assert_eq!(reset(&app, &query_of(to_reset[0])["token"], "the owner's own password").await.status, 200);
    invariants::check(&app, &[token]).await;
}

#[tokio::test]
async fn following_the_link_signs_in_where_it_is_meant_to() {
    let app = signing_in().await;
    // Signed in already: the same session.
    let email = unique_email("auto");
    let mut browser = app.sign_up(&email).await;
    let session = raw_token(&browser);
    assert_eq!(send(&mut browser, &email).await.status, 200);
    let answer = browser.get(&link_to(&app, &email).await).await;
    assert_redirect(&answer, "/");
    assert_eq!(cookie_names(&answer), ["better-auth.session_token"]);
    assert_eq!(raw_token(&browser), session);
    assert_eq!(sessions_of(&app, &email).await.len(), 1);

    // Another browser, and a password that may be a stranger's: nobody.
    let email = unique_email("auto-elsewhere");
    app.sign_up(&email).await;
    let token = verification_token(&app, &email).await;
    let answer = app.browser().get(&format!("/verify-email?token={token}&callbackURL=/in")).await;
    assert!(answer.header("location").contains("/reset-password?token=") && answer.set_cookies().is_empty());

    // A second factor is asked for.
    let email = unique_email("auto-second-factor");
    app.sign_up(&email).await;
    let mut account = app.row("AccountsTable", "identity", &format!("email:{email}")).await.unwrap();
    account.as_object_mut().unwrap().remove("passwordHash");
    app.put_row("AccountsTable", &account).await;
    let mut user = user_row(&app, &email).await.unwrap();
    set_number(&mut user, "twoFactorSince", now());
    app.put_row("UsersTable", &user).await;
    let token = verification_token(&app, &email).await;
    let mut browser = app.browser();
    let answer = browser.get(&format!("/verify-email?token={token}&callbackURL=/in")).await;
    assert_redirect(&answer, "/two-factor?callbackURL=%2Fin");
    assert!(cookie_names(&answer).contains(&"better-auth.two_factor".to_owned()), "{:?}", answer.set_cookies());
    assert!(browser.current_user().await.is_none());
    assert_eq!(sessions_of(&app, &email).await.len(), 1, "only the one from before");
    assert!(is_verified(&app, &email).await);
}
