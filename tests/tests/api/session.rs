//! Reading the current session.

use std::time::Duration;

use futures_util::future::join_all;
use local::{Fault, FaultRule, Service, When};
use serde_json::{Value, json};
use tests::{Answer, App, Browser, Call, unique_email};

use crate::support::*;

const COOKIE: &str = "better-auth.session_token";

#[track_caller]
fn assert_null(answer: &Answer) {
    assert_eq!((answer.status, answer.text().as_str()), (200, "null"));
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
}

/// Makes the session due for an extension.
async fn make_due(app: &App, email: &str) {
    set_expiry(app, "SessionsTable", only_session(app, email).await, now() + 6 * DAY - SECOND).await;
}

fn session_of(answer: &Answer) -> Value {
    answer.json()["session"].clone()
}

#[tokio::test]
async fn the_current_session_is_told_with_its_user() {
    let app = App::shared();
    let email = unique_email("current");
    let mut browser = app.browser();
    let call = Call::new("POST", "/sign-up/email")
        .header("user-agent", "test agent")
        .header("x-test-source-ip", "203.0.113.9")
        .header("x-forwarded-for", "198.51.100.1")
        .json(&json!({"name": "Ann", "email": email, "password": tests::PASSWORD}));
    browser.send(call).await;
    let answer = browser.get("/get-session").await;
    let (body, session) = (answer.json(), session_of(&answer));
    let mut fields: Vec<&str> = session.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["createdAt", "expiresAt", "id", "ipAddress", "token", "updatedAt", "userAgent", "userId"]);
    assert_eq!((&session["ipAddress"], &session["userAgent"]), (&json!("203.0.113.9"), &json!("test agent")));
    assert_eq!((&session["userId"], &body["user"]["email"]), (&body["user"]["id"], &json!(email)));
    assert_eq!((&body["expiresAt"], &body["token"]), (&session["expiresAt"], &json!(answer.header("set-auth-jwt"))));
    let time = session["expiresAt"].as_str().unwrap();
    assert_eq!((time.len(), &time[19..20], &time[23..]), (24, ".", "Z"), "{time}");
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
    assert!(answer.set_cookies().is_empty(), "nothing to renew yet");
}

#[tokio::test]
async fn without_a_cookie_there_is_none_and_nothing_is_cleared() {
    let answer = App::shared().browser().get("/get-session").await;
    assert_null(&answer);
    assert!(answer.set_cookies().is_empty());
}

#[tokio::test]
async fn a_cookie_that_nobody_signed_is_as_good_as_none() {
    let app = App::shared();
    let browser = app.sign_up(&unique_email("tampered")).await;
    let other = app.sign_up(&unique_email("tampered")).await;
    let cookie = decoded(browser.session_cookie().unwrap());
    let (token, signature) = cookie.rsplit_once('.').unwrap();
    let mut flipped = token.to_owned();
    flipped.replace_range(40..41, if &token[40..41] == "A" { "B" } else { "A" });
    let of_other = raw_token(&other);
    let values = [
        String::new(),
        "garbage".to_owned(),
        token.to_owned(),
        format!("{token}."),
        format!("{token}.{}", &signature[..43]),
        format!("{token}.{}{}", if signature.starts_with('A') { "B" } else { "A" }, &signature[1..]),
        format!("{flipped}.{signature}"),
        format!("{}.{signature}", token.to_lowercase()),
        format!("{of_other}.{signature}"),
        format!("{signature}.{token}"),
        format!("{token}.{signature}x"),
        format!("{token}\n.{signature}"),
    ];
    for value in values {
        let answer = browser_with(app, COOKIE, &encoded(&value)).get("/get-session").await;
        assert_null(&answer);
        assert!(answer.set_cookies().is_empty(), "{value}");
    }
    assert!(browser.clone().current_user().await.is_some());
}

#[tokio::test]
async fn a_signed_cookie_of_no_session_is_cleared() {
    let app = App::shared();
    let email = unique_email("unknown");
    let browser = app.sign_up(&email).await;
    browser.clone().post("/sign-out", &json!({})).await;
    let answer = browser.clone().get("/get-session").await;
    assert_null(&answer);
    assert_clears_session(&answer);
    let answer = browser.clone().get("/token").await;
    assert_error(&answer, 401, "UNAUTHORIZED");
    assert_clears_session(&answer);
}

#[tokio::test]
async fn junk_beside_the_cookie_changes_nothing() {
    let app = App::shared();
    let browser = app.sign_up(&unique_email("junk")).await;
    let cookie = format!("{COOKIE}={}", browser.session_cookie().unwrap());
    let many: Vec<String> = (0..200).map(|i| format!("c{i}={i}")).collect();
    for header in [
        cookie.clone(),
        format!("a=b=c; {cookie}; ;;; x"),
        format!("{COOKIE}=garbage; {cookie}"),
        format!("\"quoted\"; {cookie}"),
        format!("é=ü; {cookie}"),
        format!("{COOKIE}=\"{}\"", browser.session_cookie().unwrap()),
        format!("{COOKIE}={}", decoded(browser.session_cookie().unwrap())),
        format!("{}; {cookie}", many.join("; ")),
        format!("big={}; {cookie}", "x".repeat(9000)),
    ] {
        let mut plain = app.browser();
        let answer = plain.send(Call::new("GET", "/get-session").header("cookie", header.clone())).await;
        assert!(answer.json()["user"].is_object(), "{header}: {} {}", answer.status, answer.text());
        assert!(answer.set_cookies().is_empty());
    }
}

#[tokio::test]
async fn two_signed_cookies_are_worth_nothing() {
    let app = App::shared();
    let (one, two) = (app.sign_up(&unique_email("twin")).await, app.sign_up(&unique_email("twin")).await);
    for (a, b) in [(&one, &two), (&two, &one)] {
        let header = format!("{COOKIE}={}; {COOKIE}={}", a.session_cookie().unwrap(), b.session_cookie().unwrap());
        let answer = app.browser().send(Call::new("GET", "/get-session").header("cookie", header)).await;
        assert_null(&answer);
    }
}

#[tokio::test]
async fn cookies_of_an_https_service_are_secure() {
    let app = App::with_env(&[("AUTH_BASE_URL", "https://auth.example.com")]).await;
    let mut browser = app.browser();
    browser.origin = Some("https://auth.example.com".to_owned());
    let body = json!({"name": "Ann", "email": "ann@example.com", "password": tests::PASSWORD, "rememberMe": false});
    let answer = browser.post("/sign-up/email", &body).await;
    assert_eq!(cookie_names(&answer), ["__Secure-better-auth.session_token", "__Secure-better-auth.dont_remember"]);
    for cookie in answer.set_cookies() {
        assert!(cookie.ends_with("; Path=/; HttpOnly; Secure; SameSite=Lax"), "{cookie}");
    }
    assert!(browser.current_user().await.is_some());
    // A cookie without the prefix may be a subdomain's: it does not count.
    let value = browser.session_cookie().unwrap().to_owned();
    assert_null(&browser_with(&app, COOKIE, &value).get("/get-session").await);
    let answer = browser.post("/sign-in/social", &json!({"provider": "google"})).await;
    let state = answer.set_cookies().remove(0);
    assert!(state.starts_with("__Secure-better-auth.state="), "{state}");
    assert!(state.ends_with("; Max-Age=300; Path=/; HttpOnly; Secure; SameSite=Lax"), "{state}");
    let answer = browser.post("/sign-out", &json!({})).await;
    for cookie in answer.set_cookies() {
        assert!(cookie.starts_with("__Secure-better-auth.") && cookie.contains("=; Max-Age=0; "), "{cookie}");
        assert!(cookie.ends_with("; Secure; SameSite=Lax"), "{cookie}");
    }
}

#[tokio::test]
async fn cookies_can_be_shared_with_sibling_hosts() {
    let app = App::with_env(&[("AUTH_COOKIE_DOMAIN", "example.com")]).await;
    let mut browser = app.browser();
    let body = json!({"name": "Ann", "email": "ann@example.com", "password": tests::PASSWORD});
    let answer = browser.post("/sign-up/email", &body).await;
    assert!(answer.set_cookies()[0].contains("; Max-Age=604800; Domain=example.com; Path=/; HttpOnly; SameSite=Lax"));
    // A cookie of the time before the setting stands beside it: of this host
    // alone, signed, and dead. It goes, and the live one is left.
    let live = browser.cookies["better-auth.session_token"].clone();
    let (mut old, _) = sign_in(&app, "ann@example.com", tests::PASSWORD).await;
    let dead = old.cookies["better-auth.session_token"].clone();
    old.post("/sign-out", &json!({})).await;
    let both = format!("better-auth.session_token={dead}; better-auth.session_token={live}");
    let clears = |answer: &Answer| {
        let left_over = "better-auth.session_token=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax";
        answer.set_cookies().iter().any(|cookie| cookie == left_over)
    };
    let answer = app.browser().send(Call::new("GET", "/get-session").header("cookie", &both)).await;
    assert!(answer.json().is_null() && clears(&answer), "{:?}", answer.set_cookies());
    assert_eq!(answer.set_cookies().len(), 1);
    let credentials = json!({"email": "ann@example.com", "password": tests::PASSWORD});
    let call = Call::new("POST", "/sign-in/email").json(&credentials).header("cookie", &both);
    assert!(clears(&app.browser().send(call).await));
    let call = Call::new("POST", "/sign-out").json(&json!({})).header("cookie", &both);
    assert!(clears(&app.browser().send(call).await));

    let answer = old.post("/sign-out", &json!({})).await;
    assert!(answer.set_cookies().iter().all(|cookie| cookie.contains("=; Max-Age=0; Domain=example.com; Path=/;")));
}

#[tokio::test]
async fn an_expired_session_is_dead_though_its_row_is_there() {
    let app = App::shared();
    let email = unique_email("expired");
    let mut browser = app.sign_up(&email).await;
    let jwt = browser.get("/token").await.json()["token"].as_str().unwrap().to_owned();
    let row = only_session(app, &email).await;
    set_expiry(app, "SessionsTable", row.clone(), now() + DAY).await;
    assert!(browser.current_user().await.is_some());
    for expiry in [now(), now() - 1, now() - 8 * DAY, 0] {
        set_expiry(app, "SessionsTable", row.clone(), expiry).await;
        let answer = browser.send_only(Call::new("GET", "/get-session")).await;
        assert_null(&answer);
        assert_clears_session(&answer);
        let call = Call::new("GET", "/token").header("authorization", format!("Bearer {jwt}"));
        assert_error(&app.browser().send(call).await, 401, "UNAUTHORIZED");
        assert_eq!(number(&only_session(app, &email).await, "expiresAt"), expiry, "a dead session is not extended");
    }
}

#[tokio::test]
async fn an_access_token_ends_no_later_than_its_session() {
    let app = App::shared();
    let email = unique_email("short");
    let mut browser = app.sign_up(&email).await;
    let expiry = now() + 90 * SECOND;
    set_expiry(app, "SessionsTable", only_session(app, &email).await, expiry).await;
    // Such a session is due for an extension, which this request declines.
    let answer = browser.get("/get-session?disableRefresh=true").await;
    let claims = crate::access_tokens::claims_of(answer.json()["token"].as_str().unwrap());
    assert_eq!(claims["exp"].as_i64().unwrap(), expiry / SECOND);
}

#[tokio::test]
async fn a_session_in_use_is_extended_after_a_day() {
    let app = App::shared();
    let email = unique_email("extend");
    let mut browser = app.sign_up(&email).await;
    set_expiry(app, "SessionsTable", only_session(app, &email).await, now() + 6 * DAY + 60 * SECOND).await;
    assert!(browser.get("/get-session").await.set_cookies().is_empty(), "not due yet");

    make_due(app, &email).await;
    let (before, token) = (now(), raw_token(&browser));
    let answer = browser.get("/get-session").await;
    assert_eq!(cookie_names(&answer), [COOKIE]);
    assert!(answer.set_cookies()[0].contains("; Max-Age=604800; "));
    assert_eq!(answer.header("set-auth-token"), set_cookie(&answer, COOKIE).unwrap());
    assert_eq!(raw_token(&browser), token, "the token stays the same");
    let row = only_session(app, &email).await;
    assert!((before + 7 * DAY..=now() + 7 * DAY).contains(&number(&row, "expiresAt")));
    assert!(number(&row, "updatedAt") >= before && number(&row, "createdAt") < before);
    assert!(number(&row, "ttl") * SECOND >= number(&row, "expiresAt"));
    assert!(browser.get("/get-session").await.set_cookies().is_empty(), "extended already");
}

#[tokio::test]
async fn a_request_can_decline_the_extension() {
    let app = App::shared();
    let email = unique_email("decline");
    let mut browser = app.sign_up(&email).await;
    make_due(app, &email).await;
    let due = number(&only_session(app, &email).await, "expiresAt");
    let answer = browser.get("/get-session?disableRefresh=true").await;
    assert!(answer.json()["user"].is_object() && answer.set_cookies().is_empty());
    assert_eq!(number(&only_session(app, &email).await, "expiresAt"), due);
    assert_eq!(cookie_names(&browser.get("/get-session?disableRefresh=").await), [COOKIE]);
}

#[tokio::test]
async fn an_unremembered_session_is_never_extended() {
    let app = App::shared();
    let email = unique_email("unremembered");
    let mut browser = app.browser();
    let body = json!({"name": "Ann", "email": email, "password": tests::PASSWORD, "rememberMe": false});
    browser.post("/sign-up/email", &body).await;
    for left in [DAY, 60 * SECOND] {
        let expiry = now() + left;
        set_expiry(app, "SessionsTable", only_session(app, &email).await, expiry).await;
        let answer = browser.get("/get-session").await;
        assert!(answer.json()["user"].is_object() && answer.set_cookies().is_empty());
        assert_eq!(number(&only_session(app, &email).await, "expiresAt"), expiry);
    }
}

#[tokio::test]
async fn of_many_requests_one_extends_the_session() {
    let app = racing().await;
    let browser = app.sign_up("ann@example.com").await;
    make_due(&app, "ann@example.com").await;
    app.aws().clear_calls();
    let answers = join_all((0..20).map(|_| browser.send_only(Call::new("GET", "/get-session")))).await;
    assert!(answers.iter().all(|answer| answer.json()["user"].is_object()), "nobody is signed out");
    let extended = answers.iter().filter(|answer| !answer.set_cookies().is_empty());
    let mut expiries: Vec<String> = extended.map(|answer| session_of(answer)["expiresAt"].to_string()).collect();
    // Two that fall on one millisecond write the same.
    expiries.dedup();
    assert_eq!(expiries.len(), 1, "{expiries:?}");
    assert_eq!(session_of(&browser.clone().get("/get-session").await)["expiresAt"].to_string(), expiries[0]);
    let calls = app.aws().calls();
    let writes = calls.iter().filter(|call| call.operation == "UpdateItem" && call.status == 200).count();
    assert!((1..=2).contains(&writes), "{writes} writes");
}

/// The extension is held up until the sign-out is done.
#[tokio::test]
async fn a_session_that_ends_meanwhile_is_not_brought_back_by_its_extension() {
    let app = racing().await;
    let email = "ann@example.com";
    let mut browser = app.sign_up(email).await;
    make_due(&app, email).await;
    let held_up = FaultRule::new(Service::DynamoDb, Fault::Delay(Duration::from_millis(700)));
    let rule = app.aws().inject(held_up.operation("UpdateItem").function("session"));
    let reader = browser.clone();
    let read = tokio::spawn(async move { reader.send_only(Call::new("GET", "/get-session")).await });
    wait_until(|| app.aws().fault_hits(rule) > 0).await;
    assert_eq!(browser.clone().post("/sign-out", &json!({})).await.status, 200);
    assert_eq!(sessions_of(&app, email).await.len(), 0);
    let answer = read.await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.set_cookies().is_empty(), "nothing was extended");
    assert_eq!(sessions_of(&app, email).await.len(), 0);
    assert!(browser.current_user().await.is_none());
}

#[tokio::test]
async fn the_handle_of_a_session_opens_nothing() {
    let app = App::shared();
    let mut browser = app.sign_up(&unique_email("handle")).await;
    let session = session_of(&browser.get("/get-session").await);
    let (handle, user_id) = (session["token"].as_str().unwrap(), session["userId"].as_str().unwrap());
    assert!(!raw_token(&browser).contains(handle));
    for token in [handle.to_owned(), format!("{user_id}{handle}"), format!("{user_id}.{handle}"), user_id.to_owned()] {
        let call = Call::new("GET", "/get-session").header("authorization", format!("Bearer {token}"));
        assert_null(&app.browser().send(call).await);
        assert_null(&browser_with(app, COOKIE, &token).get("/get-session").await);
    }
}

#[tokio::test]
async fn a_bearer_token_stands_for_the_cookie_in_every_form() {
    let app = App::shared();
    let email = unique_email("bearer");
    let mut browser = app.browser();
    let answer =
        browser.post("/sign-up/email", &json!({"name": "Ann", "email": email, "password": tests::PASSWORD})).await;
    let jwt = answer.json()["token"].as_str().unwrap().to_owned();
    let signed = answer.header("set-auth-token").to_owned();
    let encoded = browser.session_cookie().unwrap().to_owned();
    for token in [&jwt, &signed, &encoded, &raw_token(&browser)] {
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let call = |path: &str| Call::new("GET", path).header("authorization", format!("{scheme} {token}"));
            let answer = app.browser().send(call("/get-session")).await;
            assert_eq!(answer.json()["user"]["email"], email, "{scheme} {token}");
            let answer = app.browser().send(call("/token")).await;
            assert!(answer.json()["token"].as_str().unwrap().starts_with("eyJ"));
        }
        for header in [format!("Bearer{token}"), format!("Basic {token}"), token.clone(), format!("Bearer {token} x")] {
            let answer =
                app.browser().send(Call::new("GET", "/get-session").header("authorization", header.clone())).await;
            assert_eq!(answer.text(), "null", "{header}");
        }
    }
}

#[tokio::test]
async fn a_good_bearer_token_beats_the_cookie() {
    let app = App::shared();
    let (ann, bob) = (unique_email("ann"), unique_email("bob"));
    let (mut of_ann, of_bob) = (app.sign_up(&ann).await, app.sign_up(&bob).await);
    let mut ask = async |token: &str| {
        let call = Call::new("GET", "/get-session").header("authorization", format!("Bearer {token}"));
        of_ann.send(call).await.json()["user"]["email"].clone()
    };
    assert_eq!(ask(&raw_token(&of_bob)).await, bob);
    assert_eq!(ask("not.a.token").await, ann, "what is no token of ours is as good as none");
}

#[tokio::test]
async fn a_due_session_read_by_a_raw_token_hands_the_token_back() {
    let app = App::shared();
    let email = unique_email("due-bearer");
    let browser = app.sign_up(&email).await;
    make_due(app, &email).await;
    let call = Call::new("GET", "/get-session").header("authorization", format!("Bearer {}", raw_token(&browser)));
    let answer = app.browser().send(call).await;
    assert_eq!(answer.header("set-auth-token"), decoded(browser.session_cookie().unwrap()));
}

#[tokio::test]
async fn the_token_route_needs_a_session() {
    let app = App::shared();
    let answer = app.browser().get("/token").await;
    assert_eq!((answer.status, answer.text().as_str()), (401, r#"{"message":"Unauthorized","code":"UNAUTHORIZED"}"#));
    let mut browser = app.sign_up(&unique_email("token")).await;
    let answer = browser.get("/token").await;
    assert_eq!(answer.json().as_object().unwrap().len(), 1);
    let claims = crate::access_tokens::claims_of(answer.json()["token"].as_str().unwrap());
    assert_eq!(claims["sub"], browser.current_user().await.unwrap()["id"]);
}

#[tokio::test]
async fn the_session_is_not_read_by_post() {
    let app = App::shared();
    let mut browser = app.sign_up(&unique_email("post")).await;
    assert_error(&browser.post("/get-session", &json!({})).await, 405, "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED");
}

#[tokio::test]
async fn a_left_over_cache_cookie_is_cleared_and_never_believed() {
    let app = App::shared();
    let mut browser = browser_with(app, "better-auth.session_data", "eyJzZXNzaW9uIjp7fX0");
    let answer = browser.get("/get-session").await;
    assert_null(&answer);
    assert_eq!(cookie_names(&answer), ["better-auth.session_data"]);
}

#[tokio::test]
async fn health_costs_no_call() {
    let app = App::with_env(&[]).await;
    app.aws().clear_calls();
    let answer = app.browser().get("/ok").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"ok":true}"#));
    assert!(app.aws().calls().is_empty());
}

/// A row that cannot be read costs its own user an error, and nobody else.
#[tokio::test]
async fn a_corrupt_row_hurts_only_its_user() {
    let app = App::with_env(&[]).await;
    let mut healthy = app.sign_up("healthy@example.com").await;
    let mut victim = app.sign_up("victim@example.com").await;
    let session = only_session(&app, "victim@example.com").await;
    let user = user_row(&app, "victim@example.com").await.unwrap();
    let processes = app.pool("session").unwrap().processes().iter().map(|process| process.pid()).collect::<Vec<_>>();
    let mut damage = Vec::new();
    for attribute in ["expiresAt", "createdAt", "validFrom", "remembered"] {
        damage.push(("SessionsTable", session.clone(), attribute, None));
        damage.push(("SessionsTable", session.clone(), attribute, Some(json!({"S": "garbage"}))));
    }
    damage.push(("SessionsTable", session.clone(), "expiresAt", Some(json!({"N": "1.5"}))));
    for attribute in ["name", "email", "emailVerified", "sessionsValidFrom", "identities"] {
        damage.push(("UsersTable", user.clone(), attribute, None));
        damage.push(("UsersTable", user.clone(), attribute, Some(json!({"M": {}}))));
    }
    for (table, row, attribute, value) in damage {
        let mut broken = row.clone();
        match value.clone() {
            Some(value) => broken[attribute] = value,
            None => drop(broken.as_object_mut().unwrap().remove(attribute)),
        }
        app.put_row(table, &broken).await;
        let answer = victim.send(Call::new("GET", "/get-session")).await;
        assert_eq!((answer.status, answer.code().as_str()), (500, "INTERNAL_SERVER_ERROR"), "{attribute} = {value:?}");
        assert!(!answer.text().contains(attribute) && !answer.text().contains("Table"), "{}", answer.text());
        assert!(answer.set_cookies().is_empty(), "a fault of ours signs nobody out");
        assert!(healthy.current_user().await.is_some());
        app.put_row(table, &row).await;
        assert!(victim.current_user().await.is_some());
    }
    let same = app.pool("session").unwrap().processes().iter().map(|process| process.pid()).collect::<Vec<_>>();
    assert_eq!(same, processes, "no process died of it");
}

/// Read after write, back to back, without a stale answer.
#[tokio::test]
async fn what_was_just_done_shows_at_once() {
    let app = App::shared();
    let email = unique_email("stale");
    app.sign_up(&email).await;
    for _ in 0..15 {
        let (mut browser, _): (Browser, _) = sign_in(app, &email, tests::PASSWORD).await;
        assert!(browser.current_user().await.is_some());
        let copy = browser.clone();
        browser.post("/sign-out", &json!({})).await;
        assert!(copy.clone().current_user().await.is_none());
    }
}

#[tokio::test]
async fn an_extension_that_fails_costs_nobody_the_session() {
    let app = App::with_env(&[]).await;
    let mut browser = app.sign_up("ann@example.com").await;
    make_due(&app, "ann@example.com").await;
    let denied = FaultRule::new(Service::DynamoDb, Fault::AccessDenied).operation("UpdateItem").when(When::Always);
    app.aws().inject(denied);
    let answer = browser.get("/get-session").await;
    assert!(answer.json()["user"].is_object() && answer.set_cookies().is_empty(), "{}", answer.text());
}
