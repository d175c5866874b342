//! The way of a browser to the provider and back, and of an app's id token.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use local::{Data, StackOptions};
use tests::{App, unique_email};

use super::*;
use crate::{restart::Directory, steps::verify_email};

const DONE: &str = "/done";
const WELCOME: &str = "/welcome";
const FAILED: &str = "/failed";

/// The service and the providers that it knows, by their ids.
struct World {
    app: App,
    providers: BTreeMap<&'static str, Acme>,
}

impl World {
    async fn start<const N: usize>(providers: [(&'static str, Value); N]) -> Self {
        Self::with_options(providers, StackOptions::default()).await
    }

    async fn with_options<const N: usize>(providers: [(&'static str, Value); N], options: StackOptions) -> Self {
        Self::with(providers, options, |_| {}).await
    }

    /// With the clients' secret changed.
    async fn with_clients<const N: usize>(
        providers: [(&'static str, Value); N],
        change: impl FnOnce(&mut Value),
    ) -> Self {
        Self::with(providers, StackOptions::default(), change).await
    }

    async fn with<const N: usize>(
        providers: [(&'static str, Value); N],
        options: StackOptions,
        change: impl FnOnce(&mut Value),
    ) -> Self {
        let app = App::start(options).await;
        let mut clients: Value = serde_json::from_str(&app.provider.clients_json()).unwrap();
        let mut running = BTreeMap::new();
        for (id, options) in providers {
            let acme = Acme::start(&format!("{}/api/auth", app.url()), id, &options).await;
            clients[id] = acme.entry();
            running.insert(id, acme);
        }
        change(&mut clients);
        app.aws().put_secret("OAuthClientsSecret", &clients.to_string()).unwrap();
        Self { app, providers: running }
    }

    async fn ask(&self, browser: &mut Browser, id: &str) -> Answer {
        let body = json!({
            "provider": id, "callbackURL": DONE, "newUserCallbackURL": WELCOME, "errorCallbackURL": FAILED,
        });
        browser.post("/sign-in/social", &body).await
    }

    /// Goes as far as the callback.
    async fn callback(&self, browser: &mut Browser, id: &str, email: &str) -> String {
        let answer = self.ask(browser, id).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        self.providers[id].consent(answer.header("location"), email).await
    }

    async fn sign_in(&self, id: &str, email: &str) -> (Browser, Answer) {
        let mut browser = self.app.browser();
        let callback = self.callback(&mut browser, id, email).await;
        let answer = browser.get(&callback).await;
        (browser, answer)
    }
}

async fn assert_fails(browser: &mut Browser, callback: &str, error: &str) {
    assert_redirect(&browser.get(callback).await, &format!("{FAILED}?error={error}"));
    assert!(browser.current_user().await.is_none());
}

#[tokio::test]
async fn configured_providers_sign_people_up_and_in() {
    let signed_with = |algorithm: &str| json!({"algorithm": algorithm});
    let world =
        World::start([("acme", signed_with("RS256")), ("two", signed_with("PS256")), ("3", signed_with("ES256"))]);
    let world = world.await;
    for (id, acme) in &world.providers {
        let email = unique_email("acme");
        let mut user_id = Value::Null;
        for target in [WELCOME, DONE, DONE] {
            let (mut browser, answer) = world.sign_in(id, &email).await;
            assert_redirect(&answer, target);
            let user = browser.current_user().await.unwrap();
            assert_eq!((&user["email"], &user["emailVerified"]), (&json!(email), &json!(true)), "{id}");
            assert_eq!(
                (&user["name"], &user["image"]),
                (&json!("Acme Person"), &json!("https://id.acme.example/person.png"))
            );
            assert!(user_id.is_null() || user_id == user["id"]);
            user_id = user["id"].clone();
        }
        let account = world.app.row("AccountsTable", "identity", &format!("{id}:{email}")).await.unwrap();
        assert_eq!(account["providerId"]["S"], **id);
        // Two functions read the document, and one of them the keys; the rest
        // is asked at every sign-in.
        for (path, requests) in [(DOCUMENT, 2), ("/jwks", 1), ("/token", 3), ("/me", 3)] {
            assert_eq!(acme.requests(path).await, requests, "{id} {path}");
        }
    }
}

#[tokio::test]
async fn the_same_subject_at_two_providers_is_two_people_until_their_address_joins_them() {
    let world = World::start([("acme", json!({})), ("other", json!({}))]).await;
    let email = format!("unverified-{}", unique_email("subject"));
    let (mut browser, answer) = world.sign_in("acme", &email).await;
    assert_redirect(&answer, WELCOME);
    assert_eq!(browser.current_user().await.unwrap()["emailVerified"], false);
    let mut browser = world.app.browser();
    let callback = world.callback(&mut browser, "other", &email).await;
    assert_fails(&mut browser, &callback, "account_not_linked").await;
    // Nor does one provider's callback take another one's state.
    let mut browser = world.app.browser();
    let callback = world.callback(&mut browser, "acme", &email).await;
    assert_fails(&mut browser, &callback.replace("/callback/acme", "/callback/other"), "state_mismatch").await;

    let email = unique_email("subject");
    let (mut one, _) = world.sign_in("acme", &email).await;
    let (mut two, answer) = world.sign_in("other", &email).await;
    assert_redirect(&answer, DONE);
    assert_eq!(one.current_user().await.unwrap()["id"], two.current_user().await.unwrap()["id"]);
}

#[tokio::test]
async fn an_unverified_address_is_never_joined() {
    let world = World::start([("acme", json!({}))]).await;
    let email = format!("unverified-{}", unique_email("acme"));
    world.app.sign_up(&email).await;
    verify_email(&world.app, &email).await;
    let mut browser = world.app.browser();
    let callback = world.callback(&mut browser, "acme", &email).await;
    assert_fails(&mut browser, &callback, "account_not_linked").await;
}

#[tokio::test]
async fn the_authorization_request_is_the_standards() {
    let world =
        World::with_clients([("acme", json!({}))], |clients| clients["acme"]["scopes"] = json!(["email"])).await;
    let answer = world.ask(&mut world.app.browser(), "acme").await;
    let url = answer.header("location");
    assert!(url.starts_with(&format!("{}/auth?", world.providers["acme"].url)), "{url}");
    let query = query_of(url);
    let names: Vec<_> = query.keys().map(String::as_str).collect();
    let expected = "client_id code_challenge code_challenge_method nonce redirect_uri response_type scope state";
    assert_eq!(names.join(" "), expected);
    assert_eq!((query["scope"].as_str(), query["code_challenge_method"].as_str()), ("openid email", "S256"));
    assert_eq!(query["redirect_uri"], format!("{}/api/auth/callback/acme", world.app.url()));
}

#[tokio::test]
async fn the_client_authenticates_as_the_provider_wants() {
    let by = |method: &str| json!({"authentication": [method]});
    let providers = [
        ("basic", by("client_secret_basic")),
        ("post", by("client_secret_post")),
        ("wrong", by("client_secret_basic")),
    ];
    let world = World::with_clients(providers, |clients| clients["wrong"]["clientSecret"] = json!("another")).await;
    for id in ["basic", "post"] {
        let (_, answer) = world.sign_in(id, &unique_email("authenticated")).await;
        assert_redirect(&answer, WELCOME);
    }
    let mut browser = world.app.browser();
    let callback = world.callback(&mut browser, "wrong", "x@example.com").await;
    assert_fails(&mut browser, &callback, "invalid_code").await;
}

#[tokio::test]
async fn userinfo_is_not_asked_for_what_the_id_token_says() {
    let world = World::start([("acme", json!({"fullIdTokens": true}))]).await;
    let email = unique_email("full");
    let (mut browser, answer) = world.sign_in("acme", &email).await;
    assert_redirect(&answer, WELCOME);
    assert_eq!(browser.current_user().await.unwrap()["email"], email);
    assert_eq!(world.providers["acme"].requests("/me").await, 0);
}

#[tokio::test]
async fn a_callback_without_the_providers_issuer_is_refused() {
    let world = World::start([("acme", json!({}))]).await;
    let acme = &world.providers["acme"];
    for other in [None, Some("https://evil.example"), Some("https://accounts.google.com"), Some("")] {
        let mut browser = world.app.browser();
        let mut callback = Url::parse(&world.callback(&mut browser, "acme", "x@example.com").await).unwrap();
        let pairs: Vec<(String, String)> = callback.query_pairs().into_owned().collect();
        assert!(pairs.contains(&("iss".to_owned(), acme.url.clone())));
        let rest = pairs.into_iter().filter(|(name, _)| name != "iss");
        callback.query_pairs_mut().clear().extend_pairs(rest);
        if let Some(other) = other {
            callback.query_pairs_mut().append_pair("iss", other);
        }
        assert_fails(&mut browser, callback.as_str(), "issuer_mismatch").await;
    }
    assert_eq!(acme.requests("/token").await, 0);
}

#[tokio::test]
async fn a_provider_that_is_not_the_configured_issuer_is_not_used() {
    let world = World::with_clients([("acme", json!({}))], |clients| {
        let issuer = clients["acme"]["issuer"].as_str().unwrap().replace("127.0.0.1", "localhost");
        clients["acme"]["issuer"] = json!(issuer);
    });
    let world = world.await;
    assert_error(&world.ask(&mut world.app.browser(), "acme").await, 503, "SERVICE_UNAVAILABLE");
    assert_eq!(world.providers["acme"].requests(DOCUMENT).await, 1);
    assert!(world.app.rows("VerificationTokensTable").await.is_empty());
}

#[tokio::test]
async fn a_malformed_entry_is_the_fault_of_that_provider_alone() {
    let world = World::with_clients([("acme", json!({}))], |clients| {
        let entry = clients["acme"].clone();
        for (id, change, value) in [
            ("plain-http", "issuer", json!("http://id.acme.example")),
            ("no-list", "scopes", json!("openid")),
            ("no-text", "clientId", json!(7)),
            ("Capitals", "scopes", json!([])),
            ("credential", "scopes", json!([])),
            ("github", "scopes", json!([])),
        ] {
            clients[id] = entry.clone();
            clients[id][change] = value;
        }
    });
    let world = world.await;
    for (id, reason) in [
        ("plain-http", "plain-http has an issuer that is not an https URL"),
        ("no-list", "no-list has scopes that are not a list"),
        ("no-text", "no-text is not an object of a clientId and a clientSecret"),
        ("Capitals", "Capitals is no id"),
        ("credential", "credential is a reserved id"),
        ("github", "github takes no issuer"),
    ] {
        assert_error(&world.ask(&mut world.app.browser(), id).await, 503, "SERVICE_UNAVAILABLE");
        assert!(world.app.logs().iter().any(|line| line.text.contains(reason)), "{reason}");
    }
    for id in ["acme", "google"] {
        assert_eq!(world.ask(&mut world.app.browser(), id).await.status, 200, "{id}");
    }
    assert_error(&world.ask(&mut world.app.browser(), "okta").await, 404, "PROVIDER_NOT_FOUND");
}

#[tokio::test]
async fn an_apps_id_token_signs_in_once() {
    let options = json!({"fullIdTokens": true, "algorithm": "ES256", "authentication": ["client_secret_post"]});
    let world = World::start([("acme", options)]).await;
    let email = unique_email("app");
    let token = world.providers["acme"].id_token(&email, "the-nonce").await;
    let present = async |provider: &str, token: &str, nonce: &str| {
        let body = json!({"provider": provider, "idToken": {"token": token, "nonce": nonce}});
        world.app.browser().post("/sign-in/social", &body).await
    };
    assert_error(&present("acme", &token, "another").await, 401, "INVALID_TOKEN");
    assert_error(&present("google", &token, "the-nonce").await, 401, "INVALID_TOKEN");
    // Whichever of its signatures it bears, it is one token.
    let answer = present("acme", &mirrored(&token), "the-nonce").await;
    assert_eq!((answer.status, &answer.json()["user"]["email"]), (200, &json!(email)), "{}", answer.text());
    for again in [token.clone(), mirrored(&token)] {
        assert_error(&present("acme", &again, "the-nonce").await, 401, "INVALID_TOKEN");
    }
    assert_eq!(world.app.rows("SessionsTable").await.len(), 1);
}

/// The other signature that the same content has on a curve, which anybody can
/// make of the first: with the second half subtracted from the order of P-256.
fn mirrored(token: &str) -> String {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
        0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut borrow = 0;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER).rev() {
        let difference = i16::from(order) - i16::from(*byte) - borrow;
        borrow = i16::from(difference < 0);
        *byte = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A hook has its say on configured providers, too, of somebody new and of a
/// user of before.
#[tokio::test]
async fn a_hook_refuses_people_of_a_configured_provider() {
    let directory = Directory::new("hooks-oidc");
    let options = StackOptions { data: Data::Path(directory.0.clone()), instances: 1, ..StackOptions::default() };
    let (linked, newcomer) = (unique_email("linked"), unique_email("newcomer"));
    let world = World::with_options([("acme", json!({}))], options.clone()).await;
    let (mut browser, _) = world.sign_in("acme", &linked).await;
    assert_eq!(browser.current_user().await.unwrap()["email"], linked);
    world.app.stop().await;

    let env = vec![("AUTH_ALLOWED_EMAIL_DOMAINS".to_owned(), "allowed.example".to_owned())];
    let world = World::with_options([("acme", json!({}))], StackOptions { env, ..options }).await;
    for email in [&linked, &newcomer] {
        let (mut browser, answer) = world.sign_in("acme", email).await;
        assert_redirect(&answer, &format!("{FAILED}?error=sign_in_refused"));
        assert!(browser.current_user().await.is_none(), "{email}");
    }
    assert!(user_row(&world.app, &newcomer).await.is_none());
    let (mut browser, _) = world.sign_in("acme", &newcomer.replace("@example.com", "@allowed.example")).await;
    assert!(browser.current_user().await.is_some());
}
