//! Pure types of the auth domain. Nothing here knows HTTP, AWS or the clock.
//!
//! Every type is parsed once, at the edge, and trusted from then on.

mod account;
mod address;
mod attempts;
mod backup_code;
mod email;
mod ids;
mod known_device;
mod linked_account;
mod lockout;
mod name;
mod password;
mod password_rules;
mod provider_tokens;
mod rate_limit;
mod scope;
mod session;
mod time;
mod two_factor;
mod user;
mod verification;

pub use account::{CredentialAccount, ProviderIdentity};
pub use address::{AddressGrant, ChangeStep, EmailChangeGrant, VerificationGrant, sign_up_notice_key};
pub use attempts::{AttemptId, LOCK_SECONDS, MAX_ATTEMPTS, MAX_FAILURES, live_failures, locked_until};
pub use backup_code::{BACKUP_CODES, BackupCode};
pub use email::{Email, InvalidEmail};
pub use ids::{Secret32, UserId, alphanumeric};
pub use known_device::KnownDevice;
pub use linked_account::{Account, AccountKind, SealedTokens};
pub use lockout::Lockout;
pub use name::{MAX_IMAGE_LENGTH, MAX_NAME_LENGTH, MAX_USER_AGENT_LENGTH, display_name, is_picture, truncate_chars};
pub use password::{InvalidPassword, MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH, Password};
pub use password_rules::PasswordRules;
pub use provider_tokens::ProviderTokens;
pub use rate_limit::{InvalidLimits, Limit, Limits, Quota};
pub use scope::{ClientNetwork, Scope};
pub use session::{LiveSession, Session, SessionHandle, SessionPolicy, SessionToken, UNREMEMBERED_SESSION_SECONDS};
pub use time::Timestamp;
pub use two_factor::{Challenge, Factor, MailedCode, TrustedDevice, TwoFactorPolicy, two_factor_identity};
pub use user::{MAX_IDENTITIES, User};
pub use verification::{
    AddressOwner, DeletionGrant, MagicLinkGrant, OAuthState, Purpose, ResetGrant, VerificationToken,
};
