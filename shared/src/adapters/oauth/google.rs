use std::sync::Arc;

use tokio::time::Instant;

use super::{
    Provider, Providers,
    code::{self, CodeGrant, IdTokenField, Tokens},
    id_token::{self, Claims, Expected, Refused},
    jwks::{KeySet, PublishedKeys},
    profile,
    transport::TransportError,
};
use crate::{
    domain::{Email, ProviderIdentity},
    ports::OAuthError,
};

/// Google's issuer, and the form of it that Google's own documentation still
/// allows in id tokens.
const ISSUER: &str = "https://accounts.google.com";
const BARE_ISSUER: &str = "accounts.google.com";

/// The issuers that stand for the configured one.
pub(super) fn issuers(configured: &str) -> Vec<&str> {
    if configured == ISSUER { vec![ISSUER, BARE_ISSUER] } else { vec![configured] }
}

/// Redeems the code and reads the identity from the verified id token. The
/// access token is not used, so nothing but signed claims counts.
pub(super) async fn identity<C: Sync>(
    providers: &Providers<C>,
    grant: CodeGrant,
    nonce: &str,
    deadline: Instant,
) -> Result<ProviderIdentity, OAuthError> {
    let audience = grant.client.client_id.clone();
    let now = providers.clock.now();
    let fetch_keys = || fetch_keys(providers, deadline);

    let tokens =
        code::redeem::<IdTokenField>(&providers.transport, &providers.endpoints.google_token_url, grant, deadline);
    // The keys are fetched meanwhile; their failure counts only afterwards.
    let keys = async { Ok(providers.google_keys.get(now, fetch_keys()).await) };
    let (tokens, keys): (Tokens<IdTokenField>, Result<Arc<KeySet>, _>) =
        futures_util::future::try_join(tokens, keys).await?;
    let keys = keys.map_err(no_keys)?;
    let token = tokens.extra_fields().id_token.as_deref().ok_or_else(|| refused("no id token"))?;

    let expected = Expected {
        issuers: &issuers(&providers.endpoints.google_issuer),
        audience: &audience,
        nonce,
        now: providers.clock.now(),
    };
    let claims = match id_token::verify(token, &keys, &expected) {
        Err(Refused::UnknownKey) => {
            let keys = providers.google_keys.get_newer(&keys, now, fetch_keys()).await.map_err(no_keys)?;
            id_token::verify(token, &keys, &expected)
        }
        verdict => verdict,
    };
    claims.map(to_identity).map_err(refused)
}

async fn fetch_keys<C: Sync>(providers: &Providers<C>, deadline: Instant) -> Result<KeySet, TransportError> {
    let request = http::Request::get(&providers.endpoints.google_jwks_url).header("accept", "application/json");
    let published: PublishedKeys = providers.transport.get_json(request, deadline).await?;
    Ok(published.into())
}

fn no_keys(error: TransportError) -> OAuthError {
    OAuthError::InvalidIdentity(format!("signing keys: {error}"))
}

fn refused(reason: impl ToString) -> OAuthError {
    OAuthError::InvalidIdentity(reason.to_string())
}

fn to_identity(claims: Claims) -> ProviderIdentity {
    let email = claims.email.as_str().and_then(|address| Email::parse(address).ok());
    ProviderIdentity {
        provider: Provider::Google.id().to_owned(),
        // Only JSON's `true`: any other value proves nothing.
        email_verified: email.is_some() && claims.email_verified == true,
        email,
        name: profile::name(&claims.name).unwrap_or_default(),
        image: profile::image(&claims.picture),
        subject: claims.sub,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn identity(changes: Value) -> ProviderIdentity {
        let mut claims = json!({"iss": "i", "sub": "1", "aud": "a", "exp": 1, "iat": 1, "email": "A@Example.com"});
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        to_identity(serde_json::from_value(claims).unwrap())
    }

    #[test]
    fn only_true_is_verified() {
        assert!(identity(json!({"email_verified": true})).email_verified);
        for value in [json!(false), json!("true"), json!("false"), json!(1), json!(null), json!([true])] {
            assert!(!identity(json!({"email_verified": value})).email_verified, "{value}");
        }
        assert!(!identity(json!({})).email_verified);
    }

    #[test]
    fn the_profile_is_optional_and_the_address_normalised() {
        let plain = identity(json!({}));
        assert_eq!((plain.name.as_str(), plain.image), ("", None));
        assert_eq!(plain.email.unwrap().as_str(), "a@example.com");
        let full = identity(json!({"name": "Ada", "picture": "https://x/y.png"}));
        assert_eq!((full.name.as_str(), full.image.as_deref()), ("Ada", Some("https://x/y.png")));
    }

    #[test]
    fn an_unusable_address_is_none_and_never_verified() {
        for address in [json!(null), json!(""), json!("x"), json!(7), json!(["a@example.com"])] {
            let identity = identity(json!({"email": address, "email_verified": true}));
            assert_eq!((identity.email, identity.email_verified), (None, false), "{address}");
        }
    }

    #[test]
    fn only_googles_own_issuer_has_a_bare_form() {
        assert_eq!(issuers("https://accounts.google.com"), ["https://accounts.google.com", "accounts.google.com"]);
        for other in ["http://127.0.0.1:1", "http://accounts.google.com", "https://accounts.google.com/"] {
            assert_eq!(issuers(other), [other]);
        }
    }
}
