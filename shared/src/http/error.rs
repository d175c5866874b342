use http::StatusCode;

use crate::domain::Timestamp;

/// A machine-readable error of the wire: status, `code` and `message`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable identifier; none where Better Auth sends none.
    pub code: Option<&'static str>,
    /// English text.
    pub message: &'static str,
}

const fn code(status: StatusCode, code: &'static str, message: &'static str) -> ErrorCode {
    ErrorCode { status, code: Some(code), message }
}

/// Every fixed error of the API, in the order of their statuses.
impl ErrorCode {
    /// The body is not JSON, or the event is not a request at all.
    pub const INVALID_JSON: Self = code(StatusCode::BAD_REQUEST, "BAD_REQUEST", "Invalid JSON in request body");
    /// The gateway's event cannot be a request of HTTP.
    pub const MALFORMED_REQUEST: Self = code(StatusCode::BAD_REQUEST, "BAD_REQUEST", "Malformed request");
    /// Not an address.
    pub const INVALID_EMAIL: Self = code(StatusCode::BAD_REQUEST, "INVALID_EMAIL", "Invalid email");
    /// Fewer than 8 characters.
    pub const PASSWORD_TOO_SHORT: Self = code(StatusCode::BAD_REQUEST, "PASSWORD_TOO_SHORT", "Password too short");
    /// More than 128 characters.
    pub const PASSWORD_TOO_LONG: Self = code(StatusCode::BAD_REQUEST, "PASSWORD_TOO_LONG", "Password too long");
    /// A common password, or the user's own address: the code of Better Auth's
    /// check against known leaks.
    pub const PASSWORD_COMPROMISED: Self = code(
        StatusCode::BAD_REQUEST,
        "PASSWORD_COMPROMISED",
        "The password you entered is too easy to guess. Please choose a different password.",
    );
    /// The address is not that of the session.
    pub const EMAIL_MISMATCH: Self = code(StatusCode::BAD_REQUEST, "EMAIL_MISMATCH", "Email mismatch");
    /// There is nothing to verify.
    pub const EMAIL_ALREADY_VERIFIED: Self =
        code(StatusCode::BAD_REQUEST, "EMAIL_ALREADY_VERIFIED", "Email is already verified");
    /// The new address is the old one.
    pub const EMAIL_IS_THE_SAME: Self =
        ErrorCode { status: StatusCode::BAD_REQUEST, code: None, message: "Email is the same" };
    /// Unknown, used or expired token.
    pub const INVALID_TOKEN: Self = code(StatusCode::BAD_REQUEST, "INVALID_TOKEN", "Invalid token");
    /// A provider's id token that is invalid or was presented before.
    pub const INVALID_ID_TOKEN: Self = code(StatusCode::UNAUTHORIZED, "INVALID_TOKEN", "Invalid token");
    /// A provider's id token without an address that can be used.
    pub const USER_EMAIL_NOT_FOUND: Self =
        code(StatusCode::UNAUTHORIZED, "USER_EMAIL_NOT_FOUND", "User email not found");
    /// The address of an id token belongs to a user whom its owner may not be
    /// joined with.
    pub const OAUTH_LINK_ERROR: Self = code(StatusCode::UNAUTHORIZED, "OAUTH_LINK_ERROR", "account not linked");
    /// Not the password of the user who is signed in, or there is none.
    pub const INVALID_PASSWORD: Self = code(StatusCode::BAD_REQUEST, "INVALID_PASSWORD", "Invalid password");
    /// The user who is signed in has no password.
    pub const CREDENTIAL_ACCOUNT_NOT_FOUND: Self =
        code(StatusCode::BAD_REQUEST, "CREDENTIAL_ACCOUNT_NOT_FOUND", "Credential account not found");
    /// The address changes by other means than the profile does.
    pub const EMAIL_CAN_NOT_BE_UPDATED: Self =
        code(StatusCode::BAD_REQUEST, "EMAIL_CAN_NOT_BE_UPDATED", "Email can not be updated");
    /// The second factor is not part of the profile.
    pub const FIELD_NOT_ALLOWED: Self =
        code(StatusCode::BAD_REQUEST, "FIELD_NOT_ALLOWED", "twoFactorEnabled is not allowed to be set");
    /// Nothing that could be changed was named.
    pub const NO_FIELDS_TO_UPDATE: Self =
        ErrorCode { status: StatusCode::BAD_REQUEST, code: None, message: "No fields to update" };
    /// The session is too old to delete the user without the password.
    pub const SESSION_EXPIRED: Self =
        code(StatusCode::BAD_REQUEST, "SESSION_EXPIRED", "Session expired. Re-authenticate to perform this action.");
    /// The user has no authenticator.
    pub const TOTP_NOT_ENABLED: Self = code(StatusCode::BAD_REQUEST, "TOTP_NOT_ENABLED", "TOTP not enabled");
    /// The user has an authenticator already.
    pub const TOTP_ALREADY_ENABLED: Self =
        code(StatusCode::BAD_REQUEST, "TOTP_ALREADY_ENABLED", "TOTP is already enabled");
    /// The user has no second factor.
    pub const TWO_FACTOR_NOT_ENABLED: Self =
        code(StatusCode::BAD_REQUEST, "TWO_FACTOR_NOT_ENABLED", "Two factor isn't enabled");
    /// The user has no backup codes.
    pub const BACKUP_CODES_NOT_ENABLED: Self =
        code(StatusCode::BAD_REQUEST, "BACKUP_CODES_NOT_ENABLED", "Backup codes aren't enabled");
    /// The user has no second factor that a mailed code could stand in for.
    pub const OTP_NOT_ENABLED: Self = code(StatusCode::BAD_REQUEST, "OTP_NOT_ENABLED", "OTP not enabled");
    /// Mailed codes are no second factor of their own.
    pub const OTP_NOT_CONFIGURED: Self = code(StatusCode::BAD_REQUEST, "OTP_NOT_CONFIGURED", "OTP is not available");
    /// No code was mailed, or it has expired.
    pub const OTP_HAS_EXPIRED: Self = code(StatusCode::BAD_REQUEST, "OTP_HAS_EXPIRED", "OTP has expired");
    /// Too many codes were tried on one sign-in.
    pub const TOO_MANY_ATTEMPTS: Self = code(
        StatusCode::BAD_REQUEST,
        "TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE",
        "Too many attempts. Please request a new code.",
    );
    /// A wrong code, or one that was used before.
    pub const INVALID_CODE: Self = code(StatusCode::UNAUTHORIZED, "INVALID_CODE", "Invalid code");
    /// A wrong backup code, or one that was used before.
    pub const INVALID_BACKUP_CODE: Self = code(StatusCode::UNAUTHORIZED, "INVALID_BACKUP_CODE", "Invalid backup code");
    /// No sign-in waits for its second factor here.
    pub const INVALID_TWO_FACTOR_COOKIE: Self =
        code(StatusCode::UNAUTHORIZED, "INVALID_TWO_FACTOR_COOKIE", "Invalid two factor cookie");
    /// No session where one is needed.
    pub const UNAUTHORIZED: Self = code(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Unauthorized");
    /// A link's token is unknown, spent or overtaken.
    pub const INVALID_LINK: Self = code(StatusCode::UNAUTHORIZED, "INVALID_TOKEN", "Invalid token");
    /// A link's token is too old.
    pub const TOKEN_EXPIRED: Self = code(StatusCode::UNAUTHORIZED, "TOKEN_EXPIRED", "Token expired");
    /// A link's user, or their address, is gone.
    pub const USER_NOT_FOUND: Self = code(StatusCode::UNAUTHORIZED, "USER_NOT_FOUND", "User not found");
    /// A link was followed by somebody else.
    pub const INVALID_USER: Self = code(StatusCode::UNAUTHORIZED, "INVALID_USER", "Invalid user");
    /// Wrong password, unknown user, or a user without a password.
    pub const INVALID_EMAIL_OR_PASSWORD: Self =
        code(StatusCode::UNAUTHORIZED, "INVALID_EMAIL_OR_PASSWORD", "Invalid email or password");
    /// `Origin` names a stranger.
    pub const INVALID_ORIGIN: Self = code(StatusCode::FORBIDDEN, "INVALID_ORIGIN", "Invalid origin");
    /// Cookies came without a usable `Origin`.
    pub const MISSING_OR_NULL_ORIGIN: Self =
        code(StatusCode::FORBIDDEN, "MISSING_OR_NULL_ORIGIN", "Missing or null Origin");
    /// A form on another site navigates to a sign-in.
    pub const CROSS_SITE_NAVIGATION: Self = code(
        StatusCode::FORBIDDEN,
        "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED",
        "Cross-site navigation login blocked. This request appears to be a CSRF attack.",
    );
    /// The password is right, but the address has to be verified first.
    pub const EMAIL_NOT_VERIFIED: Self = code(StatusCode::FORBIDDEN, "EMAIL_NOT_VERIFIED", "Email not verified");
    /// A hook of the deployment lets the user not in.
    pub const SIGN_IN_REFUSED: Self =
        code(StatusCode::FORBIDDEN, "SIGN_IN_REFUSED", "This account may not sign in here");
    /// The session is older than a day, and what was asked for needs a fresh one.
    pub const SESSION_NOT_FRESH: Self = code(StatusCode::FORBIDDEN, "SESSION_NOT_FRESH", "Session is not fresh");
    /// `callbackURL` leads elsewhere.
    pub const INVALID_CALLBACK_URL: Self = code(StatusCode::FORBIDDEN, "INVALID_CALLBACK_URL", "Invalid callbackURL");
    /// `redirectTo` leads elsewhere.
    pub const INVALID_REDIRECT_URL: Self = code(StatusCode::FORBIDDEN, "INVALID_REDIRECT_URL", "Invalid redirectURL");
    /// `errorCallbackURL` leads elsewhere.
    pub const INVALID_ERROR_CALLBACK_URL: Self =
        code(StatusCode::FORBIDDEN, "INVALID_ERROR_CALLBACK_URL", "Invalid errorCallbackURL");
    /// `newUserCallbackURL` leads elsewhere.
    pub const INVALID_NEW_USER_CALLBACK_URL: Self =
        code(StatusCode::FORBIDDEN, "INVALID_NEW_USER_CALLBACK_URL", "Invalid newUserCallbackURL");
    /// Unknown, used or expired deletion token, or somebody else's.
    pub const INVALID_DELETION_TOKEN: Self = code(StatusCode::NOT_FOUND, "INVALID_TOKEN", "Invalid token");
    /// A deletion link was followed by nobody who is signed in.
    pub const FAILED_TO_GET_USER_INFO: Self =
        code(StatusCode::NOT_FOUND, "FAILED_TO_GET_USER_INFO", "Failed to get user info");
    /// No such provider, or it is not configured.
    pub const PROVIDER_NOT_FOUND: Self = code(StatusCode::NOT_FOUND, "PROVIDER_NOT_FOUND", "Provider not found");
    /// The provider's id token cannot be used to sign in directly.
    pub const ID_TOKEN_NOT_SUPPORTED: Self =
        code(StatusCode::NOT_FOUND, "ID_TOKEN_NOT_SUPPORTED", "id_token not supported");
    /// The function does not serve this route.
    pub const NOT_FOUND: Self = ErrorCode { status: StatusCode::NOT_FOUND, code: None, message: "" };
    /// The session is read by GET.
    pub const POST_SESSION: Self = code(
        StatusCode::METHOD_NOT_ALLOWED,
        "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED",
        "POST method requires deferSessionRefresh to be enabled in session config",
    );
    /// More than 64 KiB.
    pub const PAYLOAD_TOO_LARGE: Self =
        code(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", "Request body is too large");
    /// The address belongs to somebody.
    pub const USER_ALREADY_EXISTS: Self = code(
        StatusCode::UNPROCESSABLE_ENTITY,
        "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL",
        "User already exists. Use another email.",
    );
    /// Too often in too short a time.
    pub const TOO_MANY_REQUESTS: Self = ErrorCode {
        status: StatusCode::TOO_MANY_REQUESTS,
        code: None,
        message: "Too many requests. Please try again later.",
    };
    /// Too many codes of one user were wrong.
    pub const ACCOUNT_TEMPORARILY_LOCKED: Self = code(
        StatusCode::TOO_MANY_REQUESTS,
        "ACCOUNT_TEMPORARILY_LOCKED",
        "Too many failed verification attempts. Your account is temporarily locked. Please try again later.",
    );
    /// A fault of ours.
    pub const INTERNAL: Self =
        code(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR", "Internal server error");
    /// A service that we need is unavailable; nothing was changed.
    pub const UNAVAILABLE: Self = code(
        StatusCode::SERVICE_UNAVAILABLE,
        "SERVICE_UNAVAILABLE",
        "Service temporarily unavailable. Please try again.",
    );
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
        Self {
            status: StatusCode::BAD_REQUEST,
            code: Some("VALIDATION_ERROR"),
            message,
            reason: None,
            retry_after: None,
        }
    }

    /// 400 without a code, as Better Auth sends for a few faults.
    pub fn bad_request(message: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: None, message, reason: None, retry_after: None }
    }

    /// 415 with the media types that the route takes.
    pub fn media_type(message: String) -> Self {
        Self {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            code: Some("UNSUPPORTED_MEDIA_TYPE"),
            message,
            reason: None,
            retry_after: None,
        }
    }

    /// 503 for what may work later.
    pub fn unavailable(reason: impl ToString) -> Self {
        let retry_after = Some(UNAVAILABLE_SECONDS);
        Self { reason: Some(reason.to_string()), retry_after, ..ErrorCode::UNAVAILABLE.into() }
    }

    /// 429 for what may be done again at a time; in whole seconds, and not at
    /// once.
    pub fn too_many_requests(reason: impl ToString, until: Timestamp, now: Timestamp) -> Self {
        let wait = Timestamp::from_millis(until.millis().saturating_sub(now.millis()));
        let retry_after = Some(wait.ttl_seconds().max(1));
        Self { reason: Some(reason.to_string()), retry_after, ..ErrorCode::TOO_MANY_REQUESTS.into() }
    }

    /// 500 for what must not happen.
    pub fn internal(reason: impl ToString) -> Self {
        Self { reason: Some(reason.to_string()), ..ErrorCode::INTERNAL.into() }
    }
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
