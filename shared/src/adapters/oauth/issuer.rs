use std::fmt;

use url::{Host, Url};

/// The issuer of an OpenID Provider: an https URL without query and fragment
/// (OpenID Connect Discovery, section 2). For tests, http will do on this very
/// machine.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Issuer(String);

impl Issuer {
    /// `None` for what is no issuer.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let is_plain = url.query().is_none() && url.fragment().is_none();
        (is_plain && (is_https(&url) || is_local(&url))).then(|| Self(text.to_owned()))
    }

    /// The issuer, character by character as it was configured.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Where its discovery document is (OpenID Connect Discovery, section 4).
    pub(super) fn document_url(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.0.trim_end_matches('/'))
    }

    /// Whether this may be one of its endpoints. A provider elsewhere must not
    /// send this service to a port of its own machine.
    pub(super) fn may_have_endpoint(&self, text: &str) -> bool {
        let is_local_issuer = Url::parse(&self.0).is_ok_and(|issuer| is_local(&issuer));
        Url::parse(text)
            .is_ok_and(|url| url.fragment().is_none() && (is_https(&url) || (is_local_issuer && is_local(&url))))
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_https(url: &Url) -> bool {
    url.scheme() == "https" && url.has_host() && has_no_user(url)
}

fn is_local(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && is_loopback && has_no_user(url)
}

fn has_no_user(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_an_https_url_or_local() {
        for text in [
            "https://id.acme.example",
            "https://id.acme.example/",
            "https://id.acme.example:8443/realms/one",
            "http://127.0.0.1:1234",
            "http://localhost:1234/tenant",
            "http://[::1]:1",
        ] {
            assert_eq!(Issuer::parse(text).unwrap().as_str(), text);
        }
        for text in [
            "",
            "id.acme.example",
            "//id.acme.example",
            "http://id.acme.example",
            "http://169.254.169.254",
            "http://localhost.evil.example",
            "https://",
            "https://id.acme.example?tenant=1",
            "https://id.acme.example#x",
            "https://user@id.acme.example",
            "https://user:password@id.acme.example",
            "ftp://id.acme.example",
            "file:///etc/passwd",
        ] {
            assert_eq!(Issuer::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_document_is_below_the_issuer() {
        for (issuer, url) in [
            ("https://a.example", "https://a.example/.well-known/openid-configuration"),
            ("https://a.example/", "https://a.example/.well-known/openid-configuration"),
            ("https://a.example/b", "https://a.example/b/.well-known/openid-configuration"),
        ] {
            assert_eq!(Issuer::parse(issuer).unwrap().document_url(), url);
        }
    }

    #[test]
    fn only_a_local_issuer_has_local_endpoints() {
        let (remote, local) = (Issuer::parse("https://a.example").unwrap(), Issuer::parse("http://[::1]:1").unwrap());
        for (endpoint, at_remote, at_local) in [
            ("https://token.a.example/x?y=z", true, true),
            ("http://127.0.0.1:9001/2018-06-01/runtime", false, true),
            ("http://a.example/token", false, false),
            ("https://a.example/#x", false, false),
            ("https://u:p@a.example/", false, false),
            ("/token", false, false),
            ("", false, false),
        ] {
            assert_eq!(remote.may_have_endpoint(endpoint), at_remote, "{endpoint}");
            assert_eq!(local.may_have_endpoint(endpoint), at_local, "{endpoint}");
        }
    }
}
