//! The OAuth adapter against the stand-in for Google and GitHub.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests")]

mod discovery;
mod exchange;
mod failures;
mod tokens;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use shared::{
    adapters::{
        SystemClock,
        oauth::{FetchOAuthClients, OAuthClient, OAuthClients, ProviderEndpoints, Providers, parse_clients},
    },
    domain::{ProviderIdentity, Timestamp},
    ports::{AuthorizationRequest, Clock, CodeExchange, OAuthError, OAuthProviders as _},
};
use tests::fake_provider::FakeProvider;
use url::Url;

const BASE: &str = "https://auth.example.com/api/auth";
/// From RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const NONCE: &str = "the-nonce";

/// Total time of a failing exchange, with a little for a busy machine.
const LIMIT: Duration = Duration::from_millis(5500);

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

/// Stand-in and adapter, connected.
struct World {
    provider: FakeProvider,
    clock: Arc<MovedClock>,
    adapter: Providers<Clients>,
}

impl World {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut HashMap<String, String>)) -> Self {
        let provider = FakeProvider::start().await;
        let mut env: HashMap<String, String> = provider.env().into_iter().collect();
        change(&mut env);
        let setting = |name: &str| env[name].clone();
        let endpoints = ProviderEndpoints {
            google_issuer: setting("AUTH_GOOGLE_ISSUER"),
            google_authorization_url: setting("AUTH_GOOGLE_AUTHORIZATION_URL"),
            google_token_url: setting("AUTH_GOOGLE_TOKEN_URL"),
            google_jwks_url: setting("AUTH_GOOGLE_JWKS_URL"),
            github_authorization_url: setting("AUTH_GITHUB_AUTHORIZATION_URL"),
            github_token_url: setting("AUTH_GITHUB_TOKEN_URL"),
            github_api_url: setting("AUTH_GITHUB_API_URL"),
        };
        // Google once more, as a provider of which the issuer alone is known.
        let mut clients: serde_json::Value = serde_json::from_str(&provider.clients_json()).unwrap();
        clients["acme"] = clients["google"].clone();
        clients["acme"]["issuer"] = provider.url().into();
        let clients = Clients(parse_clients(&clients.to_string()).unwrap());
        let clock = Arc::new(MovedClock::default());
        let adapter = Providers::new(endpoints, BASE, clients, clock.clone());
        Self { provider, clock, adapter }
    }

    /// Moves both clocks.
    fn wait(&self, seconds: i64) {
        let now = self.clock.0.fetch_add(seconds, Ordering::Relaxed) + seconds;
        self.provider.set_clock_offset(now);
    }

    /// The callback's parameters after the person's consent.
    async fn callback(&self, id: &str) -> HashMap<String, String> {
        let url = self.adapter.authorization_url(id, &request()).await.unwrap();
        let callback = Url::parse(&self.provider.consent(&url).unwrap()).unwrap();
        assert!(callback.as_str().starts_with(&format!("{BASE}/callback/{id}?")));
        callback.query_pairs().into_owned().collect()
    }

    async fn sign_in(&self, id: &str) -> Result<ProviderIdentity, OAuthError> {
        let callback = self.callback(id).await;
        assert_eq!(callback["state"], "the-state");
        self.adapter.exchange(id, exchange(&callback)).await.map(|signed_in| signed_in.identity)
    }

    /// Signs in in vain: fast, without following redirects, without a secret
    /// in the error.
    async fn refusal(&self, id: &str, what: &str) -> OAuthError {
        let started = Instant::now();
        let error = self.sign_in(id).await.expect_err(what);
        assert!(started.elapsed() < LIMIT, "{what}: {:?}", started.elapsed());
        assert_eq!(self.provider.redirects_followed(), 0, "{what}");
        let text = format!("{error} {error:?}");
        for secret in ["c4n4ry", VERIFIER, NONCE, "half-of-a-to"] {
            assert!(!text.contains(secret), "{what}: {text}");
        }
        error
    }
}

fn request() -> AuthorizationRequest {
    AuthorizationRequest {
        state: "the-state".into(),
        pkce_verifier: VERIFIER.into(),
        nonce: NONCE.into(),
        scopes: Vec::new(),
        login_hint: None,
        additional: Vec::new(),
    }
}

fn exchange(callback: &HashMap<String, String>) -> CodeExchange {
    CodeExchange {
        code: callback["code"].clone(),
        pkce_verifier: VERIFIER.into(),
        nonce: NONCE.into(),
        issuer: callback.get("iss").cloned(),
    }
}

fn is_invalid_code(error: &OAuthError) -> bool {
    matches!(error, OAuthError::InvalidCode(_))
}

fn is_invalid_identity(error: &OAuthError) -> bool {
    matches!(error, OAuthError::InvalidIdentity(_))
}
