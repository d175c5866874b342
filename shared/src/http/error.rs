use http::StatusCode;

use crate::domain::Timestamp;

/// A machine-readable error of the wire: status, `code` and `message`. There is
/// none but those listed below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode {
    status: StatusCode,
    code: Option<&'static str>,
    message: &'static str,
}

impl ErrorCode {
    /// HTTP status.
    pub const fn status(self) -> StatusCode {
        self.status
    }

    /// Stable identifier; none where Better Auth sends none.
    pub const fn code(self) -> Option<&'static str> {
        self.code
    }
}

/// Declares the errors, and with them the list of all.
macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident = $status:ident, $code:expr, $message:literal;)*) => {
        /// Every error of the API, in the order of their statuses.
        impl ErrorCode {
            $($(#[$doc])* pub const $name: Self =
                Self { status: StatusCode::$status, code: $code, message: $message };)*

            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

errors! {
    /// The body is not JSON, or the event is not a request at all.
    INVALID_JSON = BAD_REQUEST, Some("BAD_REQUEST"), "Invalid JSON in request body";
    /// The gateway's event cannot be a request of HTTP.
    MALFORMED_REQUEST = BAD_REQUEST, Some("BAD_REQUEST"), "Malformed request";
    /// Fields are missing or wrong; the message names each ([`ApiError::validation`]).
    VALIDATION = BAD_REQUEST, Some("VALIDATION_ERROR"), "Validation Error";
    /// What Better Auth has no code for; the message says it ([`ApiError::bad_request`]).
    BAD_REQUEST = BAD_REQUEST, None, "Bad Request";
    /// Not an address.
    INVALID_EMAIL = BAD_REQUEST, Some("INVALID_EMAIL"), "Invalid email";
    /// Fewer than 8 characters.
    PASSWORD_TOO_SHORT = BAD_REQUEST, Some("PASSWORD_TOO_SHORT"), "Password too short";
    /// More than 128 characters.
    PASSWORD_TOO_LONG = BAD_REQUEST, Some("PASSWORD_TOO_LONG"), "Password too long";
    /// A common password, or the user's own address: the code of Better Auth's
    /// check against known leaks.
    PASSWORD_COMPROMISED = BAD_REQUEST, Some("PASSWORD_COMPROMISED"),
        "The password you entered is too easy to guess. Please choose a different password.";
    /// The address is not that of the session.
    EMAIL_MISMATCH = BAD_REQUEST, Some("EMAIL_MISMATCH"), "Email mismatch";
    /// There is nothing to verify.
    EMAIL_ALREADY_VERIFIED = BAD_REQUEST, Some("EMAIL_ALREADY_VERIFIED"), "Email is already verified";
    /// The new address is the old one.
    EMAIL_IS_THE_SAME = BAD_REQUEST, None, "Email is the same";
    /// Unknown, used or expired token.
    INVALID_TOKEN = BAD_REQUEST, Some("INVALID_TOKEN"), "Invalid token";
    /// A provider's id token that is invalid or was presented before.
    INVALID_ID_TOKEN = UNAUTHORIZED, Some("INVALID_TOKEN"), "Invalid token";
    /// A provider's id token without an address that can be used.
    USER_EMAIL_NOT_FOUND = UNAUTHORIZED, Some("USER_EMAIL_NOT_FOUND"), "User email not found";
    /// The address of an id token belongs to a user whom its owner may not be
    /// joined with.
    OAUTH_LINK_ERROR = UNAUTHORIZED, Some("OAUTH_LINK_ERROR"), "account not linked";
    /// Not the password of the user who is signed in, or there is none.
    INVALID_PASSWORD = BAD_REQUEST, Some("INVALID_PASSWORD"), "Invalid password";
    /// The user who is signed in has no password.
    CREDENTIAL_ACCOUNT_NOT_FOUND = BAD_REQUEST, Some("CREDENTIAL_ACCOUNT_NOT_FOUND"), "Credential account not found";
    /// The address changes by other means than the profile does.
    EMAIL_CAN_NOT_BE_UPDATED = BAD_REQUEST, Some("EMAIL_CAN_NOT_BE_UPDATED"), "Email can not be updated";
    /// The second factor is not part of the profile.
    FIELD_NOT_ALLOWED = BAD_REQUEST, Some("FIELD_NOT_ALLOWED"), "twoFactorEnabled is not allowed to be set";
    /// Nothing that could be changed was named.
    NO_FIELDS_TO_UPDATE = BAD_REQUEST, None, "No fields to update";
    /// The session is too old to delete the user without the password.
    SESSION_EXPIRED = BAD_REQUEST, Some("SESSION_EXPIRED"), "Session expired. Re-authenticate to perform this action.";
    /// The user has no authenticator.
    TOTP_NOT_ENABLED = BAD_REQUEST, Some("TOTP_NOT_ENABLED"), "TOTP not enabled";
    /// The user has an authenticator already.
    TOTP_ALREADY_ENABLED = BAD_REQUEST, Some("TOTP_ALREADY_ENABLED"), "TOTP is already enabled";
    /// The user has no second factor.
    TWO_FACTOR_NOT_ENABLED = BAD_REQUEST, Some("TWO_FACTOR_NOT_ENABLED"), "Two factor isn't enabled";
    /// The user has no backup codes.
    BACKUP_CODES_NOT_ENABLED = BAD_REQUEST, Some("BACKUP_CODES_NOT_ENABLED"), "Backup codes aren't enabled";
    /// The user has no second factor that a mailed code could stand in for.
    OTP_NOT_ENABLED = BAD_REQUEST, Some("OTP_NOT_ENABLED"), "OTP not enabled";
    /// Mailed codes are no second factor of their own.
    OTP_NOT_CONFIGURED = BAD_REQUEST, Some("OTP_NOT_CONFIGURED"), "OTP is not available";
    /// No code was mailed, or it has expired.
    OTP_HAS_EXPIRED = BAD_REQUEST, Some("OTP_HAS_EXPIRED"), "OTP has expired";
    /// Too many codes were tried on one sign-in.
    TOO_MANY_ATTEMPTS = BAD_REQUEST, Some("TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE"),
        "Too many attempts. Please request a new code.";
    /// A wrong code, or one that was used before.
    INVALID_CODE = UNAUTHORIZED, Some("INVALID_CODE"), "Invalid code";
    /// A wrong backup code, or one that was used before.
    INVALID_BACKUP_CODE = UNAUTHORIZED, Some("INVALID_BACKUP_CODE"), "Invalid backup code";
    /// No sign-in waits for its second factor here.
    INVALID_TWO_FACTOR_COOKIE = UNAUTHORIZED, Some("INVALID_TWO_FACTOR_COOKIE"), "Invalid two factor cookie";
    /// It is the only way in.
    FAILED_TO_UNLINK_LAST_ACCOUNT = BAD_REQUEST, Some("FAILED_TO_UNLINK_LAST_ACCOUNT"), "You can't unlink your last account";
    /// The user has no such account.
    ACCOUNT_NOT_FOUND = BAD_REQUEST, Some("ACCOUNT_NOT_FOUND"), "Account not found";
    /// The account is none of a provider's, or the provider is not set up.
    PROVIDER_NOT_SUPPORTED = BAD_REQUEST, Some("PROVIDER_NOT_SUPPORTED"), "Provider is not supported.";
    /// The same, where its profile was asked for.
    PROVIDER_NOT_CONFIGURED = BAD_REQUEST, Some("PROVIDER_NOT_CONFIGURED"),
        "Account is not associated with a configured social provider.";
    /// The provider gave no token that is good.
    FAILED_TO_GET_ACCESS_TOKEN = BAD_REQUEST, Some("FAILED_TO_GET_ACCESS_TOKEN"), "Failed to get a valid access token";
    /// The account has no access token.
    ACCESS_TOKEN_NOT_FOUND = BAD_REQUEST, Some("ACCESS_TOKEN_NOT_FOUND"), "Access token not found";
    /// The account has no refresh token.
    REFRESH_TOKEN_NOT_FOUND = BAD_REQUEST, Some("REFRESH_TOKEN_NOT_FOUND"), "Refresh token not found";
    /// The provider refused to refresh.
    FAILED_TO_REFRESH_ACCESS_TOKEN = BAD_REQUEST, Some("FAILED_TO_REFRESH_ACCESS_TOKEN"),
        "Failed to refresh access token";
    /// No session where one is needed, said without a body.
    SIGNED_OUT = UNAUTHORIZED, None, "";
    /// The provider does not tell who the owner of the account is.
    FAILED_TO_GET_PROFILE = UNAUTHORIZED, Some("FAILED_TO_GET_USER_INFO"), "Failed to get user info";
    /// The provider has not verified the address.
    LINKING_NOT_ALLOWED = UNAUTHORIZED, Some("LINKING_NOT_ALLOWED"), "Account not linked - linking not allowed";
    /// The provider's address is not the user's.
    LINKING_DIFFERENT_EMAILS_NOT_ALLOWED = UNAUTHORIZED, Some("LINKING_DIFFERENT_EMAILS_NOT_ALLOWED"),
        "Account not linked - different emails not allowed";
    /// No session where one is needed.
    UNAUTHORIZED = UNAUTHORIZED, Some("UNAUTHORIZED"), "Unauthorized";
    /// A link's token is unknown, spent or overtaken.
    INVALID_LINK = UNAUTHORIZED, Some("INVALID_TOKEN"), "Invalid token";
    /// A link's token is too old.
    TOKEN_EXPIRED = UNAUTHORIZED, Some("TOKEN_EXPIRED"), "Token expired";
    /// A link's user, or their address, is gone.
    USER_NOT_FOUND = UNAUTHORIZED, Some("USER_NOT_FOUND"), "User not found";
    /// A link was followed by somebody else.
    INVALID_USER = UNAUTHORIZED, Some("INVALID_USER"), "Invalid user";
    /// Wrong password, unknown user, or a user without a password.
    INVALID_EMAIL_OR_PASSWORD = UNAUTHORIZED, Some("INVALID_EMAIL_OR_PASSWORD"), "Invalid email or password";
    /// `Origin` names a stranger.
    INVALID_ORIGIN = FORBIDDEN, Some("INVALID_ORIGIN"), "Invalid origin";
    /// Cookies came without a usable `Origin`.
    MISSING_OR_NULL_ORIGIN = FORBIDDEN, Some("MISSING_OR_NULL_ORIGIN"), "Missing or null Origin";
    /// A form on another site navigates to a sign-in.
    CROSS_SITE_NAVIGATION = FORBIDDEN, Some("CROSS_SITE_NAVIGATION_LOGIN_BLOCKED"),
        "Cross-site navigation login blocked. This request appears to be a CSRF attack.";
    /// The password is right, but the address has to be verified first.
    EMAIL_NOT_VERIFIED = FORBIDDEN, Some("EMAIL_NOT_VERIFIED"), "Email not verified";
    /// A hook of the deployment lets the user not in.
    SIGN_IN_REFUSED = FORBIDDEN, Some("SIGN_IN_REFUSED"), "This account may not sign in here";
    /// The session is older than a day, and what was asked for needs a fresh one.
    SESSION_NOT_FRESH = FORBIDDEN, Some("SESSION_NOT_FRESH"), "Session is not fresh";
    /// `callbackURL` leads elsewhere.
    INVALID_CALLBACK_URL = FORBIDDEN, Some("INVALID_CALLBACK_URL"), "Invalid callbackURL";
    /// `redirectTo` leads elsewhere.
    INVALID_REDIRECT_URL = FORBIDDEN, Some("INVALID_REDIRECT_URL"), "Invalid redirectURL";
    /// `errorCallbackURL` leads elsewhere.
    INVALID_ERROR_CALLBACK_URL = FORBIDDEN, Some("INVALID_ERROR_CALLBACK_URL"), "Invalid errorCallbackURL";
    /// `newUserCallbackURL` leads elsewhere.
    INVALID_NEW_USER_CALLBACK_URL = FORBIDDEN, Some("INVALID_NEW_USER_CALLBACK_URL"), "Invalid newUserCallbackURL";
    /// Unknown, used or expired deletion token, or somebody else's.
    INVALID_DELETION_TOKEN = NOT_FOUND, Some("INVALID_TOKEN"), "Invalid token";
    /// A deletion link was followed by nobody who is signed in.
    FAILED_TO_GET_USER_INFO = NOT_FOUND, Some("FAILED_TO_GET_USER_INFO"), "Failed to get user info";
    /// No such provider, or it is not configured.
    PROVIDER_NOT_FOUND = NOT_FOUND, Some("PROVIDER_NOT_FOUND"), "Provider not found";
    /// The provider's id token cannot be used to sign in directly.
    ID_TOKEN_NOT_SUPPORTED = NOT_FOUND, Some("ID_TOKEN_NOT_SUPPORTED"), "id_token not supported";
    /// The function does not serve this route.
    NOT_FOUND = NOT_FOUND, None, "";
    /// The session is read by GET.
    POST_SESSION = METHOD_NOT_ALLOWED, Some("METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED"),
        "POST method requires deferSessionRefresh to be enabled in session config";
    /// The identity is another user's.
    SOCIAL_ACCOUNT_ALREADY_LINKED = CONFLICT, Some("SOCIAL_ACCOUNT_ALREADY_LINKED"), "Social account already linked";
    /// More than 64 KiB.
    PAYLOAD_TOO_LARGE = PAYLOAD_TOO_LARGE, Some("PAYLOAD_TOO_LARGE"), "Request body is too large";
    /// A body that is neither JSON nor, where one is taken, a form; the message
    /// names what is ([`ApiError::media_type`]).
    MEDIA_TYPE = UNSUPPORTED_MEDIA_TYPE, Some("UNSUPPORTED_MEDIA_TYPE"), "Unsupported Media Type";
    /// The address belongs to somebody.
    USER_ALREADY_EXISTS = UNPROCESSABLE_ENTITY, Some("USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL"),
        "User already exists. Use another email.";
    /// Too often in too short a time.
    TOO_MANY_REQUESTS = TOO_MANY_REQUESTS, None, "Too many requests. Please try again later.";
    /// Too many codes of one user were wrong.
    ACCOUNT_TEMPORARILY_LOCKED = TOO_MANY_REQUESTS, Some("ACCOUNT_TEMPORARILY_LOCKED"),
        "Too many failed verification attempts. Your account is temporarily locked. Please try again later.";
    /// A fault of ours.
    INTERNAL = INTERNAL_SERVER_ERROR, Some("INTERNAL_SERVER_ERROR"), "Internal server error";
    /// A service that we need is unavailable; nothing was changed.
    UNAVAILABLE = SERVICE_UNAVAILABLE, Some("SERVICE_UNAVAILABLE"),
        "Service temporarily unavailable. Please try again.";
}

/// An error on its way to the client.
#[derive(Debug)]
pub struct ApiError {
    /// HTTP status.
    pub status: StatusCode,
    /// `code` of the envelope, if it has one.
    pub code: Option<&'static str>,
    /// `message` of the envelope.
    pub message: String,
    /// What the log says of it, beside the code. Never data of a request.
    pub reason: Option<String>,
    /// After how many seconds trying again may help.
    pub retry_after: Option<i64>,
}

/// After how many seconds a client may try again what answered 503.
const UNAVAILABLE_SECONDS: i64 = 1;

impl ApiError {
    /// 400 `VALIDATION_ERROR` with its issues joined.
    pub fn validation(message: String) -> Self {
        Self { message, ..ErrorCode::VALIDATION.into() }
    }

    /// 400 without a code, as Better Auth sends for a few faults.
    pub fn bad_request(message: String) -> Self {
        Self { message, ..ErrorCode::BAD_REQUEST.into() }
    }

    /// 415 with the media types that the route takes.
    pub fn media_type(message: String) -> Self {
        Self { message, ..ErrorCode::MEDIA_TYPE.into() }
    }

    /// 503 for what may work later.
    pub fn unavailable(reason: impl ToString) -> Self {
        let retry_after = Some(UNAVAILABLE_SECONDS);
        Self { reason: Some(reason.to_string()), retry_after, ..ErrorCode::UNAVAILABLE.into() }
    }

    /// 429 for what may be done again at a time; in whole seconds, and not at
    /// once.
    pub fn too_many_requests(reason: impl ToString, until: Timestamp, now: Timestamp) -> Self {
        let retry_after = Some(seconds_until(until, now));
        Self { reason: Some(reason.to_string()), retry_after, ..ErrorCode::TOO_MANY_REQUESTS.into() }
    }

    /// 500 for what must not happen.
    pub fn internal(reason: impl ToString) -> Self {
        Self { reason: Some(reason.to_string()), ..ErrorCode::INTERNAL.into() }
    }
}

/// A `Retry-After` (RFC 9110, section 10.2.3): whole seconds, and not at once.
pub(super) fn seconds_until(until: Timestamp, now: Timestamp) -> i64 {
    Timestamp::from_millis(until.millis().saturating_sub(now.millis())).ttl_seconds().max(1)
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self { status: code.status, code: code.code, message: code.message.to_owned(), reason: None, retry_after: None }
    }
}

impl From<crate::ports::StoreError> for ApiError {
    fn from(error: crate::ports::StoreError) -> Self {
        use crate::ports::StoreError::{Corrupt, Unavailable};
        match error {
            Unavailable { .. } => Self::unavailable(error),
            Corrupt { .. } => Self::internal(error),
        }
    }
}

impl From<crate::ports::HashError> for ApiError {
    fn from(error: crate::ports::HashError) -> Self {
        Self::internal(error)
    }
}
