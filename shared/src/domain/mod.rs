//! Pure types of the auth domain. Nothing here knows HTTP, AWS or the clock.
//!
//! Every type is parsed once, at the edge, and trusted from then on.

mod account;
mod attempts;
mod backup_code;
mod email;
mod ids;
mod name;
mod password;
mod session;
mod time;
mod two_factor;
mod user;
mod verification;

pub use account::{CredentialAccount, ProviderIdentity};
pub use attempts::{AttemptId, LOCK_SECONDS, MAX_ATTEMPTS, MAX_FAILURES, live_failures};
pub use backup_code::{BACKUP_CODES, BackupCode};
pub use email::{Email, InvalidEmail};
pub use ids::{Secret32, UserId, alphanumeric};
pub use name::{MAX_IMAGE_LENGTH, MAX_NAME_LENGTH, MAX_USER_AGENT_LENGTH, truncate_chars};
pub use password::{InvalidPassword, MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH, Password};
pub use session::{LiveSession, Session, SessionHandle, SessionPolicy, SessionToken, UNREMEMBERED_SESSION_SECONDS};
pub use time::Timestamp;
pub use two_factor::{Challenge, Factor, MailedCode, TrustedDevice, TwoFactorPolicy, two_factor_identity};
pub use user::User;
pub use verification::{OAuthState, Purpose, ResetGrant, VerificationToken};
