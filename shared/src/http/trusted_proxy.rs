//! Front ends that pass requests on and say for whom.

use std::{fmt, net::IpAddr};

use http::HeaderMap;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Header by which a proxy proves itself.
const SECRET_HEADER: &str = "x-auth-proxy-secret";

/// Header in which it names its visitor: one IP address.
const CLIENT_HEADER: &str = "x-auth-client-ip";

/// Least length of the secret, in bytes.
const MIN_SECRET_LENGTH: usize = 32;

/// What tells a trusted proxy from everybody else.
///
/// A front end that rewrites `/api/auth/*` has one address for all of its
/// visitors, so that the gateway's idea of the client is no use for limits. An
/// address in a header is anybody's to write; with the secret beside it, it is
/// the front end's.
#[derive(Clone)]
pub struct TrustedProxy {
    secret_hash: [u8; 32],
}

impl TrustedProxy {
    /// A proxy with this secret. `None` if it is too short to be one.
    pub fn new(secret: &str) -> Option<Self> {
        (secret.len() >= MIN_SECRET_LENGTH).then(|| Self { secret_hash: hash(secret.as_bytes()) })
    }

    /// The visitor for whom a request was passed on. `None` if it came from
    /// somebody else, or names no single address: then the client is whom the
    /// gateway saw.
    pub fn client(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let secret = headers.get(SECRET_HEADER)?;
        if !bool::from(hash(secret.as_bytes()).ct_eq(&self.secret_hash)) {
            return None;
        }
        headers.get(CLIENT_HEADER)?.to_str().ok()?.trim().parse().ok()
    }
}

/// Its hash is no secret to speak of, but nobody needs to see it.
impl fmt::Debug for TrustedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TrustedProxy([redacted])")
    }
}

fn hash(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a secret of thirty-two bytes, ok";

    fn client(headers: &[(&'static str, &str)]) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        TrustedProxy::new(SECRET).unwrap().client(&map).map(|ip| ip.to_string())
    }

    #[test]
    fn who_knows_the_secret_names_the_client() {
        let named = |ip: &str| client(&[(SECRET_HEADER, SECRET), (CLIENT_HEADER, ip)]);
        assert_eq!(named("203.0.113.7").unwrap(), "203.0.113.7");
        assert_eq!(named(" 2001:DB8::1 ").unwrap(), "2001:db8::1");
        for ip in ["", "localhost", "203.0.113.7:80", "[2001:db8::1]", "203.0.113.7, 203.0.113.8", "203.0.113.07"] {
            assert_eq!(named(ip), None, "{ip}");
        }
    }

    #[test]
    fn nobody_else_does() {
        let ip = (CLIENT_HEADER, "203.0.113.7");
        assert_eq!(client(&[ip]), None);
        assert_eq!(client(&[(SECRET_HEADER, SECRET)]), None);
        for wrong in ["", "a secret of thirty-two bytes, o", "A secret of thirty-two bytes, ok"] {
            assert_eq!(client(&[(SECRET_HEADER, wrong), ip]), None, "{wrong}");
        }
    }

    #[test]
    fn a_secret_has_some_length_and_does_not_print() {
        assert!(TrustedProxy::new(&"x".repeat(31)).is_none());
        assert_eq!(format!("{:?}", TrustedProxy::new(SECRET).unwrap()), "TrustedProxy([redacted])");
    }
}
