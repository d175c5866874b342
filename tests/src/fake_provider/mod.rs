//! A stand-in for Google and GitHub, in this process.
//!
//! It consents to every authorization request on behalf of a configured person
//! and is strict about the rest: codes work once, with the right client, PKCE
//! verifier and redirect URI. Every endpoint can be told to misbehave, and
//! every request is counted.
//!
//! ```no_run
//! # async fn example() {
//! use tests::fake_provider::{Endpoint, Failure, FakeProvider, GoogleUser};
//!
//! let provider = FakeProvider::start().await;
//! provider.set_google_user(GoogleUser::new("1", "ada@example.com"));
//! provider.fail(Endpoint::GoogleToken, Failure::Hang);
//! // … start the service with `provider.env()` and `provider.clients_json()`,
//! // sign in, send the browser to `provider.consent(&authorization_url)` …
//! assert_eq!(provider.requests(Endpoint::GoogleToken), 1);
//! # }
//! ```

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "test support: a broken stand-in ends the test")]

mod consent;
mod failure;
mod github;
mod google;
mod id_token;
mod people;
mod state;
mod token;
mod traps;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

pub use failure::Failure;
pub use id_token::IdTokenFault;
pub use people::{GithubEmail, GithubUser, GoogleUser};
pub use state::{Endpoint, Recorded};

use state::{Grant, Person, Shared};
use traps::{TcpTrap, TlsTrap};

/// Client credentials that the stand-in accepts. The secrets are long and
/// unusual, so that a search through logs cannot hit them by chance.
const GOOGLE_CLIENT: (&str, &str) = ("google-client-id", "google-client-secret-c4n4ry-51d0");
const GITHUB_CLIENT: (&str, &str) = ("github-client-id", "github-client-secret-c4n4ry-9e27");

/// The running stand-in. It ends when this is dropped.
pub struct FakeProvider {
    url: String,
    shared: Arc<Shared>,
    trap: TcpTrap,
    tls: TlsTrap,
    server: JoinHandle<()>,
}

impl FakeProvider {
    /// Starts on a free port of this machine.
    ///
    /// # Panics
    /// If there is none.
    pub async fn start() -> Self {
        let trap = TcpTrap::start().await;
        let tls = TlsTrap::start().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound port"));
        let shared = Arc::new(Shared::new(url.clone(), trap.url()));
        let app = router(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Self { url, shared, trap, tls, server }
    }

    /// Root of all its URLs.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The service's settings that point at it.
    pub fn env(&self) -> Vec<(String, String)> {
        let url = &self.url;
        [
            ("AUTH_GOOGLE_ISSUER", url.clone()),
            ("AUTH_GOOGLE_AUTHORIZATION_URL", format!("{url}/google/authorize")),
            ("AUTH_GOOGLE_TOKEN_URL", format!("{url}/google/token")),
            ("AUTH_GOOGLE_JWKS_URL", format!("{url}/google/certs")),
            ("AUTH_GITHUB_AUTHORIZATION_URL", format!("{url}/github/login/oauth/authorize")),
            ("AUTH_GITHUB_TOKEN_URL", format!("{url}/github/login/oauth/access_token")),
            ("AUTH_GITHUB_API_URL", format!("{url}/github/api")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// The secret with the client credentials.
    pub fn clients_json(&self) -> String {
        let client = |(id, secret): (&str, &str)| json!({"clientId": id, "clientSecret": secret});
        json!({"google": client(GOOGLE_CLIENT), "github": client(GITHUB_CLIENT)}).to_string()
    }

    /// Who signs in with Google from now on. A sign-in that is already past
    /// the authorization endpoint keeps its person.
    pub fn set_google_user(&self, user: GoogleUser) {
        self.shared.lock().google_user = user;
    }

    /// Who signs in with GitHub from now on.
    pub fn set_github_user(&self, user: GithubUser) {
        self.shared.lock().github_user = user;
    }

    /// Makes an endpoint misbehave until [`FakeProvider::heal`].
    pub fn fail(&self, endpoint: Endpoint, failure: Failure) {
        self.shared.lock().failures.insert(endpoint, failure);
    }

    /// Makes every id token wrong in one way until [`FakeProvider::heal`].
    pub fn spoil_id_tokens(&self, fault: IdTokenFault) {
        self.shared.lock().id_token_fault = Some(fault);
    }

    /// What `iss` callbacks carry instead of the right one (RFC 9207); `None`
    /// leaves it out.
    pub fn set_callback_issuer(&self, issuer: Option<&str>) {
        self.shared.lock().callback_issuer = Some(issuer.map(str::to_owned));
    }

    /// Ends all misbehaviour.
    pub fn heal(&self) {
        let mut state = self.shared.lock();
        state.failures.clear();
        state.id_token_fault = None;
        state.callback_issuer = None;
    }

    /// Replaces Google's signing key by another one, with another key id.
    pub fn rotate_google_key(&self) {
        self.shared.lock().key_rotated = true;
    }

    /// Moves the clock that id tokens are dated with.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.shared.lock().clock_offset = seconds;
    }

    /// Does what a browser does with an authorization URL: the URL that the
    /// provider redirects to, with code and state.
    ///
    /// # Errors
    /// What the provider would show instead.
    pub fn consent(&self, authorization_url: &str) -> Result<String, String> {
        consent::to_url(&self.shared, authorization_url, None)
    }

    /// The same on behalf of this person, so that tests that run side by side
    /// do not meet.
    ///
    /// # Errors
    /// What the provider would show instead.
    pub fn consent_as_google(&self, authorization_url: &str, user: GoogleUser) -> Result<String, String> {
        consent::to_url(&self.shared, authorization_url, Some(Person::Google(Box::new(user))))
    }

    /// The same at GitHub.
    ///
    /// # Errors
    /// What the provider would show instead.
    pub fn consent_as_github(&self, authorization_url: &str, user: GithubUser) -> Result<String, String> {
        consent::to_url(&self.shared, authorization_url, Some(Person::Github(Box::new(user))))
    }

    /// An id token that Google gave to an app of this person, which asked with
    /// a nonce or without one. It is wrong as the others are.
    pub fn google_id_token(&self, user: &GoogleUser, nonce: Option<&str>) -> String {
        let state = self.shared.lock();
        let request = nonce.map(|nonce| ("nonce".to_owned(), nonce.to_owned())).into_iter().collect();
        let grant = Grant { person: Person::Google(Box::new(user.clone())), request };
        id_token::mint(&self.shared.url, &state, user, &grant).unwrap_or_default()
    }

    /// The document by which Google is found as any provider is.
    pub fn discovery_document(&self) -> Value {
        google::discovery_document(&self.url)
    }

    /// What the userinfo endpoint says from now on, of whomever.
    pub fn set_userinfo(&self, answer: Value) {
        self.shared.lock().userinfo = Some(answer);
    }

    /// Makes GitHub an app's: its tokens expire and come with a refresh token.
    pub fn make_github_an_app(&self) {
        self.shared.lock().github_is_app = true;
    }

    /// How long access tokens live that are issued from now on, in seconds;
    /// `None` is as long as usual.
    pub fn set_token_life(&self, seconds: Option<u64>) {
        self.shared.lock().token_seconds = seconds;
    }

    /// How many requests an endpoint has had.
    pub fn requests(&self, endpoint: Endpoint) -> usize {
        self.shared.lock().recorded.iter().filter(|request| request.endpoint == endpoint).count()
    }

    /// All requests, in order.
    pub fn recorded(&self) -> Vec<Recorded> {
        self.shared.lock().recorded.clone()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.shared.lock().recorded.clear();
    }

    /// How many connections reached the target of [`Failure::Redirect`].
    pub fn redirects_followed(&self) -> usize {
        self.trap.hits()
    }

    /// How many bytes of endless answers were taken off its hands.
    pub fn endless_bytes(&self) -> usize {
        self.shared.endless_bytes()
    }

    /// A server with a certificate that nobody has signed.
    pub fn untrusted_https_url(&self) -> String {
        self.tls.url()
    }

    /// How many clients trusted that server.
    pub fn untrusted_https_handshakes(&self) -> usize {
        self.tls.hits()
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/google/authorize", get(consent::google))
        .route("/google/token", post(google::token))
        .route("/google/certs", get(google::certs))
        .route("/google/userinfo", get(google::userinfo))
        .route("/.well-known/openid-configuration", get(google::document))
        .route("/github/login/oauth/authorize", get(consent::github))
        .route("/github/login/oauth/access_token", post(github::token))
        .route("/github/api/user", get(github::user))
        .route("/github/api/user/emails", get(github::emails))
        .with_state(shared)
}
