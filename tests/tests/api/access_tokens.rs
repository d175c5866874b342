//! Forged access tokens.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use tests::{App, Call, unique_email};

use crate::support::*;

/// The claims of a token, unverified.
pub fn claims_of(token: &str) -> Value {
    part(token.split('.').nth(1).unwrap())
}

fn part(text: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

/// A token from whatever text is given as header and claims.
fn sign(header: &str, claims: &str, key: &str, algorithm: Algorithm) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = crypto::sign(message.as_bytes(), &EncodingKey::from_secret(key.as_bytes()), algorithm).unwrap();
    format!("{message}.{signature}")
}

/// What a good token is made of.
struct Forge {
    header: Value,
    claims: Value,
    key: String,
}

impl Forge {
    async fn new(app: &App, email: &str) -> Self {
        let mut browser = app.sign_up(email).await;
        let token = browser.get("/token").await.json()["token"].as_str().unwrap().to_owned();
        let key = app.aws().secret("SigningSecret").unwrap();
        Self { header: part(token.split('.').next().unwrap()), claims: claims_of(&token), key }
    }

    fn good(&self) -> String {
        sign(&self.header.to_string(), &self.claims.to_string(), &self.key, Algorithm::HS256)
    }

    /// The good token with one header parameter changed.
    fn header(&self, name: &str, value: Value) -> String {
        let header = changed(&self.header, name, value);
        sign(&header.to_string(), &self.claims.to_string(), &self.key, Algorithm::HS256)
    }

    /// The good token with one claim changed.
    fn claim(&self, name: &str, value: Value) -> String {
        let claims = changed(&self.claims, name, value);
        sign(&self.header.to_string(), &claims.to_string(), &self.key, Algorithm::HS256)
    }
}

/// `null` takes the member away.
fn changed(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    match value {
        Value::Null => drop(object.as_object_mut().unwrap().remove(name)),
        value => object[name] = value,
    }
    object
}

fn bearer(path: &str, token: &str) -> Call {
    Call::new("GET", path).header("authorization", format!("Bearer {token}"))
}

async fn assert_accepted(app: &App, token: &str) {
    let answer = app.browser().send(bearer("/token", token)).await;
    assert_eq!(answer.status, 200, "{token}: {}", answer.text());
}

async fn assert_refused(app: &App, token: &str, what: &str) {
    let answer = app.browser().send(bearer("/token", token)).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "UNAUTHORIZED"), "{what}: {}", answer.text());
    let answer = app.browser().send(bearer("/get-session", token)).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "null"), "{what}");
}

#[tokio::test]
async fn a_token_says_who_for_whom_and_how_long() {
    let app = App::shared();
    let email = unique_email("claims");
    let forge = Forge::new(app, &email).await;
    assert_eq!((&forge.header["alg"], &forge.header["typ"]), (&json!("HS256"), &json!("at+jwt")));
    assert!(forge.header["kid"].is_string());
    let claims = &forge.claims;
    let mut names: Vec<&str> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["aud", "email", "email_verified", "exp", "iat", "iss", "jti", "name", "nbf", "sid", "sub"]);
    assert_eq!(
        (&claims["iss"], &claims["aud"], &claims["email"]),
        (&json!(app.url()), &json!(app.url()), &json!(email))
    );
    let (iat, exp) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
    assert!(
        (now() / SECOND - iat).abs() < 60
            && exp > iat
            && exp * SECOND <= number(&only_session(app, &email).await, "expiresAt")
    );
    let other = Forge::new(app, &unique_email("claims")).await;
    assert_ne!(claims["jti"], other.claims["jti"]);
}

#[tokio::test]
async fn other_algorithms_are_refused() {
    let app = App::shared();
    let forge = Forge::new(app, &unique_email("algorithm")).await;
    assert_accepted(app, &forge.good()).await;
    let good = forge.good();
    let claims = good.split('.').nth(1).unwrap();
    let unsigned = good.rsplit_once('.').unwrap().0;
    assert_refused(app, &format!("{unsigned}."), "no signature").await;
    for algorithm in ["none", "None", "nOnE", "NONE", ""] {
        let header = URL_SAFE_NO_PAD.encode(changed(&forge.header, "alg", json!(algorithm)).to_string());
        assert_refused(app, &format!("{header}.{claims}."), algorithm).await;
        assert_refused(app, &forge.header("alg", json!(algorithm)), algorithm).await;
    }
    for (name, algorithm) in [("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512)] {
        let header = changed(&forge.header, "alg", json!(name)).to_string();
        assert_refused(app, &sign(&header, &forge.claims.to_string(), &forge.key, algorithm), name).await;
    }
    for name in ["RS256", "ES256", "PS256", "EdDSA", "HS384", "hs256", "HS256 "] {
        assert_refused(app, &forge.header("alg", json!(name)), name).await;
    }
}

#[tokio::test]
async fn other_keys_are_refused() {
    let app = App::shared();
    let forge = Forge::new(app, &unique_email("key")).await;
    let (header, claims) = (forge.header.to_string(), forge.claims.to_string());
    let half = &forge.key[..forge.key.len() / 2];
    for key in ["", " ", "secret", half, &forge.key.to_lowercase(), "null", &"k".repeat(64)] {
        assert_refused(app, &sign(&header, &claims, key, Algorithm::HS256), "another key").await;
    }
}

#[tokio::test]
async fn headers_that_choose_a_key_are_refused() {
    let app = App::shared();
    let forge = Forge::new(app, &unique_email("header")).await;
    let jwk = json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(&forge.key), "alg": "HS256"});
    for (name, value) in [
        ("kid", json!("../../../../dev/null")),
        ("kid", json!("' OR 1=1 --")),
        ("kid", json!("unknown")),
        ("kid", json!("")),
        ("kid", json!("k".repeat(5000))),
        ("kid", json!([forge.header["kid"]])),
        ("kid", json!(7)),
        ("kid", json!(null)),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/x5u")),
        ("jwk", jwk),
        ("crit", json!(["b64"])),
        ("typ", json!("JWT")),
        ("typ", json!("AT+JWT2")),
        ("typ", json!(null)),
        ("alg", json!(null)),
    ] {
        assert_refused(app, &forge.header(name, value.clone()), &format!("{name} {value}")).await;
    }
}

#[tokio::test]
async fn times_are_checked_with_five_seconds_of_grace() {
    let app = App::shared();
    let forge = Forge::new(app, &unique_email("times")).await;
    let second = || now() / SECOND;
    assert_accepted(app, &forge.claim("exp", json!(second() + 60))).await;
    for age in [8, 30, 61, 100_000] {
        assert_refused(app, &forge.claim("exp", json!(second() - age)), "expired").await;
    }
    for (name, value) in [
        ("exp", json!(null)),
        ("exp", json!((second() + 60).to_string())),
        ("exp", json!(1e20)),
        ("exp", json!(second() as f64 + 60.5)),
        ("exp", json!(-1)),
        ("exp", json!(true)),
        ("exp", json!([second() + 60])),
        ("nbf", json!(second() + 60)),
        ("nbf", json!(null)),
        ("nbf", json!("0")),
        ("iat", json!(second() + 60)),
        ("iat", json!(null)),
        ("iat", json!("0")),
    ] {
        assert_refused(app, &forge.claim(name, value.clone()), &format!("{name} {value}")).await;
    }
}

#[tokio::test]
async fn a_token_is_for_this_service_and_names_a_session_of_its_user() {
    let app = App::shared();
    let forge = Forge::new(app, &unique_email("names")).await;
    let other = Forge::new(app, &unique_email("names")).await;
    for (name, value) in [
        ("aud", json!(null)),
        ("aud", json!("https://evil.example")),
        ("aud", json!("")),
        ("aud", json!([app.url()])),
        ("aud", json!([app.url(), "https://evil.example"])),
        ("aud", json!(format!("{}/", app.url()))),
        ("iss", json!(null)),
        ("iss", json!("https://evil.example")),
        ("iss", json!("")),
        ("iss", json!([app.url()])),
        ("sub", json!(null)),
        ("sub", json!("")),
        ("sub", json!("A".repeat(32))),
        ("sub", other.claims["sub"].clone()),
        ("sub", json!(7)),
        ("sid", json!(null)),
        ("sid", json!("")),
        ("sid", json!("A".repeat(43))),
        ("sid", other.claims["sid"].clone()),
        ("jti", json!(null)),
    ] {
        assert_refused(app, &forge.claim(name, value.clone()), &format!("{name} {value}")).await;
    }
}

#[tokio::test]
async fn what_is_no_token_is_refused_without_a_fault() {
    let app = App::shared();
    let forge = Forge::new(app, &unique_email("shape")).await;
    let good = forge.good();
    let (header, claims) = (forge.header.to_string(), forge.claims.to_string());
    let twice = claims.replacen('{', "{\"sub\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",", 1);
    let with = |claims: &str| sign(&header, claims, &forge.key, Algorithm::HS256);
    let long = format!("{}.{}", good, "x".repeat(5000));
    let padded = forge.claim("name", json!("x".repeat(7000)));
    let cases: Vec<String> = vec![
        "..".to_owned(),
        ".".to_owned(),
        "eyJ..".to_owned(),
        "eyJ.eyJ.x".to_owned(),
        format!("{good}."),
        format!("{good}.x"),
        format!(".{good}"),
        good.replace('.', ".."),
        good.replacen("eyJ", "eyI", 1),
        format!("{good}="),
        good[..good.len() - 1].to_owned(),
        good.to_uppercase(),
        with(""),
        with("[]"),
        with("null"),
        with("{"),
        with(&twice),
        sign("[]", &claims, &forge.key, Algorithm::HS256),
        sign("", &claims, &forge.key, Algorithm::HS256),
        long,
        padded,
    ];
    for token in &cases {
        assert_refused(app, token, token).await;
    }
    // Two headers are one too many, whatever they say.
    let call = bearer("/token", &good).header("authorization", format!("Bearer {good}"));
    assert_error(&app.browser().send(call).await, 401, "UNAUTHORIZED");
    assert_accepted(app, &good).await;
}

#[tokio::test]
async fn a_token_of_a_deleted_user_is_refused() {
    let app = App::shared();
    let email = unique_email("deleted");
    let forge = Forge::new(app, &email).await;
    assert_accepted(app, &forge.good()).await;
    let request = json!({"TableName": "UsersTable", "Key": {"id": {"S": forge.claims["sub"]}}});
    app.aws().dynamodb("DeleteItem", &request).await.unwrap();
    assert_refused(app, &forge.good(), "deleted").await;
}
