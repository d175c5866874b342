//! The logic of the service, one flow a file, over the ports it needs.

mod admission;
mod context;
mod current_session;
mod email_change;
mod oauth_callback;
mod oauth_start;
mod password_reset;
mod sign_in;
mod sign_up;
mod verify_email;

pub use admission::{Admission, AdmissionError, FirstFactor, NewChallenge, RenewedDevice, admit};
pub use context::{Client, Context, NewSession};
pub use current_session::{CurrentSession, current_session};
pub use email_change::{ChangedEmail, ConsentedChange, EmailChangeError, RequestedChange, request_email_change};
pub use oauth_callback::{CallbackFailure, SignedInBy, finish_oauth};
pub use oauth_start::{OAuthStart, OAuthStartError, StartedOAuth, derive_companions, start_oauth};
pub use password_reset::{
    RequestedReset, ResetError, confirm_password_reset, is_reset_token_live, request_password_reset,
};
pub use sign_in::{SignInError, sign_in};
pub use sign_up::{SignUp, SignUpError, SignUpVerification, SignedUp, sign_up};
pub use verify_email::{
    Followed, Follower, LinkError, RequestedVerification, follow_link, link_hashes, request_verification,
};
