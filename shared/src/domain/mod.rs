//! Pure types of the auth domain. Nothing here knows HTTP, AWS or the clock.
//!
//! Every type is parsed once, at the edge, and trusted from then on.

mod account;
mod email;
mod ids;
mod linked_account;
mod name;
mod password;
mod provider_tokens;
mod session;
mod time;
mod two_factor;
mod user;
mod verification;

pub use account::{CredentialAccount, ProviderIdentity};
pub use email::{Email, InvalidEmail};
pub use ids::{Secret32, UserId, alphanumeric};
pub use linked_account::{Account, AccountKind, MAX_IDENTITIES, SealedTokens};
pub use name::{MAX_IMAGE_LENGTH, MAX_NAME_LENGTH, MAX_USER_AGENT_LENGTH, truncate_chars};
pub use password::{InvalidPassword, MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH, Password};
pub use provider_tokens::ProviderTokens;
pub use session::{LiveSession, Session, SessionHandle, SessionPolicy, SessionToken, UNREMEMBERED_SESSION_SECONDS};
pub use time::Timestamp;
pub use two_factor::{Challenge, TrustedDevice, TwoFactorPolicy};
pub use user::User;
pub use verification::{OAuthState, Purpose, ResetGrant, VerificationToken};
