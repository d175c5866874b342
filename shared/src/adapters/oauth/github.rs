use futures_util::future::try_join;
use http::{HeaderValue, header};
use oauth2::TokenResponse as _;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    Provider, Providers,
    code::{self, CodeGrant, Plain},
    profile,
};
use crate::{
    domain::{Email, ProviderIdentity},
    ports::OAuthError,
};

/// `GET /user`, as far as it is read. Only the id must be there.
#[derive(Deserialize)]
struct Profile {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    login: Value,
    #[serde(default)]
    name: Value,
    #[serde(default)]
    avatar_url: Value,
}

/// One entry of `GET /user/emails`.
#[derive(Deserialize)]
struct Address {
    email: String,
    #[serde(default)]
    primary: bool,
    #[serde(default)]
    verified: bool,
}

/// Redeems the code and asks the API who its owner is.
pub(super) async fn identity<C: Sync>(
    providers: &Providers<C>,
    grant: CodeGrant,
    deadline: Instant,
) -> Result<ProviderIdentity, OAuthError> {
    let token_url = &providers.endpoints.github_token_url;
    let tokens = code::redeem::<Plain>(&providers.transport, token_url, grant, deadline).await?;
    let token = tokens.access_token().secret();
    let (profile, addresses): (Profile, Vec<Address>) = try_join(
        get(providers, "/user", token, deadline),
        get(providers, "/user/emails?per_page=100", token, deadline),
    )
    .await?;
    to_identity(&profile, &addresses)
}

async fn get<T: DeserializeOwned, C: Sync>(
    providers: &Providers<C>,
    path: &str,
    token: &str,
    deadline: Instant,
) -> Result<T, OAuthError> {
    let refused = |reason: &dyn ToString| OAuthError::InvalidIdentity(reason.to_string());
    let mut authorization =
        HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| refused(&"unusable access token"))?;
    authorization.set_sensitive(true);
    let url = format!("{}{path}", providers.endpoints.github_api_url.trim_end_matches('/'));
    let request = http::Request::get(url)
        .header(header::AUTHORIZATION, authorization)
        .header(header::ACCEPT, "application/vnd.github+json")
        .header("x-github-api-version", "2022-11-28");
    providers.transport.get_json(request, deadline).await.map_err(|error| refused(&error))
}

/// The identity, or why there is none.
///
/// Only the primary address counts, and only if it is verified: GitHub lets
/// anybody enter anybody's address.
fn to_identity(user: &Profile, addresses: &[Address]) -> Result<ProviderIdentity, OAuthError> {
    let id = user.id.as_u64().filter(|id| *id > 0);
    let id = id.ok_or_else(|| OAuthError::InvalidIdentity("profile without an id".to_owned()))?;
    let primary = addresses.iter().find(|address| address.primary && address.verified);
    let email = primary.and_then(|address| Email::parse(&address.email).ok());
    Ok(ProviderIdentity {
        provider: Provider::GitHub.id().to_owned(),
        subject: id.to_string(),
        email_verified: email.is_some(),
        email,
        name: profile::name(&user.name).or_else(|| profile::name(&user.login)).unwrap_or_default(),
        image: profile::image(&user.avatar_url),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn identity(profile: Value, addresses: Value) -> Result<ProviderIdentity, OAuthError> {
        let profile: Profile = serde_json::from_value(profile).unwrap();
        let addresses: Vec<Address> = serde_json::from_value(addresses).unwrap();
        to_identity(&profile, &addresses)
    }

    #[test]
    fn a_profile_becomes_an_identity() {
        let profile = json!({
            "id": 583_231, "login": "octocat", "name": "The Octocat", "avatar_url": "https://x/y.png",
            "email": "public@example.com",
        });
        let addresses = json!([
            {"email": "other@example.com", "primary": false, "verified": true, "visibility": null},
            {"email": "Octocat@Example.com", "primary": true, "verified": true, "visibility": "public"},
        ]);
        let identity = identity(profile, addresses).unwrap();
        assert_eq!((identity.provider.as_str(), identity.subject.as_str()), ("github", "583231"));
        assert_eq!(identity.email.unwrap().as_str(), "octocat@example.com");
        assert!(identity.email_verified);
        assert_eq!(identity.name, "The Octocat");
        assert_eq!(identity.image.as_deref(), Some("https://x/y.png"));
    }

    #[test]
    fn without_a_name_the_login_stands_in() {
        for name in [json!(null), json!(""), json!(7)] {
            let identity = identity(json!({"id": 1, "login": "octocat", "name": name}), json!([])).unwrap();
            assert_eq!(identity.name, "octocat");
        }
        assert_eq!(identity(json!({"id": 1}), json!([])).unwrap().name, "");
    }

    #[test]
    fn only_the_verified_primary_address_counts() {
        let address = |email: &str, primary: bool, verified: bool| json!({"email": email, "primary": primary, "verified": verified});
        for addresses in [
            json!([]),
            json!([address("a@example.com", true, false)]),
            json!([address("a@example.com", false, true)]),
            json!([address("a@example.com", true, false), address("b@example.com", false, true)]),
            json!([{"email": "a@example.com"}]),
            json!([address("not an address", true, true)]),
        ] {
            let identity = identity(json!({"id": 1, "email": "a@example.com"}), addresses.clone()).unwrap();
            assert_eq!((identity.email, identity.email_verified), (None, false), "{addresses}");
        }
        let noreply = json!([address("1+octocat@users.noreply.github.com", true, true)]);
        assert!(identity(json!({"id": 1}), noreply).unwrap().email_verified);
    }

    #[test]
    fn an_id_that_is_no_positive_integer_is_refused() {
        for id in
            [json!(0), json!(-1), json!(1.5), json!(1e3), json!("1"), json!("0"), json!(""), json!(null), json!([1])]
        {
            assert!(matches!(identity(json!({"id": id}), json!([])), Err(OAuthError::InvalidIdentity(_))), "{id}");
        }
        assert!(identity(json!({"login": "octocat"}), json!([])).is_err());
    }

    proptest! {
        #[test]
        fn an_address_is_verified_or_not_there(
            entries in prop::collection::vec(("[a-c]@example\\.com", any::<bool>(), any::<bool>()), 0..5),
        ) {
            let addresses: Vec<_> = entries
                .iter()
                .map(|(email, primary, verified)| Address { email: email.clone(), primary: *primary, verified: *verified })
                .collect();
            let profile = Profile { id: json!(1), login: json!(null), name: json!(null), avatar_url: json!(null) };
            let identity = to_identity(&profile, &addresses).unwrap();
            prop_assert_eq!(identity.email_verified, identity.email.is_some());
            if let Some(email) = identity.email {
                prop_assert!(entries.iter().any(|(text, primary, verified)| text == email.as_str() && *primary && *verified));
            }
        }
    }
}
