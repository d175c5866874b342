use std::sync::LazyLock;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{EncodingKey, Header, encode, jwk::Jwk};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::adapters::oauth::jwks::PublishedKeys;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://idp.example.com";
const CLIENT: &str = "client-1";
const NONCE: &str = "nonce-1";

/// Keys made for these tests; they open nothing.
static KEY: LazyLock<EncodingKey> = LazyLock::new(|| key(include_str!("test_key.pem")));
static OTHER_KEY: LazyLock<EncodingKey> = LazyLock::new(|| key(include_str!("other_test_key.pem")));
static KEYS: LazyLock<KeySet> = LazyLock::new(|| {
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&KEY, Algorithm::RS256).unwrap()).unwrap();
    jwk["kid"] = json!("k1");
    serde_json::from_value::<PublishedKeys>(json!({"keys": [jwk]})).unwrap().into()
});

fn key(pem: &str) -> EncodingKey {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    EncodingKey::from_rsa_der(&STANDARD.decode(body).unwrap())
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "1234567890", "aud": CLIENT, "azp": CLIENT, "exp": NOW + 3600, "iat": NOW,
        "nonce": NONCE, "email": "ada@example.com", "email_verified": true, "name": "Ada",
    })
}

/// The claims with one of them changed; `null` removes it.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

fn header(alg: Algorithm, kid: &str) -> Header {
    let mut header = Header::new(alg);
    header.kid = Some(kid.to_owned());
    header
}

fn verdict(token: &str) -> Result<Claims, Refused> {
    let now = Timestamp::from_millis(NOW * 1000);
    verify(token, &KEYS, &Expected { issuers: &[ISSUER], audience: CLIENT, nonce: NONCE, now })
}

fn check_claims(claims: &Value) -> Result<(), Refused> {
    let claims: Claims = serde_json::from_value(claims.clone()).map_err(|_| Refused::Invalid)?;
    let now = Timestamp::from_millis(NOW * 1000);
    check(&claims, &Expected { issuers: &[ISSUER], audience: CLIENT, nonce: NONCE, now })
}

fn raw(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

#[test]
fn a_right_token_is_taken() {
    let token = encode(&header(Algorithm::RS256, "k1"), &claims(), &KEY).unwrap();
    let claims = verdict(&token).unwrap();
    assert_eq!(claims.sub, "1234567890");
    assert_eq!(claims.email, "ada@example.com");

    // One changed character anywhere makes it worthless.
    let end_of_header = token.find('.').unwrap();
    for at in [end_of_header + 5, token.len() - 20] {
        let mut changed = token.clone();
        let letter = if &token[at..=at] == "A" { "B" } else { "A" };
        changed.replace_range(at..=at, letter);
        assert!(verdict(&changed).is_err());
    }
}

#[test]
fn other_keys_and_algorithms_are_refused() {
    let sign = |header: &Header, key: &EncodingKey| encode(header, &claims(), key).unwrap();
    let public_key = serde_json::to_string(&Jwk::from_encoding_key(&KEY, Algorithm::RS256).unwrap()).unwrap();
    let hmac = |secret: &str| sign(&header(Algorithm::HS256, "k1"), &EncodingKey::from_secret(secret.as_bytes()));

    assert_eq!(verdict(&sign(&header(Algorithm::RS256, "k2"), &KEY)).err(), Some(Refused::UnknownKey));
    assert_eq!(verdict(&sign(&header(Algorithm::RS256, "k1"), &OTHER_KEY)).err(), Some(Refused::Invalid));
    assert_eq!(verdict(&sign(&Header::new(Algorithm::RS256), &KEY)).err(), Some(Refused::Malformed));
    for algorithm in [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256] {
        assert_eq!(verdict(&sign(&header(algorithm, "k1"), &KEY)).err(), Some(Refused::Algorithm));
    }
    assert_eq!(verdict(&hmac("client-secret")).err(), Some(Refused::Algorithm));
    assert_eq!(verdict(&hmac(&public_key)).err(), Some(Refused::Algorithm));
}

#[test]
fn headers_that_bend_the_rules_are_refused() {
    let mut critical = header(Algorithm::RS256, "k1");
    critical.crit = Some(vec!["exp".to_owned()]);
    let mut access_token = header(Algorithm::RS256, "k1");
    access_token.typ = Some("at+jwt".to_owned());
    for header in [critical, access_token] {
        let token = encode(&header, &claims(), &KEY).unwrap();
        assert_eq!(verdict(&token).err(), Some(Refused::Header));
    }
    // A key that the token brings along is not looked at.
    let mut own_key = header(Algorithm::RS256, "k1");
    own_key.jwk = Some(Jwk::from_encoding_key(&OTHER_KEY, Algorithm::RS256).unwrap());
    assert_eq!(verdict(&encode(&own_key, &claims(), &OTHER_KEY).unwrap()).err(), Some(Refused::Invalid));
}

#[test]
fn unsigned_and_malformed_tokens_are_refused() {
    let signed = encode(&header(Algorithm::RS256, "k1"), &claims(), &KEY).unwrap();
    let signature = signed.rsplit('.').next().unwrap();
    let mut tokens =
        vec![String::new(), "..".into(), "a.b".into(), format!("{signed}.{signature}"), "x".repeat(20_000)];
    for alg in ["none", "None", "nOnE", "NONE", "", "rs256"] {
        for signature in ["", signature] {
            tokens.push(raw(&json!({"alg": alg, "kid": "k1"}), &claims(), signature));
        }
    }
    tokens.push(raw(&json!({"alg": "RS256", "kid": "k1"}), &claims(), ""));
    tokens.push(raw(&json!({"alg": "RS256", "kid": ["k1"]}), &claims(), signature));
    tokens.push(raw(&json!({"kid": "k1"}), &claims(), signature));
    for token in tokens {
        assert!(verdict(&token).is_err(), "{token}");
    }
}

/// Claims of a wrong kind do not even parse; that this is what a right
/// signature over them leads to is shown once.
#[test]
fn a_right_signature_does_not_help_wrong_claims() {
    let sign = |claims: &Value| encode(&header(Algorithm::RS256, "k1"), claims, &KEY).unwrap();
    assert_eq!(verdict(&sign(&with("sub", json!(7)))).err(), Some(Refused::Invalid));
    assert_eq!(verdict(&sign(&with("iss", json!("https://evil.example")))).err(), Some(Refused::Issuer));
}

#[test]
fn every_wrong_claim_is_refused() {
    use Refused::*;
    for (name, value, reason) in [
        ("iss", json!("https://evil.example"), Issuer),
        ("iss", json!(format!("{ISSUER}/")), Issuer),
        ("iss", json!(""), Issuer),
        ("iss", json!(null), Invalid),
        ("iss", json!([ISSUER]), Invalid),
        ("aud", json!("client-2"), Audience),
        ("aud", json!(""), Audience),
        ("aud", json!([]), Audience),
        ("aud", json!(["client-2"]), Audience),
        ("aud", json!(null), Invalid),
        ("aud", json!([7]), Invalid),
        ("azp", json!("client-2"), AuthorizedParty),
        ("azp", json!(""), AuthorizedParty),
        ("azp", json!(7), Invalid),
        ("exp", json!(NOW - 5), Time),
        ("exp", json!(NOW - 61), Time),
        ("exp", json!(-1), Time),
        ("exp", json!(i64::MIN), Time),
        ("exp", json!(null), Invalid),
        ("exp", json!("9999999999"), Invalid),
        ("exp", json!(1e20), Invalid),
        ("exp", json!(9_999_999_999.5), Invalid),
        ("iat", json!(NOW + 6), Time),
        ("iat", json!(NOW - 3606), Time),
        ("iat", json!(i64::MAX), Time),
        ("iat", json!(null), Invalid),
        ("nbf", json!(NOW + 6), Time),
        ("nbf", json!("x"), Invalid),
        ("nonce", json!("nonce-2"), Nonce),
        ("nonce", json!(""), Nonce),
        ("nonce", json!(null), Nonce),
        ("nonce", json!(7), Invalid),
        ("sub", json!(""), Subject),
        ("sub", json!("a b"), Subject),
        ("sub", json!("é"), Subject),
        ("sub", json!("1\n"), Subject),
        ("sub", json!("x".repeat(256)), Subject),
        ("sub", json!(null), Invalid),
        ("sub", json!(0), Invalid),
        ("sub", json!(1234), Invalid),
        ("sub", json!(["1"]), Invalid),
    ] {
        assert_eq!(check_claims(&with(name, value.clone())), Err(reason), "{name}: {value}");
    }
}

#[test]
fn what_the_standard_leaves_open_is_taken() {
    for (name, value) in [
        ("aud", json!([CLIENT])),
        ("aud", json!(["client-2", CLIENT])),
        ("azp", json!(null)),
        ("exp", json!(NOW - 4)),
        ("iat", json!(NOW + 5)),
        ("iat", json!(NOW - 3605)),
        ("nbf", json!(NOW + 5)),
        ("nbf", json!(null)),
        ("sub", json!("0")),
        ("sub", json!("x".repeat(255))),
        ("email", json!(null)),
        ("hd", json!("example.com")),
    ] {
        assert_eq!(check_claims(&with(name, value.clone())), Ok(()), "{name}: {value}");
    }
    // Several audiences need the authorized party to say who asked.
    let mut several = with("aud", json!(["client-2", CLIENT]));
    several.as_object_mut().unwrap().remove("azp");
    assert_eq!(check_claims(&several), Err(Refused::AuthorizedParty));
}

#[test]
fn a_repeated_claim_is_refused() {
    let twice = claims().to_string().replacen('{', r#"{"sub":"other","#, 1);
    assert!(serde_json::from_str::<Claims>(&twice).is_err());
}

proptest! {
    #[test]
    fn garbage_is_refused(token in "[A-Za-z0-9_.-]{0,200}") {
        prop_assert!(verdict(&token).is_err());
    }

    #[test]
    fn times_are_taken_exactly_within_the_leeway(exp in -10_000_i64..10_000, iat in -10_000_i64..10_000, nbf in -10_i64..10) {
        let mut claims = with("exp", json!(NOW + exp));
        claims["iat"] = json!(NOW + iat);
        claims["nbf"] = json!(NOW + nbf);
        let in_time = exp > -5 && (-3605..=5).contains(&iat) && nbf <= 5;
        prop_assert_eq!(check_claims(&claims).is_ok(), in_time);
    }

    #[test]
    fn any_other_value_of_a_pinned_claim_is_refused(
        name in prop::sample::select(vec!["iss", "aud", "azp", "nonce"]),
        value in "\\PC{0,30}",
    ) {
        let claims = with(name, json!(value));
        prop_assume!(claims != self::claims());
        prop_assert!(check_claims(&claims).is_err());
    }
}
