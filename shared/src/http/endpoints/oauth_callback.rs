use std::{sync::Arc, time::Duration};

use super::{Core, client, credentials::cookie_keys};
use crate::{
    adapters::{OsRandom, SecretCache, SystemClock},
    crypto::Keyring,
    domain::{OAuthState, ProviderIdentity, Purpose, SessionHandle, VerificationToken, alphanumeric},
    flows::{
        Admission, CallbackFailure, FirstFactor, LinkFailure, TokensToSeal, derive_companions, finish_oauth,
        link_account,
    },
    hooks::SignInMethod,
    http::{
        ApiError, Audit, AuthRequest, Endpoint, ErrorCode, Reply,
        body::Fields,
        cookies::{Presented, encode},
        error_page,
        redirect::append_parameters,
        routes::Route,
    },
    ports::{
        Clock as _, CodeExchange, ConsumeOAuthState, EncryptionKeys, FindOAuthState, FindSession, FindTrustedDevice,
        FindUser, LinkAccount, OAuthError, OAuthProviders, OAuthStore, ProviderSignIn,
    },
};

/// Parameters of a callback, in the order in which a form is passed on.
const PARAMETERS: [&str; 7] = ["code", "error", "device_id", "error_description", "state", "user", "iss"];
/// Longest values of a form that a provider posts, in bytes: passed on in a URL,
/// and encoded, they still fit into the headers of an answer.
const MAX_FORM_LENGTH: usize = 3000;

/// Errors of providers that are passed on to the application (RFC 6749,
/// section 4.1.2.1; OpenID Connect Core, section 3.1.2.6; GitHub's own).
/// Everything else becomes [`OTHER_ERROR`]: what a stranger writes into the
/// URL must not end up in an application's page.
const PROVIDER_ERRORS: [&str; 13] = [
    "access_denied",
    "invalid_request",
    "unauthorized_client",
    "unsupported_response_type",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
    "interaction_required",
    "login_required",
    "account_selection_required",
    "consent_required",
    "application_suspended",
    "redirect_uri_mismatch",
];
const OTHER_ERROR: &str = "oauth_provider_error";

/// How long everything after the spent state may take. Then the browser is
/// sent on with an error, before the request's own deadline would leave it
/// with nowhere to go.
const FINISH_LIMIT: Duration = Duration::from_millis(5400);

/// `GET` and `POST /callback/{provider}`, and `GET /error`
pub struct OAuthCallbackEndpoint<S, P, K> {
    /// Settings and cookies.
    pub core: Core,
    /// Checks the state cookie, signs the session cookie.
    pub secrets: SecretCache,
    /// Seals the provider's tokens.
    pub encryption: K,
    /// States, accounts, users and sessions.
    pub store: S,
    /// OAuth providers.
    pub providers: P,
}

impl<S, P, K> Endpoint for OAuthCallbackEndpoint<S, P, K>
where
    S: FindOAuthState
        + ConsumeOAuthState
        + OAuthStore
        + FindUser
        + FindTrustedDevice
        + FindSession
        + LinkAccount
        + Send
        + 'static,
    P: OAuthProviders + Send + 'static,
    K: EncryptionKeys + Send + 'static,
{
    async fn handle(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        match request.info.route {
            Route::ErrorPage => Ok(error_page::page(request.query.first("error").unwrap_or_default())),
            Route::OAuthCallbackForm => self.pass_on_form(request),
            _ => self.callback(request, audit).await,
        }
    }
}

/// A callback's parameters.
struct Callback<'a> {
    state: Option<&'a str>,
    code: Option<&'a str>,
    error: Option<&'a str>,
    issuer: Option<&'a str>,
}

impl<S, P, K> OAuthCallbackEndpoint<S, P, K>
where
    S: FindOAuthState + ConsumeOAuthState + OAuthStore + FindUser + FindTrustedDevice + FindSession + LinkAccount,
    P: OAuthProviders,
    K: EncryptionKeys,
{
    async fn callback(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let callback = parse(request)?;
        audit.event("oauth.failed");
        let Some(state) = callback.state else {
            return self.fail(audit, None, "state_not_found");
        };
        let Some(token) = VerificationToken::parse(Purpose::OAuthState, state) else {
            return self.fail(audit, None, "state_mismatch");
        };
        let (keys, is_own) = self.is_own_state(request, state).await?;
        if !is_own {
            // Another browser's state stays good for that browser.
            let row = self.store.oauth_state(&token.hash()).await?;
            let row = row.filter(|row| SystemClock.now() < row.expires_at);
            return self.fail(audit, row.as_ref(), "state_mismatch");
        }
        // Read before the state is spent, so that it is still good if this fails.
        let encryption = self.encryption.encryption_keys().await?;
        let attempt = alphanumeric(&OsRandom, 22);
        let Some(row) = self.store.consume_oauth_state(&token.hash(), &attempt).await? else {
            return self.fail(audit, None, "state_mismatch");
        };
        let finish = self.finish(request, audit, (&keys, &encryption), &token, &row, &callback);
        let mut reply = match tokio::time::timeout(FINISH_LIMIT, finish).await {
            Ok(reply) => reply?,
            Err(_) => self.fail(audit, Some(&row), "temporarily_unavailable")?,
        };
        reply.set_cookie(&self.core.cookies.clear_state())?;
        Ok(reply)
    }

    /// Whether the state is the one that this very browser was given.
    async fn is_own_state(&self, request: &AuthRequest, state: &str) -> Result<(Arc<Keyring>, bool), ApiError> {
        let keys = cookie_keys(&self.core, &self.secrets, request).await?;
        let is_own = self.core.cookies.state(&request.headers, &keys) == Presented::Signed(state.to_owned());
        Ok((keys, is_own))
    }

    /// From here on the state is spent: every outcome is a redirect.
    async fn finish(
        &self,
        request: &AuthRequest,
        audit: &mut Audit,
        (keys, encryption): (&Keyring, &Keyring),
        token: &VerificationToken,
        row: &OAuthState,
        callback: &Callback<'_>,
    ) -> Result<Reply, ApiError> {
        let provider = request.parameter.as_deref().unwrap_or_default();
        if SystemClock.now() >= row.expires_at || provider != row.provider {
            return self.fail(audit, Some(row), "state_mismatch");
        }
        if let Some(error) = callback.error {
            let error = PROVIDER_ERRORS.into_iter().find(|known| *known == error).unwrap_or(OTHER_ERROR);
            return self.fail(audit, Some(row), error);
        }
        let Some(code) = callback.code else {
            return self.fail(audit, Some(row), "no_code");
        };
        let Some(secret) = keys.version(&row.secret_version) else {
            return self.fail(audit, Some(row), "state_mismatch");
        };
        let (pkce_verifier, nonce) = derive_companions(secret, token);
        let exchange =
            CodeExchange { code: code.to_owned(), pkce_verifier, nonce, issuer: callback.issuer.map(str::to_owned) };
        let ProviderSignIn { identity, tokens } = match self.providers.exchange(provider, exchange).await {
            Ok(signed_in) => signed_in,
            Err(error) => {
                audit.reason(error.to_string());
                return self.fail(audit, Some(row), exchange_failure(&error));
            }
        };
        let tokens = TokensToSeal { tokens: &tokens, keys: encryption };
        match &row.link {
            Some(session) => self.link(audit, row, session, &identity, tokens).await,
            None => self.sign_in(request, audit, keys, row, (&identity, tokens)).await,
        }
    }

    async fn sign_in(
        &self,
        request: &AuthRequest,
        audit: &mut Audit,
        keys: &Keyring,
        row: &OAuthState,
        (identity, tokens): (&ProviderIdentity, TokensToSeal<'_>),
    ) -> Result<Reply, ApiError> {
        let factor = FirstFactor {
            method: SignInMethod::Provider(&identity.provider),
            remember: true,
            client: client(request),
            device: self.core.cookies.trusted_device(&request.headers, keys),
        };
        let signed_in = match finish_oauth(&self.core.context(), &self.store, identity, Some(tokens), factor).await {
            Ok(signed_in) => signed_in,
            Err(failure) => {
                audit.reason(failure.to_string());
                return self.fail(audit, Some(row), sign_in_failure(&failure));
            }
        };
        let event = match (&signed_in.admission, signed_in.is_new) {
            (Admission::Challenge(_), _) => "oauth.challenged",
            (_, true) => "oauth.signed_up",
            (_, false) => "oauth.signed_in",
        };
        audit.event(event).user(&signed_in.user_id);
        let target = row.new_user_callback_url.as_ref().filter(|_| signed_in.is_new).unwrap_or(&row.callback_url);
        self.core.redirect_admitted(request, keys, &signed_in.admission, true, target)
    }

    async fn link(
        &self,
        audit: &mut Audit,
        row: &OAuthState,
        session: &SessionHandle,
        identity: &ProviderIdentity,
        tokens: TokensToSeal<'_>,
    ) -> Result<Reply, ApiError> {
        audit.event("account.link_failed").user(&session.user_id);
        match link_account(&self.core.context(), &self.store, session, identity, Some(tokens)).await {
            Ok(_) => {
                audit.event("account.linked");
                Reply::redirect(&row.callback_url)
            }
            Err(failure) => {
                audit.reason(failure.to_string());
                self.fail(audit, Some(row), link_failure(&failure))
            }
        }
    }

    /// Sends the browser to where the application wants errors, or to our page.
    fn fail(&self, audit: &mut Audit, row: Option<&OAuthState>, error: &'static str) -> Result<Reply, ApiError> {
        audit.detail(error);
        let page = self.core.config.url("/error");
        let target = row.and_then(|row| row.error_callback_url.as_deref()).unwrap_or(&page);
        Reply::redirect(&append_parameters(target, &[("error", error)]))
    }

    /// A form post comes from the provider's site and brings no `Lax` cookie:
    /// the browser is sent on by GET, which does.
    fn pass_on_form(&self, request: &AuthRequest) -> Result<Reply, ApiError> {
        parse(request)?;
        let mut fields = Fields::of_optional_body(request.body.as_ref());
        let mut parameters = Vec::new();
        for name in PARAMETERS {
            let in_form = fields.optional_string(name);
            if let Some(value) = request.query.first(name).or(in_form) {
                parameters.push((name, value));
            }
        }
        fields.finish()?;
        if parameters.iter().map(|(_, value)| value.len()).sum::<usize>() > MAX_FORM_LENGTH {
            return Err(ErrorCode::PAYLOAD_TOO_LARGE.into());
        }
        let provider = encode(request.parameter.as_deref().unwrap_or_default());
        Reply::redirect(&append_parameters(&self.core.config.url(&format!("/callback/{provider}")), &parameters))
    }
}

fn parse(request: &AuthRequest) -> Result<Callback<'_>, ApiError> {
    let mut fields = Fields::of_query(&request.query);
    let mut values = PARAMETERS.map(|name| (name, fields.optional_string(name)));
    fields.finish()?;
    let mut take = |wanted| {
        values
            .iter_mut()
            .find(|(name, _)| *name == wanted)
            .and_then(|(_, value)| value.take())
            .filter(|v| !v.is_empty())
    };
    Ok(Callback { state: take("state"), code: take("code"), error: take("error"), issuer: take("iss") })
}

fn exchange_failure(error: &OAuthError) -> &'static str {
    match error {
        OAuthError::UnknownProvider => "oauth_provider_not_found",
        OAuthError::Unavailable(_) => "temporarily_unavailable",
        OAuthError::IssuerMismatch => "issuer_mismatch",
        OAuthError::InvalidCode(_) | OAuthError::RefreshFailed(_) => "invalid_code",
        OAuthError::InvalidIdentity(_) | OAuthError::IdTokenNotSupported => "unable_to_get_user_info",
    }
}

fn sign_in_failure(failure: &CallbackFailure) -> &'static str {
    match failure {
        CallbackFailure::EmailNotFound => "email_not_found",
        CallbackFailure::AccountNotLinked => "account_not_linked",
        CallbackFailure::Refused => "sign_in_refused",
        CallbackFailure::Store(_) => "temporarily_unavailable",
    }
}

fn link_failure(failure: &LinkFailure) -> &'static str {
    match failure {
        LinkFailure::NotSignedIn | LinkFailure::NoEmail | LinkFailure::Unverified | LinkFailure::TooMany => {
            "unable_to_link_account"
        }
        LinkFailure::DifferentEmail => "email_does_not_match",
        LinkFailure::Taken => "account_already_linked_to_different_user",
        LinkFailure::Store(_) => "temporarily_unavailable",
    }
}
