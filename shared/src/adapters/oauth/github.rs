use futures_util::future::try_join;
use http::header;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{
    OAuthClient, ProviderEndpoints, bearer, invalid_code, profile, refused,
    token_endpoint::{ClientAuthentication, CodeGrant, TokenEndpoint},
    transport::{Transport, TransportError},
};
use crate::{
    domain::{Email, ProviderIdentity, ProviderTokens},
    ports::{Clock, OAuthError, ProviderSignIn, UserInfo},
};

/// Its provider id.
const ID: &str = "github";

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

/// GitHub, for as long as one request deals with it.
pub(super) struct GitHub<'a> {
    pub(super) client: OAuthClient,
    pub(super) endpoints: &'a ProviderEndpoints,
    pub(super) transport: &'a Transport,
    pub(super) clock: &'a dyn Clock,
    pub(super) deadline: Instant,
}

impl GitHub<'_> {
    /// Whether a callback's `iss` may come from GitHub (RFC 9207, section
    /// 2.4). An issuer that is not known proves nothing.
    pub(super) fn accepts_issuer(&self, issuer: Option<&str>) -> bool {
        let known = self.endpoints.github_authorization_url.strip_suffix("/authorize");
        issuer.is_none_or(|issuer| known.is_none_or(|known| known == issuer))
    }

    /// Redeems the code and asks the API who its owner is.
    pub(super) async fn exchange(&self, grant: CodeGrant) -> Result<ProviderSignIn, OAuthError> {
        let answer = self.token_endpoint().redeem(grant).await.map_err(invalid_code)?;
        let tokens = answer.into_tokens(self.clock.now());
        let identity = self.user_info(&tokens.access_token).await?.identity;
        Ok(ProviderSignIn { identity, tokens })
    }

    /// New tokens for a refresh token, which only a GitHub App has.
    pub(super) async fn refresh(&self, refresh_token: &str) -> Result<ProviderTokens, OAuthError> {
        let answer = self.token_endpoint().refresh(refresh_token).await;
        let answer = answer.map_err(|error| OAuthError::RefreshFailed(error.to_string()))?;
        Ok(answer.into_tokens(self.clock.now()))
    }

    /// Whom an access token belongs to. As with Better Auth, the profile of
    /// somebody who shows no address has the primary one.
    pub(super) async fn user_info(&self, access_token: &str) -> Result<UserInfo, OAuthError> {
        let (mut data, addresses): (Map<String, Value>, Vec<Address>) =
            try_join(self.get("/user", access_token), self.get("/user/emails?per_page=100", access_token)).await?;
        let profile = Profile::deserialize(&data).map_err(|_| refused(TransportError::Malformed))?;
        let identity = to_identity(&profile, &addresses)?;
        if let Some(primary) = addresses.into_iter().find(|address| address.primary)
            && data.get("email").is_none_or(Value::is_null)
        {
            data.insert("email".to_owned(), primary.email.into());
        }
        Ok(UserInfo { identity, data })
    }

    fn token_endpoint(&self) -> TokenEndpoint<'_> {
        TokenEndpoint {
            transport: self.transport,
            url: &self.endpoints.github_token_url,
            client: &self.client,
            authentication: ClientAuthentication::Post,
            deadline: self.deadline,
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, token: &str) -> Result<T, OAuthError> {
        let url = format!("{}{path}", self.endpoints.github_api_url.trim_end_matches('/'));
        let request = http::Request::get(url)
            .header(header::AUTHORIZATION, bearer(token)?)
            .header(header::ACCEPT, "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28");
        self.transport.get_json(request, self.deadline).await.map_err(refused)
    }
}

/// The identity, or why there is none.
///
/// Only the primary address counts, and only if it is verified: GitHub lets
/// anybody enter anybody's address.
fn to_identity(user: &Profile, addresses: &[Address]) -> Result<ProviderIdentity, OAuthError> {
    let id = user.id.as_u64().filter(|id| *id > 0);
    let id = id.ok_or_else(|| refused("profile without an id"))?;
    let primary = addresses.iter().find(|address| address.primary && address.verified);
    let email = primary.and_then(|address| Email::parse(&address.email).ok());
    Ok(ProviderIdentity {
        provider: ID.to_owned(),
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
