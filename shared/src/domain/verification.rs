use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::{Email, Secret32, SessionHandle, Timestamp, User, UserId};
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
    /// Stands for a mailed code that a signed-in user asked for. Its key is
    /// the session's, see [`Purpose::key_of`].
    MailedCode,
    /// Stands for a device that is spared the second factor.
    TrustedDevice,
    /// Deletes a user.
    UserDeletion,
    /// Remembers a provider's id token that has signed somebody in.
    IdToken,
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
            Self::MailedCode => "mailed-code",
            Self::TrustedDevice => "trusted-device",
            Self::UserDeletion => "user-deletion",
            Self::IdToken => "id-token",
        }
    }

    /// Table key of what belongs to `name` for this purpose: unpadded base64url
    /// of SHA-256 over both.
    pub fn key_of(self, name: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(self.name());
        hash.update(b":");
        hash.update(name);
        URL_SAFE_NO_PAD.encode(hash.finalize())
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

    /// Table key of the token.
    pub fn hash(&self) -> String {
        self.purpose.key_of(self.secret.expose())
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

/// What a magic link grants: a session for whoever has the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MagicLinkGrant {
    /// The address that the link was mailed to.
    pub email: Email,
    /// Name of the user whom the link creates, if it does; may be empty.
    pub name: String,
    /// Who had the address when the link was made.
    pub owner: Option<AddressOwner>,
    /// When the link dies.
    pub expires_at: Timestamp,
}

/// The owner of an address, as a link remembers them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressOwner {
    /// The user.
    pub user_id: UserId,
    /// The age of the user's password.
    pub password_changed_at: Timestamp,
}

impl MagicLinkGrant {
    /// Whether it still signs this user in: the address is theirs, and the
    /// password is as old as it was when the link was made, or as the user is.
    /// So whatever sets or removes a password, and whatever changes the
    /// address, makes every link of before worthless.
    pub fn opens(&self, user: &User) -> bool {
        let unchanged = match &self.owner {
            Some(owner) => owner.user_id == user.id && owner.password_changed_at == user.password_changed_at,
            None => user.password_changed_at == user.created_at,
        };
        unchanged && self.email == user.email
    }
}

/// What a deletion token grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletionGrant {
    /// Who may be deleted, by themselves.
    pub user_id: UserId,
    /// Generation of the user's sessions when the token was made. Whatever
    /// ends the sessions makes the token worthless.
    pub valid_from: Timestamp,
    /// When the token dies.
    pub expires_at: Timestamp,
}

impl DeletionGrant {
    /// Whether it lets this user be deleted at this time.
    pub fn is_live(&self, user: &User, now: Timestamp) -> bool {
        self.user_id == user.id && self.valid_from == user.sessions_valid_from && now < self.expires_at
    }
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
    fn a_link_dies_with_the_password_and_the_address_of_its_time() {
        let now = Timestamp::from_millis(1_000_000);
        let email = |text| Email::parse(text).unwrap();
        let user = User::new(UserId::generate(&OsRandom), "A".into(), email("a@example.com"), true, None, now);
        let owner = AddressOwner { user_id: user.id.clone(), password_changed_at: now };
        let of = |owner| MagicLinkGrant { email: user.email.clone(), name: String::new(), owner, expires_at: now };
        // One of before the user, and one of the user's.
        for grant in [of(None), of(Some(owner))] {
            assert!(grant.opens(&user));
            assert!(!grant.opens(&user.recovered(now)));
            assert!(!grant.opens(&User { password_changed_at: now.plus_seconds(1), ..user.clone() }));
            assert!(!grant.opens(&User { email: email("b@example.com"), ..user.clone() }));
        }
        let other = AddressOwner { user_id: UserId::generate(&OsRandom), password_changed_at: now };
        assert!(!of(Some(other)).opens(&user));
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

    #[test]
    fn a_deletion_is_for_one_user_one_generation_and_its_time() {
        let now = Timestamp::from_millis(1_000_000);
        let email = Email::parse("a@example.com").unwrap();
        let user = User::new(UserId::generate(&OsRandom), "A".into(), email, true, None, now);
        let grant = DeletionGrant { user_id: user.id.clone(), valid_from: now, expires_at: now.plus_seconds(10) };
        assert!(grant.is_live(&user, now.plus_seconds(9)));
        assert!(!grant.is_live(&user, now.plus_seconds(10)));
        assert!(!grant.is_live(&User { id: UserId::generate(&OsRandom), ..user.clone() }, now));
        assert!(!grant.is_live(&User { sessions_valid_from: now.plus_seconds(1), ..user }, now));
    }
}
