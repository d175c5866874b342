//! The unmodified npm client drives the service, and the same requests go to
//! `better-auth` from npm, whose answers have to agree.

use std::time::Duration;

use local::StackOptions;
use shared::domain::Limit;
use tests::App;
use tokio::{process::Child, time::timeout};

use crate::node;

/// As in `tests/npm/lib/settings.mjs`.
const CORS_ORIGIN: &str = "https://app.example.com";
const ORIGIN_PATTERN: &str = "https://*.preview.example.com";
const CLIENTS: &str = r#"{
    "google": {"clientId": "google-client-id", "clientSecret": "google-client-secret"},
    "github": {"clientId": "github-client-id", "clientSecret": "github-client-secret"}
}"#;

#[tokio::test]
async fn answers_agree_with_the_reference() {
    compare(&[], &[]).await;
}

#[tokio::test]
async fn answers_agree_where_addresses_have_to_be_verified() {
    compare(&["--verification-required"], &[("AUTH_REQUIRE_EMAIL_VERIFICATION", "true")]).await;
}

async fn compare(options: &[&str], settings: &[(&str, &str)]) {
    let stage = Stage::start(settings).await;
    let (_peer, peer_url) = node::serve("peer.mjs", options, &stage.env()).await;
    let url = stage.app.url();
    let arguments = [&[url.as_str(), &peer_url], options].concat();
    let (passed, output) = stage.run("conformance.mjs", &arguments).await;
    let failures: Vec<&str> = output.lines().filter(|line| line.starts_with("FAIL") || line.starts_with(' ')).collect();
    assert!(passed, "{}", failures.join("\n"));
    assert!(!output.contains("skipped"), "cases were skipped");
}

#[tokio::test]
async fn a_newcomer_gets_through_with_the_unmodified_client() {
    let stage = Stage::start(&[]).await;
    let (passed, output) = stage.run("client-story.mjs", &[&stage.app.url()]).await;
    assert!(passed, "{output}");
}

/// The same that the deployment test asks of the deployed API.
#[tokio::test]
async fn every_route_is_asked_for_and_answers() {
    let rules = Limit::ALL.map(|limit| format!("{}=1000/60", limit.name())).join(",");
    let settings = [
        ("AUTH_RATE_LIMITS", "true"),
        ("AUTH_RATE_LIMIT_RULES", rules.as_str()),
        ("AUTH_CONFIRM_DELETION", "true"),
        ("AUTH_VERIFY_ON_SIGN_UP", "true"),
    ];
    let stage = Stage::start(&settings).await;
    let (passed, output) = stage.run("every-route.mjs", &[&stage.app.url()]).await;
    assert!(passed, "{output}");
}

/// The service with a stand-in for the providers that the reference uses too.
struct Stage {
    app: App,
    provider_url: String,
    _provider: Child,
}

impl Stage {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let (provider, provider_url) = node::serve("idp.mjs", &[], &[]).await;
        let setting = |name: &str, path: &str| (name.to_owned(), format!("{provider_url}{path}"));
        let mut env = vec![
            ("AUTH_GOOGLE_ISSUER".to_owned(), "https://accounts.google.com".to_owned()),
            setting("AUTH_GOOGLE_AUTHORIZATION_URL", "/google/authorize"),
            setting("AUTH_GOOGLE_TOKEN_URL", "/google/token"),
            setting("AUTH_GOOGLE_JWKS_URL", "/google/certs"),
            setting("AUTH_GITHUB_AUTHORIZATION_URL", "/github/authorize"),
            setting("AUTH_GITHUB_TOKEN_URL", "/github/token"),
            setting("AUTH_GITHUB_API_URL", "/github/api"),
        ];
        env.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let parameters = vec![
            ("TrustedOrigins".to_owned(), CORS_ORIGIN.to_owned()),
            ("TrustedOriginPatterns".to_owned(), ORIGIN_PATTERN.to_owned()),
        ];
        let app = App::start(StackOptions { env, parameters, instances: 4, ..StackOptions::default() }).await;
        app.aws().put_secret("OAuthClientsSecret", CLIENTS).unwrap();
        Self { app, provider_url, _provider: provider }
    }

    fn env(&self) -> [(&str, &str); 1] {
        [("OAUTH_PROVIDER_URL", &self.provider_url)]
    }

    async fn run(&self, script: &str, arguments: &[&str]) -> (bool, String) {
        let child = node::start(script, arguments, &self.env());
        let output = timeout(Duration::from_secs(300), child.wait_with_output()).await.unwrap().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
