use super::{Email, Timestamp, UserId};

/// The row that makes an e-mail address belong to one user, with the password
/// hash if that user has a password.
#[derive(Clone, PartialEq, Eq)]
pub struct CredentialAccount {
    /// Owner of the address.
    pub user_id: UserId,
    /// Hash in PHC format: Argon2id, or scrypt of a password that came along
    /// from another system and was not used since; none for users who never set a password.
    pub password_hash: Option<String>,
    /// When the password was last set; also set when the row is created.
    pub password_changed_at: Timestamp,
}

impl std::fmt::Debug for CredentialAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CredentialAccount")
            .field("user_id", &self.user_id)
            .field("password_changed_at", &self.password_changed_at)
            .finish_non_exhaustive()
    }
}

/// What an OAuth provider has vouched for, after all checks of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderIdentity {
    /// Provider id, such as `google`.
    pub provider: String,
    /// The provider's stable identifier of the person (`sub`), never empty.
    pub subject: String,
    /// Address, if the provider gave one that this service accepts.
    pub email: Option<Email>,
    /// Whether the provider says that the address is verified.
    pub email_verified: bool,
    /// Display name; may be empty.
    pub name: String,
    /// URL of a picture, if any.
    pub image: Option<String>,
}

impl ProviderIdentity {
    /// Key of the account that makes this identity belong to one user. A
    /// provider's id holds no colon, so that no subject can forge another key.
    pub fn identity(&self) -> String {
        format!("{}:{}", self.provider, self.subject)
    }
}
