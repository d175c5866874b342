use std::{collections::HashMap, future::Future, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use super::transport::TransportError;
use crate::domain::Timestamp;

/// How long keys are used without asking again, in seconds: a key that the
/// provider withdraws is refused an hour later at the latest.
const MAX_AGE: i64 = 60 * 60;
/// Shortest time between two fetches because of a key that is not known, in
/// seconds, so that forged tokens cannot make this service hammer the provider.
const MIN_REFETCH_AGE: i64 = 60;
/// Lengths of the modulus, in bytes, that are taken for a safe RSA key
/// (RFC 7518, section 3.3) of bearable cost.
const MODULUS_LENGTHS: std::ops::RangeInclusive<usize> = 256..=512;

/// Length of a coordinate on P-256, in bytes (RFC 7518, section 6.2.1.2).
const COORDINATE_LENGTH: usize = 32;

/// Public keys by their key id.
pub(super) struct KeySet(HashMap<String, Key>);

/// A public key and what it may verify.
struct Key {
    decoding: DecodingKey,
    algorithms: Vec<Algorithm>,
}

/// A key set as it is sent (RFC 7517, section 5). Keys of other kinds and
/// members that are not known are ignored, as section 5 wants it.
#[derive(Deserialize)]
pub(super) struct PublishedKeys {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct PublishedKey {
    kid: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    #[serde(flatten)]
    material: Material,
}

/// RSA keys and those on P-256; no others are taken.
#[derive(Deserialize)]
#[serde(tag = "kty")]
enum Material {
    #[serde(rename = "RSA")]
    Rsa { n: String, e: String },
    #[serde(rename = "EC")]
    Ec { crv: String, x: String, y: String },
}

impl PublishedKey {
    fn key(&self) -> Option<Key> {
        let (decoding, mut algorithms) = self.material.key()?;
        if let Some(alg) = self.alg.as_deref() {
            let alg: Algorithm = alg.parse().ok()?;
            algorithms.retain(|algorithm| *algorithm == alg);
        }
        let usable = self.usage.as_deref().is_none_or(|usage| usage == "sig") && !algorithms.is_empty();
        usable.then_some(Key { decoding, algorithms })
    }
}

impl Material {
    /// The key, and what keys of its kind may verify.
    fn key(&self) -> Option<(DecodingKey, Vec<Algorithm>)> {
        match self {
            Self::Rsa { n, e } => {
                let (modulus, exponent) = (URL_SAFE_NO_PAD.decode(n).ok()?, URL_SAFE_NO_PAD.decode(e).ok()?);
                let usable = MODULUS_LENGTHS.contains(&modulus.len());
                let key = usable.then(|| DecodingKey::from_rsa_raw_components(&modulus, &exponent))?;
                Some((key, vec![Algorithm::RS256, Algorithm::PS256]))
            }
            Self::Ec { crv, x, y } => {
                let is_coordinate =
                    |text| URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == COORDINATE_LENGTH);
                let usable = crv == "P-256" && is_coordinate(x) && is_coordinate(y);
                let key = usable.then(|| DecodingKey::from_ec_components(x, y))?.ok()?;
                Some((key, vec![Algorithm::ES256]))
            }
        }
    }
}

impl From<PublishedKeys> for KeySet {
    fn from(published: PublishedKeys) -> Self {
        let keys = published.keys.into_iter().filter_map(|key| PublishedKey::deserialize(key).ok());
        Self(keys.filter_map(|key| Some((key.kid.clone(), key.key()?))).collect())
    }
}

impl KeySet {
    /// The key of a key id, if it may verify signatures of an algorithm.
    pub(super) fn get(&self, kid: &str, algorithm: Algorithm) -> Option<&DecodingKey> {
        self.0.get(kid).filter(|key| key.algorithms.contains(&algorithm)).map(|key| &key.decoding)
    }
}

/// A provider's keys, kept in memory.
#[derive(Default)]
pub(super) struct Jwks {
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    keys: Arc<KeySet>,
    fetched_at: Timestamp,
    asked_at: Timestamp,
}

impl Jwks {
    /// The keys, fetched anew when they are too old. A `fetch` that is not
    /// needed is never started; concurrent callers share one.
    pub(super) async fn get(
        &self,
        now: Timestamp,
        fetch: impl Future<Output = Result<KeySet, TransportError>>,
    ) -> Result<Arc<KeySet>, TransportError> {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| is_within(MAX_AGE, kept.fetched_at, now)) {
            return Ok(Arc::clone(&kept.keys));
        }
        let keys = Arc::new(fetch.await?);
        *kept = Some(Kept { keys: Arc::clone(&keys), fetched_at: now, asked_at: now });
        Ok(keys)
    }

    /// The keys after `known` lacked one: fetched anew, unless somebody did so
    /// since or too short a time ago.
    pub(super) async fn get_newer(
        &self,
        known: &Arc<KeySet>,
        now: Timestamp,
        fetch: impl Future<Output = Result<KeySet, TransportError>>,
    ) -> Result<Arc<KeySet>, TransportError> {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_mut() {
            let is_newer = !Arc::ptr_eq(&kept.keys, known);
            if is_newer || is_within(MIN_REFETCH_AGE, kept.asked_at, now) {
                return Ok(Arc::clone(&kept.keys));
            }
            kept.asked_at = now;
        }
        let keys = Arc::new(fetch.await?);
        *kept = Some(Kept { keys: Arc::clone(&keys), fetched_at: now, asked_at: now });
        Ok(keys)
    }
}

/// Whether `now` is less than so many seconds after `then`, and not before it:
/// a clock that jumps back makes nothing last longer.
pub(super) fn is_within(seconds: i64, then: Timestamp, now: Timestamp) -> bool {
    then <= now && now < then.plus_seconds(seconds)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use serde_json::json;

    use super::*;

    #[derive(Default)]
    struct Source(AtomicU32);

    impl Source {
        async fn fetch(&self) -> Result<KeySet, TransportError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(KeySet(HashMap::new()))
        }

        fn fetches(&self) -> u32 {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000_000_000).plus_seconds(seconds)
    }

    #[tokio::test]
    async fn keys_are_fetched_once_an_hour() {
        let (source, jwks) = (Source::default(), Jwks::default());
        for (seconds, fetches) in [(0, 1), (1, 1), (3599, 1), (3600, 2), (3601, 2), (0, 3), (3599, 3)] {
            jwks.get(at(seconds), source.fetch()).await.unwrap();
            assert_eq!(source.fetches(), fetches, "{seconds}");
        }
    }

    #[tokio::test]
    async fn unknown_keys_cause_one_fetch_a_minute() {
        let (source, jwks) = (Source::default(), Jwks::default());
        let mut known = jwks.get(at(0), source.fetch()).await.unwrap();
        for (seconds, fetches) in [(0, 1), (59, 1), (60, 2), (61, 2), (119, 2), (120, 3)] {
            known = jwks.get_newer(&known, at(seconds), source.fetch()).await.unwrap();
            assert_eq!(source.fetches(), fetches, "{seconds}");
        }
    }

    #[tokio::test]
    async fn a_failed_refetch_counts_and_keeps_what_is_there() {
        let (source, jwks) = (Source::default(), Jwks::default());
        let known = jwks.get(at(0), source.fetch()).await.unwrap();
        let failed = jwks.get_newer(&known, at(60), async { Err(TransportError::Status(500)) }).await;
        assert!(failed.is_err());
        assert!(Arc::ptr_eq(&known, &jwks.get_newer(&known, at(61), source.fetch()).await.unwrap()));
        assert!(Arc::ptr_eq(&known, &jwks.get(at(62), source.fetch()).await.unwrap()));
        assert_eq!(source.fetches(), 1);
    }

    #[tokio::test]
    async fn a_failed_first_fetch_is_tried_again() {
        let (source, jwks) = (Source::default(), Jwks::default());
        assert!(jwks.get(at(0), async { Err(TransportError::TimedOut) }).await.is_err());
        assert!(jwks.get(at(0), source.fetch()).await.is_ok());
    }

    #[tokio::test]
    async fn what_somebody_else_fetched_meanwhile_is_taken() {
        let (source, jwks) = (Source::default(), Jwks::default());
        let old = jwks.get(at(0), source.fetch()).await.unwrap();
        let new = jwks.get_newer(&old, at(60), source.fetch()).await.unwrap();
        assert!(Arc::ptr_eq(&new, &jwks.get_newer(&old, at(60), source.fetch()).await.unwrap()));
        assert_eq!(source.fetches(), 2);
    }

    #[test]
    fn only_safe_signing_keys_are_taken() {
        let (n, small, huge) = (format!("{}w", "_".repeat(341)), format!("{}8", "_".repeat(170)), "_".repeat(700));
        let (x, y) = ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
        let published = json!({"keys": [
            {"kid": "good", "kty": "RSA", "n": n, "e": "AQAB"},
            {"kid": "marked", "kty": "RSA", "n": n, "e": "AQAB", "use": "sig", "alg": "RS256", "x": [1]},
            {"kid": "pss", "kty": "RSA", "n": n, "e": "AQAB", "alg": "PS256"},
            {"kid": "enc", "kty": "RSA", "n": n, "e": "AQAB", "use": "enc"},
            {"kid": "other", "kty": "RSA", "n": n, "e": "AQAB", "alg": "RS512"},
            {"kid": "odd", "kty": "RSA", "n": n, "e": "AQAB", "alg": "RSA-OAEP"},
            {"kid": "mixed", "kty": "RSA", "n": n, "e": "AQAB", "alg": "ES256"},
            {"kid": "small", "kty": "RSA", "n": small, "e": "AQAB"},
            {"kid": "huge", "kty": "RSA", "n": huge, "e": "AQAB"},
            {"kid": "hmac", "kty": "oct", "k": "c2VjcmV0", "alg": "HS256"},
            {"kid": "ec", "kty": "EC", "crv": "P-256", "x": x, "y": y},
            {"kid": "ec-384", "kty": "EC", "crv": "P-384", "x": x, "y": y},
            {"kid": "ec-short", "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
            {"kid": "ec-mixed", "kty": "EC", "crv": "P-256", "x": x, "y": y, "alg": "RS256"},
            {"kty": "RSA", "n": n, "e": "AQAB"},
            "nonsense",
        ]});
        let keys = KeySet::from(serde_json::from_value::<PublishedKeys>(published).unwrap());
        let mut kids: Vec<_> = keys.0.keys().map(String::as_str).collect();
        kids.sort_unstable();
        assert_eq!(kids, ["ec", "good", "marked", "pss"]);
        for (kid, algorithms) in [
            ("good", vec![Algorithm::RS256, Algorithm::PS256]),
            ("marked", vec![Algorithm::RS256]),
            ("pss", vec![Algorithm::PS256]),
            ("ec", vec![Algorithm::ES256]),
        ] {
            for algorithm in [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::HS256, Algorithm::RS512]
            {
                assert_eq!(keys.get(kid, algorithm).is_some(), algorithms.contains(&algorithm), "{kid} {algorithm:?}");
            }
        }
    }
}
