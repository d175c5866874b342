//! The logic of the service, one flow a file, over the ports it needs.

mod admission;
mod change_password;
mod check_password;
mod context;
mod current_session;
mod deletion;
mod email_change;
mod id_token_sign_in;
mod link_account;
mod lockout;
mod magic_link;
mod mail_caps;
mod oauth_callback;
mod oauth_start;
mod password_reset;
mod provider_tokens;
mod revocation;
mod rotate_secret;
mod sign_in;
mod sign_up;
mod two_factor;
mod unlink_account;
mod verify_email;

pub use admission::{Admission, AdmissionError, FirstFactor, NewChallenge, RenewedDevice, admit};
pub use change_password::{ChangePasswordError, change_password};
pub use check_password::{PasswordError, check_password};
pub use context::{Client, Context, NewSession};
pub use current_session::{CurrentSession, current_session, live_session};
pub use deletion::{DeletionError, delete_user, request_deletion};
pub use email_change::{ChangedEmail, ConsentedChange, EmailChangeError, RequestedChange, request_email_change};
pub use id_token_sign_in::{IdTokenSignInError, PresentedIdToken, sign_in_with_id_token};
pub use link_account::{LinkFailure, link_account};
pub use lockout::{Attempt, AttemptError, forget_failures, verify_password};
pub use magic_link::{MagicLinkError, SignedInByLink, redeem_magic_link, request_magic_link};
pub use mail_caps::{may_mail, may_mail_owner};
pub use oauth_callback::{CallbackFailure, SignedInBy, TokensToSeal, finish_oauth};
pub use oauth_start::{OAuthStart, OAuthStartError, StartedOAuth, derive_companions, start_oauth};
pub use password_reset::{
    RequestedReset, ResetError, confirm_password_reset, is_reset_token_live, request_password_reset,
};
pub use provider_tokens::{AccountTokens, ProviderTokensError, TokenDesk};
pub use revocation::{end_other_sessions, list_sessions};
pub use rotate_secret::{Rotation, RotationError, RotationStep, rotate_secret};
pub use sign_in::{SignInError, sign_in};
pub use sign_up::{SignUp, SignUpError, SignUpVerification, SignedUp, sign_up};
pub use two_factor::{
    CompletedSignIn, Enrolment, NewDevice, NewMailedCode, ShownCode, StepUp, TwoFactorError, code_for_challenge,
    code_for_session, complete_sign_in, disable_two_factor, replace_backup_codes, show_secret, spend_backup_code,
    start_enrolment, step_up,
};
pub use unlink_account::{UnlinkError, unlink_account};
pub use verify_email::{
    Followed, Follower, LinkError, RequestedVerification, follow_link, link_hashes, request_verification,
};
