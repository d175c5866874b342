//! Sign-in with Google and GitHub: the authorization code flow (RFC 6749,
//! section 4.1) with PKCE (RFC 7636) and, at Google, a verified id token.
//!
//! Endpoints and credentials are configuration; nothing that a browser or a
//! provider sends chooses where a request goes.

mod authorization;
mod clients;
mod code;
mod github;
mod google;
mod id_token;
mod jwks;
mod profile;
mod transport;

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

pub use authorization::RESERVED_PARAMETERS;
pub use clients::{FetchOAuthClients, OAuthClient, parse_clients};

use crate::{
    domain::ProviderIdentity,
    ports::{AuthorizationRequest, Clock, CodeExchange, OAuthError, OAuthProviders},
};
use code::CodeGrant;
use jwks::Jwks;
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

/// A provider that this service speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Provider {
    Google,
    GitHub,
}

impl Provider {
    const ALL: [Self; 2] = [Self::Google, Self::GitHub];

    /// Exactly the id: no other case, no encoding.
    fn parse(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.id() == id)
    }

    const fn id(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::GitHub => "github",
        }
    }

    /// Scopes that are always asked for, in Better Auth's order.
    const fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Google => &["email", "profile", "openid"],
            Self::GitHub => &["read:user", "user:email"],
        }
    }
}

/// The providers, behind their endpoints and client credentials.
pub struct Providers<C> {
    endpoints: ProviderEndpoints,
    redirect_base: String,
    clients: C,
    clock: Arc<dyn Clock>,
    transport: Transport,
    google_keys: Jwks,
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
            endpoints,
            redirect_base: redirect_base.into(),
            clients,
            clock,
            transport: Transport::default(),
            google_keys: Jwks::default(),
        }
    }

    fn redirect_uri(&self, provider: Provider) -> String {
        format!("{}/callback/{}", self.redirect_base.trim_end_matches('/'), provider.id())
    }

    /// Whether a callback's `iss` may come from this provider (RFC 9207,
    /// section 2.4). An issuer that is not known proves nothing.
    fn may_come_from(&self, provider: Provider, issuer: &str) -> bool {
        match provider {
            Provider::Google => google::issuers(&self.endpoints.google_issuer).contains(&issuer),
            Provider::GitHub => {
                self.endpoints.github_authorization_url.strip_suffix("/authorize").is_none_or(|known| known == issuer)
            }
        }
    }

    async fn client(&self, provider: Provider) -> Result<OAuthClient, OAuthError> {
        self.clients.client(provider.id()).await?.ok_or(OAuthError::UnknownProvider)
    }
}

impl<C: FetchOAuthClients> OAuthProviders for Providers<C> {
    async fn is_configured(&self, provider: &str) -> Result<bool, OAuthError> {
        match Provider::parse(provider) {
            Some(provider) => Ok(self.clients.client(provider.id()).await?.is_some()),
            None => Ok(false),
        }
    }

    async fn authorization_url(&self, provider: &str, request: &AuthorizationRequest) -> Result<String, OAuthError> {
        let provider = Provider::parse(provider).ok_or(OAuthError::UnknownProvider)?;
        let client = self.client(provider).await?;
        let endpoint = match provider {
            Provider::Google => &self.endpoints.google_authorization_url,
            Provider::GitHub => &self.endpoints.github_authorization_url,
        };
        authorization::url(provider, endpoint, client.client_id, self.redirect_uri(provider), request)
    }

    async fn exchange(&self, provider: &str, exchange: CodeExchange) -> Result<ProviderIdentity, OAuthError> {
        let provider = Provider::parse(provider).ok_or(OAuthError::UnknownProvider)?;
        if exchange.issuer.as_deref().is_some_and(|issuer| !self.may_come_from(provider, issuer)) {
            return Err(OAuthError::IssuerMismatch);
        }
        let grant = CodeGrant {
            client: self.client(provider).await?,
            redirect_uri: self.redirect_uri(provider),
            code: exchange.code,
            pkce_verifier: exchange.pkce_verifier,
        };
        let deadline = Instant::now() + TIME_LIMIT;
        match provider {
            Provider::Google => google::identity(self, grant, &exchange.nonce, deadline).await,
            Provider::GitHub => github::identity(self, grant, deadline).await,
        }
    }
}
