//! The links by which addresses are verified and changed.

use super::Core;
use crate::{domain::VerificationToken, http::cookies::encode};

/// Where a link leads when the request named no page.
const HOME: &str = "/";

impl Core {
    /// The link for a token, which leads on to `callback_url`.
    pub(super) fn verification_url(&self, token: &VerificationToken, callback_url: Option<&str>) -> String {
        let callback_url = callback_url.filter(|url| !url.is_empty()).unwrap_or(HOME);
        format!("{}?token={}&callbackURL={}", self.config.url("/verify-email"), token.expose(), encode(callback_url))
    }

    /// How long it works, in minutes.
    pub(super) fn verification_minutes(&self) -> i64 {
        self.config.verification.token_seconds / 60
    }
}
