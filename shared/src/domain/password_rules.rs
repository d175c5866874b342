use zeroize::Zeroizing;

use super::{Email, InvalidPassword, Password};

/// Common passwords of at least 8 characters, in lower case, sorted by their
/// bytes, one a line. `tests/python/make_common_passwords.py` makes the file.
const COMMON: &str = include_str!("common_passwords.txt");

/// Shortest local part of an address that makes a password guessable, in bytes.
const MIN_LOCAL_PART: usize = 8;

/// What a password that is about to be set must be beside long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordRules {
    /// Whether common passwords and the user's own address are refused.
    pub refuse_common: bool,
}

impl PasswordRules {
    /// Checks a password that the owner of an address wants. No hash is needed
    /// for it.
    ///
    /// # Errors
    /// [`InvalidPassword::TooCommon`].
    pub fn check(self, password: &Password, email: &Email) -> Result<(), InvalidPassword> {
        if self.refuse_common && is_guessable(password, email) {
            return Err(InvalidPassword::TooCommon);
        }
        Ok(())
    }
}

/// Whether it is among the first that anybody would try.
fn is_guessable(password: &Password, email: &Email) -> bool {
    let text = Zeroizing::new(String::from_utf8_lossy(password.as_bytes()).to_lowercase());
    let address = email.as_str();
    let local = address.split('@').next().filter(|local| local.len() >= MIN_LOCAL_PART);
    let is_own = [Some(address), local].into_iter().flatten().any(|own| is_with_digits(&text, own));
    is_own || has_line(COMMON, &text)
}

/// Whether a text is a stem, or a stem followed by digits.
fn is_with_digits(text: &str, stem: &str) -> bool {
    text.strip_prefix(stem).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Searches sorted lines by bisection, without an index of them.
fn has_line(lines: &str, wanted: &str) -> bool {
    let mut rest = lines.as_bytes();
    while !rest.is_empty() {
        let (left, right) = rest.split_at(rest.len() / 2);
        let start = left.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let end = right.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| left.len() + at);
        match rest.get(start..end).map(|line| line.cmp(wanted.as_bytes())) {
            Some(std::cmp::Ordering::Less) => rest = rest.get(end + 1..).unwrap_or_default(),
            Some(std::cmp::Ordering::Greater) => rest = rest.get(..start).unwrap_or_default(),
            found => return found.is_some(),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: PasswordRules = PasswordRules { refuse_common: true };

    fn is_refused(password: &str, email: &str) -> bool {
        RULES.check(&Password::new(password).unwrap(), &Email::parse(email).unwrap()).is_err()
    }

    #[test]
    fn every_line_of_the_list_is_found_and_nothing_else() {
        let lines: Vec<&str> = COMMON.lines().collect();
        assert!(lines.len() > 3000, "{}", lines.len());
        assert!(lines.is_sorted());
        for line in &lines {
            assert!(has_line(COMMON, line), "{line}");
            assert!(!has_line(COMMON, &format!("{line}~")), "{line}~");
            assert!(line.chars().count() >= 8 && line.to_lowercase() == *line, "{line}");
        }
        for text in ["", "\n", "password\n", "a", "~~~~~~~~~", "correct horse battery"] {
            assert!(!has_line(COMMON, text), "{text:?}");
        }
        assert!(!has_line("", "a") && has_line("a", "a") && has_line("a\nb\n", "b"));
    }

    #[test]
    fn common_passwords_are_refused_in_any_case() {
        for password in ["password", "PassWord", "iloveyou1", "qwertyuiop", "12345678", "ｐａｓｓｗｏｒｄ"] {
            assert!(is_refused(password, "ann@example.com"), "{password}");
        }
        assert!(!is_refused("correct horse battery", "ann@example.com"));
        let off = PasswordRules { refuse_common: false };
        let [password, email] = ["password", "a@ex.com"];
        assert_eq!(off.check(&Password::new(password).unwrap(), &Email::parse(email).unwrap()), Ok(()));
    }

    #[test]
    fn the_own_address_is_refused() {
        let email = "maria.gonzalez@example.com";
        for password in [
            "maria.gonzalez@example.com",
            "Maria.Gonzalez@Example.COM",
            "maria.gonzalez",
            "MARIA.gonzalez",
            "maria.gonzalez1987",
            "maria.gonzalez@example.com1",
        ] {
            assert!(is_refused(password, email), "{password}");
            assert!(!is_refused(password, "somebody@example.com"), "{password}");
        }
        for password in ["maria.gonzalez!", "1maria.gonzalez", "maria.gonzale", "maria gonzalez"] {
            assert!(!is_refused(password, email), "{password}");
        }
        // Too short a local part to be a password says little about longer ones.
        assert!(!is_refused("ann19870401", "ann@example.com"));
        assert!(is_refused("ann@example.com", "ann@example.com"));
    }
}
