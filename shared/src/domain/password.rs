use std::fmt;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Shortest password that may be set, in Unicode code points.
pub const MIN_PASSWORD_LENGTH: usize = 8;
/// Longest password, in Unicode code points.
pub const MAX_PASSWORD_LENGTH: usize = 128;

/// A password as it goes into the hash: NFKC-normalised, never truncated,
/// wiped from memory when dropped, and printed as `[redacted]`.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

/// Why a password was refused before any hash was computed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPassword {
    /// Fewer than [`MIN_PASSWORD_LENGTH`] code points.
    #[error("password too short")]
    TooShort,
    /// More than [`MAX_PASSWORD_LENGTH`] code points.
    #[error("password too long")]
    TooLong,
    /// Among the first that anybody would try.
    #[error("password too common")]
    TooCommon,
}

impl Password {
    /// A password that is about to be set.
    ///
    /// # Errors
    /// [`InvalidPassword`] outside 8 to 128 code points.
    pub fn new(text: &str) -> Result<Self, InvalidPassword> {
        let password = Self::candidate(text)?;
        if text.chars().count() < MIN_PASSWORD_LENGTH {
            return Err(InvalidPassword::TooShort);
        }
        Ok(password)
    }

    /// A password to compare with a stored hash. A short one is simply wrong.
    ///
    /// # Errors
    /// [`InvalidPassword::TooLong`] above 128 code points, before any work.
    pub fn candidate(text: &str) -> Result<Self, InvalidPassword> {
        // A code point is at most four bytes; the cheap bound comes first.
        if text.len() > 4 * MAX_PASSWORD_LENGTH || text.chars().count() > MAX_PASSWORD_LENGTH {
            return Err(InvalidPassword::TooLong);
        }
        Ok(Self(Zeroizing::new(text.nfkc().collect())))
    }

    /// The bytes to hash.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_are_counted_in_code_points() {
        assert_eq!(Password::new("1234567").unwrap_err(), InvalidPassword::TooShort);
        assert!(Password::new("12345678").is_ok());
        assert!(Password::new(&"🔑".repeat(8)).is_ok());
        assert_eq!(Password::new(&"🔑".repeat(7)).unwrap_err(), InvalidPassword::TooShort);
        assert!(Password::new(&"🔑".repeat(128)).is_ok());
        assert_eq!(Password::new(&"a".repeat(129)).unwrap_err(), InvalidPassword::TooLong);
        assert_eq!(Password::candidate(&"a".repeat(1 << 20)).unwrap_err(), InvalidPassword::TooLong);
        assert!(Password::candidate("x").is_ok());
    }

    #[test]
    fn composed_and_decomposed_are_one_password() {
        let composed = Password::new("caf\u{e9}-caf\u{e9}").unwrap();
        let decomposed = Password::new("cafe\u{301}-cafe\u{301}").unwrap();
        assert_eq!(composed.as_bytes(), decomposed.as_bytes());
    }

    #[test]
    fn nothing_is_trimmed_or_cut() {
        for text in ["password ", "pass\0word", "\u{200f}password"] {
            assert_eq!(Password::new(text).unwrap().as_bytes(), text.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn passwords_do_not_print(text in "\\PC{8,128}") {
            if let Ok(password) = Password::new(&text) {
                prop_assert_eq!(format!("{password:?}"), "[redacted]");
            }
        }
    }
}
