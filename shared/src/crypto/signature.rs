use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::Mac as _;

use super::Keyring;

/// Length of a signature: 32 bytes in padded base64.
const SIGNATURE_LENGTH: usize = 44;

/// `<value>.<signature>`, the form of Better Auth's signed cookies: padded
/// base64 of HMAC-SHA-256 over the value. Not yet percent-encoded.
///
/// The key belongs to the purpose, so that a value signed for one cookie is
/// worthless in another.
pub fn sign(keys: &Keyring, purpose: &str, value: &str) -> String {
    let mac = keys.current.mac(purpose, value).finalize().into_bytes();
    format!("{value}.{}", STANDARD.encode(mac))
}

/// Result of checking a signed value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureVerdict<'a> {
    /// Signed by an accepted secret; here is the value.
    Valid(&'a str),
    /// Of the right form, but signed by no accepted secret.
    Invalid,
    /// Not a signed value at all.
    Malformed,
}

/// Checks `<value>.<signature>` in constant time against every accepted secret.
pub fn verify<'a>(keys: &Keyring, purpose: &str, signed: &'a str) -> SignatureVerdict<'a> {
    let Some((value, signature)) = signed.rsplit_once('.') else {
        return SignatureVerdict::Malformed;
    };
    if signature.len() != SIGNATURE_LENGTH || !signature.ends_with('=') {
        return SignatureVerdict::Malformed;
    }
    let Ok(signature) = STANDARD.decode(signature) else {
        return SignatureVerdict::Malformed;
    };
    let valid = keys.accepted().any(|secret| secret.mac(purpose, value).verify_slice(&signature).is_ok());
    if valid { SignatureVerdict::Valid(value) } else { SignatureVerdict::Invalid }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::SigningSecret;

    fn secret(letter: &str) -> SigningSecret {
        SigningSecret::new(letter.into(), &letter.repeat(32)).unwrap()
    }

    fn keys() -> Keyring {
        Keyring { current: secret("b"), previous: Some(secret("a")) }
    }

    #[test]
    fn the_previous_secret_verifies_and_the_one_before_does_not() {
        let old = Keyring { current: secret("a"), previous: None };
        assert_eq!(verify(&keys(), "p", &sign(&old, "p", "v")), SignatureVerdict::Valid("v"));
        let older = Keyring { current: secret("z"), previous: None };
        assert_eq!(verify(&keys(), "p", &sign(&older, "p", "v")), SignatureVerdict::Invalid);
    }

    proptest! {
        #[test]
        fn what_was_signed_verifies_under_its_purpose_only(value in "\\PC{0,60}") {
            let signed = sign(&keys(), "one", &value);
            prop_assert_eq!(verify(&keys(), "one", &signed), SignatureVerdict::Valid(value.as_str()));
            prop_assert_eq!(verify(&keys(), "two", &signed), SignatureVerdict::Invalid);
        }

        #[test]
        fn any_changed_byte_is_noticed(value in "[a-z]{1,20}", at in 0_usize..60, letter in "[A-Za-z0-9]") {
            let signed = sign(&keys(), "p", &value);
            let at = at % signed.len();
            let mut changed = signed.clone();
            changed.replace_range(at..=at, &letter);
            if changed != signed {
                prop_assert!(!matches!(verify(&keys(), "p", &changed), SignatureVerdict::Valid(_)));
            }
        }

        #[test]
        fn garbage_never_verifies(text in "\\PC{0,120}") {
            prop_assert!(!matches!(verify(&keys(), "p", &text), SignatureVerdict::Valid(_)));
        }
    }
}
