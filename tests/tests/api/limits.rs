//! Limits of requests.

use futures_util::future::join_all;
use local::{Fault, FaultRule, Service, When};
use serde_json::json;
use shared::http::ROUTES;
use tests::{Answer, App, Call, PASSWORD, unique_email};

use crate::support::{LIMITS_TABLE, SECOND, assert_error, assert_limited, counter, limited, now, number, set_expiry};

/// A sign-in of somebody unknown, which is answered 401 if it is let through.
fn sign_in_from(ip: &str) -> Call {
    let body = json!({"email": unique_email("nobody"), "password": PASSWORD});
    Call::new("POST", "/sign-in/email").json(&body).header("x-test-source-ip", ip)
}

async fn send(app: &App, call: Call) -> Answer {
    app.browser().send_only(call).await
}

fn statuses(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

#[tokio::test]
async fn the_fourth_sign_in_in_ten_seconds_is_turned_away_before_anything_else() {
    let app = limited(1, "").await;
    for _ in 0..3 {
        assert_error(&send(&app, sign_in_from("1.2.3.4")).await, 401, "INVALID_EMAIL_OR_PASSWORD");
    }
    app.aws().clear_calls();
    let answer = send(&app, sign_in_from("1.2.3.4")).await;
    assert!(assert_limited(&answer) <= 10);
    assert!(answer.set_cookies().is_empty());
    // A script of the page may read all of it.
    assert_eq!(answer.header("access-control-allow-origin"), app.url());
    for header in ["retry-after", "x-retry-after"] {
        assert!(answer.header("access-control-expose-headers").contains(header), "{header}");
    }
    let calls: Vec<_> = app.aws().calls().into_iter().map(|call| (call.operation, call.tables)).collect();
    assert_eq!(calls, [("UpdateItem".to_owned(), vec![LIMITS_TABLE.to_owned()])]);

    // Neither body nor origin is looked at before.
    let from = |call: Call| call.header("x-test-source-ip", "1.2.3.4");
    let no_json = Call::new("POST", "/sign-in/email").header("content-type", "application/json").body("{{{");
    assert_limited(&send(&app, from(no_json.clone())).await);
    let form = Call::new("POST", "/sign-in/social").header("content-type", "text/plain").body("x");
    assert_limited(&send(&app, from(form)).await);
    let stranger = Call::new("POST", "/sign-in/email").json(&json!({})).header("origin", "https://evil.example");
    assert_limited(&send(&app, from(stranger.clone()).header("cookie", "a=b")).await);
    assert_error(&send(&app, no_json.header("x-test-source-ip", "5.6.7.8")).await, 400, "BAD_REQUEST");
    let stranger = stranger.header("cookie", "a=b").header("x-test-source-ip", "5.6.7.8");
    assert_error(&send(&app, stranger).await, 403, "INVALID_ORIGIN");
    // Another client and another kind of request are other counts.
    assert_eq!(send(&app, sign_in_from("5.6.7.8")).await.status, 401);
    let sign_up = Call::new("POST", "/sign-up/email").json(&json!({}));
    assert_error(&send(&app, from(sign_up)).await, 400, "VALIDATION_ERROR");
}

#[tokio::test]
async fn of_500_parallel_requests_exactly_as_many_pass_as_the_limit_says() {
    let app = limited(10, "sign-in=40/600,request-password-reset=25/600").await;
    // In a new window, and in one that follows an old row.
    for round in 0..2 {
        let answers = join_all((0..500).map(|_| send(&app, sign_in_from("1.2.3.4")))).await;
        assert_eq!(statuses(&answers, 401), 40, "round {round}");
        assert_eq!(statuses(&answers, 429), 460, "round {round}");
        let row = counter(&app, "requests/sign-in/").await;
        assert_eq!(number(&row, "count"), 40);
        set_expiry(&app, LIMITS_TABLE, row, now() - 1).await;
    }
    let instances = app.aws().calls().into_iter().filter_map(|call| call.instance).max();
    assert_eq!(instances, Some(10));
}

#[tokio::test]
async fn headers_that_name_another_address_change_nothing() {
    let app = limited(2, "sign-in=1/600").await;
    assert_eq!(send(&app, sign_in_from("1.2.3.4")).await.status, 401);
    let hops = vec!["8.8.8.8"; 100].join(", ");
    for (name, value) in [
        ("x-forwarded-for", "8.8.8.8"),
        ("x-forwarded-for", "8.8.8.8, 9.9.9.9"),
        ("x-forwarded-for", hops.as_str()),
        ("x-forwarded-for", "junk"),
        ("x-forwarded-for", ""),
        ("x-real-ip", "8.8.8.8"),
        ("cf-connecting-ip", "8.8.8.8"),
        ("true-client-ip", "8.8.8.8"),
        ("x-client-ip", "8.8.8.8"),
        ("forwarded", "for=8.8.8.8"),
        ("x-auth-client-ip", "8.8.8.8"),
        ("user-agent", "another"),
    ] {
        assert_limited(&send(&app, sign_in_from("1.2.3.4").header(name, value)).await);
    }
    // Nor do headers put a stranger's requests on somebody's count.
    assert_eq!(send(&app, sign_in_from("5.6.7.8").header("x-forwarded-for", "1.2.3.4")).await.status, 401);
}

/// A front end that rewrites has one address for all of its visitors.
#[tokio::test]
async fn a_front_end_with_the_secret_says_for_whom_it_asks() {
    let secret = "the front end's own long secret of the test";
    let settings = [
        ("AUTH_RATE_LIMITS", "true"),
        ("AUTH_RATE_LIMIT_RULES", "sign-in=1/600,sign-up=9/600"),
        ("AUTH_PROXY_SECRET", secret),
    ];
    let app = App::with_env(&settings).await;
    let front_end = "192.0.2.1";
    let visitor =
        |ip: &str| sign_in_from(front_end).header("x-auth-proxy-secret", secret).header("x-auth-client-ip", ip);
    for ip in ["203.0.113.1", "203.0.113.2", "2001:db8:1:2::1"] {
        assert_eq!(send(&app, visitor(ip)).await.status, 401, "{ip}");
        assert_limited(&send(&app, visitor(ip)).await);
    }
    assert_limited(&send(&app, visitor("2001:db8:1:2::2")).await);
    // A visitor is the same client without the detour.
    assert_limited(&send(&app, sign_in_from("203.0.113.1")).await);

    // Without the secret, or without an address, it is a client as any other.
    let bare = sign_in_from(front_end);
    assert_eq!(send(&app, bare.clone()).await.status, 401);
    let named = bare.clone().header("x-auth-client-ip", "203.0.113.9");
    for call in [
        named.clone(),
        named.clone().header("x-auth-proxy-secret", ""),
        named.clone().header("x-auth-proxy-secret", "the front end's own long secret of the tesT"),
        named.header("x-forwarded-for", "203.0.113.9"),
        bare.clone().header("x-auth-proxy-secret", secret),
        visitor("nobody"),
        visitor("203.0.113.9, 203.0.113.10"),
    ] {
        assert_limited(&send(&app, call).await);
    }

    // The list of sessions has the visitor's address, too.
    let mut browser = app.browser();
    let body = json!({"name": "Ann", "email": unique_email("visitor"), "password": PASSWORD});
    let call = Call::new("POST", "/sign-up/email").json(&body).header("x-test-source-ip", front_end);
    let call = call.header("x-auth-proxy-secret", secret).header("x-auth-client-ip", "203.0.113.7");
    assert_eq!(browser.send(call).await.status, 200);
    let sessions = browser.get("/list-sessions").await.json();
    assert_eq!(sessions[0]["ipAddress"], "203.0.113.7");
}

#[tokio::test]
async fn addresses_of_one_network_are_one_client() {
    let app = limited(2, "sign-in=1/600").await;
    assert_eq!(send(&app, sign_in_from("2001:db8:1:2::1")).await.status, 401);
    for ip in ["2001:db8:1:2::2", "2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:0db8:0001:0002:0000:0000:0000:0001"] {
        assert_limited(&send(&app, sign_in_from(ip)).await);
    }
    assert_eq!(send(&app, sign_in_from("2001:db8:1:3::1")).await.status, 401);
    assert_eq!(send(&app, sign_in_from("1.2.3.4")).await.status, 401);
    for ip in ["::ffff:1.2.3.4", "::ffff:102:304"] {
        assert_limited(&send(&app, sign_in_from(ip)).await);
    }
}

#[tokio::test]
async fn another_spelling_of_a_path_is_not_found_or_counts_alike() {
    let app = limited(2, "sign-in=1/600,request-password-reset=1/600").await;
    let post = |path: &str| Call::new("POST", path).json(&json!({}));
    assert_eq!(send(&app, post("/sign-in/email")).await.status, 400);
    for path in [
        "//sign-in/email",
        "/sign-in//email",
        "/sign-in/email/",
        "/Sign-In/Email",
        "/%73ign-in/email",
        "/sign-in%2Femail",
        "/sign-in/email;x=1",
        "/../auth/sign-in/email",
        "/./sign-in/email",
        "/sign-in/email?x=1",
        "/sign-in/email?",
        "/sign-in/social",
    ] {
        let answer = send(&app, post(path)).await;
        assert!([404, 429].contains(&answer.status), "{path}: {}", answer.status);
    }
    assert_eq!(send(&app, post("/request-password-reset")).await.status, 400);
    assert_limited(&send(&app, post("/password-reset/request")).await);
}

#[tokio::test]
async fn a_window_that_is_over_does_not_count_though_its_row_is_there() {
    let app = limited(1, "sign-in=2/600").await;
    for _ in 0..2 {
        assert_eq!(send(&app, sign_in_from("1.2.3.4")).await.status, 401);
    }
    let wait = assert_limited(&send(&app, sign_in_from("1.2.3.4")).await);
    assert!((590..=600).contains(&wait), "{wait}");
    let row = counter(&app, "requests/sign-in/").await;
    // What is refused does not move the window.
    set_expiry(&app, LIMITS_TABLE, row.clone(), now() + 20 * SECOND).await;
    assert!((19..=20).contains(&assert_limited(&send(&app, sign_in_from("1.2.3.4")).await)));
    set_expiry(&app, LIMITS_TABLE, row, now() - 1).await;
    assert_eq!(send(&app, sign_in_from("1.2.3.4")).await.status, 401);
    let row = counter(&app, "requests/sign-in/").await;
    assert_eq!(number(&row, "count"), 1);
    assert!(number(&row, "ttl") * SECOND >= number(&row, "expiresAt"));
    assert!((now() + 590 * SECOND..=now() + 600 * SECOND).contains(&number(&row, "expiresAt")));
}

/// One round trip a request, but for the first of a window.
#[tokio::test]
async fn a_request_is_counted_by_one_call() {
    let app = limited(1, "sign-in=9/600").await;
    for (calls, _) in [(2, "first"), (1, "second"), (1, "third")] {
        app.aws().clear_calls();
        assert_eq!(send(&app, Call::new("POST", "/sign-in/email").json(&json!({}))).await.status, 400);
        assert_eq!(app.aws().calls().len(), calls);
    }
}

#[tokio::test]
async fn every_route_is_counted_but_those_that_are_cheaper_than_the_count() {
    let app = limited(1, "").await;
    let mut uncounted = Vec::new();
    for info in ROUTES {
        app.aws().clear_calls();
        let path = info.path.replace("{token}", "x").replace("{provider}", "google");
        let call = Call::new(info.method, path);
        let call = if info.method == "POST" { call.json(&json!({})) } else { call };
        let answer = send(&app, call).await;
        assert!(answer.status < 500, "{} {}: {}", info.method, info.path, answer.text());
        if !app.aws().calls().iter().any(|call| call.tables == [LIMITS_TABLE]) {
            uncounted.push(format!("{} {}", info.method, info.path));
        }
    }
    let expected = ["GET /get-session", "POST /get-session", "GET /token", "GET /ok", "POST /sign-out", "GET /error"];
    assert_eq!(uncounted, expected);
}

fn fault(fault: Fault) -> FaultRule {
    FaultRule::new(Service::DynamoDb, fault).table(LIMITS_TABLE)
}

#[tokio::test]
async fn without_its_table_nobody_signs_in_and_sessions_go_on() {
    let app = limited(2, "").await;
    let mut browser = app.sign_up(&unique_email("session")).await;
    for broken in [Fault::InternalError, Fault::AccessDenied, Fault::DropBefore, Fault::Malformed] {
        app.aws().inject(fault(broken.clone()));
        for (method, path) in [
            ("POST", "/sign-in/email"),
            ("POST", "/sign-in/social"),
            ("POST", "/sign-up/email"),
            ("POST", "/request-password-reset"),
            ("POST", "/password-reset/request"),
            ("POST", "/reset-password"),
            ("POST", "/password-reset/confirm"),
            ("GET", "/reset-password/x?callbackURL=/"),
            ("POST", "/two-factor/verify-totp"),
            ("POST", "/two-factor/verify-backup-code"),
            ("POST", "/sign-in/magic-link"),
            ("GET", "/magic-link/verify?token=x"),
            ("POST", "/send-verification-email"),
            ("GET", "/verify-email?token=x"),
            ("POST", "/change-password"),
            ("POST", "/change-email"),
            ("GET", "/callback/google"),
        ] {
            let call = Call::new(method, path);
            let answer = send(&app, if method == "POST" { call.json(&json!({})) } else { call }).await;
            assert_error(&answer, 503, "SERVICE_UNAVAILABLE");
            assert_eq!(answer.header("retry-after"), "1", "{path}");
        }
        assert!(browser.current_user().await.is_some(), "{broken:?}");
        // What only a session can ask for is not stopped by the count.
        let answer = browser.get("/list-sessions").await;
        assert!(![429, 503].contains(&answer.status), "{broken:?}: {}", answer.text());
        app.aws().clear_faults();
    }
    assert_eq!(send(&app, sign_in_from("1.2.3.4")).await.status, 401);
}

#[tokio::test]
async fn a_counter_that_too_many_want_counts_as_used_up() {
    let app = limited(1, "").await;
    app.aws().inject(fault(Fault::Throttle));
    for path in ["/sign-in/email", "/two-factor/verify-totp", "/revoke-sessions"] {
        let answer = send(&app, Call::new("POST", path).json(&json!({}))).await;
        assert_eq!(assert_limited(&answer), 1, "{path}");
    }
    app.aws().clear_faults();
    // Once is overcome by asking again.
    app.aws().inject(fault(Fault::Throttle).when(When::Times(1)));
    assert_eq!(send(&app, sign_in_from("1.2.3.4")).await.status, 401);
}

#[tokio::test]
async fn a_lost_answer_of_the_counter_does_not_count_twice() {
    let app = limited(1, "sign-in=9/600").await;
    for count in 1..=4 {
        // Of the first request the second call opens the window.
        let lost = if count == 1 { 2 } else { 1 };
        app.aws().clear_faults();
        let id = app.aws().inject(fault(Fault::DropAfter).operation("UpdateItem").when(When::Nth(lost)));
        let answer = send(&app, Call::new("POST", "/sign-in/email").json(&json!({}))).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert_eq!(app.aws().fault_hits(id), 1);
        assert_eq!(number(&counter(&app, "requests/").await, "count"), count);
    }
}

#[tokio::test]
async fn without_the_setting_nothing_is_counted() {
    let app = App::with_env(&[("AUTH_RATE_LIMIT_RULES", "sign-in=1/600")]).await;
    let email = unique_email("unlimited");
    app.sign_up(&email).await;
    for _ in 0..8 {
        let answer = send(&app, sign_in_from("1.2.3.4")).await;
        assert_eq!(answer.status, 401);
    }
    let answer = app.browser().post("/sign-in/email", &json!({"email": email, "password": PASSWORD})).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.set_cookies().iter().any(|cookie| cookie.contains("known_device")));
    assert!(app.rows(LIMITS_TABLE).await.is_empty());
}

#[tokio::test]
async fn the_production_profile_limits() {
    let app = App::with_env(&[("AUTH_PROFILE", "production")]).await;
    for _ in 0..3 {
        assert_eq!(send(&app, sign_in_from("1.2.3.4")).await.status, 401);
    }
    assert_limited(&send(&app, sign_in_from("1.2.3.4")).await);
}
