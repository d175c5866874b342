use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// Longest address, in bytes (RFC 5321, section 4.5.3.1.3, less the brackets).
const MAX_LENGTH: usize = 254;
/// Longest local part, in bytes (RFC 5321, section 4.5.3.1.1).
const MAX_LOCAL_LENGTH: usize = 64;

/// A normalised e-mail address: one address, one value, one table key.
///
/// Trimmed, Unicode-normalised (NFKC) and lower-cased, with the domain in its
/// ASCII form (UTS 46), and only then checked, so that no two spellings of one
/// mailbox become two users. What is left is ASCII by construction.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

/// The text is not an address that this service accepts.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid e-mail address")]
pub struct InvalidEmail;

impl Email {
    /// Normalises and checks an address.
    ///
    /// # Errors
    /// [`InvalidEmail`] for what Better Auth's `z.email()` refuses after the
    /// normalisation, and for over-long addresses.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        // Cheap bound before any Unicode work; NFKC can only expand.
        if text.len() > 4 * MAX_LENGTH {
            return Err(InvalidEmail);
        }
        let folded: String = text.trim().nfkc().collect::<String>().to_lowercase();
        let (local, domain) = folded.rsplit_once('@').ok_or(InvalidEmail)?;
        let domain = ascii_domain(domain)?;
        if !is_local_part(local) || !is_domain(&domain) {
            return Err(InvalidEmail);
        }
        let address = format!("{local}@{domain}");
        if address.len() > MAX_LENGTH {
            return Err(InvalidEmail);
        }
        Ok(Self(address))
    }

    /// Key of the account that makes this address belong to one user.
    pub fn identity(&self) -> String {
        format!("email:{}", self.0)
    }

    /// The domain, in ASCII.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The normalised address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Email {
    /// Addresses are personal data: they print as their domain alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[redacted]@{}", self.domain())
    }
}

impl serde::Serialize for Email {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

fn ascii_domain(domain: &str) -> Result<String, InvalidEmail> {
    if domain.is_ascii() {
        return Ok(domain.to_owned());
    }
    idna::domain_to_ascii_strict(domain).map_err(|_| InvalidEmail)
}

/// `z.email()`: letters, digits and `_'+-.`, no dot at either end nor twice in
/// a row, and the last character is not an apostrophe.
fn is_local_part(local: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_'+-.".contains(&byte);
    !local.is_empty()
        && local.len() <= MAX_LOCAL_LENGTH
        && local.bytes().all(allowed)
        && !local.starts_with('.')
        && !local.ends_with(['.', '\''])
        && !local.contains("..")
}

/// Two labels or more; the last is letters only, or a punycode label.
fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        label.len() <= 63
            && label.starts_with(|c: char| c.is_ascii_alphanumeric())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_top = |label: &str| {
        label.len() >= 2 && (label.bytes().all(|byte| byte.is_ascii_alphabetic()) || label.starts_with("xn--"))
    };
    let mut labels = domain.split('.').rev();
    let top = labels.next().unwrap_or_default();
    is_label(top) && is_top(top) && {
        let rest: Vec<&str> = labels.collect();
        !rest.is_empty() && rest.into_iter().all(is_label)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Email;

    fn parsed(text: &str) -> Option<String> {
        Email::parse(text).ok().map(|email| email.as_str().to_owned())
    }

    #[test]
    fn spellings_of_one_mailbox_are_one_key() {
        for (text, expected) in [
            ("a@ex.com", "a@ex.com"),
            ("A@EX.com", "a@ex.com"),
            ("  a@ex.com ", "a@ex.com"),
            ("victim＠ex.com", "victim@ex.com"),
            ("ⓥictim@ex.com", "victim@ex.com"),
            ("\u{212a}im@ex.com", "kim@ex.com"),
            ("x@bücher.de", "x@xn--bcher-kva.de"),
            ("x@BÜCHER.de", "x@xn--bcher-kva.de"),
            ("x@xn--bcher-kva.de", "x@xn--bcher-kva.de"),
            ("o'brien+tag@mail.example.co", "o'brien+tag@mail.example.co"),
        ] {
            assert_eq!(parsed(text).as_deref(), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        let long_local = format!("{}@ex.com", "a".repeat(65));
        let long = format!("{}@{}.com", "a".repeat(64), "b.".repeat(100));
        for text in [
            "",
            "a",
            "@",
            "a@",
            "@ex.com",
            "a@ex",
            "a@ex.c",
            "a@.com",
            "a@ex..com",
            "a@-ex.com",
            ".a@ex.com",
            "a.@ex.com",
            "a..b@ex.com",
            "a@b@ex.com",
            "a@ex.com,evil@x.com",
            "a@ex.com\nBcc: x",
            "\"a b\"@ex.com",
            "<a@ex.com>",
            "a b@ex.com",
            "a@ex.com.",
            "a@1.2.3.4",
            "ı@ex.com",
            "ß@ex.com",
            "a\u{200d}b@ex.com",
            "a@e\u{0}x.com",
            "a\u{0}@ex.com",
            &long_local,
            &long,
        ] {
            assert_eq!(parsed(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn parsing_is_idempotent_and_yields_lower_case_ascii(text in "\\PC{0,40}@?\\PC{0,40}") {
            if let Some(once) = parsed(&text) {
                prop_assert!(once.is_ascii());
                prop_assert!(!once.bytes().any(|b| b.is_ascii_uppercase() || b.is_ascii_control() || b == b' '));
                prop_assert_eq!(parsed(&once), Some(once.clone()));
            }
        }

        #[test]
        fn case_and_outer_space_never_matter(local in "[a-z0-9]{1,20}", domain in "[a-z]{1,10}\\.[a-z]{2,5}") {
            let plain = format!("{local}@{domain}");
            let shouted = format!(" {} ", plain.to_uppercase());
            prop_assert_eq!(parsed(&plain), parsed(&shouted));
        }
    }
}
