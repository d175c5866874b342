//! Changing an address.

mod strangers;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use local::{Fault, FaultRule, Service, When};
use serde_json::{Value, json};
use tests::{Answer, App, Browser, Call, PASSWORD, fake_provider::GoogleUser, unique_email};

use crate::{
    csrf::evil_targets,
    invariants,
    mails::*,
    oauth, steps,
    steps::{Snapshot, make_stale},
    support::*,
};

const CONSENT: &str = "Change of your e-mail address";
const CHANGE: &str = "Verify your new e-mail address";
const CHANGED: &str = "Your e-mail address was changed";

/// A user with a verified address, signed in.
async fn verified_user(app: &App, name: &str) -> (Browser, String) {
    let email = unique_email(name);
    let browser = app.sign_up(&email).await;
    steps::verify_email(app, &email).await;
    (browser, email)
}

async fn request(browser: &mut Browser, new_email: &str) -> Answer {
    browser.post("/change-email", &json!({"newEmail": new_email})).await
}

/// Goes as far as the link to the new address: its token.
async fn consented(app: &App, browser: &mut Browser, email: &str, new_email: &str) -> String {
    let consent = change_token(app, browser, email, new_email).await;
    let answer = follow(browser, &consent).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"status": true})), "{}", answer.text());
    token_in(&link_to(app, new_email).await)
}

async fn address_of(browser: &mut Browser) -> Value {
    browser.current_user().await.unwrap()["email"].clone()
}

#[tokio::test]
async fn an_unverified_user_changes_by_a_link_to_the_new_address() {
    let app = App::shared();
    let (email, new_email) = (unique_email("old"), unique_email("new"));
    let mut browser = app.sign_up(&email).await;
    let body = json!({"newEmail": format!(" {} ", new_email.to_uppercase()), "callbackURL": "/settings"});
    let answer = browser.post("/change-email", &body).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"status":true}"#));
    assert_eq!((count_all(app, &email), count(app, &new_email, CHANGE)), (0, 1));
    assert_eq!(address_of(&mut browser).await, email, "nothing changes yet");
    let link = link_to(app, &new_email).await;
    assert!(link.ends_with("&callbackURL=%2Fsettings"), "{link}");

    let answer = browser.get(&link).await;
    assert_redirect(&answer, "/settings");
    assert_eq!(cookie_names(&answer), ["better-auth.session_token"]);
    let user = browser.current_user().await.unwrap();
    assert_eq!((&user["email"], &user["emailVerified"]), (&json!(new_email), &json!(false)));
    assert!(password_works(app, &new_email, PASSWORD).await, "the password comes along");
    assert!(!password_works(app, &email, PASSWORD).await);
    assert_eq!(count(app, &email, CHANGED), 1, "the old address is told");
    assert_redirect(&browser.get(&link).await, "/settings?error=INVALID_TOKEN");
    app.sign_up(&email).await;
}

/// What was mailed to the old address is dead for good, also for a user who
/// comes back to it.
#[tokio::test]
async fn links_to_the_old_address_stay_dead_when_the_user_returns_to_it() {
    let app = App::with_env(&[]).await;
    let (email, new_email) = (unique_email("there"), unique_email("and-back"));
    let mut browser = app.sign_up(&email).await;
    let reset_token = app.reset_token(&email).await;
    for to in [&new_email, &email] {
        let token = change_token(&app, &mut browser, to, to).await;
        assert_eq!(follow(&mut browser, &token).await.status, 200);
        assert_eq!(address_of(&mut browser).await, **to);
    }
    assert_error(&reset(&app, &reset_token, "a brand new password").await, 400, "INVALID_TOKEN");
    let (_, answer) = sign_in(&app, &email, PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn a_verified_user_changes_by_consent_of_the_old_address() {
    let app = App::with_env(&[]).await;
    let (mut browser, email) = verified_user(&app, "old").await;
    let (mut other_device, _) = sign_in(&app, &email, PASSWORD).await;
    let new_email = unique_email("new");
    let consent = change_token(&app, &mut browser, &email, &new_email).await;
    assert!(app.mail_to(&email).await.text.contains(&new_email), "the old address is told what it allows");
    assert_eq!((count(&app, &email, CONSENT), count_all(&app, &new_email)), (1, 0));

    let answer = browser.get(&format!("/verify-email?token={consent}&callbackURL=/ok")).await;
    assert_redirect(&answer, "/ok");
    assert!(answer.set_cookies().is_empty());
    assert_eq!(address_of(&mut browser).await, email, "consent alone changes nothing");
    assert_error(&follow(&mut browser, &consent).await, 401, "INVALID_TOKEN");
    assert_eq!(count_all(&app, &new_email), 1);

    let reset_token = app.reset_token(&email).await;
    let change = token_in(&link_to(&app, &new_email).await);
    let answer = follow(&mut browser, &change).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!(
        (&body["status"], &body["user"]["email"], &body["user"]["emailVerified"]),
        (&json!(true), &json!(new_email), &json!(true))
    );
    assert_eq!(browser.current_user().await.unwrap()["email"], new_email, "this session goes on");
    assert!(other_device.current_user().await.is_none(), "the others are over");
    assert_error(&follow(&mut browser, &change).await, 401, "INVALID_TOKEN");
    assert_error(&reset(&app, &reset_token, "a brand new password").await, 400, "INVALID_TOKEN");
    assert!(app.mail_to(&email).await.text.contains(&new_email));
    invariants::check(&app, &[consent, change, reset_token]).await;

    // The old address is free again, for somebody else.
    let mut next = app.sign_up(&email).await;
    assert_ne!(next.current_user().await.unwrap()["id"], browser.current_user().await.unwrap()["id"]);
}

#[tokio::test]
async fn the_request_needs_a_session_and_another_address() {
    let app = App::shared();
    let (mut browser, email) = verified_user(app, "request").await;
    let answer = request(&mut browser, &email.to_uppercase()).await;
    assert_eq!((answer.status, answer.json()), (400, json!({"message": "Email is the same"})));
    assert_error(&request(&mut browser, "nobody").await, 400, "VALIDATION_ERROR");
    assert_error(&request(&mut app.browser(), &unique_email("x")).await, 401, "UNAUTHORIZED");
    assert_error(&request(&mut app.browser(), "nobody").await, 400, "VALIDATION_ERROR");
    make_stale(app, &email).await;
    assert_error(&request(&mut browser, &unique_email("x")).await, 403, "SESSION_NOT_FRESH");
    let jwt = browser.get("/token").await.json()["token"].as_str().unwrap().to_owned();
    let call = Call::new("POST", "/change-email").json(&json!({"newEmail": unique_email("x")}));
    let answer = app.browser().send(call.header("authorization", format!("Bearer {jwt}"))).await;
    assert_error(&answer, 401, "UNAUTHORIZED");
    assert_eq!(count_all(app, &email), 0);
}

/// Neither by the answer nor by what comes to the asker's own mailbox, nor by
/// what becomes of an earlier link.
#[tokio::test]
async fn a_taken_address_is_answered_like_a_free_one() {
    let app = App::with_env(&[]).await;
    let (mut browser, email) = verified_user(&app, "asks").await;
    let mut unverified = app.sign_up(&unique_email("asks-unverified")).await;
    let taken = unique_email("taken");
    app.sign_up(&taken).await;
    let mut times = [Duration::MAX; 2];
    let mut shapes = Vec::new();
    for _ in 0..3 {
        for (time, address) in times.iter_mut().zip([taken.to_uppercase(), unique_email("free")]) {
            let (started, mails) = (Instant::now(), count(&app, &email, CONSENT));
            shapes.push(shape(&request(&mut browser, &address).await, &[]));
            *time = (*time).min(started.elapsed());
            assert_eq!(count(&app, &email, CONSENT), mails + 1, "{address}");
            let consent = token_in(&link_to(&app, &email).await);
            assert_eq!(follow(&mut browser, &consent).await.json(), json!({"status": true}), "{address}");

            let own = unique_email("second-address");
            let earlier = change_token(&app, &mut unverified, &own, &own).await;
            shapes.push(shape(&request(&mut unverified, &address).await, &[]));
            assert_error(&follow(&mut unverified, &earlier).await, 401, "INVALID_TOKEN");
        }
    }
    assert_eq!((count_all(&app, &taken), address_of(&mut browser).await), (0, json!(email)));
    shapes.dedup();
    assert_eq!(shapes.len(), 1, "{shapes:?}");
    assert!(times[0].abs_diff(times[1]) < Duration::from_millis(60), "{times:?}");
    for fault in [Fault::InternalError, Fault::Hang] {
        app.aws().inject(FaultRule::new(Service::Ses, fault));
        assert_eq!(shape(&request(&mut browser, &unique_email("unsent")).await, &[]), shapes[0]);
        app.aws().clear_faults();
    }
}

#[tokio::test]
async fn a_later_request_makes_earlier_links_worthless() {
    let app = App::shared();
    let (mut browser, email) = verified_user(app, "later").await;
    let (first, second, third) = (unique_email("first"), unique_email("second"), unique_email("third"));
    let early_consent = change_token(app, &mut browser, &email, &first).await;
    let change = consented(app, &mut browser, &email, &second).await;
    assert_error(&follow(&mut browser, &early_consent).await, 401, "INVALID_TOKEN");
    let last_consent = change_token(app, &mut browser, &email, &third).await;
    assert_error(&follow(&mut browser, &change).await, 401, "INVALID_TOKEN");
    assert_eq!((count_all(app, &first), address_of(&mut browser).await), (0, json!(email)));
    assert_eq!(follow(&mut browser, &last_consent).await.status, 200);
    let change = token_in(&link_to(app, &third).await);
    assert_eq!(follow(&mut browser, &change).await.json()["user"]["email"], third);
}

/// An account that somebody prepared for another person's address is theirs no
/// more once that person has recovered it.
#[tokio::test]
async fn whoever_recovers_the_account_ends_a_change_that_was_begun() {
    let app = App::shared();
    let email = unique_email("prepared");
    let mut stranger = app.sign_up(&email).await;
    let new_email = unique_email("strangers");
    let token = change_token(app, &mut stranger, &new_email, &new_email).await;
    reset_to(app, &email, "the owner's own password").await;
    assert_error(&follow(&mut app.browser(), &token).await, 401, "INVALID_TOKEN");

    let email = unique_email("prepared");
    let mut stranger = app.sign_up(&email).await;
    let token = change_token(app, &mut stranger, &new_email, &new_email).await;
    let verification = verification_token(app, &email).await;
    assert_eq!(follow(&mut app.browser(), &verification).await.status, 200);
    assert_error(&follow(&mut app.browser(), &token).await, 401, "INVALID_TOKEN");
    assert!(user_row(app, &email).await.is_some());
}

#[tokio::test]
async fn the_links_work_for_nobody_else_and_sign_nobody_in() {
    let app = App::shared();
    let (mut browser, email) = verified_user(app, "whose").await;
    let new_email = unique_email("whose-new");
    let mut other = app.sign_up(&unique_email("other")).await;
    let jwt = browser.get("/token").await.json()["token"].as_str().unwrap().to_owned();
    let mut nobody = app.browser();
    let mut refuse = async |token: String| {
        let path = format!("/verify-email?token={token}");
        let bearer = Call::new("GET", path.as_str()).header("authorization", format!("Bearer {jwt}"));
        let by_access_token = app.browser().send(bearer).await;
        for answer in [follow(&mut other, &token).await, follow(&mut nobody, &token).await, by_access_token] {
            assert_error(&answer, 401, "INVALID_USER");
            assert!(answer.set_cookies().is_empty() && answer.header("set-auth-token").is_empty());
        }
        assert_redirect(&other.get(&format!("{path}&callbackURL=/p")).await, "/p?error=INVALID_USER");
        assert_redirect(&nobody.get(&format!("{path}&callbackURL=/p")).await, "/p?error=INVALID_USER");
        assert!(nobody.current_user().await.is_none());
    };
    let consent = change_token(app, &mut browser, &email, &new_email).await;
    refuse(consent.clone()).await;
    assert_eq!(count_all(app, &new_email), 0);
    assert_eq!(follow(&mut browser, &consent).await.json(), json!({"status": true}), "nothing was spent");
    let change = token_in(&link_to(app, &new_email).await);
    refuse(change.clone()).await;
    assert_eq!(address_of(&mut browser).await, email);
    assert_eq!(follow(&mut browser, &change).await.json()["user"]["email"], new_email);
}

#[tokio::test]
async fn expired_links_are_dead_while_their_rows_are_there() {
    let app = App::shared();
    let (mut browser, email) = verified_user(app, "expired").await;
    let new_email = unique_email("expired-new");
    let consent = change_token(app, &mut browser, &email, &new_email).await;
    let row = app.row("VerificationTokensTable", "newEmail", &new_email).await.unwrap();
    set_expiry(app, "VerificationTokensTable", row.clone(), now()).await;
    assert_error(&follow(&mut browser, &consent).await, 401, "TOKEN_EXPIRED");
    set_expiry(app, "VerificationTokensTable", row, now() + 60 * SECOND).await;
    assert_eq!(follow(&mut browser, &consent).await.status, 200);
    let change = token_in(&link_to(app, &new_email).await);
    let row = app.row("VerificationTokensTable", "newEmail", &new_email).await.unwrap();
    assert!(number(&row, "expiresAt") > now() + 3500 * SECOND, "the second link has its own life");
    set_expiry(app, "VerificationTokensTable", row, now()).await;
    assert_redirect(
        &browser.get(&format!("/verify-email?token={change}&callbackURL=/p")).await,
        "/p?error=TOKEN_EXPIRED",
    );
    assert_eq!(address_of(&mut browser).await, email);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_clicks_one_consents_and_one_changes() {
    let app = racing().await;
    let (mut browser, email) = verified_user(&app, "clicks").await;
    let new_email = unique_email("clicks-new");
    let consent = change_token(&app, &mut browser, &email, &new_email).await;
    let assert_one = |answers: &[Answer]| {
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            assert_error(answer, 401, "INVALID_TOKEN");
        }
    };
    assert_one(&join_all((0..50).map(|_| follow_only(&browser, &consent))).await);
    assert_eq!(count_all(&app, &new_email), 1);
    let change = token_in(&link_to(&app, &new_email).await);
    // The generation that the winner's session moves to is the losers' too.
    assert_one(&join_all((0..50).map(|_| follow_only(&browser, &change))).await);
    assert_eq!(address_of(&mut browser).await, new_email);
    assert_eq!(count(&app, &email, CHANGED), 1);
    invariants::check(&app, &[consent, change]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_users_who_race_for_an_address_one_gets_it() {
    const USERS: usize = 20;
    let app = racing().await;
    let new_email = unique_email("wanted");
    let mut racers = Vec::new();
    for _ in 0..USERS {
        let email = unique_email("racer");
        let mut browser = app.sign_up(&email).await;
        let token = change_token(&app, &mut browser, &new_email, &new_email).await;
        racers.push((browser, email, token));
    }
    // Somebody signs up with it meanwhile, too.
    let newcomer = async {
        let body = json!({"name": "Ann", "email": new_email, "password": PASSWORD});
        app.browser().post("/sign-up/email", &body).await.status
    };
    let (answers, signed_up) =
        futures_util::join!(join_all(racers.iter().map(|(browser, _, token)| follow_only(browser, token))), newcomer);
    let winners = answers.iter().filter(|answer| answer.status == 200).count() + usize::from(signed_up == 200);
    assert_eq!(winners, 1);
    for (answer, (browser, email, _)) in answers.iter().zip(&mut racers) {
        if answer.status != 200 {
            assert_error(answer, 422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL");
            assert_eq!(address_of(browser).await, *email, "the loser is intact");
            assert!(password_works(&app, email, PASSWORD).await);
        }
    }
    invariants::check(&app, &[]).await;
}

#[tokio::test]
async fn a_link_to_an_address_that_was_taken_meanwhile_changes_nothing() {
    let app = App::with_env(&[]).await;
    let (mut browser, email) = verified_user(&app, "slow").await;
    let new_email = unique_email("slow-new");
    let change = consented(&app, &mut browser, &email, &new_email).await;
    let mut owner = app.sign_up(&new_email).await;
    let before = Snapshot::take(&app).await;
    let answer = browser.get(&format!("/verify-email?token={change}&callbackURL=/p")).await;
    assert_redirect(&answer, "/p?error=USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL");
    assert_eq!(Snapshot::take(&app).await, before);
    assert_eq!((address_of(&mut browser).await, address_of(&mut owner).await), (json!(email), json!(new_email)));

    // Taken before the consent: the same answer, and nobody is written to.
    let taken = unique_email("taken-early");
    let consent = change_token(&app, &mut browser, &email, &taken).await;
    app.sign_up(&taken).await;
    assert_eq!(follow(&mut browser, &consent).await.json(), json!({"status": true}));
    assert_eq!(count_all(&app, &taken), 0);
}

/// What is changed while the link is followed is not lost.
#[tokio::test]
async fn a_sign_out_meanwhile_stays_a_sign_out() {
    let app = App::with_env(&[]).await;
    let email = unique_email("signs-out");
    let mut browser = app.sign_up(&email).await;
    let new_email = unique_email("signs-out-new");
    let token = change_token(&app, &mut browser, &new_email, &new_email).await;
    let delay = Fault::Delay(Duration::from_millis(700));
    let rule = FaultRule::new(Service::DynamoDb, delay).operation("TransactWriteItems").when(When::Times(1));
    app.aws().inject(rule);
    let (answer, _) = futures_util::join!(follow_only(&browser, &token), async {
        tokio::time::sleep(Duration::from_millis(350)).await;
        let answer = browser.send_only(Call::new("POST", "/sign-out").json(&json!({}))).await;
        assert_eq!(answer.status, 200);
    });
    assert_error(&answer, 401, "INVALID_USER");
    assert!(browser.current_user().await.is_none());
    assert!(sessions_of(&app, &email).await.is_empty());
    let (mut again, _) = sign_in(&app, &email, PASSWORD).await;
    assert_eq!(follow(&mut again, &token).await.json()["user"]["email"], new_email, "the link was not spent");
}

#[tokio::test]
async fn linked_providers_stay_linked() {
    let app = App::shared();
    let email = unique_email("linked");
    let person = GoogleUser::new(&email, &email);
    let (mut browser, _) = oauth::sign_in_with_google(app, &person).await;
    let id = browser.current_user().await.unwrap()["id"].clone();
    let new_email = unique_email("linked-new");
    let change = consented(app, &mut browser, &email, &new_email).await;
    assert_eq!(follow(&mut browser, &change).await.status, 200);
    let (mut again, _) = oauth::sign_in_with_google(app, &person).await;
    let user = again.current_user().await.unwrap();
    assert_eq!((&user["id"], &user["email"]), (&id, &json!(new_email)));
}

#[tokio::test]
async fn targets_elsewhere_are_refused_when_asked_for_and_when_followed() {
    let app = App::shared();
    let email = unique_email("targets");
    let mut browser = app.sign_up(&email).await;
    let new_email = unique_email("targets-new");
    let token = change_token(app, &mut browser, &new_email, &new_email).await;
    for target in evil_targets(app) {
        let body = json!({"newEmail": new_email, "callbackURL": target});
        assert_error(&browser.post("/change-email", &body).await, 403, "INVALID_CALLBACK_URL");
        let answer = browser.get(&format!("/verify-email?token={token}&callbackURL={}", encoded(&target))).await;
        assert_error(&answer, 403, "INVALID_CALLBACK_URL");
    }
    assert_eq!(count_all(app, &new_email), 1);
    assert_eq!(follow(&mut browser, &token).await.status, 200, "nothing was spent");
}
