//! Functions killed while users change their accounts.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use local::StackOptions;
use serde_json::{Value, json};
use tests::{App, Authenticator, Browser, Call, PASSWORD, enrol, start_enrolment, unique_email};

use crate::{
    invariants,
    mails::token_in,
    restart::storm,
    support::{other_password, password_works, sign_in, user_row},
};

/// How many users do the same at once.
const USERS: usize = 24;

/// Somebody with a browser that is signed in.
struct Member {
    email: String,
    browser: Browser,
}

async fn start() -> App {
    App::start(StackOptions { instances: 4, ..StackOptions::default() }).await
}

async fn members(app: &App, name: &str) -> Vec<Member> {
    let mut members = Vec::new();
    for _ in 0..USERS {
        let email = unique_email(name);
        let browser = app.sign_up(&email).await;
        members.push(Member { email, browser });
    }
    members
}

/// What came of a request that was sent until it was answered by anything but
/// a 5xx. Whether an earlier one was carried out, nobody can tell by the answer.
struct Outcome {
    status: u16,
    attempts: usize,
}

async fn persist(browser: &mut Browser, call: &Call) -> Outcome {
    for attempts in 1..=200 {
        let answer = browser.send(call.clone()).await;
        if answer.status < 500 {
            return Outcome { status: answer.status, attempts };
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("a request never got an answer");
}

/// All members do the same, each until there is an answer, while the function
/// is killed again and again.
async fn all_at_once(app: &App, function: &str, members: &mut [Member], call: impl Fn(usize) -> Call) -> Vec<Outcome> {
    let answers = AtomicUsize::new(0);
    let doing = join_all(members.iter_mut().enumerate().map(async |(at, member)| {
        let outcome = persist(&mut member.browser, &call(at)).await;
        answers.fetch_add(1, Ordering::SeqCst);
        outcome
    }));
    let (kills, outcomes) = futures_util::join!(storm(app, function, &answers, USERS), doing);
    let again: usize = outcomes.iter().map(|outcome| outcome.attempts - 1).sum();
    assert!(kills >= 2 && again > 0, "nothing was disturbed: {kills} kills, {again} more attempts");
    outcomes
}

fn post(path: &str, body: &Value) -> Call {
    Call::new("POST", path).json(body)
}

/// A change ends the session that asked for it: who asks again, since no answer
/// came, is told 401 if it was made.
#[track_caller]
fn assert_made(outcome: &Outcome, email: &str) {
    let Outcome { status, attempts } = *outcome;
    assert!(status == 200 || (status == 401 && attempts > 1), "{email}: {status} at attempt {attempts}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_password_is_made_or_not() {
    let app = start().await;
    let mut members = members(&app, "crash-password").await;
    let new = other_password(1);
    let body = json!({"currentPassword": PASSWORD, "newPassword": new});
    let outcomes = all_at_once(&app, "account", &mut members, |_| post("/change-password", &body)).await;
    for (member, outcome) in members.iter_mut().zip(&outcomes) {
        assert_made(outcome, &member.email);
        assert!(password_works(&app, &member.email, &new).await);
        assert!(!password_works(&app, &member.email, PASSWORD).await);
        assert_eq!(member.browser.current_user().await.is_some(), outcome.status == 200);
    }
    invariants::check(&app, &[PASSWORD.to_owned(), new]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_factor_is_enrolled_or_not_and_given_up_or_not() {
    let app = start().await;
    let mut people = members(&app, "crash-factor").await;
    let mut authenticators: Vec<Authenticator> = Vec::new();
    for person in &mut people {
        authenticators.push(start_enrolment(&mut person.browser).await);
    }
    let first = |at: usize| post("/two-factor/verify-totp", &json!({"code": authenticators[at].shown()}));
    let outcomes = all_at_once(&app, "two-factor", &mut people, first).await;
    for (person, outcome) in people.iter().zip(&outcomes) {
        assert_made(outcome, &person.email);
        let (_, answer) = sign_in(&app, &person.email, PASSWORD).await;
        assert_eq!(answer.json()["twoFactorRedirect"], true, "{}", person.email);
    }
    invariants::check(&app, &[]).await;

    let mut people = members(&app, "crash-disable").await;
    for person in &mut people {
        enrol(&mut person.browser).await;
    }
    let body = json!({"password": PASSWORD});
    let outcomes = all_at_once(&app, "two-factor", &mut people, |_| post("/two-factor/disable", &body)).await;
    for (person, outcome) in people.iter().zip(&outcomes) {
        assert_made(outcome, &person.email);
        assert!(user_row(&app, &person.email).await.unwrap()["twoFactorSince"].is_null());
        assert!(password_works(&app, &person.email, PASSWORD).await);
    }
    invariants::check(&app, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_changed_or_not() {
    let app = start().await;
    let mut members = members(&app, "crash-address").await;
    let new: Vec<String> = (0..USERS).map(|_| unique_email("crash-address-new")).collect();
    let mut links = Vec::new();
    for (member, new) in members.iter_mut().zip(&new) {
        let answer = member.browser.post("/change-email", &json!({"newEmail": new})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        links.push(format!("/verify-email?token={}", token_in(&app.mail_to(new).await.links[0])));
    }
    let outcomes = all_at_once(&app, "verify-email", &mut members, |at| Call::new("GET", links[at].as_str())).await;
    for ((member, new), Outcome { status, attempts }) in members.iter_mut().zip(&new).zip(&outcomes) {
        // A link that is spent says so.
        assert!(*status == 200 || (*status == 401 && *attempts > 1), "{new}: {status} at attempt {attempts}");
        assert!(password_works(&app, new, PASSWORD).await, "{new}");
        assert!(!password_works(&app, &member.email, PASSWORD).await);
        assert_eq!(member.browser.current_user().await.unwrap()["email"], *new);
    }
    invariants::check(&app, &[]).await;
}
