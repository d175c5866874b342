//! The adapter and the provider, without the service between them, on a clock
//! that can be moved.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use shared::{
    adapters::{
        SystemClock,
        oauth::{FetchOAuthClients, OAuthClient, OAuthClients, ProviderEndpoints, Providers, parse_clients},
    },
    domain::Timestamp,
    ports::{
        AskProvider as _, AuthorizationRequest, Clock, CodeExchange, OAuthError, OAuthProviders as _, ProviderSignIn,
        VerifyIdToken as _,
    },
};

use super::*;

const BASE: &str = "http://127.0.0.1:9/api/auth";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

struct Clients(OAuthClients);

impl FetchOAuthClients for Clients {
    async fn client(&self, provider: &str) -> Result<Option<OAuthClient>, OAuthError> {
        self.0.get(provider)
    }
}

/// The system's clock, moved.
#[derive(Default)]
struct MovedClock(AtomicI64);

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_seconds(self.0.load(Ordering::Relaxed))
    }
}

struct World {
    acme: Acme,
    clock: Arc<MovedClock>,
    adapter: Providers<Clients>,
}

impl World {
    async fn start(options: Value) -> Self {
        let acme = Acme::start(BASE, "acme", &options).await;
        let mut entry = acme.entry();
        entry["scopes"] = json!(["openid", "email", "profile", "offline_access"]);
        let clients = Clients(parse_clients(&json!({"acme": entry}).to_string()).unwrap());
        let unused = || "https://unused.example".to_owned();
        let endpoints = ProviderEndpoints {
            google_issuer: unused(),
            google_authorization_url: unused(),
            google_token_url: unused(),
            google_jwks_url: unused(),
            github_authorization_url: unused(),
            github_token_url: unused(),
            github_api_url: unused(),
        };
        let clock = Arc::new(MovedClock::default());
        let adapter = Providers::new(endpoints, BASE, clients, clock.clone());
        Self { acme, clock, adapter }
    }

    fn wait(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }

    async fn authorization_url(&self) -> String {
        let request = AuthorizationRequest {
            state: "the-state".into(),
            pkce_verifier: VERIFIER.into(),
            nonce: "the-nonce".into(),
            scopes: Vec::new(),
            login_hint: None,
            // The provider gives a refresh token only to those who ask again.
            additional: vec![("prompt".into(), "consent".into())],
        };
        self.adapter.authorization_url("acme", &request).await.unwrap()
    }

    async fn sign_in(&self, email: &str) -> Result<ProviderSignIn, OAuthError> {
        let callback = query_of(&self.acme.consent(&self.authorization_url().await, email).await);
        let exchange = CodeExchange {
            code: callback["code"].clone(),
            pkce_verifier: VERIFIER.into(),
            nonce: "the-nonce".into(),
            issuer: callback.get("iss").cloned(),
        };
        self.adapter.exchange("acme", exchange).await
    }
}

#[tokio::test]
async fn tokens_come_with_the_identity_and_are_renewed() {
    let world = World::start(json!({})).await;
    let ProviderSignIn { identity, tokens } = world.sign_in("ann@example.com").await.unwrap();
    assert_eq!((identity.provider.as_str(), identity.subject.as_str()), ("acme", "ann@example.com"));
    assert_eq!(tokens.scopes, ["openid", "email", "profile", "offline_access"]);
    assert!(tokens.access_token_expires_at.unwrap() > SystemClock.now());
    assert!(tokens.id_token.is_some());

    let refresh_token = tokens.refresh_token.unwrap();
    let next = world.adapter.refresh("acme", &refresh_token).await.unwrap();
    assert_ne!(next.access_token, tokens.access_token);
    assert_ne!(next.refresh_token.as_ref(), Some(&refresh_token), "this provider rotates them");
    assert!(next.id_token.is_some());
    let info = world.adapter.user_info("acme", &next.access_token, None).await.unwrap();
    assert_eq!(info.identity, identity);
    assert_eq!(info.data["email"], "ann@example.com");
    assert_eq!(info.data["email_verified"], true);

    let again = world.adapter.refresh("acme", &refresh_token).await.unwrap_err();
    assert_eq!(again.to_string(), "refresh failed: status 400 (invalid_grant)");
    let unknown = world.adapter.user_info("acme", "no-such-token", None).await.unwrap_err();
    assert_eq!(unknown.to_string(), "identity refused: userinfo: status 401");
}

#[tokio::test]
async fn a_new_key_is_found_once_the_old_ones_are_a_minute_old() {
    let world = World::start(json!({"algorithm": "PS256"})).await;
    world.sign_in("ann@example.com").await.unwrap();
    world.acme.rotate().await;
    let error = world.sign_in("ann@example.com").await.unwrap_err();
    assert_eq!(error.to_string(), "identity refused: id token is signed with an unknown key");
    world.wait(61);
    world.sign_in("ann@example.com").await.unwrap();
    world.sign_in("ann@example.com").await.unwrap();
    assert_eq!(world.acme.requests("/jwks").await, 2);
}

#[tokio::test]
async fn the_document_is_read_once_an_hour_and_by_one_of_many() {
    let world = World::start(json!({})).await;
    futures_util::future::join_all((0..20).map(|_| world.authorization_url())).await;
    assert_eq!(world.acme.requests(DOCUMENT).await, 1);
    for (seconds, documents) in [(3500, 1), (200, 2), (3300, 2), (3600, 3)] {
        world.wait(seconds);
        world.authorization_url().await;
        assert_eq!(world.acme.requests(DOCUMENT).await, documents);
    }
}

#[tokio::test]
async fn an_id_token_is_for_its_client_and_its_time() {
    let world = World::start(json!({"fullIdTokens": true, "authentication": ["client_secret_post"]})).await;
    let token = world.acme.id_token("ann@example.com", "n").await;
    let verified = world.adapter.verify_id_token("acme", &token, Some("n")).await.unwrap();
    assert_eq!(verified.identity.email.unwrap().as_str(), "ann@example.com");
    world.wait(3700);
    let error = world.adapter.verify_id_token("acme", &token, Some("n")).await.unwrap_err();
    assert_eq!(error.to_string(), "identity refused: id token is expired, too old or not yet valid");
}
