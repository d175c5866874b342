use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::{Email, alphanumeric};
use crate::ports::Random;

/// Length of the random part, in characters: 190 bits.
const ID_LENGTH: usize = 32;

/// A browser that has signed in to an address with its password: a random id,
/// and the SHA-256 of the address. It opens nothing. It only takes the browser
/// out of the count of failures that strangers run up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownDevice(String);

impl KnownDevice {
    /// A device that was not known before.
    pub fn generate(email: &Email, random: &dyn Random) -> Self {
        Self(format!("{}{}", alphanumeric(random, ID_LENGTH), fingerprint(email)))
    }

    /// From a value that [`KnownDevice::generate`] made for this address.
    pub fn parse(text: &str, email: &Email) -> Option<Self> {
        let (id, of) = text.split_at_checked(ID_LENGTH)?;
        let is_ours = id.bytes().all(|byte| byte.is_ascii_alphanumeric()) && of == fingerprint(email);
        is_ours.then(|| Self(text.to_owned()))
    }

    /// The value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn fingerprint(email: &Email) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(email.as_str().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::OsRandom;

    #[test]
    fn a_device_is_known_to_its_address_only() {
        let [ann, bob] = ["ann@example.com", "bob@example.com"].map(|text| Email::parse(text).unwrap());
        let device = KnownDevice::generate(&ann, &OsRandom);
        assert_eq!(KnownDevice::parse(device.as_str(), &ann), Some(device.clone()));
        assert_eq!(KnownDevice::parse(device.as_str(), &bob), None);
        assert_ne!(KnownDevice::generate(&ann, &OsRandom), device);
        for text in ["", "x", &device.as_str()[1..], &format!("{}x", device.as_str()), &"é".repeat(40)] {
            assert_eq!(KnownDevice::parse(text, &ann), None, "{text}");
        }
    }
}
