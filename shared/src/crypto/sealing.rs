use aes_gcm::{
    Aes256Gcm, KeyInit as _, Nonce,
    aead::{Aead as _, Payload},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::Keyring;
use crate::{domain::UserId, ports::Random};

/// Length of the nonce, in bytes (NIST SP 800-38D, section 8.2.2).
const NONCE_LENGTH: usize = 12;

/// What is encrypted. Each has a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// The shared secret of an authenticator.
    TotpSecret,
    /// Tokens of an OAuth provider.
    ProviderTokens,
}

impl Sealed {
    const fn purpose(self) -> &'static str {
        match self {
            Self::TotpSecret => "seal/totp-secret",
            Self::ProviderTokens => "seal/provider-tokens",
        }
    }
}

/// A sealed value cannot be opened: it was sealed for another user or purpose,
/// changed, or sealed with a secret that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sealed value cannot be opened")]
pub struct CannotOpen;

/// Encrypts a value for one user: AES-256-GCM with a key derived for the kind
/// of value and the user's id as associated data, as
/// `<version of the secret>.<base64url of nonce and ciphertext>`.
///
/// Nonces are random; a key seals far fewer than 2^32 values.
pub fn seal(keys: &Keyring, kind: Sealed, user_id: &UserId, plain: &[u8], random: &dyn Random) -> String {
    let secret = &keys.current;
    let mut sealed = vec![0; NONCE_LENGTH];
    random.fill(&mut sealed);
    let payload = Payload { msg: plain, aad: user_id.as_str().as_bytes() };
    let ciphertext = <[u8; NONCE_LENGTH]>::try_from(sealed.as_slice())
        .ok()
        .and_then(|nonce| cipher(&secret.derive(kind.purpose())).encrypt(&Nonce::from(nonce), payload).ok());
    // Encryption fails only beyond 64 GiB.
    sealed.extend(ciphertext.unwrap_or_default());
    format!("{}.{}", secret.version(), URL_SAFE_NO_PAD.encode(sealed))
}

/// Decrypts what [`seal`] made for the same kind and user.
///
/// # Errors
/// [`CannotOpen`], whatever the reason.
pub fn open(keys: &Keyring, kind: Sealed, user_id: &UserId, sealed: &str) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
    let (version, text) = sealed.rsplit_once('.').ok_or(CannotOpen)?;
    let secret = keys.version(version).ok_or(CannotOpen)?;
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| CannotOpen)?;
    let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_LENGTH>().ok_or(CannotOpen)?;
    let payload = Payload { msg: ciphertext, aad: user_id.as_str().as_bytes() };
    let plain = cipher(&secret.derive(kind.purpose())).decrypt(&Nonce::from(*nonce), payload);
    plain.map(Zeroizing::new).map_err(|_| CannotOpen)
}

/// Whether a value was sealed with another secret than the current one, so
/// that it had better be sealed anew.
pub fn is_outdated(keys: &Keyring, sealed: &str) -> bool {
    sealed.rsplit_once('.').is_none_or(|(version, _)| version != keys.current.version())
}

fn cipher(key: &[u8; 32]) -> Aes256Gcm {
    Aes256Gcm::new(key.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{adapters::OsRandom, crypto::SigningSecret};

    fn keyring(current: &str, previous: Option<&str>) -> Keyring {
        let secret = |version: &str| SigningSecret::new(version.to_owned(), &version.repeat(32)).unwrap();
        Keyring { current: secret(current), previous: previous.map(secret) }
    }

    #[test]
    fn only_the_same_user_purpose_and_secret_open_it() {
        let keys = keyring("a", None);
        let user = UserId::generate(&OsRandom);
        let sealed = seal(&keys, Sealed::TotpSecret, &user, b"secret", &OsRandom);
        assert_eq!(open(&keys, Sealed::TotpSecret, &user, &sealed).unwrap().as_slice(), b"secret");

        let stranger = UserId::generate(&OsRandom);
        assert_eq!(open(&keys, Sealed::TotpSecret, &stranger, &sealed), Err(CannotOpen));
        assert_eq!(open(&keys, Sealed::ProviderTokens, &user, &sealed), Err(CannotOpen));
        assert_eq!(open(&keyring("b", None), Sealed::TotpSecret, &user, &sealed), Err(CannotOpen));
        for broken in ["", ".", "a.", "a.AAAA", "a.!", "secret"] {
            assert_eq!(open(&keys, Sealed::TotpSecret, &user, broken), Err(CannotOpen), "{broken}");
        }
        let mut flipped = sealed.into_bytes();
        let last = flipped.len() - 2;
        flipped[last] = if flipped[last] == b'A' { b'B' } else { b'A' };
        assert!(open(&keys, Sealed::TotpSecret, &user, std::str::from_utf8(&flipped).unwrap()).is_err());
    }

    #[test]
    fn the_same_value_is_never_sealed_alike() {
        let keys = keyring("a", None);
        let user = UserId::generate(&OsRandom);
        let seal = || seal(&keys, Sealed::TotpSecret, &user, b"secret", &OsRandom);
        assert_ne!(seal(), seal());
    }

    #[test]
    fn the_previous_secret_still_opens() {
        let user = UserId::generate(&OsRandom);
        let old = keyring("a", None);
        let sealed = seal(&old, Sealed::TotpSecret, &user, b"secret", &OsRandom);
        let new = keyring("b", Some("a"));
        assert!(open(&new, Sealed::TotpSecret, &user, &sealed).is_ok());
        assert!(is_outdated(&new, &sealed) && !is_outdated(&old, &sealed));
    }
}
