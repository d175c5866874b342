use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, PasswordHash, Salt},
};
use subtle::ConstantTimeEq as _;

use super::hash_time;
use crate::{
    domain::Password,
    ports::{HashError, HashPassword, Random, Verdict},
};

/// Length of the hash, in bytes.
const OUTPUT_LENGTH: usize = 32;
/// Length of the salt, in bytes (RFC 9106, section 3.1).
const SALT_LENGTH: usize = 16;

/// Cost of a password hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashPolicy {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
}

/// Argon2id (RFC 9106) in PHC format, with one lane.
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
        off_thread(move || {
            let Some(stored) = stored else {
                encode(policy, &password, &salt, &memory)?;
                return Ok(Verdict::Wrong);
            };
            let (cost, right) = compare(&password, &stored, &memory)?;
            if !right {
                return Ok(Verdict::Wrong);
            }
            let weaker = cost.memory_kib < policy.memory_kib || cost.iterations < policy.iterations;
            let upgraded = weaker.then(|| encode(policy, &password, &salt, &memory)).transpose()?;
            Ok(Verdict::Right { upgraded })
        })
        .await
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

/// Recomputes a stored hash with its own cost and compares in constant time.
fn compare(password: &Password, stored: &str, memory: &Mutex<Vec<Block>>) -> Result<(HashPolicy, bool), HashError> {
    let stored = PasswordHash::new(stored).map_err(failed)?;
    let (Some(salt), Some(expected)) = (stored.salt.as_ref(), stored.hash.as_ref()) else {
        return Err(HashError("incomplete".to_owned()));
    };
    if stored.algorithm != Algorithm::Argon2id.ident() || stored.version != Some(Version::V0x13.into()) {
        return Err(HashError("unknown algorithm".to_owned()));
    }
    let params = Params::try_from(&stored).map_err(failed)?;
    let mut output = vec![0; expected.as_ref().len()];
    derive(&params, password, salt.as_ref(), memory, &mut output)?;
    let cost = HashPolicy { memory_kib: params.m_cost(), iterations: params.t_cost() };
    Ok((cost, output.ct_eq(expected.as_ref()).into()))
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

fn failed(error: impl std::fmt::Display) -> HashError {
    HashError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::OsRandom;

    const CHEAP: HashPolicy = HashPolicy { memory_kib: 64, iterations: 1 };

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
        let new = Argon2Hasher::new(HashPolicy { memory_kib: 128, iterations: 2 }, OsRandom);
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
}
