//! Codes for identities.

use std::collections::HashMap;

use serde_json::{Value, json};
use shared::ports::{OAuthError, OAuthProviders as _};
use tests::fake_provider::{Endpoint, Failure, GithubEmail, GithubUser, GoogleUser, IdTokenFault};

use super::*;

#[tokio::test]
async fn google_vouches_for_a_person() {
    let world = World::new().await;
    let identity = world.sign_in("google").await.unwrap();
    assert_eq!((identity.provider.as_str(), identity.subject.as_str()), ("google", "110169484474386276334"));
    assert_eq!(identity.email.unwrap().as_str(), "ada@example.com");
    assert!(identity.email_verified);
    assert_eq!(identity.name, "Ada Lovelace");
    assert_eq!(identity.image.as_deref(), Some("https://lh3.googleusercontent.com/a/ada"));
    assert_eq!(world.provider.requests(Endpoint::GoogleToken), 1);
    assert_eq!(world.provider.requests(Endpoint::GoogleCerts), 1);
}

#[tokio::test]
async fn github_vouches_for_a_person() {
    let world = World::new().await;
    let identity = world.sign_in("github").await.unwrap();
    assert_eq!((identity.provider.as_str(), identity.subject.as_str()), ("github", "583231"));
    assert_eq!(identity.email.unwrap().as_str(), "grace@example.com");
    assert!(identity.email_verified);
    assert_eq!(identity.name, "Grace Hopper");
    for endpoint in [Endpoint::GithubToken, Endpoint::GithubUser, Endpoint::GithubEmails] {
        assert_eq!(world.provider.requests(endpoint), 1);
    }
}

#[tokio::test]
async fn the_token_request_is_better_auths() {
    let world = World::new().await;
    for (id, endpoint) in [("google", Endpoint::GoogleToken), ("github", Endpoint::GithubToken)] {
        let callback = world.callback(id).await;
        world.adapter.exchange(id, exchange(&callback)).await.unwrap();
        let recorded = world.provider.recorded();
        let request = recorded.iter().find(|request| request.endpoint == endpoint).unwrap();
        let mut names: Vec<_> = request.parameters.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["client_id", "client_secret", "code", "code_verifier", "grant_type", "redirect_uri"]);
        assert_eq!(request.parameters["redirect_uri"], format!("{BASE}/callback/{id}"));
        assert_eq!(request.headers["accept"], "application/json");
        assert_eq!(request.headers["content-type"], "application/x-www-form-urlencoded");
        assert!(!request.headers.contains_key("authorization"));
    }
}

#[tokio::test]
async fn the_api_is_asked_as_github_wants_it() {
    let world = World::new().await;
    world.sign_in("github").await.unwrap();
    let recorded = world.provider.recorded();
    let calls = recorded.iter().filter(|it| matches!(it.endpoint, Endpoint::GithubUser | Endpoint::GithubEmails));
    for call in calls {
        assert_eq!(call.headers["accept"], "application/vnd.github+json");
        assert_eq!(call.headers["user-agent"], "lambda-auth");
        assert!(call.headers["authorization"].starts_with("Bearer gho"));
    }
}

#[tokio::test]
async fn unknown_and_unconfigured_providers_are_told_apart_from_nothing() {
    let world = World::new().await;
    for id in ["", "GOOGLE", "google\0", "__proto__", "gitlab", "google/../github"] {
        let url = world.adapter.authorization_url(id, &request()).await;
        assert!(matches!(url, Err(OAuthError::UnknownProvider)), "{id:?}");
        let code = HashMap::from([("code".to_owned(), "x".to_owned())]);
        let exchanged = world.adapter.exchange(id, exchange(&code)).await;
        assert!(matches!(exchanged, Err(OAuthError::UnknownProvider)), "{id:?}");
    }
    assert!(world.provider.recorded().is_empty());
}

#[tokio::test]
async fn a_code_works_once_and_only_with_its_verifier_and_provider() {
    let world = World::new().await;
    for (id, other) in [("google", "github"), ("github", "google")] {
        let callback = world.callback(id).await;
        world.adapter.exchange(id, exchange(&callback)).await.unwrap();
        let replay = world.adapter.exchange(id, exchange(&callback)).await.unwrap_err();
        assert!(is_invalid_code(&replay), "{replay}");

        let mut wrong_verifier = exchange(&world.callback(id).await);
        wrong_verifier.pkce_verifier = "w".repeat(43);
        let error = world.adapter.exchange(id, wrong_verifier).await.unwrap_err();
        assert!(is_invalid_code(&error), "{error}");

        let mut elsewhere = exchange(&world.callback(id).await);
        elsewhere.issuer = None;
        let error = world.adapter.exchange(other, elsewhere).await.unwrap_err();
        assert!(is_invalid_code(&error), "{error}");
    }
}

#[tokio::test]
async fn an_issuer_must_be_the_providers_own() {
    let world = World::new().await;
    for id in ["google", "github"] {
        world.provider.set_callback_issuer(Some("https://evil.example"));
        assert!(matches!(world.refusal(id, "foreign issuer").await, OAuthError::IssuerMismatch));
        world.provider.set_callback_issuer(None);
        world.sign_in(id).await.unwrap();
        world.provider.heal();
        world.sign_in(id).await.unwrap();
    }
    assert_eq!(world.provider.requests(Endpoint::GoogleToken), 2);
    assert_eq!(world.provider.requests(Endpoint::GithubToken), 2);
}

#[tokio::test]
async fn every_wrong_id_token_is_refused() {
    let world = World::new().await;
    for fault in IdTokenFault::ALL {
        world.provider.spoil_id_tokens(fault);
        let error = world.refusal("google", &format!("{fault:?}")).await;
        assert!(is_invalid_identity(&error), "{fault:?}: {error}");
    }
    world.provider.heal();
    world.sign_in("google").await.unwrap();
    // The unknown key came less than a minute after the first fetch.
    assert_eq!(world.provider.requests(Endpoint::GoogleCerts), 1);
}

#[tokio::test]
async fn unknown_keys_are_looked_up_once_a_minute() {
    let world = World::new().await;
    world.sign_in("google").await.unwrap();
    world.provider.spoil_id_tokens(IdTokenFault::UnknownKey);
    for (seconds, fetches) in [(0, 1), (30, 1), (31, 2), (0, 2), (58, 2), (3, 3)] {
        world.wait(seconds);
        world.refusal("google", "unknown key").await;
        assert_eq!(world.provider.requests(Endpoint::GoogleCerts), fetches);
    }
}

#[tokio::test]
async fn a_rotated_key_is_found_and_the_old_one_forgotten() {
    let world = World::new().await;
    world.sign_in("google").await.unwrap();
    world.provider.rotate_google_key();
    world.refusal("google", "rotated within the minute").await;
    world.wait(61);
    world.sign_in("google").await.unwrap();
    world.wait(3500);
    world.sign_in("google").await.unwrap();
    assert_eq!(world.provider.requests(Endpoint::GoogleCerts), 2);
    world.wait(200);
    world.sign_in("google").await.unwrap();
    assert_eq!(world.provider.requests(Endpoint::GoogleCerts), 3);
}

#[tokio::test]
async fn concurrent_sign_ins_share_one_fetch_of_the_keys() {
    let world = World::new().await;
    let sign_ins = (0..20).map(|_| world.sign_in("google"));
    for identity in futures_util::future::join_all(sign_ins).await {
        identity.unwrap();
    }
    assert_eq!(world.provider.requests(Endpoint::GoogleToken), 20);
    assert_eq!(world.provider.requests(Endpoint::GoogleCerts), 1);
}

#[tokio::test]
async fn subjects_are_what_they_ought_to_be() {
    let world = World::new().await;
    for sub in [Value::Null, json!(""), json!(0), json!(7), json!(true), json!(["7"])] {
        let mut user = GoogleUser::new("", "ada@example.com");
        user.sub = sub.clone();
        world.provider.set_google_user(user);
        assert!(is_invalid_identity(&world.refusal("google", &sub.to_string()).await), "{sub}");
    }
    for id in [Value::Null, json!(""), json!(0), json!(-7), json!("7"), json!(7.5), json!([7])] {
        let mut user = GithubUser::new(1, "grace", "grace@example.com");
        user.id = id.clone();
        world.provider.set_github_user(user);
        assert!(is_invalid_identity(&world.refusal("github", &id.to_string()).await), "{id}");
    }
}

#[tokio::test]
async fn only_addresses_that_the_provider_vouches_for_are_verified() {
    let world = World::new().await;
    for verified in [json!(false), json!("true"), json!("false"), json!(1), Value::Null] {
        let mut user = GoogleUser::new("1", "ada@example.com");
        user.email_verified = verified.clone();
        world.provider.set_google_user(user);
        let identity = world.sign_in("google").await.unwrap();
        assert!(identity.email.is_some() && !identity.email_verified, "{verified}");
    }

    let public = json!("grace@example.com");
    for emails in [
        vec![],
        vec![GithubEmail::new("grace@example.com", true, false)],
        vec![GithubEmail::new("grace@example.com", true, false), GithubEmail::new("b@example.com", false, true)],
    ] {
        let mut user = GithubUser::new(1, "grace", "grace@example.com");
        (user.email, user.emails) = (public.clone(), emails);
        world.provider.set_github_user(user);
        let identity = world.sign_in("github").await.unwrap();
        assert_eq!((identity.email, identity.email_verified), (None, false));
    }
}

#[tokio::test]
async fn the_stand_in_is_strict() {
    let world = World::new().await;
    let url = world.adapter.authorization_url("google", &request()).await.unwrap();
    for (from, to) in [
        ("code_challenge_method=S256", "code_challenge_method=plain"),
        ("code_challenge=", "x="),
        ("client_id=google-client-id", "client_id=another"),
        ("response_type=code", "response_type=token"),
        ("state=the-state", "state="),
        ("/google/authorize", "/google/token"),
        ("state=the-state", "state=the-state&state=twice"),
    ] {
        assert!(url.contains(from), "{url}");
        assert!(world.provider.consent(&url.replace(from, to)).is_err(), "{to}");
    }
    world.provider.fail(Endpoint::GoogleAuthorize, Failure::Denied);
    let denied = world.provider.consent(&url).unwrap();
    assert!(denied.contains("error=access_denied") && !denied.contains("code="), "{denied}");
}
