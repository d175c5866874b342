use serde::Serialize;
use serde_json::Value;

use super::{Core, sign_in::SignInEndpoint};
use crate::{
    adapters::oauth::RESERVED_PARAMETERS,
    flows::{OAuthStart, OAuthStartError, start_oauth},
    http::{ApiError, Audit, AuthRequest, ErrorCode, Reply, body::Fields},
    ports::{OAuthError, OAuthProviders, StoreOAuthState},
};

#[derive(Serialize)]
struct Started<'a> {
    url: &'a str,
    redirect: bool,
}

impl<S: StoreOAuthState, H, P: OAuthProviders> SignInEndpoint<S, H, P> {
    pub(super) async fn start_social(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let (start, disable_redirect, has_id_token) = parse(&self.core, request)?;
        audit.event("oauth.start_failed");
        if has_id_token {
            let configured = self.providers.is_configured(&start.provider).await.map_err(ApiError::unavailable)?;
            let code = if configured { ErrorCode::ID_TOKEN_NOT_SUPPORTED } else { ErrorCode::PROVIDER_NOT_FOUND };
            return Err(code.into());
        }
        let keys = self.secrets.keys().await.map_err(ApiError::unavailable)?;
        let started =
            start_oauth(&self.core.context(), &keys, &self.providers, &self.store, start).await.map_err(|error| {
                match error {
                    OAuthStartError::Provider(OAuthError::UnknownProvider) => ErrorCode::PROVIDER_NOT_FOUND.into(),
                    OAuthStartError::Provider(error) => ApiError::unavailable(error),
                    OAuthStartError::Store(error) => ApiError::from(error),
                }
            })?;
        audit.event("oauth.started");
        let mut reply = Reply::json(&Started { url: &started.url, redirect: !disable_redirect })?;
        if !disable_redirect {
            reply.location(&started.url)?;
        }
        reply.set_cookie(&self.core.cookies.set_state(&keys, started.state.expose()))?;
        Ok(reply)
    }
}

/// The request, whether the client wants no redirect, and whether it brings an
/// id token of its own.
fn parse(core: &Core, request: &AuthRequest) -> Result<(OAuthStart, bool, bool), ApiError> {
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
    let has_id_token = fields.optional_object("idToken", check_id_token);
    let scopes = fields.optional_strings("scopes");
    fields.optional_bool("requestSignUp");
    let login_hint = fields.optional_string("loginHint").map(str::to_owned);
    let additional = fields.optional_record("additionalParams");
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
    Ok((start, disable_redirect, has_id_token))
}

fn check_id_token(id_token: &mut Fields<'_>) {
    id_token.string("token");
    for name in ["nonce", "accessToken", "refreshToken"] {
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
}
