//! One endpoint a function: request in, flow, response out.

mod account;
mod credentials;
mod magic_link;
mod oauth_callback;
mod post;
mod reset_confirm;
mod reset_request;
mod send_verification;
mod session;
mod session_reply;
mod sessions;
mod sign_in;
mod sign_out;
mod sign_up;
mod signed_in;
mod social;
mod two_factor;
mod verification_link;
mod verify_email;
mod views;

pub use account::AccountEndpoint;
pub use magic_link::MagicLinkEndpoint;
pub use oauth_callback::OAuthCallbackEndpoint;
pub use post::Post;
pub use reset_confirm::ResetConfirmEndpoint;
pub use reset_request::ResetRequestEndpoint;
pub use session::SessionEndpoint;
pub use sign_in::SignInEndpoint;
pub use sign_out::SignOutEndpoint;
pub use sign_up::SignUpEndpoint;
pub use two_factor::{TwoFactorEndpoint, TwoFactorStore};
pub use verify_email::VerifyEmailEndpoint;

use std::sync::Arc;

use crate::{
    adapters::{OsRandom, SystemClock},
    config::Config,
    domain::Timestamp,
    flows::{AttemptError, Client, Context},
    hooks::{self, Hooks},
    http::{ApiError, AuthRequest, CookieJar},
    ports::Clock as _,
};

/// What every endpoint has.
#[derive(Clone)]
pub struct Core {
    /// The settings.
    pub config: Config,
    /// Writes and reads cookies.
    pub cookies: CookieJar,
    /// The team's own code.
    pub hooks: Arc<dyn Hooks>,
}

impl Core {
    /// From the settings.
    pub fn new(config: Config) -> Self {
        let cookies = CookieJar::new(&config);
        let hooks = hooks::installed(&config);
        Self { config, cookies, hooks }
    }

    /// What flows are given.
    pub(super) fn context(&self) -> Context<'_> {
        Context {
            clock: &SystemClock,
            random: &OsRandom,
            sessions: self.config.sessions,
            two_factor: self.config.two_factor.policy,
            limits: self.config.limits,
            requires_verification: self.config.verification.required,
            hooks: self.hooks.as_ref(),
        }
    }
}

fn client(request: &AuthRequest) -> Client {
    Client { ip_address: request.client_ip.clone(), user_agent: request.user_agent(), known_device: None }
}

/// 429 until the next password may be tried.
fn locked(until: Timestamp) -> ApiError {
    ApiError::too_many_requests("lockout", until, SystemClock.now())
}

impl From<AttemptError> for ApiError {
    fn from(error: AttemptError) -> Self {
        match error {
            AttemptError::Locked(until) => locked(until),
            AttemptError::Hash(error) => error.into(),
            AttemptError::Store(error) => error.into(),
        }
    }
}
