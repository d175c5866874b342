use std::fmt;

use sha2::{Digest as _, Sha512};

use crate::ports::Random;

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A string of `length` characters drawn uniformly from `A-Za-z0-9`
/// (5.95 bits each), safe in URLs, cookies and table keys.
pub fn alphanumeric(random: &dyn Random, length: usize) -> String {
    let mut text = String::with_capacity(length);
    let mut bytes = [0_u8; 64];
    while text.len() < length {
        random.fill(&mut bytes);
        text.extend(bytes.into_iter().filter_map(letter).take(length - text.len()));
    }
    text
}

/// The letter that a random byte stands for. 248 is the largest multiple of 62
/// in a byte: larger values would favour the first letters.
fn letter(byte: u8) -> Option<char> {
    let letter = ALPHABET.get(usize::from(byte % 62)).filter(|_| byte < 248)?;
    Some(char::from(*letter))
}

/// A user's identifier: 32 characters of `A-Za-z0-9`, as Better Auth makes them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub struct UserId(String);

impl UserId {
    /// Length of every user id, in characters.
    pub const LENGTH: usize = 32;

    /// A fresh identifier (190 random bits).
    pub fn generate(random: &dyn Random) -> Self {
        Self(alphanumeric(random, Self::LENGTH))
    }

    /// Accepts exactly what [`UserId::generate`] can produce.
    pub fn parse(text: &str) -> Option<Self> {
        is_alphanumeric(text, Self::LENGTH).then(|| Self(text.to_owned()))
    }

    /// The identifier that belongs to a text, the same one whenever it is asked for.
    pub fn derived(text: &str) -> Self {
        // 32 letters of 64 bytes, of which all but every thirtieth is one.
        let letters = Sha512::digest(text.as_bytes()).into_iter().filter_map(letter);
        Self(letters.chain(std::iter::repeat('A')).take(Self::LENGTH).collect())
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A random secret of 256 bits in 43 characters, such as the state of an OAuth
/// flow or a password reset token. Printed as `[redacted]`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret32(String);

impl Secret32 {
    /// Length in characters: the first at which `A-Za-z0-9` carries 256 bits.
    pub const LENGTH: usize = 43;

    /// A fresh secret.
    pub fn generate(random: &dyn Random) -> Self {
        Self(alphanumeric(random, Self::LENGTH))
    }

    /// Accepts exactly what [`Secret32::generate`] can produce.
    pub fn parse(text: &str) -> Option<Self> {
        is_alphanumeric(text, Self::LENGTH).then(|| Self(text.to_owned()))
    }

    /// The secret itself, for the one message that must carry it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Whether `text` is exactly `length` characters of `A-Za-z0-9`.
pub(super) fn is_alphanumeric(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::adapters::OsRandom;

    #[test]
    fn ten_thousand_secrets_are_distinct_and_url_safe() {
        let secrets: HashSet<String> = (0..10_000).map(|_| Secret32::generate(&OsRandom).expose().to_owned()).collect();
        assert_eq!(secrets.len(), 10_000);
        assert!(secrets.iter().all(|secret| Secret32::parse(secret).is_some()));
    }

    #[test]
    fn every_letter_is_about_as_likely() {
        let text = alphanumeric(&OsRandom, 62_000);
        for letter in ALPHABET {
            let count = text.bytes().filter(|byte| byte == letter).count();
            assert!((800..1200).contains(&count), "{letter}: {count}");
        }
    }

    #[test]
    fn a_text_has_one_identifier_of_its_own() {
        let derived: HashSet<String> = (0..10_000).map(|n| UserId::derived(&n.to_string()).0).collect();
        assert_eq!(derived.len(), 10_000);
        assert!(derived.iter().all(|id| UserId::parse(id).is_some()));
        // Whoever has moved users in knows them by it.
        assert_eq!(UserId::derived("auth-js:1").as_str(), "QDJ7qpw08Q1Fwduleo8lJ645y3dibKbo");
    }

    #[test]
    fn only_its_own_shape_is_parsed() {
        let id = "a".repeat(32);
        assert!(UserId::parse(&id).is_some());
        for bad in ["", "a", &"a".repeat(33), &format!("{}\n", "a".repeat(31)), &"é".repeat(16)] {
            assert!(UserId::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(format!("{:?}", Secret32::generate(&OsRandom)), "[redacted]");
    }
}
