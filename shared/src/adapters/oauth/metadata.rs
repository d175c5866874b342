use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::Value;

use super::{Issuer, token_endpoint::ClientAuthentication};

/// Signatures of id tokens that this service verifies. None is made with a
/// secret that the client shares, so that no client can make one.
const ALGORITHMS: [(&str, Algorithm); 3] =
    [("RS256", Algorithm::RS256), ("PS256", Algorithm::PS256), ("ES256", Algorithm::ES256)];

/// Where an OpenID Provider is and how to speak to it.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    /// What `iss` may be.
    pub(super) issuers: Vec<String>,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) jwks_uri: String,
    pub(super) userinfo_endpoint: Option<String>,
    pub(super) authentication: ClientAuthentication,
    /// What its id tokens may be signed with.
    pub(super) algorithms: Vec<Algorithm>,
    /// Whether every callback carries `iss` (RFC 9207, section 3).
    pub(super) sends_issuer: bool,
}

/// A discovery document (OpenID Connect Discovery, section 3; RFC 8414), as
/// far as it is read.
#[derive(Deserialize)]
pub(super) struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    id_token_signing_alg_values_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: Value,
}

/// Why a discovery document cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error("the document is another issuer's")]
    Issuer,
    #[error("the {0} is not an https URL")]
    Endpoint(&'static str),
    #[error("the provider takes no client secret")]
    Authentication,
    #[error("the provider signs with no known algorithm")]
    Algorithms,
}

impl Document {
    /// What the document says, if it is the issuer's own and all of it can be
    /// used.
    ///
    /// # Errors
    /// [`Unusable`].
    pub(super) fn metadata(self, issuer: &Issuer) -> Result<Metadata, Unusable> {
        if self.issuer != issuer.as_str() {
            return Err(Unusable::Issuer);
        }
        let endpoint = |name, url: String| match issuer.may_have_endpoint(&url) {
            true => Ok(url),
            false => Err(Unusable::Endpoint(name)),
        };
        Ok(Metadata {
            authentication: authentication(self.token_endpoint_auth_methods_supported.as_deref())?,
            algorithms: algorithms(self.id_token_signing_alg_values_supported.as_deref())?,
            sends_issuer: self.authorization_response_iss_parameter_supported == true,
            authorization_endpoint: endpoint("authorization endpoint", self.authorization_endpoint)?,
            token_endpoint: endpoint("token endpoint", self.token_endpoint)?,
            jwks_uri: endpoint("JWKS URI", self.jwks_uri)?,
            userinfo_endpoint: self.userinfo_endpoint.map(|url| endpoint("userinfo endpoint", url)).transpose()?,
            issuers: vec![self.issuer],
        })
    }
}

/// `client_secret_basic` unless the document leaves it out.
fn authentication(methods: Option<&[String]>) -> Result<ClientAuthentication, Unusable> {
    let offers = |method: &str| methods.is_some_and(|methods| methods.iter().any(|offered| offered == method));
    if methods.is_none() || offers("client_secret_basic") {
        Ok(ClientAuthentication::Basic)
    } else if offers("client_secret_post") {
        Ok(ClientAuthentication::Post)
    } else {
        Err(Unusable::Authentication)
    }
}

/// Those of the document that this service knows; all, if it says nothing.
fn algorithms(offered: Option<&[String]>) -> Result<Vec<Algorithm>, Unusable> {
    let is_offered = |name: &str| offered.is_none_or(|offered| offered.iter().any(|other| other == name));
    let known: Vec<Algorithm> =
        ALGORITHMS.into_iter().filter(|(name, _)| is_offered(name)).map(|(_, algorithm)| algorithm).collect();
    if known.is_empty() { Err(Unusable::Algorithms) } else { Ok(known) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://id.acme.example";

    fn metadata(changes: Value) -> Result<Metadata, Unusable> {
        let mut document = json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://id.acme.example/auth",
            "token_endpoint": "https://token.acme.example/",
            "jwks_uri": "https://id.acme.example/jwks",
            "claims_supported": ["sub"],
        });
        document.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let document: Document = serde_json::from_value(document).unwrap();
        document.metadata(&Issuer::parse(ISSUER).unwrap())
    }

    #[test]
    fn a_short_document_has_the_standards_defaults() {
        let metadata = metadata(json!({})).unwrap();
        assert_eq!(metadata.issuers, [ISSUER]);
        assert_eq!(metadata.authentication, ClientAuthentication::Basic);
        assert_eq!(metadata.algorithms, [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256]);
        assert_eq!((metadata.userinfo_endpoint, metadata.sends_issuer), (None, false));
    }

    #[test]
    fn the_issuer_is_compared_character_by_character() {
        for issuer in ["https://id.acme.example/", "https://ID.acme.example", "https://id.acme.example:443", ""] {
            assert_eq!(metadata(json!({"issuer": issuer})).unwrap_err(), Unusable::Issuer, "{issuer}");
        }
    }

    #[test]
    fn every_endpoint_is_https() {
        for (name, what) in [
            ("authorization_endpoint", "authorization endpoint"),
            ("token_endpoint", "token endpoint"),
            ("jwks_uri", "JWKS URI"),
            ("userinfo_endpoint", "userinfo endpoint"),
        ] {
            for url in ["http://id.acme.example/", "http://127.0.0.1/", "javascript:alert(1)", "/x", ""] {
                assert_eq!(metadata(json!({name: url})).unwrap_err(), Unusable::Endpoint(what), "{name} {url}");
            }
            assert!(metadata(json!({name: "https://elsewhere.example/x?y"})).is_ok());
        }
    }

    #[test]
    fn the_client_authenticates_as_the_document_allows() {
        for (methods, expected) in [
            (json!(null), Ok(ClientAuthentication::Basic)),
            (json!(["client_secret_post", "client_secret_basic"]), Ok(ClientAuthentication::Basic)),
            (json!(["none", "client_secret_post"]), Ok(ClientAuthentication::Post)),
            (json!(["private_key_jwt"]), Err(Unusable::Authentication)),
            (json!([]), Err(Unusable::Authentication)),
        ] {
            let metadata = metadata(json!({"token_endpoint_auth_methods_supported": methods}));
            assert_eq!(metadata.map(|metadata| metadata.authentication), expected, "{methods}");
        }
    }

    #[test]
    fn only_known_algorithms_are_taken() {
        for (offered, expected) in [
            (json!(["RS256"]), Ok(vec![Algorithm::RS256])),
            (json!(["none", "HS256", "ES256", "RS512"]), Ok(vec![Algorithm::ES256])),
            (json!(["none", "HS256"]), Err(Unusable::Algorithms)),
            (json!([]), Err(Unusable::Algorithms)),
        ] {
            let metadata = metadata(json!({"id_token_signing_alg_values_supported": offered}));
            assert_eq!(metadata.map(|metadata| metadata.algorithms), expected, "{offered}");
        }
    }

    #[test]
    fn only_true_says_that_callbacks_carry_the_issuer() {
        for (value, expected) in [(json!(true), true), (json!(false), false), (json!("true"), false), (json!(1), false)]
        {
            let metadata = metadata(json!({"authorization_response_iss_parameter_supported": value})).unwrap();
            assert_eq!(metadata.sends_issuer, expected, "{value}");
        }
    }
}
