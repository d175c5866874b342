//! `POST /two-factor/…`

mod codes;
mod enrolment;
mod otpauth;

use serde::Serialize;

use super::{Core, Post, credentials::cookie_keys};
use crate::{
    adapters::{SecretCache, SystemClock},
    domain::{LOCK_SECONDS, VerificationToken},
    flows::TwoFactorError,
    http::{ApiError, Audit, AuthRequest, Endpoint, ErrorCode, Reply, error::seconds_until, routes::Route},
    ports::{
        Clock as _, CountAttempts, CountEvents, EncryptionKeys, Enrol, FindCredential, FindFactor, FindSession,
        FindUser, HashPassword, LimitAttempts, SendMail, SpendCode, StoreMailedCode,
    },
};

/// The second factor: enrolment, codes, and what they open.
pub struct TwoFactorEndpoint<S, H, K, M> {
    /// Settings and cookies.
    pub core: Core,
    /// Checks cookies, signs cookies and access tokens.
    pub secrets: SecretCache,
    /// Seals and hashes what rows hold of other secrets.
    pub encryption: K,
    /// Compares passwords.
    pub hasher: H,
    /// Users, sessions, factors and challenges.
    pub store: S,
    /// Mails codes, and tells users what happened to their account.
    pub post: Post<M>,
}

/// What the second factor needs of the stores.
pub trait TwoFactorStore:
    FindSession
    + FindUser
    + FindCredential
    + LimitAttempts
    + CountEvents
    + FindFactor
    + CountAttempts
    + SpendCode
    + Enrol
    + StoreMailedCode
    + Send
    + 'static
{
}

impl<S> TwoFactorStore for S where
    S: FindSession
        + FindUser
        + FindCredential
        + LimitAttempts
        + CountEvents
        + FindFactor
        + CountAttempts
        + SpendCode
        + Enrol
        + StoreMailedCode
        + Send
        + 'static
{
}

#[derive(Serialize)]
struct Status {
    status: bool,
}

impl<S, H, K, M> Endpoint for TwoFactorEndpoint<S, H, K, M>
where
    S: TwoFactorStore,
    H: HashPassword + Send + 'static,
    K: EncryptionKeys + Send + 'static,
    M: SendMail + Send + 'static,
{
    async fn handle(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        // Boxed: the types of nested futures would outgrow the compiler's limits.
        match request.info.route {
            Route::TwoFactorEnable => Box::pin(self.enable(request, audit)).await,
            Route::TwoFactorDisable => Box::pin(self.disable(request, audit)).await,
            Route::TwoFactorGenerateBackupCodes => Box::pin(self.generate_backup_codes(request, audit)).await,
            Route::TwoFactorGetTotpUri => Box::pin(self.totp_uri(request, audit)).await,
            Route::TwoFactorSendOtp => Box::pin(self.send_code(request, audit)).await,
            _ => Box::pin(self.verify(request, audit)).await,
        }
    }
}

impl<S, H, K, M> TwoFactorEndpoint<S, H, K, M> {
    /// The sign-in that this browser has pending.
    async fn challenge(&self, request: &AuthRequest) -> Result<VerificationToken, ApiError> {
        let keys = cookie_keys(&self.core, &self.secrets, request).await?;
        let token = self.core.cookies.challenge(&request.headers, &keys);
        token.ok_or_else(|| ErrorCode::INVALID_TWO_FACTOR_COOKIE.into())
    }
}

impl TwoFactorError {
    /// The error of the wire. What [`TwoFactorError::NotEnabled`] and
    /// [`TwoFactorError::WrongCode`] are called depends on what was asked for.
    fn on_wire(self, not_enabled: ErrorCode, wrong_code: ErrorCode) -> ApiError {
        match self {
            Self::WrongPassword => ErrorCode::INVALID_PASSWORD.into(),
            Self::NotEnabled => not_enabled.into(),
            Self::AlreadyEnabled => ErrorCode::TOTP_ALREADY_ENABLED.into(),
            Self::InvalidChallenge => ErrorCode::INVALID_TWO_FACTOR_COOKIE.into(),
            Self::SessionOver => ErrorCode::UNAUTHORIZED.into(),
            Self::NoMailedCode => ErrorCode::OTP_HAS_EXPIRED.into(),
            Self::WrongCode => wrong_code.into(),
            Self::TooManyAttempts => ErrorCode::TOO_MANY_ATTEMPTS.into(),
            Self::Locked(until) => {
                let now = SystemClock.now();
                let until = until.unwrap_or_else(|| now.plus_seconds(LOCK_SECONDS));
                ApiError {
                    retry_after: Some(seconds_until(until, now)),
                    ..ErrorCode::ACCOUNT_TEMPORARILY_LOCKED.into()
                }
            }
            Self::MailsUsedUp(until) => ApiError::too_many_requests("mail", until, SystemClock.now()),
            Self::Refused => ErrorCode::SIGN_IN_REFUSED.into(),
            // No code can be right any more. The log says why.
            Self::Sealed => ApiError { reason: Some(self.to_string()), ..wrong_code.into() },
            Self::Password(error) => error.into(),
            Self::Store(error) => error.into(),
        }
    }
}
