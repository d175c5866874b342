use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, PasswordHash, Salt},
};
use subtle::ConstantTimeEq as _;

use super::{hash_time, imported_hash};
use crate::{
    domain::Password,
    ports::{HashError, HashPassword, Random, Verdict},
};

/// Length of the hash, in bytes.
const OUTPUT_LENGTH: usize = 32;
/// Length of the salt, in bytes (RFC 9106, section 3.1).
const SALT_LENGTH: usize = 16;

/// Most lanes of a stored hash; one after the other, they cost nothing more.
const MAX_LANES: u32 = 16;

/// Cost of a password hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashPolicy {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// How long it takes at least to find a password wrong, in milliseconds:
    /// accounts whose hashes cost more than others, or less, look alike then.
    pub wrong_millis: u64,
}

/// Most memory and passes that may be configured, and that a stored hash may
/// ask for: no row makes a function run out of memory or time.
pub const MAX_HASH_COST: (u32, u32) = (262_144, 16);

/// Argon2id (RFC 9106) in PHC format, with one lane. Scrypt hashes, which came
/// along from another system, are verified too, and always upgraded.
///
/// Work happens on the blocking pool, so that the async thread goes on with
/// the reads that run beside it. The memory block is kept between hashes:
/// an execution environment serves one request at a time, and mapping 19 MiB
/// anew costs more than a millisecond.
pub struct Argon2Hasher<R> {
    policy: HashPolicy,
    random: R,
    memory: Arc<Mutex<Vec<Block>>>,
}

impl<R: Random> Argon2Hasher<R> {
    /// A hasher for the given cost.
    pub fn new(policy: HashPolicy, random: R) -> Self {
        Self { policy, random, memory: Arc::default() }
    }

    fn fresh_salt(&self) -> [u8; SALT_LENGTH] {
        let mut salt = [0; SALT_LENGTH];
        self.random.fill(&mut salt);
        salt
    }
}

impl<R: Random + 'static> HashPassword for Argon2Hasher<R> {
    async fn hash(&self, password: Password) -> Result<String, HashError> {
        let (policy, salt, memory) = (self.policy, self.fresh_salt(), Arc::clone(&self.memory));
        off_thread(move || encode(policy, &password, &salt, &memory)).await
    }

    async fn verify(&self, password: Password, stored: Option<String>) -> Result<Verdict, HashError> {
        let (policy, salt, memory) = (self.policy, self.fresh_salt(), Arc::clone(&self.memory));
        let earliest_no = tokio::time::Instant::now() + Duration::from_millis(policy.wrong_millis);
        let verdict = off_thread(move || {
            let Some(stored) = stored else {
                encode(policy, &password, &salt, &memory)?;
                return Ok(Verdict::Wrong);
            };
            Ok(match compare(policy, &password, &stored, &memory)? {
                Compared::Wrong => Verdict::Wrong,
                Compared::Right => Verdict::Right { upgraded: None },
                Compared::Weaker => Verdict::Right { upgraded: Some(encode(policy, &password, &salt, &memory)?) },
            })
        })
        .await;
        if !matches!(verdict, Ok(Verdict::Right { .. })) {
            tokio::time::sleep_until(earliest_no).await;
        }
        verdict
    }
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
) -> Result<T, HashError> {
    let timed = move || {
        let started = Instant::now();
        (work(), started.elapsed())
    };
    let died = |_| HashError("the hashing thread died".to_owned());
    let (result, spent) = tokio::task::spawn_blocking(timed).await.map_err(died)?;
    hash_time::add(spent);
    result
}

fn encode(
    policy: HashPolicy,
    password: &Password,
    salt: &[u8],
    memory: &Mutex<Vec<Block>>,
) -> Result<String, HashError> {
    let params = Params::new(policy.memory_kib, policy.iterations, 1, Some(OUTPUT_LENGTH)).map_err(failed)?;
    let mut output = [0; OUTPUT_LENGTH];
    derive(&params, password, salt, memory, &mut output)?;
    Ok(PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: (&params).try_into().map_err(failed)?,
        salt: Some(Salt::new(salt).map_err(failed)?),
        hash: Some(Output::new(&output).map_err(failed)?),
    }
    .to_string())
}

/// What came of comparing a password with a hash.
enum Compared {
    Wrong,
    Right,
    /// Right, by a hash that ought to be replaced.
    Weaker,
}

/// Recomputes a stored hash with its own cost and compares in constant time.
fn compare(
    policy: HashPolicy,
    password: &Password,
    stored: &str,
    memory: &Mutex<Vec<Block>>,
) -> Result<Compared, HashError> {
    let stored = PasswordHash::new(stored).map_err(failed)?;
    let (Some(salt), Some(expected)) = (stored.salt.as_ref(), stored.hash.as_ref()) else {
        return Err(HashError("incomplete".to_owned()));
    };
    let mut output = vec![0; expected.as_ref().len()];
    let weaker = if let Some(params) = imported_hash::scrypt_params(&stored)? {
        scrypt::scrypt(password.as_bytes(), salt.as_ref(), &params, &mut output).map_err(failed)?;
        true
    } else {
        let params = argon2id_params(&stored)?;
        derive(&params, password, salt.as_ref(), memory, &mut output)?;
        params.m_cost() < policy.memory_kib || params.t_cost() < policy.iterations
    };
    Ok(match (output.ct_eq(expected.as_ref()).into(), weaker) {
        (false, _) => Compared::Wrong,
        (true, true) => Compared::Weaker,
        (true, false) => Compared::Right,
    })
}

/// The cost of an Argon2id hash, if it may be computed.
pub(super) fn argon2id_params(stored: &PasswordHash) -> Result<Params, HashError> {
    if stored.algorithm != Algorithm::Argon2id.ident() || stored.version != Some(Version::V0x13.into()) {
        return Err(HashError("unknown algorithm".to_owned()));
    }
    let params = Params::try_from(stored).map_err(failed)?;
    let (memory_kib, iterations) = MAX_HASH_COST;
    if params.m_cost() > memory_kib || params.t_cost() > iterations || params.p_cost() > MAX_LANES {
        return Err(HashError("too costly".to_owned()));
    }
    Ok(params)
}

fn derive(
    params: &Params,
    password: &Password,
    salt: &[u8],
    memory: &Mutex<Vec<Block>>,
    output: &mut [u8],
) -> Result<(), HashError> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let mut blocks = memory.lock().unwrap_or_else(PoisonError::into_inner);
    if blocks.len() < params.block_count() {
        blocks.resize(params.block_count(), Block::default());
    }
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, output, blocks.as_mut_slice()).map_err(failed)
}

pub(super) fn failed(error: impl std::fmt::Display) -> HashError {
    HashError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::OsRandom;

    const CHEAP: HashPolicy = HashPolicy { memory_kib: 64, iterations: 1, wrong_millis: 0 };

    fn password(text: &str) -> Password {
        Password::candidate(text).unwrap()
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let hasher = Argon2Hasher::new(CHEAP, OsRandom);
        let hash = hasher.hash(password("correct horse")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        let right = hasher.verify(password("correct horse"), Some(hash.clone())).await.unwrap();
        assert_eq!(right, Verdict::Right { upgraded: None });
        for wrong in ["correct hors", "correct horse ", "Correct horse", ""] {
            let verdict = hasher.verify(password(wrong), Some(hash.clone())).await.unwrap();
            assert_eq!(verdict, Verdict::Wrong, "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn two_hashes_of_one_password_differ() {
        let hasher = Argon2Hasher::new(CHEAP, OsRandom);
        let first = hasher.hash(password("correct horse")).await.unwrap();
        assert_ne!(first, hasher.hash(password("correct horse")).await.unwrap());
    }

    #[tokio::test]
    async fn a_weaker_hash_is_upgraded_and_a_stronger_one_is_left() {
        let old = Argon2Hasher::new(CHEAP, OsRandom);
        let new = Argon2Hasher::new(HashPolicy { memory_kib: 128, iterations: 2, wrong_millis: 0 }, OsRandom);
        let weak = old.hash(password("correct horse")).await.unwrap();
        let Verdict::Right { upgraded: Some(strong) } =
            new.verify(password("correct horse"), Some(weak)).await.unwrap()
        else {
            panic!("the hash was not upgraded");
        };
        assert!(strong.contains("m=128,t=2"));
        let again = old.verify(password("correct horse"), Some(strong)).await.unwrap();
        assert_eq!(again, Verdict::Right { upgraded: None });
    }

    #[tokio::test]
    async fn the_last_of_128_characters_matters() {
        let hasher = Argon2Hasher::new(CHEAP, OsRandom);
        let long = "a".repeat(127);
        let hash = hasher.hash(password(&format!("{long}b"))).await.unwrap();
        let verdict = hasher.verify(password(&format!("{long}c")), Some(hash)).await.unwrap();
        assert_eq!(verdict, Verdict::Wrong);
    }

    #[tokio::test]
    async fn without_a_hash_every_password_is_wrong() {
        let hasher = Argon2Hasher::new(CHEAP, OsRandom);
        assert_eq!(hasher.verify(password("x"), None).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_corrupt_hash_is_an_error_and_never_a_match() {
        let hasher = Argon2Hasher::new(CHEAP, OsRandom);
        for corrupt in ["", "x", "$argon2i$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g", "$argon2id$v=19$m=64,t=1,p=1"] {
            assert!(hasher.verify(password("x"), Some(corrupt.into())).await.is_err(), "{corrupt:?}");
        }
    }

    /// Made by `better-auth` 1.7.25, of a password that is no NFKC.
    const FROM_BETTER_AUTH: &str = "d3a6a9dd40df4b0f14c7d8b80c22baea:7f2faa5efd8d9de421782e3f9b64a64e7ad5187844129da6dcc2b50f0a8d6790946afe6cf01878e0b55b7b31c00630929c1b61816d975c15c8d0c352ef8da3ae";

    #[tokio::test]
    async fn a_hash_of_better_auth_is_verified_and_replaced() {
        let hasher = Argon2Hasher::new(CHEAP, OsRandom);
        let stored = super::imported_hash::adopt_hash(FROM_BETTER_AUTH).unwrap();
        assert!(stored.starts_with("$scrypt$ln=14,r=16,p=1$"), "{stored}");
        let right = password("cafe\u{301} \u{212b} \u{fb01}sh");
        let Verdict::Right { upgraded: Some(new) } = hasher.verify(right.clone(), Some(stored.clone())).await.unwrap()
        else {
            panic!("it was not replaced");
        };
        assert!(new.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{new}");
        assert_eq!(hasher.verify(right, Some(new)).await.unwrap(), Verdict::Right { upgraded: None });
        for wrong in ["cafe \u{212b} \u{fb01}sh", "x", ""] {
            let verdict = hasher.verify(password(wrong), Some(stored.clone())).await.unwrap();
            assert_eq!(verdict, Verdict::Wrong, "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn no_hash_costs_more_than_may_be_configured() {
        let hasher = Argon2Hasher::new(CHEAP, OsRandom);
        for poisoned in [
            "$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
            "$argon2id$v=19$m=64,t=4000000000,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
            "$scrypt$ln=30,r=16,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
            "$scrypt$ln=14,r=1048576,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
            "$scrypt$ln=14,r=16,p=4096$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        ] {
            let started = Instant::now();
            assert!(hasher.verify(password("x"), Some(poisoned.into())).await.is_err(), "{poisoned}");
            assert!(started.elapsed() < Duration::from_secs(1), "{poisoned}");
        }
    }

    #[tokio::test]
    async fn whatever_the_hash_a_wrong_password_takes_as_long() {
        let hasher = Argon2Hasher::new(HashPolicy { wrong_millis: 400, ..CHEAP }, OsRandom);
        let cheap = hasher.hash(password("correct horse")).await.unwrap();
        let scrypt = super::imported_hash::adopt_hash(FROM_BETTER_AUTH).unwrap();
        for stored in [None, Some(cheap.clone()), Some(scrypt), Some("corrupt".to_owned())] {
            let started = tokio::time::Instant::now();
            let verdict = hasher.verify(password("wrong"), stored).await;
            assert!(!matches!(verdict, Ok(Verdict::Right { .. })));
            let taken = started.elapsed();
            assert!((400..900).contains(&taken.as_millis()), "{taken:?}");
        }
        let started = tokio::time::Instant::now();
        hasher.verify(password("correct horse"), Some(cheap)).await.unwrap();
        assert!(started.elapsed() < Duration::from_millis(400));
    }
}
