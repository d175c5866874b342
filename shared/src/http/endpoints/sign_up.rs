use serde::Serialize;
use tokio::time::Instant;

use super::{
    Core, client,
    post::{AnswerTime, Post},
    views::UserView,
};
use crate::{
    adapters::{OsRandom, SecretCache, SystemClock},
    config::{Config, VerificationConfig},
    domain::{Email, InvalidPassword, MAX_NAME_LENGTH, Password, alphanumeric, sign_up_notice_key},
    flows::{SignUp, SignUpError, SignUpVerification, SignedUp, may_mail, sign_up},
    http::{ApiError, Audit, AuthRequest, Endpoint, ErrorCode, Reply, body::Fields, csrf},
    mail::{Letter, Link},
    ports::{ClaimNotice, Clock as _, CountEvents, HashPassword, RegisterUser, SendMail, StoreResult},
};

/// How long the owner of an address is told of one attempt to sign up with it
/// alone, in seconds.
const NOTICE_SECONDS: i64 = 900;

/// `POST /sign-up/email`
pub struct SignUpEndpoint<S, H, M> {
    /// Settings and cookies.
    pub core: Core,
    /// Signs cookie and access token.
    pub secrets: SecretCache,
    /// Hashes the password.
    pub hasher: H,
    /// Creates the user.
    pub store: S,
    /// Sends the mail that verifies the address.
    pub post: Post<M>,
}

#[derive(Serialize)]
struct Body<'a> {
    token: Option<&'a str>,
    user: UserView<'a>,
}

impl<S, H, M> Endpoint for SignUpEndpoint<S, H, M>
where
    S: RegisterUser + ClaimNotice + CountEvents + Send + 'static,
    H: HashPassword + Send + 'static,
    M: SendMail + Send + 'static,
{
    /// Where addresses have to be verified, a taken address is answered like a
    /// free one, and after the same time.
    async fn handle(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let started = Instant::now();
        let config = &self.core.config;
        let (sign_up_request, callback_url) = parse(request, config)?;
        audit.event("sign_up.failed").email(&sign_up_request.email);
        config.passwords.check(&sign_up_request.password, &sign_up_request.email)?;
        // Without a secret nothing can be signed: better to find out before
        // there is a user who has to be told.
        let keys = self.secrets.keys().await.map_err(ApiError::unavailable)?;
        let remember = sign_up_request.remember;
        let signed_up = sign_up(&self.core.context(), &self.hasher, &self.store, sign_up_request).await?;
        if signed_up.taken {
            audit.event("sign_up.taken");
        } else {
            audit.event("sign_up.succeeded").user(&signed_up.user.id);
        }
        let answer_time = AnswerTime::of(&self.core, started);
        answer_time.send(audit, "sign_up.mail_failed", self.write_to(&signed_up, callback_url)).await;
        if config.verification.required {
            answer_time.wait().await;
        }

        let user = UserView::from(&signed_up.user);
        let Some(session) = &signed_up.session else {
            let mut reply = Reply::json(&Body { token: None, user })?;
            let seconds = config.verification.token_seconds;
            reply.set_cookie(&self.core.cookies.set_signed_up(
                &keys,
                &signed_up.user.id,
                seconds,
                SystemClock.now(),
            ))?;
            return Ok(reply);
        };
        let token = self.core.access_token(&keys, &signed_up.user, &session.session, None)?;
        let mut reply = Reply::json(&Body { token: Some(&token), user })?;
        self.core.give_session(&mut reply, request, &keys, &session.token, remember)?;
        self.core.remember_device(&mut reply, &keys, None, &signed_up.user)?;
        Ok(reply)
    }
}

impl<S: ClaimNotice + CountEvents, H, M: SendMail> SignUpEndpoint<S, H, M> {
    /// The link that verifies the address; or, to whoever has it already, that
    /// somebody tried to sign up with it, once in a while.
    async fn write_to(&self, signed_up: &SignedUp, callback_url: Option<&str>) -> Result<(), String> {
        let (mail, email) = (&self.core.config.mail, &signed_up.user.email);
        let mails = signed_up.verification.is_some() || signed_up.taken;
        if mails && !may_mail(&self.core.context(), &self.store, email).await.map_err(|error| error.to_string())? {
            return Ok(());
        }
        if let Some(token) = &signed_up.verification {
            let url = self.core.verification_url(token, callback_url);
            let letter = Letter::VerifyEmail(Link { url: &url, minutes: self.core.verification_minutes() });
            return self.post.send(mail, email, &letter).await;
        }
        if signed_up.taken && self.claim_notice(email).await.map_err(|error| error.to_string())? {
            return self.post.send(mail, email, &Letter::SignUpAttempt).await;
        }
        Ok(())
    }

    async fn claim_notice(&self, email: &Email) -> StoreResult<bool> {
        let now = SystemClock.now();
        let attempt = alphanumeric(&OsRandom, 22);
        self.store.claim_notice(&sign_up_notice_key(email), &attempt, now.plus_seconds(NOTICE_SECONDS), now).await
    }
}

/// The request, and the page that the link in the mail leads to.
fn parse<'a>(request: &'a AuthRequest, config: &Config) -> Result<(SignUp, Option<&'a str>), ApiError> {
    let mut fields = Fields::of_open_body(request.body.as_ref());
    let name = fields.string("name");
    fields.at_most("name", name, MAX_NAME_LENGTH);
    fields.single_line("name", name);
    let email = fields.email("email");
    let password = fields.non_empty_string("password");
    let image = fields.optional_string("image");
    fields.picture("image", image.unwrap_or_default());
    let callback_url = fields.optional_string("callbackURL");
    let remember = fields.optional_bool("rememberMe").unwrap_or(true);
    fields.finish()?;
    csrf::check_login(request, &config.trusted_origins)?;
    let VerificationConfig { required, on_sign_up, token_seconds, .. } = config.verification;
    let sign_up = SignUp {
        name: name.to_owned(),
        // Without an issue there is an address.
        email: email.ok_or(ErrorCode::INVALID_EMAIL)?,
        password: Password::new(password)?,
        image: image.map(str::to_owned),
        remember,
        client: client(request),
        verification: SignUpVerification { required, token_seconds: on_sign_up.then_some(token_seconds) },
    };
    Ok((sign_up, callback_url))
}

impl From<SignUpError> for ApiError {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::EmailTaken => ErrorCode::USER_ALREADY_EXISTS.into(),
            SignUpError::Refused => ErrorCode::SIGN_IN_REFUSED.into(),
            SignUpError::Hash(error) => error.into(),
            SignUpError::Store(error) => error.into(),
        }
    }
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
