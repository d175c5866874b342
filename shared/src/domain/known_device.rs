use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::{Email, Timestamp, User, alphanumeric};
use crate::ports::Random;

/// Length of the random part, in characters: 190 bits.
const ID_LENGTH: usize = 32;

/// A browser that has signed in to an address with its password: a random id,
/// the SHA-256 of the address, and when the password was set. It opens nothing.
/// It only takes the browser out of the count of failures that strangers run
/// up, and that no longer than the password lives: whoever knew an older one is
/// a stranger now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownDevice {
    text: String,
    password_changed_at: Timestamp,
}

impl KnownDevice {
    /// A device that was not known before.
    pub fn generate(user: &User, random: &dyn Random) -> Self {
        let password_changed_at = user.password_changed_at;
        let (id, of) = (alphanumeric(random, ID_LENGTH), fingerprint(&user.email));
        Self { text: format!("{id}{of}{}", password_changed_at.millis()), password_changed_at }
    }

    /// From a value that [`KnownDevice::generate`] made for this address.
    pub fn parse(text: &str, email: &Email) -> Option<Self> {
        let (id, rest) = text.split_at_checked(ID_LENGTH)?;
        let changed_at = rest.strip_prefix(&fingerprint(email))?;
        let is_ours = id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_number = changed_at.bytes().all(|byte| byte.is_ascii_digit());
        let password_changed_at = changed_at.parse().ok().filter(|_| is_ours && is_number)?;
        Some(Self { text: text.to_owned(), password_changed_at: Timestamp::from_millis(password_changed_at) })
    }

    /// Whether it signed in with the password that was set then.
    pub fn knows(&self, password_changed_at: Timestamp) -> bool {
        self.password_changed_at == password_changed_at
    }

    /// The value.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn fingerprint(email: &Email) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(email.as_str().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{adapters::OsRandom, domain::UserId};

    fn user(email: &str) -> User {
        let (id, email) = (UserId::generate(&OsRandom), Email::parse(email).unwrap());
        User::new(id, "A".into(), email, true, None, Timestamp::from_millis(1_000))
    }

    #[test]
    fn a_device_is_known_to_its_address_and_password_only() {
        let [ann, bob] = ["ann@example.com", "bob@example.com"].map(user);
        let device = KnownDevice::generate(&ann, &OsRandom);
        assert_eq!(KnownDevice::parse(device.as_str(), &ann.email), Some(device.clone()));
        assert_eq!(KnownDevice::parse(device.as_str(), &bob.email), None);
        assert_ne!(KnownDevice::generate(&ann, &OsRandom), device);
        assert!(device.knows(ann.password_changed_at));
        assert!(!device.knows(ann.password_changed_at.plus_seconds(1)));
        let (text, changed_at) = device.as_str().split_at(75);
        assert_eq!(changed_at, "1000");
        for text in ["", "x", &text[1..], text, &format!("{text}-1"), &format!("{text}1x"), &"\u{e9}".repeat(40)] {
            assert_eq!(KnownDevice::parse(text, &ann.email), None, "{text}");
        }
    }
}
