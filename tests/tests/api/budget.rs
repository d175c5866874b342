//! How many round trips to AWS a request costs.
//!
//! Counted is what a warm function does one thing after the other. A call that
//! runs beside the password hash does not count: what that means, and that the
//! one call in question does, [`the_user_is_read_beside_the_hash`] shows.

use std::time::{Duration, Instant};

use local::{Call as AwsCall, Fault, FaultRule, Service, StackOptions, When, sequential_round_trips};
use serde_json::json;
use tests::{Answer, App, Authenticator, Browser, Call, PASSWORD, fake_provider::GoogleUser, unique_email};

use crate::{
    magic_link::{token_for, verify},
    mails,
    steps::{
        age_sessions, callback_url, present, sign_in_with_google, sign_in_with_id_token, try_sign_up, verify_email,
    },
    support::{reset, reset_to},
};

async fn start(env: &[(&str, &str)]) -> App {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    App::start(StackOptions { instances: 1, env, ..StackOptions::default() }).await
}

/// The calls of one request, as `Operation Table Table`, and how many of those
/// to DynamoDB were one after the other.
struct Cost {
    calls: Vec<String>,
    round_trips: usize,
}

impl Cost {
    fn of(app: &App) -> Self {
        Self::of_calls(&app.aws().calls())
    }

    fn of_calls(calls: &[AwsCall]) -> Self {
        let describe = |call: &AwsCall| {
            let mut words = vec![call.operation.clone()];
            words.extend(call.tables.iter().map(|table| table.trim_end_matches("Table").to_owned()));
            words.join(" ")
        };
        Self {
            calls: calls.iter().map(describe).collect(),
            round_trips: sequential_round_trips(calls.iter().filter(|call| call.service == Service::DynamoDb)),
        }
    }
}

/// Sends one request and says what it cost.
async fn cost(app: &App, request: impl Future<Output = Answer>, status: u16) -> Cost {
    app.aws().clear_calls();
    let answer = request.await;
    assert_eq!(answer.status, status, "{}", answer.text());
    Cost::of(app)
}

fn assert_cost(name: &str, cost: &Cost, calls: &[&str], round_trips: usize) {
    assert_eq!(cost.calls, calls, "{name}");
    assert_eq!(cost.round_trips, round_trips, "{name}");
}

async fn sign_in(app: &App, email: &str, password: &str) -> Answer {
    crate::support::sign_in(app, email, password).await.1
}

fn google(sub: &str, email: &str) -> GoogleUser {
    GoogleUser::new(sub, email)
}

async fn callback_cost(app: &App, person: &GoogleUser) -> Cost {
    let mut browser = app.browser();
    let url = callback_url(app, &mut browser, person).await;
    let cost = cost(app, browser.send(Call::new("GET", url)), 302).await;
    assert!(browser.session_cookie().is_some());
    cost
}

#[tokio::test]
async fn every_flow_keeps_to_its_round_trips() {
    let app = start(&[]).await;
    let email = unique_email("budget");

    let mut browser = app.browser();
    let sign_up = cost(&app, try_sign_up(&mut browser, &email), 200).await;
    assert_cost("sign-up", &sign_up, &["TransactWriteItems Accounts Users Sessions"], 1);
    let taken = cost(&app, try_sign_up(&mut app.browser(), &email), 422).await;
    assert_cost("sign-up, taken", &taken, &["TransactWriteItems Accounts Users Sessions"], 1);

    // Beside the hash runs `GetItem Users`, which is free.
    app.aws().clear_calls();
    assert_eq!(sign_in(&app, &email, PASSWORD).await.status, 200);
    let mut calls = app.aws().calls();
    assert_eq!(Cost::of_calls(&calls).calls, ["GetItem Accounts", "GetItem Users", "PutItem Sessions"]);
    calls.retain(|call| call.tables != ["UsersTable"]);
    assert_eq!(Cost::of_calls(&calls).round_trips, 2, "sign-in");
    let wrong = cost(&app, sign_in(&app, &email, "not the password"), 401).await;
    assert_eq!(wrong.calls, ["GetItem Accounts", "GetItem Users"], "sign-in, wrong password");
    let unknown = cost(&app, sign_in(&app, &unique_email("unknown"), PASSWORD), 401).await;
    assert_eq!(unknown.calls, wrong.calls, "sign-in, unknown");

    let session = cost(&app, browser.get("/get-session"), 200).await;
    assert_cost("get-session", &session, &["BatchGetItem Sessions Users"], 1);
    let token = cost(&app, browser.get("/token"), 200).await;
    assert_cost("token", &token, &["BatchGetItem Sessions Users"], 1);
    age_sessions(&app, &email, 2).await;
    let extended = cost(&app, browser.get("/get-session"), 200).await;
    let calls = ["BatchGetItem Sessions Users", "UpdateItem Sessions"];
    assert_cost("get-session that extends, once a day", &extended, &calls, 2);

    let sign_out = cost(&app, browser.post("/sign-out", &json!({})), 200).await;
    assert_cost("sign-out", &sign_out, &["DeleteItem Sessions"], 1);

    for (name, email, mails) in [("known", email.clone(), 1), ("unknown", unique_email("unknown"), 0)] {
        let body = json!({"email": email});
        let request = cost(&app, app.browser().post("/request-password-reset", &body), 200).await;
        let mut calls = vec!["GetItem Accounts", "PutItem VerificationTokens"];
        calls.extend(std::iter::repeat_n("SendEmail", mails));
        assert_cost(&format!("reset-request, {name}"), &request, &calls, 2);
    }

    let token = app.reset_token(&email).await;
    let link = format!("/reset-password/{token}?callbackURL=/new");
    let follow = cost(&app, app.browser().get(&link), 302).await;
    assert_cost("reset link", &follow, &["GetItem VerificationTokens"], 1);
    let confirm = cost(&app, reset(&app, &token, PASSWORD), 200).await;
    let calls = ["GetItem VerificationTokens", "TransactWriteItems VerificationTokens Accounts Users", "SendEmail"];
    assert_cost("reset-confirm", &confirm, &calls, 2);
}

/// Limits cost one round trip before everything else; what they count later
/// runs beside what is done anyway.
#[tokio::test]
async fn limits_cost_one_round_trip() {
    let app = start(&[("AUTH_RATE_LIMITS", "true"), ("AUTH_RATE_LIMIT_RULES", "sign-in=99/600,mail=99/900")]).await;
    let email = unique_email("limits");
    app.sign_up(&email).await;
    // The first request of a window takes one more.
    assert_eq!(sign_in(&app, &email, PASSWORD).await.status, 200);
    assert_eq!(reset(&app, "x", PASSWORD).await.status, 400);
    let token = app.reset_token(&email).await;
    // Slow enough that calls side by side are seen to be so.
    for service in [Service::DynamoDb, Service::Ses] {
        app.aws().inject(FaultRule::new(service, Fault::Delay(Duration::from_millis(100))));
    }

    for (password, status, after_hash) in [(PASSWORD, 200, 1), ("not the password", 401, 0)] {
        app.aws().clear_calls();
        assert_eq!(sign_in(&app, &email, password).await.status, status);
        let mut calls = app.aws().calls();
        calls.retain(|call| call.tables != ["UsersTable"]);
        let cost = Cost::of_calls(&calls);
        assert_eq!(cost.round_trips, 2 + after_hash, "sign-in: {:?}", cost.calls);
        assert_eq!(cost.calls[0], "UpdateItem RateLimits");
        let mut beside = cost.calls[1..3].to_vec();
        beside.sort();
        assert_eq!(beside, ["GetItem Accounts", "UpdateItem RateLimits"]);
        let mut last = cost.calls[3..].to_vec();
        last.sort();
        let writes = ["DeleteItem RateLimits", "PutItem Sessions"];
        assert_eq!(last, writes[..2 * after_hash]);
    }

    let asked = cost(&app, app.browser().post("/request-password-reset", &json!({"email": email})), 200).await;
    assert_eq!(asked.round_trips, 3, "reset-request: {:?}", asked.calls);
    let confirmed = cost(&app, reset(&app, &token, PASSWORD), 200).await;
    assert_eq!(confirmed.round_trips, 3, "reset-confirm: {:?}", confirmed.calls);
    assert!(confirmed.calls.contains(&"DeleteItem RateLimits".to_owned()), "{:?}", confirmed.calls);
}

#[tokio::test]
async fn every_sign_in_with_an_id_token_takes_four_round_trips() {
    let app = start(&[]).await;
    sign_in_with_id_token(&app, &google("warm", &unique_email("warm"))).await;
    app.provider.forget_requests();
    let person = google("budget", &unique_email("id-token"));
    for (name, transaction) in [
        ("new user", "TransactWriteItems Accounts Users Sessions"),
        ("linked user", "TransactWriteItems Users Sessions"),
    ] {
        let token = app.provider.google_id_token(&person, Some(name));
        let mut browser = app.browser();
        let cost = cost(&app, present(&mut browser, &token, None), 200).await;
        assert_cost(
            name,
            &cost,
            &["PutItem VerificationTokens", "BatchGetItem Accounts", transaction, "GetItem Users"],
            4,
        );
    }
    let token = app.provider.google_id_token(&person, Some("spent"));
    present(&mut app.browser(), &token, None).await;
    let spent = cost(&app, present(&mut app.browser(), &token, None), 401).await;
    assert_cost("spent", &spent, &["PutItem VerificationTokens"], 1);
    let wrong = cost(&app, present(&mut app.browser(), "not.a.token", None), 401).await;
    assert_cost("wrong", &wrong, &[], 0);
    assert!(app.provider.recorded().is_empty(), "the keys are known");
}

#[tokio::test]
async fn a_magic_link_takes_two_round_trips_to_ask_for_and_three_to_follow() {
    let app = start(&[]).await;
    let (known, unknown) = (unique_email("known"), unique_email("unknown"));
    app.sign_up(&known).await;
    for email in [&known, &unknown] {
        let body = json!({"email": email});
        let request = cost(&app, app.browser().post("/sign-in/magic-link", &body), 200).await;
        let calls = ["GetItem Accounts", "PutItem VerificationTokens", "SendEmail"];
        assert_cost("magic link", &request, &calls, 2);
    }
    let visit = async |email: &str| {
        let token = token_for(&app, email).await;
        cost(&app, async { verify(&app, &token).await.1 }, 200).await
    };
    let token = "GetItem VerificationTokens";
    let calls = [token, "TransactWriteItems VerificationTokens Accounts Users Sessions"];
    assert_cost("link of a new user", &visit(&unknown).await, &calls, 2);
    let calls = [token, "GetItem Users", "TransactWriteItems VerificationTokens Users Accounts Sessions"];
    assert_cost("link of an unverified user", &visit(&known).await, &calls, 3);
    let calls = [token, "GetItem Users", "TransactWriteItems VerificationTokens Users Sessions"];
    assert_cost("link of a verified user", &visit(&known).await, &calls, 3);
}

#[tokio::test]
async fn users_sessions_and_accounts_keep_to_their_round_trips() {
    const READ: &str = "BatchGetItem Sessions Users";
    let app = start(&[]).await;
    let email = unique_email("account-budget");
    let mut browser = app.sign_up(&email).await;

    let list = cost(&app, browser.get("/list-sessions"), 200).await;
    assert_cost("list-sessions", &list, &[READ, "Query Sessions"], 2);
    let revoke = cost(&app, browser.post("/revoke-session", &json!({"token": "A".repeat(43)})), 200).await;
    assert_cost("revoke-session", &revoke, &[READ, "DeleteItem Sessions"], 2);
    let others = cost(&app, browser.post("/revoke-other-sessions", &json!({})), 200).await;
    assert_cost("revoke-other-sessions", &others, &[READ, "TransactWriteItems Users Sessions"], 2);
    let update = cost(&app, browser.post("/update-user", &json!({"name": "Ann"})), 200).await;
    assert_cost("update-user", &update, &[READ, "UpdateItem Users"], 2);
    let verify = cost(&app, browser.post("/verify-password", &json!({"password": PASSWORD})), 200).await;
    assert_cost("verify-password", &verify, &[READ, "GetItem Accounts"], 2);
    let body = json!({"currentPassword": PASSWORD, "newPassword": PASSWORD});
    let change = cost(&app, browser.post("/change-password", &body), 200).await;
    let transaction = "TransactWriteItems Accounts Users Sessions";
    assert_cost("change-password", &change, &[READ, "GetItem Accounts", transaction, "SendEmail"], 3);
    let all = cost(&app, browser.post("/revoke-sessions", &json!({})), 200).await;
    assert_cost("revoke-sessions", &all, &[READ, "UpdateItem Users"], 2);

    // With one other row to remove.
    let (mut browser, _) = crate::support::sign_in(&app, &email, PASSWORD).await;
    let delete = cost(&app, browser.post("/delete-user", &json!({})), 200).await;
    let calls = [
        READ,
        "Query Sessions",
        "BatchWriteItem Sessions",
        "TransactWriteItems Users Accounts Sessions",
        "Query Sessions",
        "SendEmail",
    ];
    assert_cost("delete-user", &delete, &calls, 5);
}

#[tokio::test]
async fn every_link_to_an_address_keeps_to_its_round_trips() {
    let app = start(&[]).await;
    let email = unique_email("budget-verify");
    let mut browser = app.sign_up(&email).await;
    for (email, mails) in [(email.clone(), 1), (unique_email("unknown"), 0)] {
        let body = json!({"email": email});
        let request = cost(&app, app.browser().post("/send-verification-email", &body), 200).await;
        let mut calls = vec!["GetItem Accounts", "GetItem Users", "PutItem VerificationTokens"];
        calls.extend(std::iter::repeat_n("SendEmail", mails));
        assert_cost("verification request", &request, &calls, 3);
    }
    let token = mails::token_in(&mails::link_to(&app, &email).await);
    let nothing = cost(&app, mails::follow(&mut app.browser(), "not-a-token"), 401).await;
    assert_cost("no token", &nothing, &[], 0);
    // Who follows the link is read beside what it grants, which shows when that
    // read is no quicker than a connection is opened.
    let delay = Fault::Delay(Duration::from_millis(200));
    let rule = FaultRule::new(Service::DynamoDb, delay).operation("BatchGetItem").table("VerificationTokensTable");
    app.aws().inject(rule.when(When::Times(1)));
    let follow = cost(&app, mails::follow(&mut browser, &token), 200).await;
    assert_eq!((follow.calls.len(), follow.round_trips), (4, 3), "verification: {:?}", follow.calls);
    let again = cost(&app, mails::follow(&mut app.browser(), &token), 200).await;
    assert_cost("second click", &again, &["BatchGetItem VerificationTokens", "BatchGetItem Accounts Users"], 2);

    let new_email = unique_email("budget-new");
    let body = json!({"newEmail": new_email});
    let request = cost(&app, browser.post("/change-email", &body), 200).await;
    let calls =
        ["BatchGetItem Sessions Users", "GetItem Accounts", "TransactWriteItems Users VerificationTokens", "SendEmail"];
    assert_cost("change request", &request, &calls, 3);
    let token = mails::token_in(&mails::link_to(&app, &email).await);
    let consent = cost(&app, mails::follow(&mut app.browser(), &token), 200).await;
    let calls = [
        "BatchGetItem VerificationTokens",
        "BatchGetItem Accounts Users",
        "GetItem Accounts",
        "TransactWriteItems VerificationTokens Users",
        "SendEmail",
    ];
    assert_cost("consent", &consent, &calls, 4);
    let token = mails::token_in(&mails::link_to(&app, &new_email).await);
    let change = cost(&app, mails::follow(&mut app.browser(), &token), 200).await;
    let calls = [
        "BatchGetItem VerificationTokens",
        "BatchGetItem Accounts Users",
        "TransactWriteItems VerificationTokens Accounts Users",
        "SendEmail",
    ];
    assert_cost("change", &change, &calls, 3);
}

#[tokio::test]
async fn a_sign_up_that_mails_takes_one_round_trip() {
    let app = start(&[("AUTH_REQUIRE_EMAIL_VERIFICATION", "true")]).await;
    let email = unique_email("budget-required");
    let transaction = "TransactWriteItems Accounts Users VerificationTokens";
    let sign_up = cost(&app, try_sign_up(&mut app.browser(), &email), 200).await;
    assert_cost("sign-up", &sign_up, &[transaction, "SendEmail"], 1);
    // What comes after the transaction is done while everybody waits.
    let taken = cost(&app, try_sign_up(&mut app.browser(), &email), 200).await;
    assert_cost("sign-up, taken", &taken, &[transaction, "PutItem VerificationTokens", "SendEmail"], 2);
    let again = cost(&app, try_sign_up(&mut app.browser(), &email), 200).await;
    assert_cost("sign-up, told already", &again, &[transaction, "PutItem VerificationTokens"], 2);
}

#[tokio::test]
async fn a_second_factor_takes_three_round_trips_at_most() {
    let app = start(&[]).await;
    let email = unique_email("factor");
    let mut browser = app.sign_up(&email).await;
    let password = json!({"password": PASSWORD});
    // The first request of a process reads the encryption secret.
    browser.post("/two-factor/enable", &password).await;

    let session = "BatchGetItem Sessions Users";
    app.aws().clear_calls();
    let answer = browser.post("/two-factor/enable", &password).await;
    let calls = [session, "GetItem Accounts", "TransactWriteItems Accounts Users"];
    assert_cost("enable", &Cost::of(&app), &calls, 3);
    let user_id = browser.current_user().await.unwrap()["id"].as_str().unwrap().to_owned();
    let authenticator = Authenticator::from_answer(&answer, &user_id);
    let first_code = json!({"code": authenticator.shown()});
    let enabled = cost(&app, browser.post("/two-factor/verify-totp", &first_code), 200).await;
    let calls = [session, "UpdateItem Accounts", "TransactWriteItems Accounts Users Sessions", "SendEmail"];
    assert_cost("the first code", &enabled, &calls, 3);

    let pending = async || sign_in_pending(&app, &email).await;
    let beginning = ["UpdateItem VerificationTokens", "UpdateItem Accounts", "GetItem Users"];
    let verify = async |path: &str, code: String, status: u16| {
        let mut pending = pending().await;
        let mut cost = cost(&app, pending.post(path, &json!({"code": code})), status).await;
        // The user is read beside the count on the factor: both are asked for
        // at once, though one may be answered before the other arrives.
        let mut calls = app.aws().calls();
        calls.retain(|call| call.operation != "GetItem");
        cost.round_trips = Cost::of_calls(&calls).round_trips;
        cost
    };
    let wrong = verify("/two-factor/verify-totp", authenticator.wrong(), 401).await;
    assert_cost("a wrong code", &wrong, &beginning, 2);
    let code = authenticator.code(&app).await;
    let mut calls = beginning.to_vec();
    calls.push("TransactWriteItems Accounts VerificationTokens Users Sessions");
    assert_cost("a code", &verify("/two-factor/verify-totp", code, 200).await, &calls, 3);
    let code = authenticator.backup_codes[0].clone();
    assert_cost("a backup code", &verify("/two-factor/verify-backup-code", code, 200).await, &calls, 3);
    let mut waiting = pending().await;
    let sent = cost(&app, waiting.post("/two-factor/send-otp", &json!({})), 200).await;
    let calls = ["GetItem VerificationTokens", "GetItem Users", "UpdateItem VerificationTokens", "SendEmail"];
    assert_cost("send-otp", &sent, &calls, 3);

    let code = json!({"code": authenticator.code(&app).await});
    let step_up = cost(&app, browser.post("/two-factor/verify-totp", &code), 200).await;
    let calls = [session, "UpdateItem Accounts", "TransactWriteItems Accounts Users"];
    assert_cost("a step-up", &step_up, &calls, 3);
    let shown = cost(&app, browser.post("/two-factor/get-totp-uri", &password), 200).await;
    assert_cost("get-totp-uri", &shown, &[session, "GetItem Accounts", "GetItem Accounts"], 3);
    let generated = cost(&app, browser.post("/two-factor/generate-backup-codes", &password), 200).await;
    let calls = [session, "GetItem Accounts", "TransactWriteItems Accounts Users", "SendEmail"];
    assert_cost("generate-backup-codes", &generated, &calls, 3);
    let disabled = cost(&app, browser.post("/two-factor/disable", &password), 200).await;
    let calls = [session, "GetItem Accounts", "TransactWriteItems Accounts Users Sessions", "SendEmail"];
    assert_cost("disable", &disabled, &calls, 3);
}

async fn sign_in_pending(app: &App, email: &str) -> Browser {
    let (browser, answer) = crate::support::sign_in(app, email, PASSWORD).await;
    assert_eq!(answer.json()["twoFactorRedirect"], true, "{}", answer.text());
    browser
}

#[tokio::test]
async fn linked_providers_keep_to_their_round_trips() {
    let app = start(&[]).await;
    sign_in_with_google(&app, &google("warm", &unique_email("warm"))).await;
    let email = unique_email("linked");
    let mut browser = app.sign_up(&email).await;
    let person = google("linked", &email);
    let session = "BatchGetItem Sessions Users";

    let offline = json!({"provider": "google", "additionalParams": {"access_type": "offline"}});
    app.aws().clear_calls();
    let answer = browser.post("/link-social", &offline).await;
    let start = Cost::of(&app);
    assert_eq!(start.calls.last().unwrap(), "PutItem VerificationTokens");
    assert_eq!(start.round_trips, 2);
    let url = app.provider.consent_as_google(answer.json()["url"].as_str().unwrap(), person.clone()).unwrap();
    let link = cost(&app, browser.send(Call::new("GET", url)), 302).await;
    let calls = ["UpdateItem VerificationTokens", session, "TransactWriteItems Users Accounts"];
    assert_cost("link", &link, &calls, 3);

    let list = cost(&app, browser.get("/list-accounts"), 200).await;
    assert_cost("list-accounts", &list, &[session, "BatchGetItem Accounts"], 2);
    let id = browser.get("/list-accounts").await.json()[1]["id"].clone();
    let choice = json!({"accountId": id});
    // The first one reads the encryption secret.
    assert_eq!(browser.post("/get-access-token", &choice).await.status, 200);
    let token = cost(&app, browser.post("/get-access-token", &choice), 200).await;
    assert_cost("get-access-token", &token, &[session, "BatchGetItem Accounts"], 2);
    let refresh = cost(&app, browser.post("/refresh-token", &choice), 200).await;
    let calls = [session, "BatchGetItem Accounts", "UpdateItem Accounts", "UpdateItem Accounts"];
    assert_cost("refresh-token", &refresh, &calls, 4);
    let unlink = cost(&app, browser.post("/unlink-account", &choice), 200).await;
    assert_cost("unlink-account", &unlink, &[session, "BatchGetItem Accounts", "TransactWriteItems Users Accounts"], 3);

    let token = json!({"token": app.provider.google_id_token(&person, None)});
    let body = json!({"provider": "google", "idToken": token});
    let at_once = cost(&app, browser.post("/link-social", &body), 200).await;
    let calls = [session, "PutItem VerificationTokens", session, "TransactWriteItems Users Accounts"];
    assert_cost("link by an id token", &at_once, &calls, 4);
}

#[tokio::test]
async fn every_oauth_callback_takes_three_round_trips() {
    let app = start(&[]).await;
    // The first callback of a process reads the client secret and the keys.
    sign_in_with_google(&app, &google("warm", &unique_email("warm"))).await;
    app.provider.forget_requests();

    let body = json!({"provider": "google"});
    let start = cost(&app, app.browser().post("/sign-in/social", &body), 200).await;
    assert_cost("social sign-in", &start, &["PutItem VerificationTokens"], 1);

    let beginning = ["UpdateItem VerificationTokens", "BatchGetItem Accounts"];
    let assert_callback = |name: &str, cost: &Cost, transaction: &str| {
        assert_cost(name, cost, &[beginning[0], beginning[1], transaction], 3);
    };
    let person = google("budget", &unique_email("oauth"));
    let new_user = callback_cost(&app, &person).await;
    assert_callback("new user", &new_user, "TransactWriteItems Accounts Users Sessions");
    let linked = callback_cost(&app, &person).await;
    // The link keeps the newest tokens.
    assert_callback("linked user", &linked, "TransactWriteItems Users Sessions Accounts");

    let email = unique_email("link");
    app.sign_up(&email).await;
    verify_email(&app, &email).await;
    let first_link = callback_cost(&app, &google("link", &email)).await;
    assert_callback("first link", &first_link, "TransactWriteItems Users Sessions Accounts");

    // Nor does a password reset before the first link cost another one.
    let email = unique_email("reset-link");
    app.sign_up(&email).await;
    verify_email(&app, &email).await;
    reset_to(&app, &email, PASSWORD).await;
    let first_link = callback_cost(&app, &google("reset-link", &email)).await;
    assert_callback("first link after a reset", &first_link, "TransactWriteItems Users Sessions Accounts");

    // One call at the provider each: its keys are kept.
    assert_eq!(app.provider.recorded().len(), 4);
}

/// What needs no session reads none, and nothing warm asks Secrets Manager.
#[tokio::test]
async fn what_needs_no_call_makes_none() {
    let app = start(&[]).await;
    let email = unique_email("idle");
    let browser = app.sign_up(&email).await;
    app.aws().clear_calls();

    let bad_cookie = |name: &str, value: &str| {
        let mut browser = app.browser();
        browser.cookies.insert(name.to_owned(), value.to_owned());
        browser
    };
    let name = browser.cookies.keys().find(|name| name.ends_with("session_token")).unwrap().clone();
    let good = browser.session_cookie().unwrap();
    let (token, signature) = good.split_once('.').unwrap();
    let other = app.sign_up(&unique_email("other")).await;
    app.aws().clear_calls();
    let other_signature = other.session_cookie().unwrap().split_once('.').unwrap().1;
    for value in [
        format!("{token}.{other_signature}"),
        format!("x{}.{signature}", &token[1..]),
        token.to_owned(),
        format!("{token}."),
        "garbage".to_owned(),
        String::new(),
    ] {
        for (method, path) in [
            ("GET", "/get-session"),
            ("GET", "/token"),
            ("GET", "/list-sessions"),
            ("POST", "/revoke-sessions"),
            ("POST", "/sign-out"),
        ] {
            let answer = bad_cookie(&name, &value).send(Call::new(method, path)).await;
            assert!(answer.status < 500, "{value}: {}", answer.text());
            assert!(answer.json()["user"].is_null(), "{value}: {}", answer.text());
        }
    }
    let reads: Vec<_> = app.aws().calls().into_iter().filter(|call| call.service == Service::DynamoDb).collect();
    assert!(reads.is_empty(), "{reads:?}");

    app.aws().clear_calls();
    let calls = |browser: Browser| async move {
        let mut browser = browser;
        for (method, path, status) in [
            ("GET", "/ok", 200),
            ("POST", "/get-session", 405),
            ("GET", "/error?error=x", 200),
            ("GET", "/callback/google", 302),
            ("GET", "/reset-password/short?callbackURL=/x", 302),
            ("GET", "/magic-link/verify?token=short", 302),
            ("GET", "/magic-link/verify?token=short&callbackURL=//evil.example", 403),
            ("POST", "/sign-in/magic-link", 400),
            ("POST", "/sign-up/email", 400),
            ("POST", "/sign-in/email", 400),
            ("POST", "/request-password-reset", 400),
            ("POST", "/reset-password", 400),
        ] {
            let mut call = Call::new(method, path);
            if method == "POST" {
                call = call.json(&json!({}));
            }
            let answer = browser.send(call).await;
            assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        }
    };
    calls(app.browser()).await;
    assert_eq!(Cost::of(&app).calls, [""; 0]);

    // Warm, every kind of success leaves Secrets Manager alone.
    app.aws().clear_calls();
    let mut browser = app.sign_up(&unique_email("warm")).await;
    assert!(browser.current_user().await.is_some());
    assert_eq!(sign_in(&app, &email, PASSWORD).await.status, 200);
    assert_eq!(browser.post("/sign-out", &json!({})).await.status, 200);
    let secrets = app.aws().calls().into_iter().filter(|call| call.service == Service::SecretsManager).count();
    assert_eq!(secrets, 0);
}

/// A call is beside the hash if making it slower does not make the request
/// slower, as long as it takes no longer than the hash. Only such a call is
/// left out of the count of a sign-in.
///
/// Between the end of the account's read and the start of the session's write
/// lie the hash and the user's read. Measured alone the hash takes `hash` at
/// least; with the read delayed by `delay` the two take about the longer of
/// them side by side, but never less than their sum one after the other.
#[tokio::test]
async fn the_user_is_read_beside_the_hash() {
    // The most expensive hash, so that it stands out of all noise.
    let app = start(&[("AUTH_PASSWORD_ITERATIONS", "16")]).await;
    let email = unique_email("beside");
    app.sign_up(&email).await;

    let hash = fastest(&app, &email).await;
    let delay = hash * 3 / 2;
    let rule = FaultRule::new(Service::DynamoDb, Fault::Delay(delay)).operation("GetItem").table("UsersTable");
    app.aws().inject(rule.function("signin").when(When::Always));
    let both = fastest(&app, &email).await;
    assert!(both >= delay, "the read was not delayed: {both:?} < {delay:?}");
    assert!(both < delay + hash / 2, "hash {hash:?}, delay {delay:?}, both {both:?}");
}

/// The shortest time between the two calls that frame the hash.
async fn fastest(app: &App, email: &str) -> Duration {
    let mut fastest = Duration::MAX;
    for _ in 0..6 {
        app.aws().clear_calls();
        assert_eq!(sign_in(app, email, PASSWORD).await.status, 200);
        let calls = app.aws().calls();
        let find = |operation: &str, table: &str| {
            calls.iter().find(|call| call.operation == operation && call.tables == [table]).unwrap()
        };
        let start: Instant = find("GetItem", "AccountsTable").ended;
        fastest = fastest.min(find("PutItem", "SessionsTable").started - start);
    }
    fastest
}
