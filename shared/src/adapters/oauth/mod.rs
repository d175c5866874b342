//! Sign-in with GitHub, Google and any other OpenID Provider: the authorization
//! code flow (RFC 6749, section 4.1) with PKCE (RFC 7636) and, but for GitHub,
//! a verified id token.
//!
//! Credentials, and endpoints or the issuer that names them, are configuration;
//! nothing that a browser sends chooses where a request goes.

mod authorization;
mod claims;
mod clients;
mod discovery;
mod github;
mod google;
mod id_token;
mod issuer;
mod jwks;
mod metadata;
mod openid;
mod profile;
mod token_endpoint;
mod transport;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::HeaderValue;
use tokio::time::Instant;

pub use authorization::RESERVED_PARAMETERS;
pub use clients::{FetchOAuthClients, OAuthClient, OAuthClients, Provider, is_provider_id, parse_clients};
pub use issuer::Issuer;

use crate::{
    domain::ProviderTokens,
    ports::{
        AskProvider, AuthorizationRequest, Clock, CodeExchange, OAuthError, OAuthProviders, ProviderSignIn, UserInfo,
        VerifiedIdToken, VerifyIdToken,
    },
};
use discovery::Discovery;
use github::GitHub;
use jwks::Jwks;
use metadata::Metadata;
use openid::OpenIdProvider;
use token_endpoint::{CodeGrant, TokenError};
use transport::Transport;

/// Longest time that one exchange may take, all its calls together. The
/// browser waits meanwhile, and API Gateway gives up after 30 seconds.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// Where the providers are. Production uses the defaults of the template;
/// tests point them at a stand-in.
#[derive(Clone, Debug)]
pub struct ProviderEndpoints {
    /// `iss` of Google's id tokens.
    pub google_issuer: String,
    /// Where browsers are sent to sign in with Google.
    pub google_authorization_url: String,
    /// Google's token endpoint.
    pub google_token_url: String,
    /// Google's signing keys (RFC 7517).
    pub google_jwks_url: String,
    /// Where browsers are sent to sign in with GitHub. Without its final
    /// `/authorize` it is the `iss` that GitHub sends (RFC 9207).
    pub github_authorization_url: String,
    /// GitHub's token endpoint.
    pub github_token_url: String,
    /// Root of GitHub's REST API.
    pub github_api_url: String,
}

/// The providers, behind their endpoints and client credentials.
pub struct Providers<C> {
    endpoints: ProviderEndpoints,
    redirect_base: String,
    clients: C,
    clock: Arc<dyn Clock>,
    transport: Transport,
    google: (Arc<Metadata>, Arc<Jwks>),
    /// What is kept of the other OpenID Providers. Only configured issuers get
    /// here, so that it stays small.
    openid: Mutex<HashMap<Issuer, Arc<Known>>>,
}

/// What is kept of an OpenID Provider.
#[derive(Default)]
struct Known {
    discovery: Discovery,
    keys: Arc<Jwks>,
}

/// A provider, for as long as one request deals with it.
enum Asked<'a> {
    GitHub(GitHub<'a>),
    OpenId(OpenIdProvider<'a>),
}

impl<C: FetchOAuthClients> Providers<C> {
    /// Asks nothing of anybody yet. `redirect_base` is the public URL of the
    /// API, such as `https://auth.example.com/api/auth`; every redirect URI
    /// derives from it alone.
    pub fn new(
        endpoints: ProviderEndpoints,
        redirect_base: impl Into<String>,
        clients: C,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            google: (Arc::new(google::metadata(&endpoints)), Arc::default()),
            endpoints,
            redirect_base: redirect_base.into(),
            clients,
            clock,
            transport: Transport::default(),
            openid: Mutex::default(),
        }
    }

    /// The provider of an id: exactly this one, in no other case or encoding.
    /// Discovery and all that follows share one time limit.
    async fn provider(&self, id: &str) -> Result<Asked<'_>, OAuthError> {
        let client = self.clients.client(id).await?.ok_or(OAuthError::UnknownProvider)?;
        let deadline = Instant::now() + TIME_LIMIT;
        let (transport, clock) = (&self.transport, &*self.clock);
        let (metadata, keys) = match &client.provider {
            Provider::GitHub => {
                return Ok(Asked::GitHub(GitHub { client, endpoints: &self.endpoints, transport, clock, deadline }));
            }
            Provider::Google => self.google.clone(),
            Provider::OpenId { issuer, .. } => self.discover(issuer, deadline).await?,
        };
        Ok(Asked::OpenId(OpenIdProvider { client, metadata, keys, transport, clock, deadline }))
    }

    async fn discover(&self, issuer: &Issuer, deadline: Instant) -> Result<(Arc<Metadata>, Arc<Jwks>), OAuthError> {
        let known = {
            let mut all = self.openid.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(issuer.clone()).or_default())
        };
        let fetch = discovery::fetch(&self.transport, issuer, deadline);
        let metadata = known.discovery.get(self.clock.now(), fetch).await;
        let metadata = metadata.map_err(|error| OAuthError::Unavailable(error.to_string()))?;
        Ok((metadata, Arc::clone(&known.keys)))
    }

    fn redirect_uri(&self, id: &str) -> String {
        format!("{}/callback/{id}", self.redirect_base.trim_end_matches('/'))
    }
}

impl<C: FetchOAuthClients> OAuthProviders for Providers<C> {
    async fn authorization_url(&self, provider: &str, request: &AuthorizationRequest) -> Result<String, OAuthError> {
        let asked = self.provider(provider).await?;
        let (client, endpoint) = match &asked {
            Asked::GitHub(github) => (&github.client, &self.endpoints.github_authorization_url),
            Asked::OpenId(openid) => (&openid.client, &openid.metadata.authorization_endpoint),
        };
        let redirect_uri = self.redirect_uri(&client.id);
        authorization::url(&client.provider, endpoint, client.client_id.clone(), redirect_uri, request)
    }

    async fn exchange(&self, provider: &str, exchange: CodeExchange) -> Result<ProviderSignIn, OAuthError> {
        let asked = self.provider(provider).await?;
        let issuer = exchange.issuer.as_deref();
        let grant = CodeGrant {
            redirect_uri: self.redirect_uri(provider),
            code: exchange.code,
            pkce_verifier: exchange.pkce_verifier,
        };
        match asked {
            Asked::GitHub(github) if github.accepts_issuer(issuer) => github.exchange(grant).await,
            Asked::OpenId(openid) if openid.accepts_issuer(issuer) => openid.exchange(grant, &exchange.nonce).await,
            Asked::GitHub(_) | Asked::OpenId(_) => Err(OAuthError::IssuerMismatch),
        }
    }
}

impl<C: FetchOAuthClients> VerifyIdToken for Providers<C> {
    async fn verify_id_token(
        &self,
        provider: &str,
        token: &str,
        nonce: Option<&str>,
    ) -> Result<VerifiedIdToken, OAuthError> {
        match self.provider(provider).await? {
            Asked::GitHub(_) => Err(OAuthError::IdTokenNotSupported),
            Asked::OpenId(openid) => openid.verify_id_token(token, nonce).await,
        }
    }
}

impl<C: FetchOAuthClients> AskProvider for Providers<C> {
    async fn refresh(&self, provider: &str, refresh_token: &str) -> Result<ProviderTokens, OAuthError> {
        let mut tokens = match self.provider(provider).await? {
            Asked::GitHub(github) => github.refresh(refresh_token).await?,
            Asked::OpenId(openid) => openid.refresh(refresh_token).await?,
        };
        tokens.refresh_token.get_or_insert_with(|| refresh_token.to_owned());
        Ok(tokens)
    }

    async fn user_info(
        &self,
        provider: &str,
        access_token: &str,
        id_token: Option<&str>,
    ) -> Result<UserInfo, OAuthError> {
        match self.provider(provider).await? {
            Asked::GitHub(github) => github.user_info(access_token).await,
            Asked::OpenId(openid) => openid.user_info(access_token, id_token).await,
        }
    }
}

/// An access token as a header. Nothing that cannot be one becomes one.
fn bearer(access_token: &str) -> Result<HeaderValue, OAuthError> {
    let mut value =
        HeaderValue::from_str(&format!("Bearer {access_token}")).map_err(|_| refused("unusable access token"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn refused(reason: impl ToString) -> OAuthError {
    OAuthError::InvalidIdentity(reason.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err wants")]
fn invalid_code(error: TokenError) -> OAuthError {
    OAuthError::InvalidCode(error.to_string())
}
