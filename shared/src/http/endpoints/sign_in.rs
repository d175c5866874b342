use serde::Serialize;

use super::{Core, client, locked, views::UserView};
use crate::{
    adapters::SecretCache,
    domain::{Email, Password},
    flows::{Client, SignInError, sign_in},
    http::{ApiError, Audit, AuthRequest, Endpoint, ErrorCode, Reply, body::Fields, csrf, routes::Route},
    ports::{
        CreateSession, FindCredential, FindUser, HashPassword, LimitAttempts, OAuthProviders, StoreOAuthState,
        UpgradePasswordHash,
    },
};

/// `POST /sign-in/email` and `POST /sign-in/social`
pub struct SignInEndpoint<S, H, P> {
    /// Settings and cookies.
    pub core: Core,
    /// Signs cookie and access token.
    pub secrets: SecretCache,
    /// Compares the password.
    pub hasher: H,
    /// Users, sessions and OAuth states.
    pub store: S,
    /// OAuth providers.
    pub providers: P,
}

#[derive(Serialize)]
struct SignedIn<'a> {
    redirect: bool,
    token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    user: UserView<'a>,
}

impl<S, H, P> Endpoint for SignInEndpoint<S, H, P>
where
    S: FindCredential
        + FindUser
        + CreateSession
        + UpgradePasswordHash
        + LimitAttempts
        + StoreOAuthState
        + Send
        + 'static,
    H: HashPassword + Send + 'static,
    P: OAuthProviders + Send + 'static,
{
    async fn handle(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        match request.info.route {
            Route::SignInSocial => self.start_social(request, audit).await,
            _ => self.sign_in_email(request, audit).await,
        }
    }
}

impl<S, H, P> SignInEndpoint<S, H, P>
where
    S: FindCredential + FindUser + CreateSession + UpgradePasswordHash + LimitAttempts,
    H: HashPassword,
{
    async fn sign_in_email(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let mut fields = Fields::of_body(request.body.as_ref());
        let email = fields.string("email");
        let password = fields.string("password");
        let callback_url = fields.optional_string("callbackURL");
        let remember = fields.optional_bool("rememberMe").unwrap_or(true);
        fields.finish()?;
        csrf::check_login(request, &self.core.config.trusted_origins)?;
        let email = Email::parse(email).map_err(|_| ErrorCode::INVALID_EMAIL)?;
        let password = Password::candidate(password)?;

        audit.event("sign_in.failed").email(&email);
        let keys = self.secrets.keys().await.map_err(ApiError::unavailable)?;
        let known_device = self.core.cookies.known_device(&request.headers, &keys, &email);
        let client = Client { known_device: known_device.clone(), ..client(request) };
        let (user, session) =
            sign_in(&self.core.context(), &self.hasher, &self.store, &email, password, remember, client)
                .await
                .map_err(|error| match error {
                    SignInError::Invalid => ErrorCode::INVALID_EMAIL_OR_PASSWORD.into(),
                    SignInError::Locked(until) => locked(until),
                    SignInError::Hash(error) => error.into(),
                    SignInError::Store(error) => ApiError::from(error),
                })?;
        audit.event("sign_in.succeeded").user(&user.id);

        let token = self.core.access_token(&keys, &user, &session.session, None)?;
        let target = callback_url.filter(|url| !url.is_empty());
        let body =
            SignedIn { redirect: target.is_some(), token: &token, url: callback_url, user: UserView::from(&user) };
        let mut reply = Reply::json(&body)?;
        if let Some(target) = target {
            reply.location(target)?;
        }
        self.core.give_session(&mut reply, request, &keys, &session.token, remember)?;
        self.core.remember_device(&mut reply, &keys, known_device, &email)?;
        Ok(reply)
    }
}
