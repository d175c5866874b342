use std::sync::Arc;

use futures_util::future::try_join;
use http::header;
use serde::{Deserialize as _, de::DeserializeOwned};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{
    OAuthClient, bearer,
    claims::Profile,
    id_token::{self, Bearer, Claims, Expected, Refused},
    invalid_code,
    jwks::{Jwks, KeySet, PublishedKeys},
    metadata::Metadata,
    refused,
    token_endpoint::{CodeGrant, TokenEndpoint},
    transport::{Transport, TransportError},
};
use crate::{
    domain::ProviderTokens,
    ports::{Clock, OAuthError, ProviderSignIn, UserInfo, VerifiedIdToken},
};

/// An OpenID Provider, for as long as one request deals with it: Google, whose
/// addresses are settings, and those that describe themselves.
pub(super) struct OpenIdProvider<'a> {
    pub(super) client: OAuthClient,
    pub(super) metadata: Arc<Metadata>,
    pub(super) keys: Arc<Jwks>,
    pub(super) transport: &'a Transport,
    pub(super) clock: &'a dyn Clock,
    pub(super) deadline: Instant,
}

/// Why an id token is not taken.
#[derive(Debug, thiserror::Error)]
enum NotTaken {
    #[error("signing keys: {0}")]
    NoKeys(#[from] TransportError),
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl OpenIdProvider<'_> {
    /// Whether a callback's `iss` may come from this provider (RFC 9207,
    /// section 2.4), or be missing.
    pub(super) fn accepts_issuer(&self, issuer: Option<&str>) -> bool {
        match issuer {
            Some(issuer) => self.metadata.issuers.iter().any(|known| known == issuer),
            None => !self.metadata.sends_issuer,
        }
    }

    /// Redeems the code and reads the identity from the verified id token. The
    /// userinfo endpoint is asked only for an address that the token lacks.
    pub(super) async fn exchange(&self, grant: CodeGrant, nonce: &str) -> Result<ProviderSignIn, OAuthError> {
        let endpoint = self.token_endpoint();
        let redeem = async { endpoint.redeem(grant).await.map_err(invalid_code) };
        // The keys are fetched meanwhile; their failure counts only afterwards.
        let keys = async { Ok(self.fetch_keys().await) };
        let (answer, keys) = try_join(redeem, keys).await?;
        let id_token = answer.id_token().ok_or_else(|| refused("no id token"))?.to_owned();
        let keys = keys.map_err(NotTaken::from).map_err(refused)?;
        let claims = self.verify(&id_token, keys, Bearer::TokenEndpoint { nonce: Some(nonce) }).await;
        let mut profile = claims.map_err(refused)?.into_profile();
        let tokens = answer.into_tokens(self.clock.now());
        if let Some(url) = self.metadata.userinfo_endpoint.as_deref().filter(|_| !profile.has_email()) {
            let other: Profile = self.userinfo(url, &tokens.access_token).await?;
            // OpenID Connect Core, section 5.3.2.
            if other.sub != profile.sub {
                return Err(refused("userinfo is about somebody else"));
            }
            profile = profile.or(other);
        }
        Ok(ProviderSignIn { identity: profile.into_identity(&self.client.id), tokens })
    }

    /// Verifies an id token that a client brings.
    pub(super) async fn verify_id_token(
        &self,
        token: &str,
        nonce: Option<&str>,
    ) -> Result<VerifiedIdToken, OAuthError> {
        let verified = async {
            let keys = self.fetch_keys().await?;
            self.verify(token, keys, Bearer::Client { nonce }).await
        };
        let claims = verified.await.map_err(|not_taken: NotTaken| match not_taken {
            NotTaken::NoKeys(_) => OAuthError::Unavailable(not_taken.to_string()),
            NotTaken::Refused(_) => refused(not_taken),
        })?;
        Ok(VerifiedIdToken {
            expires_at: claims.expires_at(),
            token_hash: id_token::hash(token),
            identity: claims.into_profile().into_identity(&self.client.id),
        })
    }

    /// New tokens for a refresh token.
    pub(super) async fn refresh(&self, refresh_token: &str) -> Result<ProviderTokens, OAuthError> {
        let answer = self.token_endpoint().refresh(refresh_token).await;
        let answer = answer.map_err(|error| OAuthError::RefreshFailed(error.to_string()))?;
        let mut tokens = answer.into_tokens(self.clock.now());
        // The old refresh token may be gone by now: for want of an id token
        // that can be verified the new one is not thrown away.
        if let Some(token) = tokens.id_token.take() {
            let keys = self.fetch_keys().await;
            let verified = async { self.verify(&token, keys?, Bearer::TokenEndpoint { nonce: None }).await };
            tokens.id_token = verified.await.is_ok().then_some(token);
        }
        Ok(tokens)
    }

    /// What the userinfo endpoint says, or without one the id token.
    pub(super) async fn user_info(&self, access_token: &str, id_token: Option<&str>) -> Result<UserInfo, OAuthError> {
        let data: Map<String, Value> = match self.metadata.userinfo_endpoint.as_deref() {
            Some(url) => self.userinfo(url, access_token).await?,
            None => id_token.and_then(id_token::read_kept).ok_or_else(|| refused("no id token"))?,
        };
        let profile = Profile::deserialize(&data).map_err(|_| refused(TransportError::Malformed))?;
        Ok(UserInfo { identity: profile.into_identity(&self.client.id), data })
    }

    fn token_endpoint(&self) -> TokenEndpoint<'_> {
        TokenEndpoint {
            transport: self.transport,
            url: &self.metadata.token_endpoint,
            client: &self.client,
            authentication: self.metadata.authentication,
            deadline: self.deadline,
        }
    }

    /// Verifies an id token with these keys or, if the one that it names is
    /// not among them, with newer ones.
    async fn verify(&self, token: &str, keys: Arc<KeySet>, bearer: Bearer<'_>) -> Result<Claims, NotTaken> {
        let now = self.clock.now();
        let expected = Expected {
            issuers: &self.metadata.issuers,
            algorithms: &self.metadata.algorithms,
            audience: &self.client.client_id,
            bearer,
            now,
        };
        match id_token::verify(token, &keys, &expected) {
            Err(Refused::UnknownKey) => {
                let keys = self.keys.get_newer(&keys, now, self.request_keys()).await?;
                Ok(id_token::verify(token, &keys, &expected)?)
            }
            verdict => Ok(verdict?),
        }
    }

    async fn fetch_keys(&self) -> Result<Arc<KeySet>, TransportError> {
        self.keys.get(self.clock.now(), self.request_keys()).await
    }

    async fn request_keys(&self) -> Result<KeySet, TransportError> {
        let request = http::Request::get(&self.metadata.jwks_uri).header(header::ACCEPT, "application/json");
        let published: PublishedKeys = self.transport.get_json(request, self.deadline).await?;
        Ok(published.into())
    }

    /// Asks the userinfo endpoint (OpenID Connect Core, section 5.3).
    async fn userinfo<T: DeserializeOwned>(&self, url: &str, access_token: &str) -> Result<T, OAuthError> {
        let request = http::Request::get(url)
            .header(header::AUTHORIZATION, bearer(access_token)?)
            .header(header::ACCEPT, "application/json");
        let answer = self.transport.get_json(request, self.deadline).await;
        answer.map_err(|error| refused(format!("userinfo: {error}")))
    }
}
