//! The unmodified npm client drives the service, and the same requests go to
//! `better-auth` from npm, whose answers have to agree.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use local::StackOptions;
use tests::App;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    sync::OnceCell,
    time::timeout,
};

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
    let mut peer = node("peer.mjs", options, Some(&stage.provider_url));
    let peer_url = ready(&mut peer).await;
    let url = stage.app.url();
    let arguments = [&[url.as_str(), &peer_url], options].concat();
    let (passed, output) = run("conformance.mjs", &arguments, &stage.provider_url).await;
    let failures: Vec<&str> = output.lines().filter(|line| line.starts_with("FAIL") || line.starts_with(' ')).collect();
    assert!(passed, "{}", failures.join("\n"));
    assert!(!output.contains("skipped"), "cases were skipped");
}

#[tokio::test]
async fn a_newcomer_gets_through_with_the_unmodified_client() {
    let stage = Stage::start(&[]).await;
    let (passed, output) = run("client-story.mjs", &[&stage.app.url()], &stage.provider_url).await;
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
        install().await;
        let mut provider = node("idp.mjs", &[], None);
        let provider_url = ready(&mut provider).await;
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
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("npm")
}

/// Installs the packages once, as the lock file has them.
async fn install() {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    INSTALLED
        .get_or_init(|| async {
            let lock = std::fs::read(directory().join("package-lock.json")).unwrap();
            let stamp = directory().join("node_modules/.installed");
            if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
                return;
            }
            let status = Command::new("npm").arg("ci").current_dir(directory()).status().await.unwrap();
            assert!(status.success(), "npm ci failed");
            std::fs::write(stamp, lock).unwrap();
        })
        .await;
}

fn node(script: &str, arguments: &[&str], provider_url: Option<&str>) -> Child {
    let mut command = Command::new("node");
    command.arg(script).args(arguments).current_dir(directory()).stdout(Stdio::piped()).kill_on_drop(true);
    if let Some(url) = provider_url {
        command.env("OAUTH_PROVIDER_URL", url);
    }
    command.spawn().unwrap()
}

/// The address that a server says it is ready at.
async fn ready(child: &mut Child) -> String {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let wait = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some(url) = line.strip_prefix("ready ") {
                return url.to_owned();
            }
        }
        panic!("the server ended");
    };
    let url = timeout(Duration::from_secs(60), wait).await.unwrap();
    // What it writes later must not fill the pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    url
}

async fn run(script: &str, arguments: &[&str], provider_url: &str) -> (bool, String) {
    let child = node(script, arguments, Some(provider_url));
    let output = timeout(Duration::from_secs(300), child.wait_with_output()).await.unwrap().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}
