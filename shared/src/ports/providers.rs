//! What the service asks of OAuth providers.

use std::future::Future;

use serde_json::{Map, Value};

use crate::domain::{ProviderIdentity, ProviderTokens, Timestamp};

/// What the browser is sent to a provider with.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    /// The state token; also what the PKCE verifier and nonce derive from.
    pub state: String,
    /// PKCE code verifier (RFC 7636).
    pub pkce_verifier: String,
    /// Nonce for the id token (OpenID Connect Core, section 3.1.2.1).
    pub nonce: String,
    /// Scopes beside the provider's defaults.
    pub scopes: Vec<String>,
    /// The user to suggest.
    pub login_hint: Option<String>,
    /// Further query parameters; never reserved ones.
    pub additional: Vec<(String, String)>,
}

/// What comes back from a provider, with what is needed to check it.
#[derive(Clone)]
pub struct CodeExchange {
    /// Authorization code.
    pub code: String,
    /// PKCE code verifier of the request.
    pub pkce_verifier: String,
    /// Nonce of the request.
    pub nonce: String,
    /// `iss` parameter of the callback (RFC 9207), if any.
    pub issuer: Option<String>,
}

/// What a code is worth.
#[derive(Clone, Debug)]
pub struct ProviderSignIn {
    /// Whom the provider vouches for.
    pub identity: ProviderIdentity,
    /// The tokens that it issued to this service.
    pub tokens: ProviderTokens,
}

/// Sign-in by redirect: the authorization code flow.
pub trait OAuthProviders: Sync {
    /// URL to send the browser to.
    ///
    /// # Errors
    /// [`OAuthError::UnknownProvider`] or [`OAuthError::Unavailable`].
    fn authorization_url(
        &self,
        provider: &str,
        request: &AuthorizationRequest,
    ) -> impl Future<Output = Result<String, OAuthError>> + Send;

    /// Exchanges the code, once.
    ///
    /// # Errors
    /// [`OAuthError`]; no error carries a token, code or secret.
    fn exchange(
        &self,
        provider: &str,
        exchange: CodeExchange,
    ) -> impl Future<Output = Result<ProviderSignIn, OAuthError>> + Send;
}

/// An id token that somebody presented, after all checks.
#[derive(Clone, Debug)]
pub struct VerifiedIdToken {
    /// Whom the provider vouches for.
    pub identity: ProviderIdentity,
    /// What it is remembered by: a hash of all that is signed, since one
    /// content can bear many signatures.
    pub token_hash: String,
    /// When it would no longer be taken.
    pub expires_at: Timestamp,
}

/// Sign-in with an id token that the client has of the provider.
pub trait VerifyIdToken: Sync {
    /// Checks signature, issuer, audience and times, and the nonce if the
    /// client names one (OpenID Connect Core, section 3.1.3.7). Says nothing
    /// of how often the token was presented.
    ///
    /// # Errors
    /// [`OAuthError::UnknownProvider`], [`OAuthError::IdTokenNotSupported`],
    /// [`OAuthError::Unavailable`] if nobody can tell, else
    /// [`OAuthError::InvalidIdentity`].
    fn verify_id_token(
        &self,
        provider: &str,
        token: &str,
        nonce: Option<&str>,
    ) -> impl Future<Output = Result<VerifiedIdToken, OAuthError>> + Send;
}

/// What a provider tells about the owner of an access token.
#[derive(Clone, Debug)]
pub struct UserInfo {
    /// The same as a sign-in would read it. Whether it is the person that is
    /// expected is the caller's to compare.
    pub identity: ProviderIdentity,
    /// The provider's answer as it came.
    pub data: Map<String, Value>,
}

/// Asks providers on behalf of a user who signed in earlier.
pub trait AskProvider: Sync {
    /// New tokens for a refresh token (RFC 6749, section 6). They hold the
    /// refresh token to use from now on: the provider's new one, or the same.
    ///
    /// # Errors
    /// [`OAuthError::UnknownProvider`], [`OAuthError::Unavailable`] if nothing
    /// was asked, else [`OAuthError::RefreshFailed`].
    fn refresh(
        &self,
        provider: &str,
        refresh_token: &str,
    ) -> impl Future<Output = Result<ProviderTokens, OAuthError>> + Send;

    /// The profile of an access token's owner. A provider without a profile to
    /// ask for, such as Google, told all it has to tell in the id token, which
    /// has to be one that was verified when it was stored.
    ///
    /// # Errors
    /// [`OAuthError::UnknownProvider`], [`OAuthError::Unavailable`] if nothing
    /// was asked, else [`OAuthError::InvalidIdentity`].
    fn user_info(
        &self,
        provider: &str,
        access_token: &str,
        id_token: Option<&str>,
    ) -> impl Future<Output = Result<UserInfo, OAuthError>> + Send;
}

/// Why a provider could not be used. The text is for logs and holds no secrets.
#[derive(Debug, thiserror::Error)]
pub enum OAuthError {
    /// No such provider, or it has no client id.
    #[error("provider not configured")]
    UnknownProvider,
    /// The client credentials or the provider's addresses could not be read;
    /// no code, token or credential was sent.
    #[error("provider unavailable: {0}")]
    Unavailable(String),
    /// The callback's issuer is another provider's (RFC 9207).
    #[error("issuer mismatch")]
    IssuerMismatch,
    /// The token endpoint refused the code or did not answer properly.
    #[error("code exchange failed: {0}")]
    InvalidCode(String),
    /// The identity could not be read or did not pass its checks.
    #[error("identity refused: {0}")]
    InvalidIdentity(String),
    /// The provider issues no id tokens.
    #[error("provider issues no id tokens")]
    IdTokenNotSupported,
    /// The token endpoint refused the refresh token or did not answer properly.
    #[error("refresh failed: {0}")]
    RefreshFailed(String),
}
