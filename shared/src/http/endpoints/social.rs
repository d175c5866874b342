use serde::Serialize;
use serde_json::Value;

use super::{
    Core, client,
    credentials::cookie_keys,
    sign_in::{SignInEndpoint, SignedIn},
    views::UserView,
};
use crate::{
    adapters::oauth::RESERVED_PARAMETERS,
    crypto::Keyring,
    flows::{
        Admission, CallbackFailure, FirstFactor, IdTokenSignInError, OAuthStart, OAuthStartError, PresentedIdToken,
        sign_in_with_id_token, start_oauth,
    },
    hooks::SignInMethod,
    http::{ApiError, Audit, AuthRequest, ErrorCode, Reply, body::Fields, csrf},
    ports::{
        FindTrustedDevice, FindUser, OAuthError, OAuthProviders, OAuthStore, SpendIdToken, StoreOAuthState,
        VerifyIdToken,
    },
};

/// Longest hint of who is to sign in, in characters: an address has 254.
const MAX_HINT_LENGTH: usize = 320;

/// Longest scopes, and longest additional parameters, in bytes: thrice that, if
/// all of it has to be encoded, and the rest of the provider's URL still fit
/// into the headers of an answer.
const MAX_PARAMETERS_LENGTH: usize = 1024;

#[derive(Serialize)]
struct Started<'a> {
    url: &'a str,
    redirect: bool,
}

impl<S, H, P> SignInEndpoint<S, H, P>
where
    S: StoreOAuthState + SpendIdToken + OAuthStore + FindUser + FindTrustedDevice,
    P: OAuthProviders + VerifyIdToken,
{
    /// By redirect or, if the client has an id token, at once.
    pub(super) async fn sign_in_social(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let Asked { start, disable_redirect, id_token } = parse(&self.core, request)?;
        csrf::check_login(request, &self.core.config.trusted_origins)?;
        match id_token {
            Some(IdToken { token, nonce }) => {
                let presented = PresentedIdToken { provider: &start.provider, token, nonce };
                self.sign_in_at_once(request, audit, presented).await
            }
            None => self.start_social(audit, start, disable_redirect).await,
        }
    }

    async fn start_social(
        &self,
        audit: &mut Audit,
        start: OAuthStart,
        disable_redirect: bool,
    ) -> Result<Reply, ApiError> {
        audit.event("oauth.start_failed");
        let keys = self.secrets.keys().await.map_err(ApiError::unavailable)?;
        let reply = self.core.start_oauth(&keys, &self.providers, &self.store, start, disable_redirect).await?;
        audit.event("oauth.started");
        Ok(reply)
    }

    async fn sign_in_at_once(
        &self,
        request: &AuthRequest,
        audit: &mut Audit,
        presented: PresentedIdToken<'_>,
    ) -> Result<Reply, ApiError> {
        audit.event("oauth.failed");
        let keys = cookie_keys(&self.core, &self.secrets, request).await?;
        let context = self.core.context();
        let factor = FirstFactor {
            method: SignInMethod::Provider(presented.provider),
            remember: true,
            client: client(request),
            device: self.core.cookies.trusted_device(&request.headers, &keys),
        };
        let signed_in = sign_in_with_id_token(&context, &self.providers, &self.store, presented, factor).await;
        let (user, signed_in) = signed_in.map_err(id_token_failure)?;
        audit.user(&user.id);
        let Admission::Session { session, .. } = &signed_in.admission else {
            audit.event("oauth.challenged");
            return self.core.answer_challenge(request, &keys, &signed_in.admission);
        };
        audit.event(if signed_in.is_new { "oauth.signed_up" } else { "oauth.signed_in" });
        let token = self.core.access_token(&keys, &user, &session.session, None)?;
        let body = SignedIn { redirect: false, token: &token, url: None, user: UserView::from(&user) };
        let mut reply = Reply::json(&body)?;
        self.core.give_admission(&mut reply, request, &keys, &signed_in.admission, true)?;
        Ok(reply)
    }
}

impl Core {
    /// Starts a sign-in or a link and says where to send the browser.
    pub(super) async fn start_oauth(
        &self,
        keys: &Keyring,
        providers: &impl OAuthProviders,
        store: &impl StoreOAuthState,
        start: OAuthStart,
        disable_redirect: bool,
    ) -> Result<Reply, ApiError> {
        let started =
            start_oauth(&self.context(), keys, providers, store, start).await.map_err(|error| match error {
                OAuthStartError::Provider(OAuthError::UnknownProvider) => ErrorCode::PROVIDER_NOT_FOUND.into(),
                OAuthStartError::Provider(error) => ApiError::unavailable(error),
                OAuthStartError::Store(error) => ApiError::from(error),
            })?;
        let mut reply = Reply::json(&Started { url: &started.url, redirect: !disable_redirect })?;
        if !disable_redirect {
            reply.location(&started.url)?;
        }
        reply.set_cookie(&self.cookies.set_state(keys, started.state.expose()))?;
        Ok(reply)
    }
}

/// Better Auth's answer, and for the log the reason.
fn id_token_failure(error: IdTokenSignInError) -> ApiError {
    let reason = error.to_string();
    let code = match error {
        IdTokenSignInError::Provider(OAuthError::UnknownProvider) => ErrorCode::PROVIDER_NOT_FOUND,
        IdTokenSignInError::Provider(OAuthError::IdTokenNotSupported) => ErrorCode::ID_TOKEN_NOT_SUPPORTED,
        IdTokenSignInError::Provider(OAuthError::Unavailable(_)) => ErrorCode::UNAVAILABLE,
        IdTokenSignInError::Provider(_) | IdTokenSignInError::Spent => ErrorCode::INVALID_ID_TOKEN,
        IdTokenSignInError::Failure(CallbackFailure::EmailNotFound) => ErrorCode::USER_EMAIL_NOT_FOUND,
        IdTokenSignInError::Failure(CallbackFailure::AccountNotLinked) => ErrorCode::OAUTH_LINK_ERROR,
        IdTokenSignInError::Failure(CallbackFailure::Refused) => ErrorCode::SIGN_IN_REFUSED,
        IdTokenSignInError::Failure(CallbackFailure::Store(error)) | IdTokenSignInError::Store(error) => {
            return error.into();
        }
    };
    ApiError { reason: Some(reason), ..code.into() }
}

/// What a client asks for.
pub(super) struct Asked<'a> {
    pub(super) start: OAuthStart,
    pub(super) disable_redirect: bool,
    pub(super) id_token: Option<IdToken<'a>>,
}

/// An id token of the client's own.
pub(super) struct IdToken<'a> {
    pub(super) token: &'a str,
    pub(super) nonce: Option<&'a str>,
}

/// Reads what a sign-in or a link by a provider is asked with.
pub(super) fn parse<'a>(core: &Core, request: &'a AuthRequest) -> Result<Asked<'a>, ApiError> {
    let body = request.body.as_ref();
    let mut fields = Fields::of_body(body);
    let mut target = |name| fields.optional_string(name).filter(|url| !url.is_empty()).map(str::to_owned);
    let callback_url = target("callbackURL");
    let new_user_callback_url = target("newUserCallbackURL");
    let error_callback_url = target("errorCallbackURL");
    let provider = body.and_then(|body| body.get("provider")).and_then(Value::as_str);
    if provider.is_none() && body.is_some_and(Value::is_object) {
        fields.refuse("provider", "Invalid input");
    }
    let disable_redirect = fields.optional_bool("disableRedirect").unwrap_or(false);
    let id_token = fields.optional_object("idToken", read_id_token);
    let scopes = fields.optional_strings("scopes");
    fields.optional_bool("requestSignUp");
    let login_hint = fields.optional_string("loginHint").map(str::to_owned);
    fields.at_most("loginHint", login_hint.as_deref().unwrap_or_default(), MAX_HINT_LENGTH);
    let additional = fields.optional_record("additionalParams");
    let total = |texts: &mut dyn Iterator<Item = &String>| texts.map(|text| text.len() + 1).sum::<usize>();
    if total(&mut scopes.iter()) > MAX_PARAMETERS_LENGTH {
        fields.refuse("scopes", "Too big");
    }
    if total(&mut additional.iter().flat_map(|(name, value)| [name, value])) > MAX_PARAMETERS_LENGTH {
        fields.refuse("additionalParams", "Too big");
    }
    if additional.iter().any(|(name, _)| RESERVED_PARAMETERS.contains(&name.as_str())) {
        let reserved = RESERVED_PARAMETERS.join(", ");
        fields.refuse(
            "additionalParams",
            &format!("additionalParams cannot include reserved OAuth parameters: {reserved}"),
        );
    }
    fields.optional_open_record("additionalData");
    fields.finish()?;
    let start = OAuthStart {
        provider: provider.unwrap_or_default().to_owned(),
        callback_url: callback_url.unwrap_or_else(|| core.config.base_origin.clone()),
        error_callback_url,
        new_user_callback_url,
        scopes,
        login_hint,
        additional,
        link: None,
    };
    Ok(Asked { start, disable_redirect, id_token })
}

/// Tokens beside the id token are checked for their form and not used: nobody
/// vouches that they belong to it. An empty nonce is none, as in Better Auth.
fn read_id_token<'a>(id_token: &mut Fields<'a>) -> IdToken<'a> {
    let token = id_token.string("token");
    let nonce = id_token.optional_string("nonce").filter(|nonce| !nonce.is_empty());
    for name in ["accessToken", "refreshToken"] {
        id_token.optional_string(name);
    }
    id_token.optional_number("expiresAt");
    id_token.optional_object("user", |user| {
        user.optional_object("name", |name| {
            name.optional_string("firstName");
            name.optional_string("lastName");
        });
        user.optional_string("email");
    });
    IdToken { token, nonce }
}
