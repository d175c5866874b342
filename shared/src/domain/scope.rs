//! What a counter counts for, as a table key.

use std::net::{IpAddr, Ipv6Addr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::{Email, KnownDevice, Limit, UserId};

/// Key of a counter. What it says of a person is a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope(String);

impl Scope {
    /// Requests of a kind from one client. Without an address they share one
    /// counter.
    pub fn requests(limit: Limit, client: Option<ClientNetwork>) -> Self {
        let client = client.map_or_else(|| "unknown".to_owned(), |client| client.0.to_string());
        Self(format!("requests/{}/{client}", limit.name()))
    }

    /// Mails of a kind to one address.
    pub fn mails(limit: Limit, to: &Email) -> Self {
        Self(format!("{}/{}", limit.name(), hash(to.as_str())))
    }

    /// Mails of a kind that somebody asked for who has shown to be the owner of
    /// the address, or to know the password.
    pub fn own_mails(limit: Limit, to: &Email) -> Self {
        Self(format!("own-{}", Self::mails(limit, to).0))
    }

    /// Passwords tried for an address, by anybody.
    pub fn account(email: &Email) -> Self {
        Self(format!("lockout/account/{}", hash(email.as_str())))
    }

    /// Passwords tried for an address on a device that has signed in to it.
    pub fn device(device: &KnownDevice) -> Self {
        Self(format!("lockout/device/{}", hash(device.as_str())))
    }

    /// Passwords tried by whoever is signed in as a user.
    pub fn user(id: &UserId) -> Self {
        Self(format!("lockout/user/{}", hash(id.as_str())))
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Unpadded base64url of SHA-256.
fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

/// The network that counts as one client: an IPv4 address, or the first 64
/// bits of an IPv6 address, since whoever has one of those has them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientNetwork(IpAddr);

impl ClientNetwork {
    /// From an address in any spelling. `None` for what is none.
    pub fn parse(address: &str) -> Option<Self> {
        // An IPv4 address in IPv6's clothes is what it is.
        Some(Self(match address.parse::<IpAddr>().ok()?.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(address: &str) -> String {
        Scope::requests(Limit::SignIn, ClientNetwork::parse(address)).as_str().to_owned()
    }

    #[test]
    fn spellings_and_neighbours_of_an_address_are_one_client() {
        for (address, expected) in [
            ("1.2.3.4", "1.2.3.4"),
            ("::ffff:1.2.3.4", "1.2.3.4"),
            ("::FFFF:0102:0304", "1.2.3.4"),
            ("2001:db8:1:2::1", "2001:db8:1:2::"),
            ("2001:0DB8:0001:0002:ffff:ffff:ffff:ffff", "2001:db8:1:2::"),
            ("2001:db8:1:3::1", "2001:db8:1:3::"),
            ("::1", "::"),
        ] {
            assert_eq!(key(address), format!("requests/sign-in/{expected}"), "{address}");
        }
    }

    #[test]
    fn what_is_no_address_is_unknown() {
        for text in ["", "nonsense", "1.2.3.4, 5.6.7.8", "1.2.3.4:80", "[::1]", "fe80::1%eth0", "1.2.3"] {
            assert_eq!(key(text), "requests/sign-in/unknown", "{text}");
        }
    }

    #[test]
    fn keys_do_not_name_anybody() {
        let email = Email::parse("ann@example.com").unwrap();
        for scope in [Scope::account(&email), Scope::mails(Limit::Mail, &email)] {
            assert!(!scope.as_str().contains("ann"), "{scope:?}");
        }
        assert_ne!(Scope::mails(Limit::Mail, &email), Scope::mails(Limit::MailDaily, &email));
        assert_ne!(Scope::mails(Limit::Mail, &email), Scope::own_mails(Limit::Mail, &email));
    }
}
