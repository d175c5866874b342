use serde::Serialize;

use super::{Core, client, credentials::cookie_keys, locked, views::UserView};
use crate::{
    adapters::SecretCache,
    domain::{Email, Password},
    flows::{Admission, Client, FirstFactor, SignInError, sign_in},
    hooks::SignInMethod,
    http::{ApiError, Audit, AuthRequest, Endpoint, ErrorCode, Reply, body::Fields, csrf, routes::Route},
    ports::{
        FindCredential, FindTrustedDevice, FindUser, HashPassword, LimitAttempts, OAuthProviders, OAuthStore,
        SpendIdToken, StoreAdmission, StoreOAuthState, UpgradePasswordHash, VerifyIdToken,
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
    /// Users, accounts, sessions, OAuth states and spent id tokens.
    pub store: S,
    /// OAuth providers.
    pub providers: P,
}

#[derive(Serialize)]
pub(super) struct SignedIn<'a> {
    pub(super) redirect: bool,
    pub(super) token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<&'a str>,
    pub(super) user: UserView<'a>,
}

impl<S, H, P> Endpoint for SignInEndpoint<S, H, P>
where
    S: FindCredential
        + FindUser
        + FindTrustedDevice
        + StoreAdmission
        + UpgradePasswordHash
        + LimitAttempts
        + StoreOAuthState
        + SpendIdToken
        + OAuthStore
        + Send
        + 'static,
    H: HashPassword + Send + 'static,
    P: OAuthProviders + VerifyIdToken + Send + 'static,
{
    async fn handle(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        match request.info.route {
            Route::SignInSocial => self.sign_in_social(request, audit).await,
            _ => self.sign_in_email(request, audit).await,
        }
    }
}

impl<S, H, P> SignInEndpoint<S, H, P>
where
    S: FindCredential + FindUser + FindTrustedDevice + StoreAdmission + UpgradePasswordHash + LimitAttempts,
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
        let keys = cookie_keys(&self.core, &self.secrets, request).await?;
        let known_device = self.core.cookies.known_device(&request.headers, &keys, &email);
        let factor = FirstFactor {
            method: SignInMethod::Password,
            remember,
            client: Client { known_device: known_device.clone(), ..client(request) },
            device: self.core.cookies.trusted_device(&request.headers, &keys),
        };
        let (user, admission) =
            sign_in(&self.core.context(), &self.hasher, &self.store, &email, password, factor).await?;
        audit.user(&user.id);
        let Admission::Session { session, .. } = &admission else {
            audit.event("sign_in.challenged");
            return self.core.answer_challenge(request, &keys, &admission);
        };
        audit.event("sign_in.succeeded");

        let token = self.core.access_token(&keys, &user, &session.session, None)?;
        let target = callback_url.filter(|url| !url.is_empty());
        let body =
            SignedIn { redirect: target.is_some(), token: &token, url: callback_url, user: UserView::from(&user) };
        let mut reply = Reply::json(&body)?;
        if let Some(target) = target {
            reply.location(target)?;
        }
        self.core.give_admission(&mut reply, request, &keys, &admission, remember)?;
        self.core.remember_device(&mut reply, &keys, known_device, &user)?;
        Ok(reply)
    }
}

impl From<SignInError> for ApiError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Invalid => ErrorCode::INVALID_EMAIL_OR_PASSWORD.into(),
            SignInError::NotVerified => ErrorCode::EMAIL_NOT_VERIFIED.into(),
            SignInError::Refused => ErrorCode::SIGN_IN_REFUSED.into(),
            SignInError::Locked(until) => locked(until),
            SignInError::Hash(error) => error.into(),
            SignInError::Store(error) => error.into(),
        }
    }
}
