//! A provider of which the issuer alone is known.

use serde_json::{Value, json};
use shared::ports::{OAuthError, OAuthProviders as _};
use tests::fake_provider::{Endpoint, Failure, GoogleUser, IdTokenFault};

use super::*;
use crate::failures::{SLOW, failures};

impl World {
    async fn unavailable(&self, what: &str) -> String {
        let started = Instant::now();
        let error = self.adapter.authorization_url("acme", &request()).await.expect_err(what);
        assert!(started.elapsed() < LIMIT, "{what}: {:?}", started.elapsed());
        assert_eq!(self.provider.redirects_followed(), 0, "{what}");
        assert!(matches!(error, OAuthError::Unavailable(_)), "{what}: {error}");
        error.to_string()
    }

    /// The next person gives the id token no address.
    fn hide_email(&self, sub: &str) {
        let mut person = GoogleUser::new(sub, "");
        person.email = Value::Null;
        person.email_verified = Value::Null;
        person.name = Value::Null;
        self.provider.set_google_user(person);
    }
}

#[tokio::test]
async fn a_found_provider_vouches_for_a_person() {
    let world = World::new().await;
    for _ in 0..3 {
        let identity = world.sign_in("acme").await.unwrap();
        assert_eq!((identity.provider.as_str(), identity.subject.as_str()), ("acme", "110169484474386276334"));
        assert_eq!(identity.email.unwrap().as_str(), "ada@example.com");
    }
    for (endpoint, requests) in [
        (Endpoint::GoogleDocument, 1),
        (Endpoint::GoogleCerts, 1),
        (Endpoint::GoogleToken, 3),
        (Endpoint::GoogleUserinfo, 0),
    ] {
        assert_eq!(world.provider.requests(endpoint), requests, "{endpoint:?}");
    }
}

#[tokio::test]
async fn every_wrong_id_token_of_a_found_provider_is_refused() {
    let world = World::new().await;
    for fault in IdTokenFault::ALL {
        world.provider.spoil_id_tokens(fault);
        let error = world.refusal("acme", &format!("{fault:?}")).await;
        assert!(is_invalid_identity(&error), "{fault:?}: {error}");
    }
}

#[tokio::test]
async fn a_provider_that_does_not_describe_itself_is_unavailable() {
    let world = World::new().await;
    for failure in failures() {
        world.provider.fail(Endpoint::GoogleDocument, failure.clone());
        world.unavailable(&format!("{failure:?}")).await;
    }
    assert!(world.provider.endless_bytes() < 20 * 1024 * 1024);
    world.provider.heal();
    world.sign_in("acme").await.unwrap();
}

#[tokio::test]
async fn a_provider_that_describes_itself_slowly_is_given_up_in_time() {
    let slow = SLOW.into_iter().map(|failure| async move {
        let world = World::new().await;
        world.provider.fail(Endpoint::GoogleDocument, failure);
        world.unavailable("slow").await
    });
    for error in futures_util::future::join_all(slow).await {
        assert_eq!(error, "provider unavailable: discovery: no answer in time");
    }
}

#[tokio::test]
async fn a_document_leads_only_where_it_may() {
    let world = World::new().await;
    for (name, value, reason) in [
        ("issuer", json!("https://accounts.google.com"), "another issuer's"),
        ("issuer", json!(format!("{}/", world.provider.url())), "another issuer's"),
        ("token_endpoint", json!("http://169.254.169.254/latest/meta-data/"), "token endpoint"),
        ("jwks_uri", json!("http://id.acme.example/keys"), "JWKS URI"),
        ("userinfo_endpoint", json!("file:///etc/passwd"), "userinfo endpoint"),
        ("authorization_endpoint", json!("javascript:alert(1)"), "authorization endpoint"),
        ("token_endpoint_auth_methods_supported", json!(["private_key_jwt"]), "client secret"),
        ("id_token_signing_alg_values_supported", json!(["HS256", "none"]), "no known algorithm"),
    ] {
        let mut document = world.provider.discovery_document();
        document[name] = value;
        world.provider.fail(Endpoint::GoogleDocument, Failure::Json(document));
        let error = world.unavailable(name).await;
        assert!(error.contains(reason), "{error}");
    }
}

#[tokio::test]
async fn an_outage_does_not_change_what_was_read() {
    let world = World::new().await;
    world.sign_in("acme").await.unwrap();
    world.provider.fail(Endpoint::GoogleDocument, Failure::Status(500));
    for seconds in [3700, 30, 60_000] {
        world.wait(seconds);
        world.sign_in("acme").await.unwrap();
    }
    assert_eq!(world.provider.requests(Endpoint::GoogleDocument), 3);
    world.wait(30_000);
    world.unavailable("a day later").await;
}

#[tokio::test]
async fn an_address_that_the_id_token_lacks_is_asked_for() {
    let world = World::new().await;
    world.hide_email("7");
    let info = json!({"sub": "7", "email": "Ada@Example.com", "email_verified": true, "name": "Ada"});
    world.provider.set_userinfo(info.clone());
    let identity = world.sign_in("acme").await.unwrap();
    assert_eq!((identity.email.unwrap().as_str(), identity.email_verified), ("ada@example.com", true));
    assert_eq!(identity.name, "Ada");
    for unproven in [json!("true"), json!(1), Value::Null] {
        let mut info = info.clone();
        info["email_verified"] = unproven;
        world.provider.set_userinfo(info);
        assert!(!world.sign_in("acme").await.unwrap().email_verified);
    }
    world.provider.set_userinfo(json!({"sub": "7"}));
    assert_eq!(world.sign_in("acme").await.unwrap().email, None);
    // Google itself is not asked.
    let before = world.provider.requests(Endpoint::GoogleUserinfo);
    assert_eq!(world.sign_in("google").await.unwrap().email, None);
    assert_eq!(world.provider.requests(Endpoint::GoogleUserinfo), before);
}

#[tokio::test]
async fn a_userinfo_answer_must_be_about_the_same_person() {
    let world = World::new().await;
    world.hide_email("7");
    for sub in [json!("8"), json!(""), json!(7), Value::Null] {
        world.provider.set_userinfo(json!({"sub": sub, "email": "victim@example.com", "email_verified": true}));
        assert!(is_invalid_identity(&world.refusal("acme", "another person").await), "{sub}");
    }
}

#[tokio::test]
async fn a_userinfo_endpoint_that_misbehaves_is_an_error() {
    let world = World::new().await;
    world.hide_email("7");
    for failure in failures() {
        world.provider.fail(Endpoint::GoogleUserinfo, failure.clone());
        let error = world.refusal("acme", &format!("{failure:?}")).await;
        assert!(is_invalid_identity(&error), "{failure:?}: {error}");
    }
    world.provider.fail(Endpoint::GoogleUserinfo, Failure::Hang);
    assert!(is_invalid_identity(&world.refusal("acme", "hangs").await));
}
