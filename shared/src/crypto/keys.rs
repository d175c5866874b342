use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Shortest acceptable signing secret, in bytes: the output of SHA-256
/// (RFC 7518, section 3.2).
pub const MIN_SECRET_LENGTH: usize = 32;

/// One version of the shared signing secret. Prints without its value.
#[derive(Clone)]
pub struct SigningSecret {
    version: String,
    value: Zeroizing<String>,
}

/// The secret is too short to sign with.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signing secret is shorter than {MIN_SECRET_LENGTH} bytes")]
pub struct WeakSecret;

impl SigningSecret {
    /// A secret under its version id.
    ///
    /// # Errors
    /// [`WeakSecret`] if it is shorter than 32 bytes without outer white space,
    /// which a secret pasted with a line break would otherwise carry along.
    pub fn new(version: String, value: &str) -> Result<Self, WeakSecret> {
        let trimmed = value.trim();
        if trimmed.len() < MIN_SECRET_LENGTH {
            return Err(WeakSecret);
        }
        Ok(Self { version, value: Zeroizing::new(trimmed.to_owned()) })
    }

    /// Version id, the `kid` of access tokens.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The key of access tokens, and of nothing else: back ends have it too.
    pub(super) fn access_token_key(&self) -> &[u8] {
        self.value.as_bytes()
    }

    /// A key for one purpose (HKDF-SHA-256, RFC 5869): what is signed for one
    /// is worthless for another. Back ends hold the secret itself and could
    /// derive it too, which is why no signature alone authenticates anybody.
    pub(super) fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0_u8; 32]);
        let hkdf = Hkdf::<Sha256>::new(None, self.value.as_bytes());
        // Expanding 32 bytes cannot fail: the limit is 255 times the hash.
        let _ = hkdf.expand_multi_info(&[b"lambda-auth/v1/", purpose.as_bytes()], key.as_mut());
        key
    }

    /// HMAC-SHA-256 of a message under the purpose's key.
    pub(super) fn mac(&self, purpose: &str, message: &str) -> Hmac<Sha256> {
        let key = self.derive(purpose);
        let mut mac = keyed(key.as_ref());
        mac.update(message.as_bytes());
        mac
    }

    /// A secret that belongs to another one, such as the PKCE verifier of an
    /// OAuth state: 43 URL-safe characters that only this service can compute.
    pub fn companion(&self, purpose: &str, of: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(purpose, of).finalize().into_bytes())
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningSecret({} [redacted])", self.version)
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104)")]
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// The secret to sign with, and the one before it that is still accepted.
#[derive(Clone, Debug)]
pub struct Keyring {
    /// Signs and verifies.
    pub current: SigningSecret,
    /// Verifies only.
    pub previous: Option<SigningSecret>,
}

impl Keyring {
    /// The secret of a version, if it is still accepted.
    pub fn version(&self, version: &str) -> Option<&SigningSecret> {
        self.accepted().find(|secret| secret.version == version)
    }

    /// Whether both hold the same versions.
    pub fn is_same(&self, other: &Self) -> bool {
        self.accepted().map(SigningSecret::version).eq(other.accepted().map(SigningSecret::version))
    }

    /// All accepted secrets, the current one first.
    pub fn accepted(&self) -> impl Iterator<Item = &SigningSecret> {
        std::iter::once(&self.current).chain(&self.previous)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_secrets_are_refused() {
        for weak in ["", " ", &"a".repeat(31), &format!("{}{}", "a".repeat(31), "\n".repeat(9))] {
            assert_eq!(SigningSecret::new("v".into(), weak).unwrap_err(), WeakSecret);
        }
        assert!(SigningSecret::new("v".into(), &"a".repeat(32)).is_ok());
    }

    #[test]
    fn purposes_have_keys_of_their_own() {
        let secret = SigningSecret::new("v".into(), &"s".repeat(32)).unwrap();
        assert_ne!(secret.derive("a").as_ref(), secret.derive("b").as_ref());
        assert_ne!(secret.companion("a", "x"), secret.companion("a", "y"));
        assert_eq!(secret.companion("a", "x").len(), 43);
    }

    #[test]
    fn a_secret_does_not_print() {
        let secret = SigningSecret::new("v1".into(), &"topsecret".repeat(4)).unwrap();
        assert_eq!(format!("{secret:?}"), "SigningSecret(v1 [redacted])");
    }
}
