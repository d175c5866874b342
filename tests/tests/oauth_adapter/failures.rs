//! Providers that misbehave, hang, or are not there.

use std::collections::HashMap;

use serde_json::json;
use shared::ports::OAuthProviders as _;
use tests::fake_provider::{Endpoint, Failure, FakeProvider};

use super::*;

/// What any endpoint may do to us.
pub fn failures() -> Vec<Failure> {
    vec![
        Failure::Status(500),
        Failure::Status(429),
        Failure::Status(401),
        Failure::Status(204),
        Failure::Html,
        Failure::Json(json!({"error": "server_error", "error_description": "code-c4n4ry"})),
        Failure::Json(json!([])),
        Failure::Json(json!("text")),
        Failure::Json(json!({})),
        Failure::Truncated,
        Failure::Huge,
        Failure::Redirect(301),
        Failure::Redirect(302),
        Failure::Redirect(307),
        Failure::RedirectToMetadata,
    ]
}

/// Failures that take all the time there is; run at once, not in a row.
pub const SLOW: [Failure; 2] = [Failure::Hang, Failure::Drip];

const CALLS: [(&str, Endpoint); 5] = [
    ("google", Endpoint::GoogleToken),
    ("google", Endpoint::GoogleCerts),
    ("github", Endpoint::GithubToken),
    ("github", Endpoint::GithubUser),
    ("github", Endpoint::GithubEmails),
];

async fn fails(id: &str, endpoint: Endpoint, failure: Failure) {
    let what = format!("{endpoint:?} {failure:?}");
    let no_addresses = endpoint == Endpoint::GithubEmails && failure == Failure::Json(json!([]));
    if no_addresses {
        return;
    }
    let world = World::new().await;
    world.provider.fail(endpoint, failure.clone());
    let error = world.refusal(id, &what).await;
    let is_token = matches!(endpoint, Endpoint::GoogleToken | Endpoint::GithubToken);
    assert!(if is_token { is_invalid_code(&error) } else { is_invalid_identity(&error) }, "{what}: {error}");
    let token = if id == "google" { Endpoint::GoogleToken } else { Endpoint::GithubToken };
    assert_eq!(world.provider.requests(token), 1, "{what}");
    // Socket buffers take some megabytes; the rest is never sent.
    assert!(world.provider.endless_bytes() < 20 * 1024 * 1024, "{what}: {}", world.provider.endless_bytes());

    world.provider.heal();
    world.sign_in(id).await.expect(&what);
}

#[tokio::test]
async fn a_misbehaving_provider_is_an_error() {
    for (id, endpoint) in CALLS {
        for failure in failures() {
            fails(id, endpoint, failure).await;
        }
    }
}

#[tokio::test]
async fn a_slow_provider_is_given_up_in_time() {
    let all = CALLS.into_iter().flat_map(|(id, endpoint)| SLOW.map(|failure| fails(id, endpoint, failure)));
    futures_util::future::join_all(all).await;
}

#[tokio::test]
async fn errors_name_the_known_reason() {
    let world = World::new().await;
    let body = json!({"error": "invalid_grant", "error_description": "code-c4n4ry"});
    world.provider.fail(Endpoint::GoogleToken, Failure::Json(body));
    let error = world.refusal("google", "invalid grant").await;
    assert_eq!(error.to_string(), "code exchange failed: status 200 (invalid_grant)");
    let replay = HashMap::from([("code".to_owned(), "code-c4n4ry-9".to_owned())]);
    let error = world.adapter.exchange("github", exchange(&replay)).await.unwrap_err();
    assert_eq!(error.to_string(), "code exchange failed: status 200 (bad_verification_code)");
}

#[tokio::test]
async fn tokens_of_a_wrong_form_are_refused() {
    let world = World::new().await;
    for answer in [
        json!({"access_token": "t"}),
        json!({"token_type": "bearer"}),
        json!({"access_token": "", "token_type": "bearer"}),
        json!({"access_token": 7, "token_type": "bearer"}),
        json!({"access_token": null, "token_type": "bearer"}),
        json!({"access_token": "t", "token_type": "mac"}),
        json!({"access_token": "t", "token_type": ["bearer"]}),
    ] {
        world.provider.fail(Endpoint::GithubToken, Failure::Json(answer.clone()));
        assert!(is_invalid_code(&world.refusal("github", &answer.to_string()).await), "{answer}");
    }
    // Nothing that cannot be a header becomes one.
    let answer = json!({"access_token": "t\r\nx-evil: 1", "token_type": "bearer"});
    world.provider.fail(Endpoint::GithubToken, Failure::Json(answer));
    assert!(is_invalid_identity(&world.refusal("github", "header injection").await));
    assert_eq!(world.provider.requests(Endpoint::GithubUser), 0);
}

#[tokio::test]
async fn bad_tls_is_an_error() {
    // A certificate that nobody signed, and a server that does not speak TLS.
    for untrusted in [true, false] {
        let standing_in = FakeProvider::start().await;
        let url = match untrusted {
            true => standing_in.untrusted_https_url(),
            false => standing_in.url().replace("http://", "https://"),
        };
        for (id, name, is_token) in [
            ("google", "AUTH_GOOGLE_TOKEN_URL", true),
            ("google", "AUTH_GOOGLE_JWKS_URL", false),
            ("github", "AUTH_GITHUB_TOKEN_URL", true),
            ("github", "AUTH_GITHUB_API_URL", false),
        ] {
            let world = World::with(|env| drop(env.insert(name.to_owned(), url.clone()))).await;
            let error = world.refusal(id, name).await;
            assert!(if is_token { is_invalid_code(&error) } else { is_invalid_identity(&error) }, "{name}: {error}");
        }
        assert_eq!(standing_in.untrusted_https_handshakes(), 0);
        assert!(standing_in.recorded().is_empty());
    }
}

#[tokio::test]
async fn an_unreachable_or_misconfigured_provider_is_an_error() {
    // Port 9 of this machine is closed; 192.0.2.1 (RFC 5737) answers nobody.
    for url in ["http://127.0.0.1:9/x", "http://192.0.2.1/x", "not a url", "ftp://127.0.0.1/x", "file:///etc/passwd"] {
        let world = World::with(|env| drop(env.insert("AUTH_GOOGLE_TOKEN_URL".to_owned(), url.to_owned()))).await;
        assert!(is_invalid_code(&world.refusal("google", url).await), "{url}");
    }
}
