//! Password hashes that users bring along from another system.

use argon2::password_hash::phc::{Ident, Output, PasswordHash, Salt};
use scrypt::Params;

use super::password_hash::{argon2id_params, failed};
use crate::ports::HashError;

const SCRYPT: Ident = Ident::new_unwrap("scrypt");
/// Most memory that a scrypt hash may ask for, in bytes. Better Auth's take as much.
const MAX_SCRYPT_MEMORY: u64 = 32 << 20;
/// Most memory of an Argon2id hash that is adopted, in KiB, and most of it times
/// the passes: some seven times the default. A hash that costs more is never
/// replaced by a cheaper one, and a wrong password would show it for good.
const MAX_ARGON2: (u32, u32) = (65_536, 4 * 65_536);
/// Cost of Better Auth's hashes: logarithm of N, r, p.
const BETTER_AUTH: (u8, u32, u32) = (14, 16, 1);

/// A hash that another system made, as this one stores and verifies it: Better
/// Auth's scrypt (`salt:key`), scrypt in PHC format, or Argon2id.
///
/// None if it is of another algorithm, costs more than a function may spend, or
/// is none at all.
pub fn adopt_hash(text: &str) -> Option<String> {
    if let Some((salt, key)) = text.split_once(':') {
        return better_auth(salt, key);
    }
    let hash = PasswordHash::new(text).ok()?;
    let is_complete = hash.salt.is_some() && hash.hash.is_some();
    let is_verified = matches!(scrypt_params(&hash), Ok(Some(_))) || argon2id_params(&hash).is_ok_and(is_cheap);
    (is_complete && is_verified).then(|| text.to_owned())
}

/// The cost of a scrypt hash (RFC 7914); none if it is of another algorithm.
///
/// # Errors
/// [`HashError`] if it is malformed or costs too much.
pub(super) fn scrypt_params(hash: &PasswordHash) -> Result<Option<Params>, HashError> {
    if hash.algorithm != SCRYPT {
        return Ok(None);
    }
    // Their product is taken without a look, and must not overflow.
    let is_huge =
        |name| hash.params.get_decimal(name).is_some_and(|number| u64::from(number) > MAX_SCRYPT_MEMORY / 128);
    if is_huge("r") || is_huge("p") {
        return Err(HashError("too costly".to_owned()));
    }
    let params = Params::try_from(hash).map_err(failed)?;
    let memory = params.n().saturating_mul(128 * u64::from(params.r()));
    if memory > MAX_SCRYPT_MEMORY || params.p() != 1 {
        return Err(HashError("too costly".to_owned()));
    }
    Ok(Some(params))
}

fn is_cheap(params: argon2::Params) -> bool {
    let (memory_kib, work) = MAX_ARGON2;
    params.m_cost() <= memory_kib && params.m_cost().saturating_mul(params.t_cost()) <= work
}

/// Better Auth's salt is the text of a hexadecimal number, not the number.
fn better_auth(salt: &str, key: &str) -> Option<String> {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if salt.len() != 32 || !is_hex(salt) || key.len() != 2 * Output::MAX_LENGTH || !is_hex(key) {
        return None;
    }
    let bytes = (0..key.len()).step_by(2).map(|at| u8::from_str_radix(key.get(at..at + 2)?, 16).ok());
    let key: Vec<u8> = bytes.collect::<Option<_>>()?;
    let (log_n, r, p) = BETTER_AUTH;
    let hash = PasswordHash {
        algorithm: SCRYPT,
        version: None,
        params: Params::new(log_n, r, p).ok()?.try_into().ok()?,
        salt: Some(Salt::new(salt.as_bytes()).ok()?),
        hash: Some(Output::new(&key).ok()?),
    };
    Some(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_that_can_be_verified_are_adopted_as_they_are() {
        for known in [
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
            "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
            "$scrypt$ln=14,r=8,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        ] {
            assert_eq!(adopt_hash(known).as_deref(), Some(known));
        }
    }

    #[test]
    fn nothing_else_is() {
        let (salt, key) = ("0".repeat(32), "a".repeat(128));
        assert!(adopt_hash(&format!("{salt}:{key}")).is_some());
        for unknown in [
            "",
            ":",
            "hunter2",
            "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
            "$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ",
            "$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
            "$argon2id$v=19$m=65536,t=5,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
            "$argon2id$v=19$m=131072,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
            "$scrypt$ln=1,r=2147483648,p=2$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
            "$scrypt$ln=1,r=8,p=4294967295$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
            "$scrypt$ln=15,r=16,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
            "$scrypt$ln=14,r=16,p=2$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
            &format!("{salt}:{}", "a".repeat(127)),
            &format!("{salt}:{}", "A".repeat(128)),
            &format!("{salt}:{}", "é".repeat(64)),
            &format!("{}:{key}", "é".repeat(16)),
            &format!("{salt}:{key}:{key}"),
        ] {
            assert_eq!(adopt_hash(unknown), None, "{unknown:?}");
        }
    }
}
