use jsonwebtoken::Algorithm;

use super::{ProviderEndpoints, metadata::Metadata, token_endpoint::ClientAuthentication};

/// Google's issuer, and the form of it that Google's own documentation still
/// allows in id tokens.
const ISSUER: &str = "https://accounts.google.com";
const BARE_ISSUER: &str = "accounts.google.com";

/// What Google's discovery document would say: asking for it would cost a
/// round trip, and its addresses have not changed in years.
///
/// The id token has all there is to know of a person, so that the access token
/// is never used; nothing but signed claims counts.
pub(super) fn metadata(endpoints: &ProviderEndpoints) -> Metadata {
    Metadata {
        issuers: issuers(&endpoints.google_issuer),
        authorization_endpoint: endpoints.google_authorization_url.clone(),
        token_endpoint: endpoints.google_token_url.clone(),
        jwks_uri: endpoints.google_jwks_url.clone(),
        userinfo_endpoint: None,
        authentication: ClientAuthentication::Post,
        algorithms: vec![Algorithm::RS256],
        sends_issuer: false,
    }
}

/// The issuers that stand for the configured one.
fn issuers(configured: &str) -> Vec<String> {
    let all = if configured == ISSUER { vec![ISSUER, BARE_ISSUER] } else { vec![configured] };
    all.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_googles_own_issuer_has_a_bare_form() {
        assert_eq!(issuers("https://accounts.google.com"), ["https://accounts.google.com", "accounts.google.com"]);
        for other in ["http://127.0.0.1:1", "http://accounts.google.com", "https://accounts.google.com/"] {
            assert_eq!(issuers(other), [other]);
        }
    }
}
