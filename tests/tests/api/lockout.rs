//! The wait between wrong passwords.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use local::{Fault, FaultRule, Service, When};
use serde_json::{Value, json};
use tests::{Answer, App, Browser, PASSWORD, enrol, unique_email};

use crate::support::{
    DAY, LIMITS_TABLE, SECOND, assert_error, assert_limited, counter, counters, limited, now, number, other_password,
    reset, reset_to, set_cookie, set_expiry, set_number,
};

const WRONG: &str = "not the password";
const ACCOUNT: &str = "lockout/account/";
const DEVICE: &str = "lockout/device/";
const KNOWN_DEVICE: &str = "better-auth.known_device";

async fn start(instances: usize) -> App {
    limited(instances, "sign-in=1000000/600,request-password-reset=1000000/600,sign-up=1000000/600").await
}

async fn sign_in_with(browser: &mut Browser, email: &str, password: &str) -> Answer {
    browser.post("/sign-in/email", &json!({"email": email, "password": password})).await
}

async fn sign_in(app: &App, email: &str, password: &str) -> Answer {
    sign_in_with(&mut app.browser(), email, password).await
}

fn assert_wrong(answer: &Answer) {
    assert_error(answer, 401, "INVALID_EMAIL_OR_PASSWORD");
}

async fn fail(app: &App, email: &str, times: usize) {
    for _ in 0..times {
        assert_wrong(&sign_in(app, email, WRONG).await);
    }
}

/// Makes a row of attempts look like this, with the last one some time ago.
async fn set_attempts(app: &App, mut row: Value, failures: i64, millis_ago: i64) {
    set_number(&mut row, "failures", failures);
    set_number(&mut row, "lastAt", now() - millis_ago);
    set_expiry(app, LIMITS_TABLE, row, now() - millis_ago + DAY).await;
}

#[tokio::test]
async fn after_five_failures_every_further_one_doubles_the_wait() {
    let app = start(1).await;
    let email = unique_email("growth");
    app.sign_up(&email).await;
    fail(&app, &email, 5).await;
    assert!(counters(&app, DEVICE).await.is_empty());
    for (failures, wait) in
        [(5, 1), (6, 2), (7, 4), (8, 8), (9, 16), (10, 32), (14, 512), (15, 900), (16, 900), (500, 900)]
    {
        let row = counter(&app, ACCOUNT).await;
        // Times far from any boundary: a slow machine must not matter.
        set_attempts(&app, row.clone(), failures, -60 * SECOND).await;
        app.aws().clear_calls();
        // The right password is no better than a wrong one.
        let left = assert_limited(&sign_in(&app, &email, PASSWORD).await);
        assert!((wait + 50..=wait + 60).contains(&left), "{failures}: {left}");
        let calls = app.aws().calls();
        assert!(!calls.iter().any(|call| call.tables == ["UsersTable"]), "a hash ran: {calls:?}");
        // What is refused does not move the wait.
        assert_eq!(number(&counter(&app, ACCOUNT).await, "failures"), failures);

        set_attempts(&app, row, failures, wait * SECOND).await;
        assert_wrong(&sign_in(&app, &email, WRONG).await);
        assert_eq!(number(&counter(&app, ACCOUNT).await, "failures"), failures + 1);
    }
}

#[tokio::test]
async fn the_free_attempts_and_the_longest_wait_are_settings() {
    let app = limited(1, "sign-in=1000000/600,lockout=2/60").await;
    let email = unique_email("settings");
    fail(&app, &email, 2).await;
    let row = counter(&app, ACCOUNT).await;
    for (failures, wait) in [(2, 1), (7, 32), (8, 60), (90, 60)] {
        set_attempts(&app, row.clone(), failures, -60 * SECOND).await;
        let left = assert_limited(&sign_in(&app, &email, PASSWORD).await);
        assert!((wait + 50..=wait + 60).contains(&left), "{failures}: {left}");
    }
}

#[tokio::test]
async fn a_success_forgets_the_failures() {
    let app = start(1).await;
    let email = unique_email("success");
    app.sign_up(&email).await;
    for _ in 0..2 {
        fail(&app, &email, 4).await;
        assert_eq!(sign_in(&app, &email, PASSWORD).await.status, 200);
        assert!(counters(&app, "lockout/").await.is_empty());
    }
    // Also after a wait.
    fail(&app, &email, 1).await;
    set_attempts(&app, counter(&app, ACCOUNT).await, 9, 16 * SECOND).await;
    assert_eq!(sign_in(&app, &email, PASSWORD).await.status, 200);
    assert!(counters(&app, "lockout/").await.is_empty());
}

#[tokio::test]
async fn failures_are_forgotten_a_day_after_the_last_though_the_row_is_there() {
    let app = start(1).await;
    let email = unique_email("forgotten");
    app.sign_up(&email).await;
    fail(&app, &email, 1).await;
    set_attempts(&app, counter(&app, ACCOUNT).await, 40, DAY - 1000 * SECOND).await;
    assert_wrong(&sign_in(&app, &email, WRONG).await);
    assert_eq!(number(&counter(&app, ACCOUNT).await, "failures"), 41);
    let row = counter(&app, ACCOUNT).await;
    assert!(number(&row, "ttl") * SECOND >= number(&row, "expiresAt"));
    assert_eq!(number(&row, "expiresAt"), number(&row, "lastAt") + DAY);

    set_attempts(&app, row, 40, DAY).await;
    fail(&app, &email, 5).await;
    assert_eq!(number(&counter(&app, ACCOUNT).await, "failures"), 5);
}

/// How many more than the free ones may have been let through in a time.
fn opened_within(millis: u128) -> usize {
    // The waits end 1, 3, 7, 15, … seconds after the fifth failure.
    (1..32).take_while(|slot| (1_u128 << slot) - 1 <= millis / 1000).count()
}

#[tokio::test]
async fn of_100_parallel_wrong_passwords_five_are_tried() {
    let app = start(10).await;
    let email = unique_email("parallel");
    app.sign_up(&email).await;
    for email in [email, unique_email("unknown")] {
        let started = Instant::now();
        let answers = join_all((0..100).map(|_| sign_in(&app, &email, WRONG))).await;
        let slow = opened_within(started.elapsed().as_millis());
        let tried = answers.iter().filter(|answer| answer.status == 401).count();
        assert!((5..=5 + slow).contains(&tried), "{tried} of 100 were tried, {slow} waits may have ended");
        for answer in answers.iter().filter(|answer| answer.status != 401) {
            assert_limited(answer);
        }
    }
}

/// A wait of minutes follows, so that no slowness lets a second one through.
#[tokio::test]
async fn of_100_parallel_attempts_after_a_wait_one_is_tried() {
    let app = start(10).await;
    let email = unique_email("slot");
    app.sign_up(&email).await;
    fail(&app, &email, 1).await;
    let row = counter(&app, ACCOUNT).await;
    for (failures, waited, tried) in [(14, 512 * SECOND, 1), (4, 0, 1), (30, DAY, 5)] {
        set_attempts(&app, row.clone(), failures, waited).await;
        let started = Instant::now();
        let answers = join_all((0..100).map(|_| sign_in(&app, &email, WRONG))).await;
        let slow = if failures == 14 { 0 } else { opened_within(started.elapsed().as_millis()) };
        let passed = answers.iter().filter(|answer| answer.status == 401).count();
        assert!((tried..=tried + slow).contains(&passed), "after {failures}: {passed}");
    }
}

#[tokio::test]
async fn an_unknown_address_behaves_like_a_known_one() {
    let app = start(1).await;
    let known = unique_email("known");
    app.sign_up(&known).await;
    // The first request of all opens the window of requests.
    fail(&app, &unique_email("first"), 1).await;
    let mut seen = Vec::new();
    for email in [known, unique_email("unknown")] {
        let mut answers = Vec::new();
        for attempt in 1..=6 {
            if attempt == 6 {
                for row in counters(&app, ACCOUNT).await {
                    set_attempts(&app, row, 14, 0).await;
                }
            }
            app.aws().clear_calls();
            let answer = sign_in(&app, &email, WRONG).await;
            let mut calls: Vec<_> = app.aws().calls().into_iter().map(|call| (call.operation, call.tables)).collect();
            calls.sort();
            let mut headers: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
            headers.sort();
            answers.push((answer.status, answer.text(), headers, calls));
        }
        seen.push(answers);
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!((seen[0][4].0, seen[0][5].0), (401, 429));
    // Nor does the table say more of one than of the other, or who they are.
    let rows = counters(&app, ACCOUNT).await;
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.as_object().unwrap().len() == rows[0].as_object().unwrap().len()));
    assert!(!format!("{rows:?}").contains("known-"), "{rows:?}");
}

#[tokio::test]
async fn strangers_who_fail_do_not_lock_out_a_known_device() {
    let app = start(2).await;
    let email = unique_email("owner");
    app.sign_up(&email).await;
    let mut owner = app.browser();
    let answer = sign_in_with(&mut owner, &email, PASSWORD).await;
    let cookie = answer.set_cookies().into_iter().find(|cookie| cookie.starts_with(KNOWN_DEVICE)).unwrap();
    assert!(cookie.ends_with("; Max-Age=31536000; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
    assert!(!cookie.contains("owner"), "{cookie}");
    let device = set_cookie(&answer, KNOWN_DEVICE).unwrap();

    fail(&app, &email, 5).await;
    set_attempts(&app, counter(&app, ACCOUNT).await, 1000, 0).await;
    assert_limited(&sign_in(&app, &email, PASSWORD).await);
    // The owner gets in, signed in or not, and keeps the device's name.
    let answer = sign_in_with(&mut owner, &email, PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(set_cookie(&answer, KNOWN_DEVICE).unwrap(), device);
    assert_eq!(owner.post("/sign-out", &json!({})).await.status, 200);
    assert_eq!(sign_in_with(&mut owner, &email, PASSWORD).await.status, 200);
    // Which is no business of the strangers.
    assert_eq!(number(&counter(&app, ACCOUNT).await, "failures"), 1000);
    assert_limited(&sign_in(&app, &email, PASSWORD).await);

    // On the device, too, passwords cannot be guessed.
    for _ in 0..5 {
        assert_wrong(&sign_in_with(&mut owner, &email, WRONG).await);
    }
    set_attempts(&app, counter(&app, DEVICE).await, 14, 0).await;
    assert_limited(&sign_in_with(&mut owner, &email, PASSWORD).await);
    set_attempts(&app, counter(&app, DEVICE).await, 14, 512 * SECOND).await;
    assert_eq!(sign_in_with(&mut owner, &email, PASSWORD).await.status, 200);
    assert!(counters(&app, DEVICE).await.is_empty());
}

#[tokio::test]
async fn a_device_is_known_to_the_address_that_it_signed_in_to_only() {
    let app = start(2).await;
    let [victim, attacker] = ["victim", "attacker"].map(unique_email);
    app.sign_up(&victim).await;
    app.sign_up(&attacker).await;
    let mut browser = app.browser();
    assert_eq!(sign_in_with(&mut browser, &attacker, PASSWORD).await.status, 200);
    let genuine = browser.cookies[KNOWN_DEVICE].clone();
    let session = browser.session_cookie().unwrap().to_owned();
    let (value, signature) = genuine.split_once('.').unwrap();
    let changed = format!("x{}.{signature}", &value[1..]);

    fail(&app, &victim, 5).await;
    set_attempts(&app, counter(&app, ACCOUNT).await, 1000, 0).await;
    for cookie in [genuine.as_str(), session.as_str(), changed.as_str(), value, "x", ""] {
        let mut browser = app.browser();
        browser.cookies.insert(KNOWN_DEVICE.to_owned(), cookie.to_owned());
        assert_limited(&sign_in_with(&mut browser, &victim, WRONG).await);
    }
    assert!(counters(&app, DEVICE).await.is_empty());
    // Nor does the cookie open anything.
    let mut browser = app.browser();
    browser.cookies.insert("better-auth.session_token".to_owned(), genuine);
    assert!(browser.current_user().await.is_none());
}

#[tokio::test]
async fn a_password_reset_unlocks() {
    let app = start(2).await;
    let email = unique_email("reset");
    app.sign_up(&email).await;
    fail(&app, &email, 1).await;
    set_attempts(&app, counter(&app, ACCOUNT).await, 1000, 0).await;
    assert_limited(&sign_in(&app, &email, PASSWORD).await);
    let new = other_password(1);
    reset_to(&app, &email, &new).await;
    assert!(counters(&app, ACCOUNT).await.is_empty());
    assert_eq!(sign_in(&app, &email, &new).await.status, 200);
}

/// Requests of those who are signed in go on without their count; passwords do
/// not.
#[tokio::test]
async fn no_password_of_a_signed_in_user_is_tried_uncounted() {
    let app = start(1).await;
    let mut browser = app.sign_up(&unique_email("uncounted")).await;
    for fault in [Fault::InternalError, Fault::AccessDenied] {
        app.aws().clear_faults();
        app.aws().inject(FaultRule::new(Service::DynamoDb, fault).table(LIMITS_TABLE));
        for path in ["/verify-password", "/delete-user", "/two-factor/enable"] {
            for password in [PASSWORD, WRONG] {
                let answer = browser.post(path, &json!({"password": password})).await;
                assert_error(&answer, 503, "SERVICE_UNAVAILABLE");
            }
        }
        assert!(browser.current_user().await.is_some());
    }
    app.aws().clear_faults();
    assert_eq!(browser.post("/verify-password", &json!({"password": PASSWORD})).await.status, 200);
}

/// A link that another one overtook proves nothing.
#[tokio::test]
async fn a_reset_link_that_was_overtaken_unlocks_nobody() {
    let app = start(1).await;
    let email = unique_email("overtaken");
    app.sign_up(&email).await;
    let [first, second] = [app.reset_token(&email).await, app.reset_token(&email).await];
    assert_eq!(reset(&app, &first, &other_password(1)).await.status, 200);
    fail(&app, &email, 5).await;
    for _ in 0..2 {
        assert_error(&reset(&app, &second, &other_password(2)).await, 400, "INVALID_TOKEN");
    }
    assert_eq!(number(&counter(&app, ACCOUNT).await, "failures"), 5);
    // It cost one hash, and is gone.
    assert!(app.rows("VerificationTokensTable").await.is_empty());
}

/// Whoever knew an older password is a stranger now, however many browsers
/// they collected.
#[tokio::test]
async fn a_device_that_knew_an_older_password_is_counted_with_the_strangers() {
    let app = start(1).await;
    let email = unique_email("older");
    app.sign_up(&email).await;
    let mut devices = Vec::new();
    for _ in 0..2 {
        let mut browser = app.browser();
        let answer = sign_in_with(&mut browser, &email, PASSWORD).await;
        let device = set_cookie(&answer, KNOWN_DEVICE).unwrap();
        devices.push(device);
    }
    let new = other_password(1);
    reset_to(&app, &email, &new).await;
    let with = |device: &str| {
        let mut browser = app.browser();
        browser.cookies.insert(KNOWN_DEVICE.to_owned(), crate::support::encoded(device));
        browser
    };
    for at in 0..5 {
        assert_wrong(&sign_in_with(&mut with(&devices[at % 2]), &email, WRONG).await);
    }
    set_attempts(&app, counter(&app, ACCOUNT).await, 1000, 0).await;
    for device in &devices {
        assert_limited(&sign_in_with(&mut with(device), &email, &new).await);
    }
    // Once the wait is over, the right password makes the device known again.
    set_attempts(&app, counter(&app, ACCOUNT).await, 1000, 901 * SECOND).await;
    let mut browser = with(&devices[0]);
    let answer = sign_in_with(&mut browser, &email, &new).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_ne!(set_cookie(&answer, KNOWN_DEVICE).unwrap(), devices[0]);
    assert!(counters(&app, ACCOUNT).await.is_empty());
    fail(&app, &email, 5).await;
    set_attempts(&app, counter(&app, ACCOUNT).await, 1000, 0).await;
    assert_eq!(sign_in_with(&mut browser, &email, &new).await.status, 200);

    // So does a change of the password where the user is signed in.
    let body = json!({"currentPassword": new, "newPassword": PASSWORD});
    assert_eq!(browser.post("/change-password", &body).await.status, 200);
    assert_eq!(sign_in_with(&mut browser, &email, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn an_attempt_that_cannot_be_counted_is_not_made() {
    let app = start(1).await;
    let email = unique_email("faults");
    app.sign_up(&email).await;
    let rule = |fault| FaultRule::new(Service::DynamoDb, fault).table(LIMITS_TABLE).operation("UpdateItem");
    // The request's own count comes first and goes well.
    let only_attempts = |fault| {
        app.aws().clear_faults();
        app.aws().inject(rule(Fault::Delay(Duration::ZERO)).when(When::Nth(1)));
        app.aws().inject(rule(fault));
    };
    fail(&app, &email, 1).await;
    for fault in [Fault::InternalError, Fault::AccessDenied] {
        only_attempts(fault);
        assert_error(&sign_in(&app, &email, PASSWORD).await, 503, "SERVICE_UNAVAILABLE");
        assert_eq!(number(&counter(&app, ACCOUNT).await, "failures"), 1);
    }
    only_attempts(Fault::Throttle);
    assert_eq!(assert_limited(&sign_in(&app, &email, PASSWORD).await), 1);
    app.aws().clear_faults();

    // A lost answer does not count twice.
    let lost = app.aws().inject(rule(Fault::DropAfter).when(When::Nth(2)));
    assert_wrong(&sign_in(&app, &email, WRONG).await);
    assert_eq!(app.aws().fault_hits(lost), 1);
    assert_eq!(number(&counter(&app, ACCOUNT).await, "failures"), 2);
    app.aws().clear_faults();

    // A success that cannot be written down is a success.
    app.aws()
        .inject(FaultRule::new(Service::DynamoDb, Fault::InternalError).table(LIMITS_TABLE).operation("DeleteItem"));
    assert_eq!(sign_in(&app, &email, PASSWORD).await.status, 200);
}

/// Whoever took a session cannot guess the password behind it: every route
/// that asks for the password shares one count for the user.
#[tokio::test]
async fn passwords_of_a_signed_in_user_are_counted_too() {
    let open = "sign-up=999/600,change-password=999/600,two-factor=999/600,default=9999/600";
    let app = limited(2, open).await;
    let email = unique_email("signed-in");
    let browser = app.sign_up(&email).await;
    let routes = [
        ("/verify-password", json!({"password": WRONG})),
        ("/change-password", json!({"currentPassword": WRONG, "newPassword": PASSWORD})),
        ("/delete-user", json!({"password": WRONG})),
        ("/two-factor/enable", json!({"password": WRONG})),
    ];
    let asked = (0..40).map(|i| {
        let (path, body) = &routes[i % routes.len()];
        browser.send_only(tests::Call::new("POST", *path).json(body))
    });
    let started = Instant::now();
    let answers = join_all(asked).await;
    let slow = opened_within(started.elapsed().as_millis());
    let wrong = answers.iter().filter(|answer| answer.code() == "INVALID_PASSWORD").count();
    assert!((5..=5 + slow).contains(&wrong), "{wrong} of 40 were tried, {slow} waits may have ended");
    assert!(answers.iter().all(|answer| [400, 429].contains(&answer.status)));
    // The way in is another count: its owner is not locked out.
    assert_eq!(sign_in(&app, &email, PASSWORD).await.status, 200);
}

/// With a second factor too, the browser that signed in is known by it.
#[tokio::test]
async fn strangers_do_not_lock_out_a_user_with_a_second_factor() {
    let app = limited(2, "sign-in=1000000/600,two-factor=1000000/600").await;
    let email = unique_email("factor");
    let mut browser = app.sign_up(&email).await;
    let authenticator = enrol(&mut browser).await;
    let mut browser = app.browser();
    let pending = sign_in_with(&mut browser, &email, PASSWORD).await;
    assert_eq!(pending.json()["twoFactorRedirect"], true, "{}", pending.text());
    assert!(!browser.cookies.contains_key(KNOWN_DEVICE), "a password alone makes no device known");
    let code = authenticator.code(&app).await;
    let answer = browser.post("/two-factor/verify-totp", &json!({"code": code})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(browser.cookies.contains_key(KNOWN_DEVICE));

    fail(&app, &email, 5).await;
    let row = counter(&app, ACCOUNT).await;
    set_attempts(&app, row, 10, -60 * SECOND).await;
    assert_limited(&sign_in(&app, &email, PASSWORD).await);
    assert_eq!(sign_in_with(&mut browser, &email, PASSWORD).await.status, 200);
}

/// A browser that signed up is as good as one that signed in.
#[tokio::test]
async fn the_browser_that_signed_up_is_known() {
    let app = limited(1, "sign-in=1000000/600").await;
    let email = unique_email("signed-up");
    let mut browser = app.sign_up(&email).await;
    fail(&app, &email, 5).await;
    let row = counter(&app, ACCOUNT).await;
    set_attempts(&app, row, 10, -60 * SECOND).await;
    assert_limited(&sign_in(&app, &email, PASSWORD).await);
    assert_eq!(sign_in_with(&mut browser, &email, PASSWORD).await.status, 200);
}

/// Whoever knows the password of an address that is not verified yet has not
/// failed.
#[tokio::test]
async fn the_right_password_of_an_unverified_address_is_no_failure() {
    let env = [
        ("AUTH_RATE_LIMITS", "true"),
        ("AUTH_RATE_LIMIT_RULES", "sign-in=1000000/600"),
        ("AUTH_REQUIRE_EMAIL_VERIFICATION", "true"),
    ];
    let app = App::with_env(&env).await;
    let email = unique_email("unverified");
    let body = json!({"name": "Ann", "email": email, "password": PASSWORD});
    assert_eq!(app.browser().post("/sign-up/email", &body).await.status, 200);
    for _ in 0..8 {
        assert_error(&sign_in(&app, &email, PASSWORD).await, 403, "EMAIL_NOT_VERIFIED");
    }
}
