//! How many mails anybody can make the service send to one address.

use futures_util::future::join_all;
use local::{Fault, FaultRule, Service};
use serde_json::json;
use tests::{Answer, App, Call, PASSWORD, enrol, unique_email};

use crate::{
    mails,
    support::{
        LIMITS_TABLE, assert_error, assert_limited, counter, counters, limited, now, number, set_expiry, sign_in,
    },
};

const NO_REQUEST_LIMIT: &str = "request-password-reset=1000000/600";

/// Asks for a reset mail, every time from another address of the network.
async fn ask(app: &App, email: &str) -> Answer {
    static CLIENTS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let client = CLIENTS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let ip = std::net::Ipv4Addr::from_bits(0x0a00_0000 + client).to_string();
    let call = Call::new("POST", "/request-password-reset").json(&json!({"email": email}));
    app.browser().send_only(call.header("x-test-source-ip", ip)).await
}

/// The parts of an answer that are the same every time.
fn essence(answer: &Answer) -> (u16, String, Vec<String>) {
    let mut headers: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
    headers.sort();
    (answer.status, answer.text(), headers)
}

#[tokio::test]
async fn of_20_parallel_requests_three_send_mail_and_all_are_answered_alike() {
    let app = limited(4, "").await;
    let [known, unknown] = ["known", "unknown"].map(unique_email);
    app.sign_up(&known).await;
    let mut answers = join_all((0..20).map(|_| ask(&app, &known))).await;
    answers.extend(join_all((0..20).map(|_| ask(&app, &unknown))).await);
    assert_eq!((mails::count_all(&app, &known), mails::count_all(&app, &unknown)), (3, 0));
    let first = essence(&answers[0]);
    assert_eq!(first.0, 200);
    assert!(answers.iter().all(|answer| essence(answer) == first));
    // The two are counted alike, by a hash.
    let rows = counters(&app, "mail/").await;
    assert_eq!(rows.iter().map(|row| number(row, "count")).collect::<Vec<_>>(), [3, 3]);
    let days = counters(&app, "mail-daily/").await;
    assert_eq!(days.iter().map(|row| number(row, "count")).collect::<Vec<_>>(), [3, 3]);
    assert!(!format!("{rows:?}{days:?}").contains("known"), "{rows:?}");
}

/// One count for reset, magic link, verification, change of address, mailed
/// code and sign-up.
#[tokio::test]
async fn mails_of_every_kind_share_the_cap() {
    let open = "sign-in=999/600,sign-up=999/600,change-email=999/600,magic-link=999/600,two-factor=999/600,\
                send-verification-email=999/600,request-password-reset=999/600,mail=2/900";
    let app = limited(2, open).await;
    let [victim, other] = ["every-kind", "every-kind-new"].map(unique_email);
    let mut browser = app.sign_up(&victim).await;
    let mut strangers = app.browser();
    let asked = |answer: Answer| assert_eq!(answer.status, 200, "{}", answer.text());
    asked(strangers.post("/sign-in/magic-link", &json!({"email": victim})).await);
    asked(strangers.post("/send-verification-email", &json!({"email": victim})).await);
    assert_eq!(mails::count_all(&app, &victim), 2);
    asked(strangers.post("/request-password-reset", &json!({"email": victim})).await);
    asked(strangers.post("/sign-in/magic-link", &json!({"email": victim})).await);
    asked(strangers.post("/send-verification-email", &json!({"email": victim})).await);
    enrol(&mut browser).await;
    // Of an enrolment the owner is told, whatever the count.
    assert_eq!(mails::count_all(&app, &victim), 3);

    let mut browser = app.sign_up(&unique_email("every-kind-mover")).await;
    for _ in 0..3 {
        asked(browser.post("/change-email", &json!({"newEmail": other})).await);
    }
    assert_eq!(mails::count_all(&app, &other), 2);
}

/// Codes and links that only somebody can ask for who has shown more than to
/// know the address have counts of their own.
#[tokio::test]
async fn strangers_do_not_use_up_the_mails_of_the_owner() {
    let open = "two-factor=999/600,sign-in=999/600,sign-up=999/600,request-password-reset=999/600,mail=2/900";
    let env = [("AUTH_RATE_LIMITS", "true"), ("AUTH_RATE_LIMIT_RULES", open), ("AUTH_CONFIRM_DELETION", "true")];
    let app = App::with_env(&env).await;
    let owner = unique_email("starved");
    let mut browser = app.sign_up(&owner).await;
    enrol(&mut browser).await;
    for _ in 0..3 {
        assert_eq!(ask(&app, &owner).await.status, 200);
    }
    app.clear_mails();
    let (mut pending, _) = sign_in(&app, &owner, PASSWORD).await;
    for _ in 0..2 {
        assert_eq!(pending.post("/two-factor/send-otp", &json!({})).await.status, 200);
    }
    let code = mails::code_in(&app.mail_to(&owner).await.text);
    assert_eq!(mails::count_all(&app, &owner), 2);
    // What is too much is said, and leaves the code good that was mailed last.
    for _ in 0..2 {
        assert!(assert_limited(&pending.post("/two-factor/send-otp", &json!({})).await) > 60);
    }
    assert!(assert_limited(&browser.post("/two-factor/send-otp", &json!({})).await) > 60);
    assert!(assert_limited(&browser.post("/delete-user", &json!({"password": PASSWORD})).await) > 60);
    assert_eq!(mails::count_all(&app, &owner), 2);
    assert_eq!(pending.post("/two-factor/verify-otp", &json!({"code": code})).await.status, 200);
}

#[tokio::test]
async fn sign_ups_count_too_where_addresses_are_verified() {
    let env = [
        ("AUTH_RATE_LIMITS", "true"),
        ("AUTH_RATE_LIMIT_RULES", "sign-up=999/600,magic-link=999/600,mail=1/900"),
        ("AUTH_REQUIRE_EMAIL_VERIFICATION", "true"),
    ];
    let app = App::with_env(&env).await;
    let email = unique_email("capped-sign-up");
    assert_eq!(app.browser().post("/sign-in/magic-link", &json!({"email": email})).await.status, 200);
    let body = json!({"name": "Ann", "email": email, "password": PASSWORD});
    assert_eq!(app.browser().post("/sign-up/email", &body).await.status, 200);
    assert_eq!(mails::count_all(&app, &email), 1);
}

/// The fixed moment of an answer is that of a mail that was sent.
#[tokio::test]
async fn a_capped_request_waits_as_long_as_any() {
    let app = limited(1, "mail=1/900").await;
    let email = unique_email("time");
    app.sign_up(&email).await;
    for mails in [1, 1] {
        let started = std::time::Instant::now();
        assert_eq!(ask(&app, &email).await.status, 200);
        // The deadline that the tests set for mails.
        assert!(started.elapsed() >= std::time::Duration::from_millis(300));
        assert_eq!(mails::count_all(&app, &email), mails);
    }
}

#[tokio::test]
async fn a_day_has_ten_mails_however_they_are_spread() {
    let app = limited(1, NO_REQUEST_LIMIT).await;
    let email = unique_email("day");
    app.sign_up(&email).await;
    for sent in [3, 6, 9, 10, 10] {
        for _ in 0..4 {
            assert_eq!(ask(&app, &email).await.status, 200);
        }
        assert_eq!(mails::count_all(&app, &email), sent);
        // The short window is over, its row still there.
        let row = counter(&app, "mail/").await;
        set_expiry(&app, LIMITS_TABLE, row, now() - 1).await;
    }
    let row = counter(&app, "mail-daily/").await;
    assert_eq!(number(&row, "count"), 10);
    set_expiry(&app, LIMITS_TABLE, row, now() - 1).await;
    assert_eq!(ask(&app, &email).await.status, 200);
    assert_eq!(mails::count_all(&app, &email), 11);
}

#[tokio::test]
async fn the_caps_are_settings_and_each_address_has_its_own() {
    let app = limited(1, &format!("mail=1/900,mail-daily=2/86400,{NO_REQUEST_LIMIT}")).await;
    for email in [unique_email("one"), unique_email("two")] {
        app.sign_up(&email).await;
        for _ in 0..3 {
            ask(&app, &email).await;
        }
        assert_eq!(mails::count_all(&app, &email), 1);
    }
}

#[tokio::test]
async fn what_cannot_be_counted_is_not_sent() {
    let app = limited(1, NO_REQUEST_LIMIT).await;
    let email = unique_email("faults");
    app.sign_up(&email).await;
    app.aws().clear_calls();
    assert_eq!(ask(&app, &email).await.status, 200);
    assert_eq!(mails::count_all(&app, &email), 1);
    let count = |app: &App| app.aws().calls().iter().filter(|call| call.tables == [LIMITS_TABLE]).count();
    // Each of the three counts takes two calls the first time.
    assert_eq!(count(&app), 6);
    let rule = |fault| FaultRule::new(Service::DynamoDb, fault).table(LIMITS_TABLE);
    app.aws().inject(rule(Fault::AccessDenied));
    assert_error(&ask(&app, &email).await, 503, "SERVICE_UNAVAILABLE");
    assert_eq!(mails::count_all(&app, &email), 1);
}

#[tokio::test]
async fn without_limits_there_are_no_caps() {
    let app = App::with_env(&[]).await;
    let email = unique_email("uncapped");
    app.sign_up(&email).await;
    join_all((0..5).map(|_| ask(&app, &email))).await;
    assert_eq!(mails::count_all(&app, &email), 5);
}
