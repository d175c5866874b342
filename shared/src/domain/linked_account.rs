use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::{Timestamp, User, UserId};

/// One way in: a password or a linked provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Table key.
    pub identity: String,
    /// Whose it is.
    pub user_id: UserId,
    /// Provider id; `credential` for a password.
    pub provider: String,
    /// The provider's identifier of the person; the user's id for a password.
    pub account_id: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// What kind it is.
    pub kind: AccountKind,
}

/// What an account is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountKind {
    /// The row of an address.
    Address {
        /// Whether there is a password, so that it is a way in.
        has_password: bool,
    },
    /// The link of a provider.
    Link {
        /// Generation of the user's sessions that the link last saw.
        generation: Timestamp,
        /// Whether the provider had verified the user's address then.
        proven: bool,
        /// The provider's tokens, if it gave any.
        tokens: Option<SealedTokens>,
    },
}

/// A provider's tokens as a row holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedTokens {
    /// The tokens, encrypted for their user.
    pub sealed: String,
    /// What the provider granted.
    pub scopes: Vec<String>,
}

impl Account {
    /// Public identifier: it names the account and opens nothing.
    pub fn id(&self) -> String {
        let name = format!("{}:{}", self.provider, self.account_id);
        let mut id = URL_SAFE_NO_PAD.encode(Sha256::digest(name.as_bytes()));
        id.truncate(32);
        id
    }

    /// Whether it is the password's, not a provider's.
    pub fn is_credential(&self) -> bool {
        matches!(self.kind, AccountKind::Address { .. })
    }

    /// Whether it is a way in for this user: the user's own, and no link that a
    /// stranger may have made before the owner of the address came.
    pub fn is_way_in(&self, user: &User) -> bool {
        self.user_id == user.id
            && match &self.kind {
                AccountKind::Address { has_password } => *has_password,
                AccountKind::Link { generation, proven, .. } => *proven || *generation >= user.recovered_at,
            }
    }

    /// What the provider granted; nothing for a password.
    pub fn scopes(&self) -> &[String] {
        match &self.kind {
            AccountKind::Address { .. } | AccountKind::Link { tokens: None, .. } => &[],
            AccountKind::Link { tokens: Some(tokens), .. } => &tokens.scopes,
        }
    }

    /// The provider's tokens, if it gave any.
    pub fn tokens(&self) -> Option<&SealedTokens> {
        match &self.kind {
            AccountKind::Address { .. } => None,
            AccountKind::Link { tokens, .. } => tokens.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{adapters::OsRandom, domain::Email};

    fn account(user: &User, kind: AccountKind) -> Account {
        Account {
            identity: "google:1".into(),
            user_id: user.id.clone(),
            provider: "google".into(),
            account_id: "1".into(),
            created_at: user.created_at,
            updated_at: user.created_at,
            kind,
        }
    }

    #[test]
    fn a_link_that_never_proved_the_address_dies_with_a_recovery() {
        let now = Timestamp::from_millis(1_000);
        let email = Email::parse("a@example.com").unwrap();
        let mut user = User::new(UserId::generate(&OsRandom), "A".into(), email, false, None, now);
        let link = |proven| AccountKind::Link { generation: now, proven, tokens: None };
        let (proven, unproven) = (account(&user, link(true)), account(&user, link(false)));
        assert!(proven.is_way_in(&user) && unproven.is_way_in(&user));
        user.recovered_at = Timestamp::from_millis(1_001);
        assert!(proven.is_way_in(&user) && !unproven.is_way_in(&user));
        let stranger = User { id: UserId::generate(&OsRandom), ..user.clone() };
        assert!(!proven.is_way_in(&stranger));
        assert!(!account(&user, AccountKind::Address { has_password: false }).is_way_in(&user));
    }

    #[test]
    fn ids_are_stable_and_differ_by_provider() {
        let email = Email::parse("a@example.com").unwrap();
        let user = User::new(UserId::generate(&OsRandom), "A".into(), email, false, None, Timestamp::from_millis(0));
        let google = account(&user, AccountKind::Address { has_password: true });
        let github = Account { provider: "github".into(), ..google.clone() };
        assert_eq!(google.id(), google.clone().id());
        assert_ne!(google.id(), github.id());
        assert_eq!(google.id().len(), 32);
    }
}
