use std::fmt;

use zeroize::Zeroizing;

use crate::ports::Random;

/// How many backup codes a user has.
pub const BACKUP_CODES: usize = 10;

/// Crockford's base 32: no letter looks like a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Letters of a code, five bits each: 50 bits.
const LENGTH: usize = 10;

/// A code that stands in for the authenticator once. Printed as `[redacted]`.
#[derive(Clone, PartialEq, Eq)]
pub struct BackupCode(Zeroizing<String>);

impl BackupCode {
    /// A fresh code of 50 random bits.
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0_u8; LENGTH]);
        random.fill(bytes.as_mut());
        let letters = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 32)));
        Self(Zeroizing::new(letters.map(|letter| char::from(*letter)).collect()))
    }

    /// What somebody has typed, in the form of [`BackupCode::as_str`]: without
    /// spaces and dashes, in lower case, look-alikes replaced. What cannot be a
    /// code stays something that is none.
    pub fn read(text: &str) -> Self {
        let letters = text.chars().filter(|letter| !letter.is_whitespace() && !matches!(letter, '-' | '‐' | '–'));
        let folded = letters.map(|letter| match letter.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        });
        // One letter too many is enough to be wrong.
        Self(Zeroizing::new(folded.take(LENGTH + 1).collect()))
    }

    /// The letters alone.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The code as it is shown: `xxxxx-xxxxx`.
    pub fn expose(&self) -> String {
        let (start, end) = self.0.split_at_checked(LENGTH / 2).unwrap_or((&self.0, ""));
        format!("{start}-{end}")
    }
}

impl fmt::Debug for BackupCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::adapters::OsRandom;

    #[test]
    fn codes_have_their_shape_and_never_repeat() {
        let codes: HashSet<String> = (0..10_000).map(|_| BackupCode::generate(&OsRandom).expose()).collect();
        assert_eq!(codes.len(), 10_000);
        for code in &codes {
            assert_eq!((code.len(), code.as_bytes()[5]), (11, b'-'), "{code}");
            assert_eq!(BackupCode::read(code).expose(), *code);
        }
    }

    #[test]
    fn spellings_of_a_code_are_one_code() {
        for text in ["01abc-de1z0", "01ABCDE1Z0", " o1ABC - DEiZ0 ", "Olabc–delzO\n", "0 1 a b c d e 1 z 0"] {
            assert_eq!(BackupCode::read(text).as_str(), "01abcde1z0", "{text}");
        }
        for text in ["", "01abc-de1z", "01abc-de1z00", "01abc_de1z0", "０1abc-de1z0"] {
            assert_ne!(BackupCode::read(text).as_str(), "01abcde1z0", "{text}");
        }
        assert!(BackupCode::read(&"0".repeat(60_000)).as_str().len() < 20);
    }

    #[test]
    fn a_code_does_not_print() {
        assert_eq!(format!("{:?}", BackupCode::generate(&OsRandom)), "[redacted]");
    }
}
