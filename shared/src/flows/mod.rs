//! The logic of the service, one flow a file, over the ports it needs.

mod admission;
mod context;
mod current_session;
mod oauth_callback;
mod oauth_start;
mod password_check;
mod password_reset;
mod sign_in;
mod sign_up;
mod two_factor;

pub use admission::{Admission, AdmissionError, FirstFactor, NewChallenge, RenewedDevice, admit};
pub use context::{Client, Context, NewSession};
pub use current_session::{CurrentSession, current_session};
pub use oauth_callback::{CallbackFailure, SignedInBy, finish_oauth};
pub use oauth_start::{OAuthStart, OAuthStartError, StartedOAuth, derive_companions, start_oauth};
pub use password_check::{PasswordError, check_password};
pub use password_reset::{
    RequestedReset, ResetError, confirm_password_reset, is_reset_token_live, request_password_reset,
};
pub use sign_in::{SignInError, sign_in};
pub use sign_up::{SignUp, SignUpError, sign_up};
pub use two_factor::{
    CompletedSignIn, Enrolment, NewDevice, NewMailedCode, ShownCode, StepUp, TwoFactorError, code_for_challenge,
    code_for_session, complete_sign_in, disable_two_factor, replace_backup_codes, show_secret, spend_backup_code,
    start_enrolment, step_up,
};
