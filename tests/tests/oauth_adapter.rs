//! The OAuth adapter against the stand-in for Google and GitHub.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests")]

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use shared::{
    adapters::{
        SystemClock,
        oauth::{FetchOAuthClients, OAuthClient, ProviderEndpoints, Providers, parse_clients},
    },
    domain::{ProviderIdentity, Timestamp},
    ports::{AuthorizationRequest, Clock, CodeExchange, OAuthError, OAuthProviders as _},
};
use tests::fake_provider::{Endpoint, Failure, FakeProvider, GithubEmail, GithubUser, GoogleUser, IdTokenFault};
use url::Url;

const BASE: &str = "https://auth.example.com/api/auth";
/// From RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const NONCE: &str = "the-nonce";

/// Total time of a failing exchange (OA-09), with a little for a busy machine.
const LIMIT: Duration = Duration::from_millis(5500);

struct Clients(HashMap<String, OAuthClient>);

impl FetchOAuthClients for Clients {
    async fn client(&self, provider: &str) -> Result<Option<OAuthClient>, OAuthError> {
        Ok(self.0.get(provider).cloned())
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
        let clients = Clients(parse_clients(&provider.clients_json()).unwrap());
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
        self.adapter.exchange(id, exchange(&callback)).await
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

/// OA-09: what any endpoint may do to us.
fn failures() -> Vec<Failure> {
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
const SLOW: [Failure; 2] = [Failure::Hang, Failure::Drip];

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
