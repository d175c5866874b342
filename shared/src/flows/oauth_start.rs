use super::Context;
use crate::{
    crypto::{Keyring, SigningSecret},
    domain::{OAuthState, Purpose, SessionHandle, VerificationToken},
    ports::{AuthorizationRequest, OAuthError, OAuthProviders, StoreError, StoreOAuthState},
};

/// Life of a state, in seconds.
const STATE_SECONDS: i64 = 600;

/// A sign-in with a provider that somebody asks for.
#[derive(Clone, Debug)]
pub struct OAuthStart {
    /// Provider id.
    pub provider: String,
    /// Where to go on success.
    pub callback_url: String,
    /// Where to go on failure.
    pub error_callback_url: Option<String>,
    /// Where to go on success if the user is new.
    pub new_user_callback_url: Option<String>,
    /// Scopes beside the provider's defaults.
    pub scopes: Vec<String>,
    /// The user to suggest.
    pub login_hint: Option<String>,
    /// Further parameters of the authorization request.
    pub additional: Vec<(String, String)>,
    /// The session whose user the identity is to be linked to; none for a
    /// sign-in.
    pub link: Option<SessionHandle>,
}

/// Where to send the browser.
#[derive(Debug)]
pub struct StartedOAuth {
    /// URL of the provider.
    pub url: String,
    /// The state, for the cookie that ties it to the browser.
    pub state: VerificationToken,
}

/// Why there is nowhere to send the browser.
#[derive(Debug, thiserror::Error)]
pub enum OAuthStartError {
    /// The provider's.
    #[error(transparent)]
    Provider(#[from] OAuthError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Starts a sign-in with a provider: one write.
///
/// PKCE verifier and nonce are derived from the state under keys of their own,
/// so that no table holds them and the URL gives neither away.
///
/// # Errors
/// [`OAuthStartError`].
pub async fn start_oauth(
    context: &Context<'_>,
    keys: &Keyring,
    providers: &impl OAuthProviders,
    store: &impl StoreOAuthState,
    start: OAuthStart,
) -> Result<StartedOAuth, OAuthStartError> {
    let state = VerificationToken::generate(Purpose::OAuthState, context.random);
    let (pkce_verifier, nonce) = derive_companions(&keys.current, &state);
    let request = AuthorizationRequest {
        state: state.expose().to_owned(),
        pkce_verifier,
        nonce,
        scopes: start.scopes,
        login_hint: start.login_hint,
        additional: start.additional,
    };
    let url = providers.authorization_url(&start.provider, &request).await?;
    let row = OAuthState {
        provider: start.provider,
        secret_version: keys.current.version().to_owned(),
        callback_url: start.callback_url,
        error_callback_url: start.error_callback_url,
        new_user_callback_url: start.new_user_callback_url,
        link: start.link,
        expires_at: context.clock.now().plus_seconds(STATE_SECONDS),
    };
    store.store_oauth_state(&state.hash(), &row).await?;
    Ok(StartedOAuth { url, state })
}

/// PKCE verifier and nonce that belong to a state.
pub fn derive_companions(secret: &SigningSecret, state: &VerificationToken) -> (String, String) {
    (secret.companion("oauth-pkce", state.expose()), secret.companion("oauth-nonce", state.expose()))
}
