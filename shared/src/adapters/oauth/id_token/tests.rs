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
static CURVE_KEY: LazyLock<EncodingKey> =
    LazyLock::new(|| EncodingKey::from_ec_der(&STANDARD.decode(pem_body(include_str!("test_key_p256.pem"))).unwrap()));
/// `k1` for RS256, `any` for whatever RSA keys are for, `curve` for ES256.
static KEYS: LazyLock<KeySet> = LazyLock::new(|| {
    let jwk = |key: &EncodingKey, alg: Algorithm, kid: &str| {
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(key, alg).unwrap()).unwrap();
        jwk["kid"] = json!(kid);
        jwk
    };
    let mut any = jwk(&KEY, Algorithm::RS256, "any");
    any.as_object_mut().unwrap().remove("alg");
    let keys = [jwk(&KEY, Algorithm::RS256, "k1"), any, jwk(&CURVE_KEY, Algorithm::ES256, "curve")];
    serde_json::from_value::<PublishedKeys>(json!({"keys": keys})).unwrap().into()
});

fn key(pem: &str) -> EncodingKey {
    EncodingKey::from_rsa_der(&STANDARD.decode(pem_body(pem)).unwrap())
}

fn pem_body(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with('-')).collect()
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

const BY_CODE: Bearer<'_> = Bearer::TokenEndpoint { nonce: Some(NONCE) };

fn expecting<T>(bearer: Bearer<'_>, algorithms: &[Algorithm], act: impl FnOnce(&Expected<'_>) -> T) -> T {
    let now = Timestamp::from_millis(NOW * 1000);
    act(&Expected { issuers: &[ISSUER.to_owned()], algorithms, audience: CLIENT, bearer, now })
}

fn verdict(token: &str) -> Result<Claims, Refused> {
    verdict_by(token, &[Algorithm::RS256])
}

fn verdict_by(token: &str, algorithms: &[Algorithm]) -> Result<Claims, Refused> {
    expecting(BY_CODE, algorithms, |expected| verify(token, &KEYS, expected))
}

fn check_claims(claims: &Value) -> Result<(), Refused> {
    check_claims_of(BY_CODE, claims)
}

fn check_claims_of(bearer: Bearer<'_>, claims: &Value) -> Result<(), Refused> {
    let claims: Claims = serde_json::from_value(claims.clone()).map_err(|_| Refused::Invalid)?;
    expecting(bearer, &[Algorithm::RS256], |expected| check(&claims, expected))
}

fn raw(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

#[test]
fn a_right_token_is_taken() {
    let token = encode(&header(Algorithm::RS256, "k1"), &claims(), &KEY).unwrap();
    let claims = verdict(&token).unwrap();
    assert_eq!(claims.expires_at(), Timestamp::from_millis((NOW + 3606) * 1000));
    let profile = claims.into_profile();
    assert_eq!(profile.sub, "1234567890");
    assert_eq!(profile.email, "ada@example.com");

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
fn an_algorithm_is_taken_if_expected_and_the_keys_own() {
    use Algorithm::*;
    let all = [RS256, PS256, ES256];
    let sign = |alg, kid: &str| {
        let key = if alg == ES256 { &CURVE_KEY } else { &KEY };
        encode(&header(alg, kid), &claims(), key).unwrap()
    };
    for (alg, kid, expected, refused) in [
        (RS256, "any", &all[..], None),
        (PS256, "any", &all, None),
        (ES256, "curve", &all, None),
        (RS256, "k1", &all, None),
        (PS256, "k1", &all, Some(Refused::UnknownKey)),
        (ES256, "any", &all, Some(Refused::UnknownKey)),
        (RS256, "curve", &all, Some(Refused::UnknownKey)),
        (PS256, "any", &[RS256, ES256], Some(Refused::Algorithm)),
        (ES256, "curve", &[RS256, PS256], Some(Refused::Algorithm)),
        (RS512, "any", &all, Some(Refused::Algorithm)),
        (RS256, "any", &[], Some(Refused::Algorithm)),
    ] {
        assert_eq!(verdict_by(&sign(alg, kid), expected).err(), refused, "{alg:?} {kid}");
    }
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
fn a_client_may_name_a_nonce_and_be_another_party() {
    let by_client = |nonce, claims: &Value| check_claims_of(Bearer::Client { nonce }, claims);
    let no_nonce = with("nonce", json!(null));
    assert_eq!(by_client(None, &claims()), Ok(()));
    assert_eq!(by_client(None, &no_nonce), Ok(()));
    assert_eq!(by_client(Some(NONCE), &claims()), Ok(()));
    assert_eq!(by_client(Some("nonce-2"), &claims()), Err(Refused::Nonce));
    assert_eq!(by_client(Some(NONCE), &no_nonce), Err(Refused::Nonce));

    let mut by_app = with("azp", json!("the-app"));
    assert_eq!(by_client(None, &by_app), Ok(()));
    by_app["aud"] = json!([CLIENT, "client-2"]);
    assert_eq!(by_client(None, &by_app), Err(Refused::AuthorizedParty));
    assert_eq!(by_client(None, &with("aud", json!("the-app"))), Err(Refused::Audience));
}

#[test]
fn a_token_is_no_longer_remembered_than_it_is_taken() {
    for (exp, iat, until) in [(60, 0, 66), (86_400, 0, 3606), (86_400, -3000, 606)] {
        let mut claims = with("exp", json!(NOW + exp));
        claims["iat"] = json!(NOW + iat);
        let claims: Claims = serde_json::from_value(claims).unwrap();
        let expires_at = claims.expires_at();
        assert_eq!(expires_at, Timestamp::from_millis((NOW + until) * 1000));
        let at = |now| Expected { issuers: &[], algorithms: &[], audience: CLIENT, bearer: BY_CODE, now };
        // Before that moment it may be refused; from then on it is.
        assert_ne!(check(&claims, &Expected { issuers: &[ISSUER.to_owned()], ..at(expires_at) }), Ok(()));
    }
}

#[test]
fn what_is_remembered_of_a_token_is_what_is_signed() {
    let token = encode(&header(Algorithm::RS256, "k1"), &claims(), &KEY).unwrap();
    let (signed, _) = token.rsplit_once('.').unwrap();
    assert_eq!(hash(&token), hash(&format!("{signed}.another-signature")));
    assert_ne!(hash(&token), hash(&encode(&header(Algorithm::RS256, "k1"), &with("sub", json!("2")), &KEY).unwrap()));
    assert_eq!(read_kept(&token).unwrap()["sub"], "1234567890");
    for garbage in ["", "a", "a.b", "a.!.c", "a.W10.c"] {
        assert_eq!(read_kept(garbage), None, "{garbage}");
    }
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
