//! Requests from other sites, and targets on other sites.

use serde_json::{Value, json};
use tests::{Answer, App, Call, PASSWORD, fake_provider::GoogleUser, unique_email};
use url::Url;

use crate::support::*;

const CROSS_SITE: &str = "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED";

/// Every route that changes something, with a body that would do.
fn mutations(email: &str) -> Vec<(&'static str, Value)> {
    let reset = json!({"token": "A".repeat(43), "newPassword": PASSWORD});
    vec![
        ("/sign-up/email", json!({"name": "Ann", "email": email, "password": PASSWORD})),
        ("/sign-in/email", json!({"email": email, "password": PASSWORD})),
        ("/sign-in/social", json!({"provider": "google"})),
        ("/sign-in/magic-link", json!({"email": email})),
        ("/sign-out", json!({})),
        ("/request-password-reset", json!({"email": email})),
        ("/password-reset/request", json!({"email": email})),
        ("/reset-password", reset.clone()),
        ("/password-reset/confirm", reset),
        ("/callback/google", json!({"state": "x"})),
        ("/send-verification-email", json!({"email": email})),
        ("/change-email", json!({"newEmail": email})),
        ("/revoke-session", json!({"token": "A".repeat(43)})),
        ("/revoke-sessions", json!({})),
        ("/revoke-other-sessions", json!({})),
        ("/update-session", json!({})),
        ("/update-user", json!({"name": "Mallory"})),
        ("/change-password", json!({"currentPassword": PASSWORD, "newPassword": PASSWORD})),
        ("/verify-password", json!({"password": PASSWORD})),
        ("/delete-user", json!({"password": PASSWORD})),
    ]
}

/// Origins that look like the trusted one to a careless comparison.
fn strangers(app: &App) -> Vec<String> {
    let (own, port) = (app.url(), app.url().rsplit(':').next().unwrap().to_owned());
    vec![
        "https://evil.example".to_owned(),
        format!("{own}.evil.example"),
        format!("{own}0"),
        format!("https://localhost:{port}"),
        "http://localhost".to_owned(),
        "http://localhost:1".to_owned(),
        format!("http://evil.example:{port}"),
        format!("http://localhost.evil.example:{port}"),
        format!("http://evillocalhost:{port}"),
        format!("http://localhost:{port}@evil.example"),
        format!("https://evil.example/{own}"),
        format!("https://evil.example?{own}"),
        format!("https://evil.example#{own}"),
        "javascript:alert(1)".to_owned(),
        "file://".to_owned(),
        "x".to_owned(),
        "/".to_owned(),
        "//localhost".to_owned(),
    ]
}

async fn send_with(app: &App, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
    let mut browser = app.browser();
    browser.origin = None;
    let call = headers.iter().fold(Call::new("POST", path), |call, (name, value)| call.header(name, *value));
    browser.send(call.json(body)).await
}

#[tokio::test]
async fn a_request_with_cookies_comes_from_a_trusted_origin() {
    let app = App::shared();
    let email = unique_email("cookies");
    let strangers = strangers(app);
    for (path, body) in mutations(&email) {
        for origin in &strangers {
            let answer = send_with(app, path, &body, &[("cookie", "a=b"), ("origin", origin)]).await;
            assert_error(&answer, 403, "INVALID_ORIGIN");
            assert_eq!(answer.json()["message"], "Invalid origin", "{path} {origin}");
            assert!(answer.set_cookies().is_empty());
        }
        let missing: [&[(&str, &str)]; 4] =
            [&[], &[("origin", "null")], &[("origin", "")], &[("origin", "null"), ("referer", "http://localhost/")]];
        for headers in missing {
            let headers = [&[("cookie", "a=b")], headers].concat();
            assert_error(&send_with(app, path, &body, &headers).await, 403, "MISSING_OR_NULL_ORIGIN");
        }
    }
    assert!(user_row(app, &email).await.is_none());
    assert!(app.mails().iter().all(|mail| !mail.is_to(&email)));
}

#[tokio::test]
async fn the_services_own_pages_may_send_cookies() {
    let app = App::shared();
    let own = app.url();
    let page = format!("{own}/some/page?x=1");
    let trailing = format!("{own}/");
    let headers: [&[(&str, &str)]; 6] = [
        &[("origin", &own)],
        &[("origin", &trailing)],
        &[("referer", &page)],
        &[("origin", ""), ("referer", &page)],
        &[("origin", &own), ("referer", "https://evil.example/")],
        &[("origin", "null"), ("sec-fetch-site", "same-origin")],
    ];
    for headers in headers {
        let headers = [&[("cookie", "a=b")], headers].concat();
        let answer = send_with(app, "/sign-out", &json!({}), &headers).await;
        assert_eq!(answer.status, 200, "{headers:?}: {}", answer.text());
    }
    // The referer does not help a wrong origin.
    let headers = [("cookie", "a=b"), ("origin", "https://evil.example"), ("referer", page.as_str())];
    assert_error(&send_with(app, "/sign-out", &json!({}), &headers).await, 403, "INVALID_ORIGIN");
}

#[tokio::test]
async fn a_session_survives_what_other_sites_send() {
    let app = App::shared();
    let mut browser = app.sign_up(&unique_email("survives")).await;
    for origin in [Some("https://evil.example"), Some("null"), None] {
        browser.origin = origin.map(str::to_owned);
        assert_eq!(browser.post("/sign-out", &json!({})).await.status, 403);
        let form =
            Call::new("POST", "/sign-out").header("content-type", "application/x-www-form-urlencoded").body("a=b");
        assert_eq!(browser.send(form).await.status, 415);
        let text = Call::new("POST", "/sign-out").header("content-type", "text/plain").body("{}");
        assert_eq!(browser.send(text).await.status, 415);
        assert_eq!(browser.send(Call::new("POST", "/sign-out")).await.status, 403);
    }
    assert!(browser.current_user().await.is_some());
}

#[tokio::test]
async fn programs_without_a_browser_need_no_origin() {
    let app = App::shared();
    let email = unique_email("program");
    for (path, body) in mutations(&email) {
        let answer = send_with(app, path, &body, &[]).await;
        assert_ne!(answer.status, 403, "{path}: {}", answer.text());
    }
    assert!(user_row(app, &email).await.is_some());
}

/// Signing a victim's browser in as the attacker, without any cookie.
#[tokio::test]
async fn other_sites_sign_nobody_in() {
    let app = App::shared();
    let own = app.url();
    let (known, new) = (unique_email("known"), unique_email("new"));
    app.sign_up(&known).await;
    type Case<'a> = (Vec<(&'a str, &'a str)>, Option<&'a str>);
    let cases: Vec<Case<'_>> = vec![
        (vec![("origin", "https://evil.example")], Some("INVALID_ORIGIN")),
        (vec![("origin", "null")], Some("MISSING_OR_NULL_ORIGIN")),
        (vec![("referer", "https://evil.example/x")], Some("INVALID_ORIGIN")),
        (vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], Some(CROSS_SITE)),
        (vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("origin", &own)], Some(CROSS_SITE)),
        (vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "cors")], Some("MISSING_OR_NULL_ORIGIN")),
        (
            vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "cors"), ("origin", "https://evil.example")],
            Some("INVALID_ORIGIN"),
        ),
        (
            vec![("sec-fetch-site", "same-site"), ("sec-fetch-mode", "navigate"), ("origin", "https://evil.example")],
            Some("INVALID_ORIGIN"),
        ),
        (vec![("sec-fetch-site", "same-origin")], Some("MISSING_OR_NULL_ORIGIN")),
        (vec![("sec-fetch-mode", "cors")], Some("MISSING_OR_NULL_ORIGIN")),
        (vec![("sec-fetch-dest", "document")], Some("MISSING_OR_NULL_ORIGIN")),
        (vec![("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors"), ("origin", &own)], None),
        (vec![("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "navigate"), ("origin", "null")], None),
        (vec![("sec-fetch-site", "none"), ("origin", &own)], None),
        (vec![("origin", &own)], None),
        (vec![], None),
    ];
    for (headers, expected) in cases {
        let answer = send_with(app, "/sign-in/email", &json!({"email": known, "password": PASSWORD}), &headers).await;
        match expected {
            Some(code) => {
                assert_error(&answer, 403, code);
                assert!(answer.set_cookies().is_empty());
                let body = json!({"name": "Ann", "email": new, "password": PASSWORD});
                assert_error(&send_with(app, "/sign-up/email", &body, &headers).await, 403, code);
                for path in ["/sign-in/magic-link", "/request-password-reset", "/password-reset/request"] {
                    assert_error(&send_with(app, path, &json!({"email": known}), &headers).await, 403, code);
                }
            }
            None => assert_eq!(answer.status, 200, "{headers:?}: {}", answer.text()),
        }
    }
    assert!(user_row(app, &new).await.is_none());
    assert!(app.mails().iter().all(|mail| !mail.is_to(&known)));
    // A form is what a foreign page can send without asking first.
    let form = Call::new("POST", "/sign-in/email")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "https://evil.example")
        .body(format!("email={}&password=correct+horse+battery", encoded(&known)));
    assert_error(&app.browser().send(form).await, 403, "INVALID_ORIGIN");
}

#[tokio::test]
async fn checks_come_in_a_fixed_order() {
    let app = App::shared();
    let evil = [("cookie", "a=b"), ("origin", "https://evil.example")];
    let broken = Call::new("POST", "/sign-in/email").header("cookie", "a=b").header("origin", "https://evil.example");
    let text = broken.clone().header("content-type", "text/plain").body("x");
    assert_error(&app.browser().send(text).await, 415, "UNSUPPORTED_MEDIA_TYPE");
    let json = broken.header("content-type", "application/json").body("{");
    assert_error(&app.browser().send(json).await, 400, "BAD_REQUEST");
    let target = json!({"email": 1, "callbackURL": "https://evil.example"});
    assert_error(&send_with(app, "/sign-in/email", &target, &evil).await, 403, "INVALID_ORIGIN");
    assert_error(&send_with(app, "/sign-in/email", &target, &[]).await, 403, "INVALID_CALLBACK_URL");
    let schema = json!({"email": 1, "password": PASSWORD});
    assert_error(
        &send_with(app, "/sign-in/email", &schema, &[("origin", "https://evil.example")]).await,
        400,
        "VALIDATION_ERROR",
    );
    let login = json!({"email": "x", "password": PASSWORD});
    assert_error(
        &send_with(app, "/sign-in/email", &login, &[("origin", "https://evil.example")]).await,
        403,
        "INVALID_ORIGIN",
    );
}

#[tokio::test]
async fn wildcards_trust_what_they_name_and_nothing_else() {
    let origins = "https://app.example.com,https://*.preview.example.com,*.wild.example,http://192.168.*,myapp://";
    let app = App::with_env(&[("AUTH_TRUSTED_ORIGINS", origins)]).await;
    let status = async |origin: &str| {
        let headers = [("cookie", "a=b"), ("origin", origin)];
        send_with(&app, "/sign-out", &json!({}), &headers).await.status
    };
    for good in [
        "https://app.example.com",
        "https://a.preview.example.com",
        "https://a.b.preview.example.com",
        "https://x.wild.example",
        "http://x.wild.example",
        "http://192.168.0.7",
        "myapp://",
    ] {
        assert_eq!(status(good).await, 200, "{good}");
    }
    for evil in [
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com.evil.example",
        "https://evilapp.example.com",
        "https://preview.example.com",
        "http://a.preview.example.com",
        "https://a.preview.example.com.evil.example",
        "https://evil.example?.preview.example.com",
        "https://evil.example/.preview.example.com",
        "https://evil.example#.preview.example.com",
        "https://evil.example\\.preview.example.com",
        "https://a.preview.example.com@evil.example",
        "https://wild.example",
        "https://x.wild.example.evil.example",
        "https://evilwild.example",
        "http://192.168.evil.example",
        "http://192.168.0.7.evil.example",
        "https://192.168.0.7",
        "evilapp://",
        "myapp.evil://",
    ] {
        assert_eq!(status(evil).await, 403, "{evil}");
    }
    // Redirects go by the same list.
    for (target, status) in [
        ("https://a.preview.example.com/x", 200),
        ("https://evil.example/.preview.example.com", 403),
        ("http://192.168.evil.example", 403),
    ] {
        let answer = app.browser().post("/sign-in/social", &json!({"provider": "google", "callbackURL": target})).await;
        assert_eq!(answer.status, status, "{target}");
    }
}

#[tokio::test]
async fn nothing_but_the_method_itself_counts() {
    let app = App::shared();
    let mut browser = app.sign_up(&unique_email("method")).await;
    for path in [
        "/sign-out",
        "/sign-in/email",
        "/sign-up/email",
        "/sign-in/social",
        "/request-password-reset",
        "/reset-password",
    ] {
        for method in ["GET", "PUT", "DELETE", "PATCH", "HEAD"] {
            assert_eq!(browser.send(Call::new(method, path)).await.status, 404, "{method} {path}");
        }
        let answer = browser
            .send(Call::new("GET", format!("{path}?_method=POST")).header("x-http-method-override", "POST"))
            .await;
        assert_eq!(answer.status, 404);
    }
    let call = Call::new("POST", "/get-session?_method=GET").header("x-http-method-override", "GET").json(&json!({}));
    assert_eq!(browser.send(call).await.status, 405);
    assert!(browser.current_user().await.is_some());
}

#[tokio::test]
async fn other_spellings_of_a_path_are_not_found() {
    let app = App::shared();
    let mut browser = app.sign_up(&unique_email("spelling")).await;
    for path in [
        "/sign-out/",
        "//sign-out",
        "/Sign-Out",
        "/x/../sign-out",
        "/sign-out;x=1",
        "/./sign-out",
        "/sign-out/.",
        "/sign-out%2f",
        "/sign-out%00",
        "/unknown",
        "",
    ] {
        let answer = browser.send(Call::new("POST", path).json(&json!({}))).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
    }
    assert!(browser.current_user().await.is_some());
}

/// Targets that some browser, router or parser takes for another site's.
pub fn evil_targets(app: &App) -> Vec<String> {
    let host = app.url().replace("http://", "");
    let mut targets: Vec<String> = [
        "//evil.example",
        "///evil.example",
        "////evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "\\/evil.example",
        "/%5cevil.example",
        "/%5Cevil.example",
        "/%2fevil.example",
        "/%2f/evil.example",
        "/%2F%2Fevil.example",
        "/%5c%5cevil.example",
        "/%09/evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r/evil.example",
        "/ /evil.example\n",
        "/%0a/evil.example",
        "/%0d%0aSet-Cookie:x=y",
        "/x\r\nSet-Cookie: x=y",
        "/\u{0}",
        "/%00",
        "\t//evil.example",
        " //evil.example",
        "\n//evil.example",
        "https:evil.example",
        "https:/evil.example",
        "https:///evil.example",
        "https:\\\\evil.example",
        "https:/\\evil.example",
        "http:evil.example",
        "http:/evil.example",
        "HTTPS://EVIL.EXAMPLE",
        "hTTp://evil.example",
        " https://evil.example",
        "/..//evil.example",
        "/./\\evil.example",
        "/.//evil.example",
        "/a/..//evil.example",
        "/a/../\\evil.example",
        "%2f%2fevil.example",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "java\tscript:alert(1)",
        "javascript://localhost/%0aalert(1)",
        "javascript:/*http://localhost*/alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "data:text/html;base64,PHNjcmlwdD4=",
        "vbscript:msgbox(1)",
        "blob:https://evil.example/1",
        "file:///etc/passwd",
        "about:blank",
        "ftp://evil.example",
        "ws://evil.example",
        "mailto:a@evil.example",
        "tel:1",
        "x:y",
        "intent://evil.example#Intent;end",
        "evil.example",
        "www.evil.example/path",
        "evil",
        ".",
        "..",
        "../x",
        "?x",
        "#x",
        ":",
        "::",
        "@evil.example",
        "x@evil.example",
        "http://",
        "https://",
        "http:///",
        "http://?",
        "http://#",
        "http://:80",
        "http://@",
        "http://evil.example:99999",
        "http://[::1",
        "http://evil.example/%2e%2e",
        "http://0",
        "http://0x7f.1",
        "http://2130706433",
        "http://127.0.0.1",
        "http://[::1]",
        "http://[::ffff:127.0.0.1]",
        "http://169.254.169.254/latest/meta-data",
        "https://xn--pple-43d.example",
        "https://аpp.example",
        "https://evil.example/?//localhost",
        "//localhost.evil.example",
        "//",
        "/\\",
        "/\\/",
        "\\",
        "///",
        "/%5c",
        "/%2f",
        "//evil%E3%80%82example",
        "//evil。example",
        "///\\evil.example",
        "/\\\\evil.example",
        "/;@evil.example\\",
        "http;//evil.example",
        "//\u{ff0f}evil.example\\",
        "/\u{a0}\\evil.example",
        "/\u{85}/evil.example",
        "/\u{7f}",
        "https://evil.example\u{0}.localhost",
        "<script>",
        "{{x}}",
        "${x}",
        "%00",
        "%",
        "%zz//evil.example",
    ]
    .map(str::to_owned)
    .to_vec();
    for twin in [
        "https://HOST",
        "ftp://HOST",
        "ws://HOST",
        "http://HOST@evil.example",
        "http://HOST:80@evil.example",
        "http://evil.example\\@HOST",
        "http://evil.example#@HOST",
        "http://evil.example?@HOST",
        "http://evil.example/@HOST",
        "http://evil.example%23@HOST.evil.example",
        "http://HOST.evil.example",
        "http://evilHOST",
        "http://evil.HOST",
        "http://HOST%00.evil.example",
        "http://HOST%2eevil.example",
        "http://HOST0",
        "//HOST@evil.example",
        "//HOST.evil.example",
        "http://localhost",
        "http://localhost:1",
        "http://localhost.:1",
        "http://local\thost.evil.example",
        "http:HOST.evil.example",
        "javascript://HOST/%0aalert(1)",
        "http://localhost%2eevil.example",
        "http://ⓛocalhost.evil.example",
        "http://user:pass@evil.example/HOST",
        "//HOST",
        "///HOST",
        "/\\HOST",
        "\\\\HOST",
        "HOST",
        "http//HOST",
        "http:\u{2044}\u{2044}evil.example/HOST",
        "blob:http://HOST/1",
        "view-source:http://HOST/",
        "feed:http://HOST/",
        "jar:http://HOST!/",
        "http://HOST:/@evil.example:1\\",
        "data:text/html,http://HOST",
        "http://evil.example&HOST",
        "http://evil.example,HOST",
        "http://evil.example;HOST",
        "http://evil.example%40HOST.evil.example",
    ] {
        targets.push(twin.replace("HOST", &host));
    }
    targets
}

/// Whether a browser that follows the header stays with the service.
fn stays(app: &App, location: &str) -> bool {
    let own = Url::parse(&app.url()).unwrap();
    let page = own.join("/api/auth/page").unwrap();
    !location.chars().any(char::is_control) && page.join(location).is_ok_and(|url| url.origin() == own.origin())
}

/// No fault, and a refusal that repeats nothing.
#[track_caller]
fn assert_harmless(answer: &Answer, target: &str) {
    assert!(answer.status < 500, "{target:?}: {}", answer.text());
    if answer.status >= 400 {
        assert!(answer.header("location").is_empty() && !answer.text().contains("evil"), "{target:?}");
        assert!(answer.set_cookies().is_empty(), "{target:?}");
    }
}

#[tokio::test]
async fn no_target_on_another_site_is_taken() {
    let app = App::shared();
    let targets = evil_targets(app);
    assert!(targets.len() >= 150, "{}", targets.len());
    let mut leaks = Vec::new();
    for target in &targets {
        for (parameter, code) in [
            ("callbackURL", "INVALID_CALLBACK_URL"),
            ("errorCallbackURL", "INVALID_ERROR_CALLBACK_URL"),
            ("newUserCallbackURL", "INVALID_NEW_USER_CALLBACK_URL"),
            ("redirectTo", "INVALID_REDIRECT_URL"),
        ] {
            let body = json!({"provider": "google", parameter: target});
            let answer = app.browser().post("/sign-in/social", &body).await;
            assert_harmless(&answer, target);
            if (answer.status, answer.code().as_str()) != (403, code) {
                leaks.push((parameter, target, answer.status));
            }
        }
        let body = json!({"email": "nobody@example.com", "password": PASSWORD});
        let answer = app.browser().post(&format!("/sign-in/email?callbackURL={}", encoded(target)), &body).await;
        if (answer.status, answer.code().as_str()) != (403, "INVALID_CALLBACK_URL") {
            leaks.push(("query", target, answer.status));
        }
    }
    assert!(leaks.is_empty(), "{leaks:#?}");
}

/// A link that somebody has edited is checked when it is followed.
#[tokio::test]
async fn no_link_leads_to_another_site() {
    let app = App::shared();
    let email = unique_email("edited");
    app.sign_up(&email).await;
    let token = app.reset_token(&email).await;
    for target in evil_targets(app) {
        let answer = app.browser().get(&format!("/reset-password/{token}?callbackURL={}", encoded(&target))).await;
        assert_error(&answer, 403, "INVALID_CALLBACK_URL");
        assert!(answer.header("location").is_empty() && !answer.text().contains(&token), "{target:?}");
        let link = format!("/delete-user/callback?token={token}&callbackURL={}", encoded(&target));
        let answer = app.browser().get(&link).await;
        assert_error(&answer, 403, "INVALID_CALLBACK_URL");
        assert!(answer.header("location").is_empty() && !answer.text().contains(&token), "{target:?}");
    }
    assert_eq!(reset(app, &token, "a brand new password").await.status, 200);
}

#[tokio::test]
async fn targets_of_our_own_are_taken_and_lead_there() {
    let app = App::shared();
    let email = unique_email("own-target");
    app.sign_up(&email).await;
    let token = app.reset_token(&email).await;
    let own = app.url();
    let absolute = [format!("{own}/x"), own.clone(), format!("{own}/a?b=//c#d"), own.to_uppercase()];
    let relative = [
        "/",
        "/x",
        "/a/b?c=d&e=%2Ff#g",
        "/caf%C3%A9",
        "/é",
        "/a.b-c_d~e",
        "/x?next=https://evil.example",
        "/@user",
        "/a:b",
        "/x?a=%0d%0ab",
    ];
    for target in absolute.iter().map(String::as_str).chain(relative) {
        let answer = app.browser().post("/sign-in/social", &json!({"provider": "google", "callbackURL": target})).await;
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        let answer = app
            .browser()
            .post("/sign-in/email", &json!({"email": email, "password": PASSWORD, "callbackURL": target}))
            .await;
        assert_eq!((answer.status, &answer.json()["url"]), (200, &json!(target)));
        assert!(stays(app, answer.header("location")), "{target}");
        let answer = app.browser().get(&format!("/reset-password/{token}?callbackURL={}", encoded(target))).await;
        assert_eq!(answer.status, 302, "{target}: {}", answer.text());
        assert!(stays(app, answer.header("location")) && answer.header("location").contains(&token), "{target}");
    }
}

#[tokio::test]
async fn targets_that_are_no_text_or_endless_are_refused() {
    let app = App::shared();
    for parameter in ["callbackURL", "errorCallbackURL", "newUserCallbackURL"] {
        for value in [json!(1), json!(["/x"]), json!({"a": "/x"}), json!(true)] {
            let answer = app.browser().post("/sign-in/social", &json!({"provider": "google", parameter: value})).await;
            assert_eq!(answer.json(), json!({"message": format!("Invalid {parameter}: expected a string")}));
        }
        let answer = app
            .browser()
            .post("/sign-in/social", &json!({"provider": "google", parameter: format!("/{}", "x".repeat(10_000))}))
            .await;
        assert_error(&answer, 400, "VALIDATION_ERROR");
    }
}

/// A stored target goes out as it came in, with the outcome attached.
#[tokio::test]
async fn a_stored_target_keeps_its_query_and_fragment() {
    let app = App::shared();
    let mut browser = app.browser();
    let body = json!({"provider": "google", "callbackURL": "/in?a=1#top", "errorCallbackURL": "/err?a=1#top"});
    let answer = browser.post("/sign-in/social", &body).await;
    let state = query_of(answer.header("location"))["state"].clone();
    assert_redirect(&browser.get(&format!("/callback/google?state={state}")).await, "/err?a=1&error=no_code#top");
    let answer = browser.post("/sign-in/social", &body).await;
    let email = unique_email("stored-target");
    let callback = app.provider.consent_as_google(answer.header("location"), GoogleUser::new(&email, &email)).unwrap();
    assert_redirect(&browser.get(&callback).await, "/in?a=1#top");
}

#[tokio::test]
async fn scripts_of_trusted_origins_may_read_answers() {
    let app = App::shared();
    let trusted = app.template().cors.as_ref().unwrap().allow_origins[0].clone();
    let preflight = |origin: &str| {
        let call = Call::new("OPTIONS", "/get-session")
            .header("origin", origin)
            .header("access-control-request-method", "POST");
        async move { app.browser().send(call).await }
    };
    let answer = preflight(&trusted).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), trusted);
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    assert_eq!(answer.header("access-control-allow-methods"), "GET,POST");
    assert_eq!(answer.header("access-control-allow-headers"), "content-type,authorization");
    for (method, path) in [("GET", "/get-session"), ("GET", "/token"), ("POST", "/sign-in/email"), ("GET", "/unknown")]
    {
        let answer = app.browser().send(Call::new(method, path).header("origin", &trusted)).await;
        assert_eq!(answer.header("access-control-allow-origin"), trusted, "{path}: errors too");
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert!(answer.header("access-control-expose-headers").contains("set-auth-token"));
        assert!(answer.headers.get_all("vary").iter().any(|vary| vary.to_str().unwrap().contains("origin")));
    }
    let twins = [
        "https://evil.example",
        "null",
        &format!("{trusted}.evil.example"),
        &format!("{trusted}0"),
        &trusted.replace("http:", "https:"),
        &trusted.to_uppercase(),
    ];
    for evil in twins {
        for answer in
            [preflight(evil).await, app.browser().send(Call::new("GET", "/get-session").header("origin", evil)).await]
        {
            assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "{evil}");
        }
    }
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let app = App::shared();
    for (method, path) in [
        ("GET", "/ok"),
        ("GET", "/get-session"),
        ("GET", "/token"),
        ("POST", "/get-session"),
        ("POST", "/sign-up/email"),
        ("POST", "/sign-in/email"),
        ("POST", "/sign-in/social"),
        ("POST", "/sign-out"),
        ("POST", "/request-password-reset"),
        ("POST", "/reset-password"),
        ("GET", "/reset-password/x?callbackURL=%2Fx"),
        ("GET", "/callback/google"),
        ("POST", "/callback/google"),
        ("GET", "/error"),
    ] {
        let answer = app.browser().send(Call::new(method, path)).await;
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("strict-transport-security", "max-age=63072000"),
        ] {
            assert_eq!(answer.header(name), value, "{method} {path}");
        }
        assert!(answer.header("server").is_empty() && answer.header("x-powered-by").is_empty());
    }
}
