//! Where links lead, when they are made and when they are followed.

use url::Url;

use super::*;

const PARAMETERS: [(&str, &str); 3] = [
    ("callbackURL", "INVALID_CALLBACK_URL"),
    ("newUserCallbackURL", "INVALID_NEW_USER_CALLBACK_URL"),
    ("errorCallbackURL", "INVALID_ERROR_CALLBACK_URL"),
];

/// Targets on other hosts, however they are written.
fn strangers(app: &App) -> Vec<String> {
    let own = app.url();
    let mut targets: Vec<String> = [
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%5cevil.example",
        "/%2f/evil.example",
        "/%09/evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/..//evil.example",
        "/a/..//evil.example",
        "https:evil.example",
        "https:/evil.example",
        "https:///evil.example",
        "%2f%2fevil.example",
        "javascript:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "blob:https://evil.example/x",
        "file:///etc/passwd",
        "evil.example",
        "a/b",
        "?a",
        "#a",
        ".",
        "/a\r\nSet-Cookie: a=b",
        "/%0d%0aSet-Cookie:a",
        "/%00",
        "/a\u{0}",
        "/a\u{7f}",
        "https://localhost",
        "http://localhost:1/",
        "http://127.0.0.1/",
        "http://localhost./",
        "null",
        "undefined",
    ]
    .map(str::to_owned)
    .to_vec();
    targets.extend(["@evil.example", ".evil.example", "0", "%2f@evil.example"].map(|tail| format!("{own}{tail}")));
    targets.extend([
        format!("https://evil.example/{own}"),
        format!("https://evil.example#{own}"),
        format!("https://evil.example?{own}"),
    ]);
    targets
}

#[tokio::test]
async fn a_link_is_made_for_trusted_targets_only() {
    let app = App::shared();
    let email = unique_email("issue");
    for target in strangers(app) {
        for (parameter, code) in PARAMETERS {
            let answer = app.browser().post("/sign-in/magic-link", &json!({"email": email, parameter: target})).await;
            assert_eq!((answer.status, answer.code().as_str()), (403, code), "{target}");
        }
    }
    for (parameter, _) in PARAMETERS {
        for odd in [json!(1), json!(["/a"]), json!({"a": 1}), json!(true)] {
            let answer = app.browser().post("/sign-in/magic-link", &json!({"email": email, parameter: odd})).await;
            assert_eq!(answer.status, 400, "{parameter} {odd}: {}", answer.text());
        }
    }
    assert_eq!(mails::count_all(app, &email), 0);
}

/// A link whose targets were changed on the way leads nowhere, and is still
/// good for whoever has the mail.
#[tokio::test]
async fn a_link_is_followed_to_trusted_targets_only_and_survives_the_attempt() {
    let app = App::shared();
    let email = unique_email("use");
    let token = token_for(app, &email).await;
    for target in strangers(app) {
        for (parameter, _) in PARAMETERS {
            for token in [token.as_str(), "worthless"] {
                let others: String = PARAMETERS
                    .iter()
                    .filter(|(name, _)| *name != parameter)
                    .map(|(name, _)| format!("&{name}=%2Fa"))
                    .collect();
                let link = format!("/magic-link/verify?token={token}&{parameter}={}{others}", encoded(&target));
                let answer = app.browser().get(&link).await;
                assert_eq!((answer.status, answer.code().as_str()), (403, "INVALID_CALLBACK_URL"), "{target}");
                assert!(answer.header("location").is_empty() && answer.set_cookies().is_empty(), "{target}");
            }
        }
    }
    assert!(user_row(app, &email).await.is_none());
    let (mut browser, answer) = verify(app, &token).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(browser.current_user().await.is_some());
}

#[tokio::test]
async fn targets_become_absolute_and_keep_their_queries() {
    let app = App::with_env(&[("AUTH_TRUSTED_ORIGINS", "https://app.example.com,myapp://")]).await;
    let own = app.url();
    for (target, expected, failed) in [
        ("/", format!("{own}/"), format!("{own}/?error=INVALID_TOKEN")),
        ("/a?b=1&error=x#c", format!("{own}/a?b=1&error=x#c"), format!("{own}/a?b=1&error=INVALID_TOKEN#c")),
        ("/é b", format!("{own}/%C3%A9%20b"), format!("{own}/%C3%A9%20b?error=INVALID_TOKEN")),
        (
            "https://app.example.com",
            "https://app.example.com/".into(),
            "https://app.example.com/?error=INVALID_TOKEN".into(),
        ),
        ("myapp://done", "myapp://done".into(), "myapp://done?error=INVALID_TOKEN".into()),
    ] {
        let link = link_with(&app, &json!({"email": unique_email("absolute"), "callbackURL": target})).await;
        assert_redirect(&app.browser().get(&link).await, &expected);
        let answer = app.browser().get(&link).await;
        assert_redirect(&answer, &failed);
        assert!(Url::parse(answer.header("location")).is_ok());
    }
}

#[tokio::test]
async fn errors_go_where_the_application_wants_them() {
    let app = App::shared();
    let own = app.url();
    for (query, expected) in [
        ("", format!("{own}/?error=INVALID_TOKEN")),
        ("&callbackURL=%2Fa", format!("{own}/a?error=INVALID_TOKEN")),
        ("&callbackURL=%2Fa&errorCallbackURL=%2Fe%3Fx%3D1", format!("{own}/e?x=1&error=INVALID_TOKEN")),
        ("&errorCallbackURL=%2Fe", format!("{own}/e?error=INVALID_TOKEN")),
        ("&newUserCallbackURL=%2Fn", format!("{own}/?error=INVALID_TOKEN")),
        ("&callbackURL=&errorCallbackURL=", format!("{own}/?error=INVALID_TOKEN")),
    ] {
        let answer = app.browser().get(&format!("/magic-link/verify?token=x{query}")).await;
        assert_redirect(&answer, &expected);
    }
}
