use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::{Email, Secret32, SessionHandle, Timestamp, UserId};
use crate::ports::Random;

/// What a verification token is for. A token opens only the door of its
/// purpose: under any other, its hash is another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Sets a new password.
    PasswordReset,
    /// Ties the answer of an OAuth provider to the request it belongs to.
    OAuthState,
    /// Shows that an address is its user's.
    EmailVerification,
    /// Lets a user change to another address; mailed to the old one.
    EmailChangeConsent,
    /// Changes a user's address; mailed to the new one.
    EmailChange,
    /// Signs in.
    MagicLink,
    /// Stands for a sign-in that waits for its second factor.
    TwoFactorChallenge,
    /// Stands for a device that is spared the second factor.
    TrustedDevice,
    /// Deletes a user.
    UserDeletion,
}

impl Purpose {
    /// Stable name, part of the table key.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PasswordReset => "password-reset",
            Self::OAuthState => "oauth-state",
            Self::EmailVerification => "email-verification",
            Self::EmailChangeConsent => "email-change-consent",
            Self::EmailChange => "email-change",
            Self::MagicLink => "magic-link",
            Self::TwoFactorChallenge => "two-factor-challenge",
            Self::TrustedDevice => "trusted-device",
            Self::UserDeletion => "user-deletion",
        }
    }
}

/// A random, single-use token that is mailed or handed out once and stored
/// only as a hash under its purpose.
#[derive(Clone, PartialEq, Eq)]
pub struct VerificationToken {
    purpose: Purpose,
    secret: Secret32,
}

impl VerificationToken {
    /// A fresh token (256 random bits).
    pub fn generate(purpose: Purpose, random: &dyn Random) -> Self {
        Self { purpose, secret: Secret32::generate(random) }
    }

    /// A token that somebody presents for a purpose. `None` for what cannot be one.
    pub fn parse(purpose: Purpose, text: &str) -> Option<Self> {
        Some(Self { purpose, secret: Secret32::parse(text)? })
    }

    /// The token itself, for the mail or URL that carries it.
    pub fn expose(&self) -> &str {
        self.secret.expose()
    }

    /// Table key: unpadded base64url of SHA-256 over purpose and token.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.purpose.name());
        hash.update(b":");
        hash.update(self.secret.expose());
        URL_SAFE_NO_PAD.encode(hash.finalize())
    }
}

impl fmt::Debug for VerificationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [redacted]", self.purpose.name())
    }
}

/// What a password reset token grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResetGrant {
    /// The address that the link was mailed to.
    pub email: Email,
    /// Whose password may be set. None for a token that stands for an address
    /// nobody has: it keeps both cases alike and opens nothing.
    pub user_id: Option<UserId>,
    /// The password's age when the token was made. A later change makes the
    /// token worthless.
    pub password_changed_at: Timestamp,
    /// When the token dies.
    pub expires_at: Timestamp,
}

/// An OAuth sign-in that waits for the provider's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthState {
    /// Provider that the browser was sent to.
    pub provider: String,
    /// Version of the signing secret from which the PKCE verifier and the
    /// nonce are derived, so that neither is stored.
    pub secret_version: String,
    /// Where the browser goes on success; checked when it was taken.
    pub callback_url: String,
    /// Where it goes on failure, if not to the error page.
    pub error_callback_url: Option<String>,
    /// Where it goes on success if the user is new.
    pub new_user_callback_url: Option<String>,
    /// The session whose user the identity is to be linked to; none for a
    /// sign-in.
    pub link: Option<SessionHandle>,
    /// When the state dies.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::OsRandom;

    #[test]
    fn a_purpose_is_part_of_the_key() {
        let reset = VerificationToken::generate(Purpose::PasswordReset, &OsRandom);
        let state = VerificationToken::parse(Purpose::OAuthState, reset.expose()).unwrap();
        assert_ne!(reset.hash(), state.hash());
        assert!(!reset.hash().contains(reset.expose()));
    }

    #[test]
    fn near_misses_are_not_tokens() {
        let token = VerificationToken::generate(Purpose::PasswordReset, &OsRandom);
        let text = token.expose();
        let longer = format!("{text}\n");
        let shorter = text.get(1..).unwrap().to_owned();
        for bad in ["", &longer, &shorter, "#", "٣"] {
            assert!(VerificationToken::parse(Purpose::PasswordReset, bad).is_none());
        }
    }
}
