use serde::Serialize;

use super::{Core, client, views::UserView};
use crate::{
    adapters::SecretCache,
    domain::{InvalidPassword, MAX_IMAGE_LENGTH, MAX_NAME_LENGTH, Password},
    flows::{SignUp, SignUpError, sign_up},
    http::{ApiError, Audit, AuthRequest, Endpoint, ErrorCode, Reply, body::Fields, csrf},
    ports::{HashPassword, RegisterUser},
};

/// `POST /sign-up/email`
pub struct SignUpEndpoint<S, H> {
    /// Settings and cookies.
    pub core: Core,
    /// Signs cookie and access token.
    pub secrets: SecretCache,
    /// Hashes the password.
    pub hasher: H,
    /// Creates the user.
    pub store: S,
}

#[derive(Serialize)]
struct SignedUp<'a> {
    token: &'a str,
    user: UserView<'a>,
}

impl<S, H> Endpoint for SignUpEndpoint<S, H>
where
    S: RegisterUser + Send + 'static,
    H: HashPassword + Send + 'static,
{
    async fn handle(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let config = &self.core.config;
        let sign_up_request = parse(request, || csrf::check_login(request, &config.trusted_origins))?;
        audit.event("sign_up.failed").email(&sign_up_request.email);
        config.passwords.check(&sign_up_request.password, &sign_up_request.email)?;
        // Without a secret nothing can be signed: better to find out before
        // there is a user who has to be told.
        let keys = self.secrets.keys().await.map_err(ApiError::unavailable)?;
        let remember = sign_up_request.remember;
        let (user, session) = sign_up(&self.core.context(), &self.hasher, &self.store, sign_up_request).await.map_err(
            |error| match error {
                SignUpError::EmailTaken => ErrorCode::USER_ALREADY_EXISTS.into(),
                SignUpError::Refused => ErrorCode::SIGN_IN_REFUSED.into(),
                SignUpError::Hash(error) => error.into(),
                SignUpError::Store(error) => ApiError::from(error),
            },
        )?;
        audit.event("sign_up.succeeded").user(&user.id);
        let token = self.core.access_token(&keys, &user, &session.session, None)?;
        let mut reply = Reply::json(&SignedUp { token: &token, user: UserView::from(&user) })?;
        self.core.give_session(&mut reply, request, &keys, &session.token, remember)?;
        Ok(reply)
    }
}

fn parse(request: &AuthRequest, check_login: impl FnOnce() -> Result<(), ApiError>) -> Result<SignUp, ApiError> {
    let mut fields = Fields::of_open_body(request.body.as_ref());
    let name = fields.string("name");
    fields.at_most("name", name, MAX_NAME_LENGTH);
    fields.single_line("name", name);
    let email = fields.email("email");
    let password = fields.non_empty_string("password");
    let image = fields.optional_string("image");
    fields.at_most("image", image.unwrap_or_default(), MAX_IMAGE_LENGTH);
    fields.single_line("image", image.unwrap_or_default());
    fields.optional_string("callbackURL");
    let remember = fields.optional_bool("rememberMe").unwrap_or(true);
    fields.finish()?;
    check_login()?;
    Ok(SignUp {
        name: name.to_owned(),
        // Without an issue there is an address.
        email: email.ok_or(ErrorCode::INVALID_EMAIL)?,
        password: Password::new(password)?,
        image: image.map(str::to_owned),
        remember,
        client: client(request),
    })
}

impl From<InvalidPassword> for ApiError {
    fn from(error: InvalidPassword) -> Self {
        match error {
            InvalidPassword::TooShort => ErrorCode::PASSWORD_TOO_SHORT.into(),
            InvalidPassword::TooLong => ErrorCode::PASSWORD_TOO_LONG.into(),
            InvalidPassword::TooCommon => ErrorCode::PASSWORD_COMPROMISED.into(),
        }
    }
}
