use std::sync::LazyLock;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use serde_json::{Map, Value, json};

use super::{
    GOOGLE_CLIENT, GoogleUser,
    state::{Grant, State},
};

/// A way in which an id token is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdTokenFault {
    /// Not there.
    Missing,
    /// Not a JWT.
    Garbage,
    /// `alg: none` and no signature.
    AlgorithmNone,
    /// HS256 with the client secret.
    HmacWithClientSecret,
    /// HS256 with the published public key.
    HmacWithPublicKey,
    /// RS512 with the right key.
    OtherRsaAlgorithm,
    /// A key id that is not published.
    UnknownKey,
    /// No key id.
    NoKeyId,
    /// Signed with another key than its key id says.
    WrongSignature,
    /// A critical header that nobody knows.
    CriticalHeader,
    /// Another client's audience.
    WrongAudience,
    /// No audience.
    NoAudience,
    /// Several audiences and no authorized party.
    SeveralAudiences,
    /// Another issuer.
    WrongIssuer,
    /// No issuer.
    NoIssuer,
    /// Another authorized party.
    WrongAuthorizedParty,
    /// Another nonce.
    WrongNonce,
    /// No nonce.
    NoNonce,
    /// Expired a minute ago.
    Expired,
    /// No expiry.
    NoExpiry,
    /// Issued a minute from now.
    FromTheFuture,
    /// Issued two hours ago.
    Old,
    /// Valid a minute from now.
    NotYetValid,
}

impl IdTokenFault {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::Missing,
        Self::Garbage,
        Self::AlgorithmNone,
        Self::HmacWithClientSecret,
        Self::HmacWithPublicKey,
        Self::OtherRsaAlgorithm,
        Self::UnknownKey,
        Self::NoKeyId,
        Self::WrongSignature,
        Self::CriticalHeader,
        Self::WrongAudience,
        Self::NoAudience,
        Self::SeveralAudiences,
        Self::WrongIssuer,
        Self::NoIssuer,
        Self::WrongAuthorizedParty,
        Self::WrongNonce,
        Self::NoNonce,
        Self::Expired,
        Self::NoExpiry,
        Self::FromTheFuture,
        Self::Old,
        Self::NotYetValid,
    ];
}

/// Keys made for tests; they open nothing.
static SIGNING: LazyLock<EncodingKey> = LazyLock::new(|| rsa(include_str!("keys/signing.pem")));
static NEXT: LazyLock<EncodingKey> = LazyLock::new(|| rsa(include_str!("keys/next.pem")));
static UNPUBLISHED: LazyLock<EncodingKey> = LazyLock::new(|| rsa(include_str!("keys/unpublished.pem")));

fn rsa(pem: &str) -> EncodingKey {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    EncodingKey::from_rsa_der(&STANDARD.decode(body).expect("a key in PEM"))
}

fn current(rotated: bool) -> (&'static EncodingKey, &'static str) {
    if rotated { (&NEXT, "key-2") } else { (&SIGNING, "key-1") }
}

/// The JWK set, before or after a rotation.
pub(super) fn published_keys(rotated: bool) -> Value {
    let (key, kid) = current(rotated);
    let mut jwk = json!(Jwk::from_encoding_key(key, Algorithm::RS256).expect("an RSA key"));
    jwk["kid"] = json!(kid);
    jwk["use"] = json!("sig");
    json!({"keys": [jwk]})
}

/// The id token of a sign-in, right but for the configured fault.
pub(super) fn mint(issuer: &str, state: &State, user: &GoogleUser, grant: &Grant) -> Option<String> {
    use IdTokenFault as F;

    let fault = state.id_token_fault;
    let claims = spoiled(claims(issuer, state.now(), user, grant), fault, state.now());
    let (key, kid) = current(state.key_rotated);
    let header = |algorithm| {
        let mut header = Header::new(algorithm);
        header.kid = Some(kid.to_owned());
        header
    };
    let sign = |header: &Header, key: &EncodingKey| encode(header, &claims, key).expect("serialisable claims");
    let mut rs256 = header(Algorithm::RS256);
    let token = match fault {
        Some(F::Missing) => return None,
        Some(F::Garbage) => "not.a.jwt".to_owned(),
        Some(F::AlgorithmNone) => {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            format!("{}.{}.", part(&json!({"alg": "none", "kid": kid, "typ": "JWT"})), part(&json!(claims)))
        }
        Some(F::HmacWithClientSecret) => {
            sign(&header(Algorithm::HS256), &EncodingKey::from_secret(GOOGLE_CLIENT.1.as_bytes()))
        }
        Some(F::HmacWithPublicKey) => {
            let published = published_keys(state.key_rotated).to_string();
            sign(&header(Algorithm::HS256), &EncodingKey::from_secret(published.as_bytes()))
        }
        Some(F::OtherRsaAlgorithm) => sign(&header(Algorithm::RS512), key),
        Some(F::UnknownKey) => {
            rs256.kid = Some("key-9".to_owned());
            sign(&rs256, &UNPUBLISHED)
        }
        Some(F::NoKeyId) => {
            rs256.kid = None;
            sign(&rs256, key)
        }
        Some(F::WrongSignature) => sign(&rs256, &UNPUBLISHED),
        Some(F::CriticalHeader) => {
            rs256.crit = Some(vec!["b64".to_owned()]);
            sign(&rs256, key)
        }
        _ => sign(&rs256, key),
    };
    Some(token)
}

fn claims(issuer: &str, now: i64, user: &GoogleUser, grant: &Grant) -> Map<String, Value> {
    let mut claims = user.claims();
    for (name, value) in [
        ("iss", json!(issuer)),
        ("aud", json!(GOOGLE_CLIENT.0)),
        ("azp", json!(GOOGLE_CLIENT.0)),
        ("iat", json!(now)),
        ("exp", json!(now + 3600)),
        ("at_hash", json!("HK6E_P6Dh8Y93mRNtsDB1Q")),
    ] {
        claims.insert(name.to_owned(), value);
    }
    if let Some(nonce) = grant.request.get("nonce") {
        claims.insert("nonce".to_owned(), json!(nonce));
    }
    claims.extend(user.extra.clone());
    claims
}

fn spoiled(mut claims: Map<String, Value>, fault: Option<IdTokenFault>, now: i64) -> Map<String, Value> {
    use IdTokenFault as F;

    let (name, value) = match fault {
        Some(F::WrongAudience) => ("aud", json!("another-client-id")),
        Some(F::NoAudience) => ("aud", Value::Null),
        Some(F::SeveralAudiences) => {
            claims.remove("azp");
            ("aud", json!([GOOGLE_CLIENT.0, "another-client-id"]))
        }
        Some(F::WrongIssuer) => ("iss", json!("https://evil.example")),
        Some(F::NoIssuer) => ("iss", Value::Null),
        Some(F::WrongAuthorizedParty) => ("azp", json!("another-client-id")),
        Some(F::WrongNonce) => ("nonce", json!("another-nonce")),
        Some(F::NoNonce) => ("nonce", Value::Null),
        Some(F::Expired) => ("exp", json!(now - 60)),
        Some(F::NoExpiry) => ("exp", Value::Null),
        Some(F::FromTheFuture) => ("iat", json!(now + 60)),
        Some(F::Old) => ("iat", json!(now - 7200)),
        Some(F::NotYetValid) => ("nbf", json!(now + 60)),
        _ => return claims,
    };
    match value {
        Value::Null => drop(claims.remove(name)),
        value => drop(claims.insert(name.to_owned(), value)),
    }
    claims
}
