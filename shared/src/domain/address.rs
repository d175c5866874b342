use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::{Email, Timestamp, UserId};

/// What following a link that was mailed to an address does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressGrant {
    /// It shows that the address is its user's.
    Verification(VerificationGrant),
    /// It takes a change of address one step further.
    Change(EmailChangeGrant),
}

impl AddressGrant {
    /// Whose address it is about, if anybody's.
    pub fn user_id(&self) -> Option<&UserId> {
        match self {
            Self::Verification(grant) => grant.user_id.as_ref(),
            Self::Change(grant) => Some(&grant.user_id),
        }
    }

    /// When the token dies.
    pub fn expires_at(&self) -> Timestamp {
        match self {
            Self::Verification(grant) => grant.expires_at,
            Self::Change(grant) => grant.expires_at,
        }
    }
}

/// What a token that verifies an address grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationGrant {
    /// The address that the link was mailed to. The token is worth nothing
    /// once it is not the user's any more.
    pub email: Email,
    /// Whose address it is. None for a token that was mailed to nobody: it
    /// keeps requests alike and opens nothing.
    pub user_id: Option<UserId>,
    /// Whether it was followed already.
    pub used: bool,
    /// When the token dies.
    pub expires_at: Timestamp,
}

/// What a token that changes an address grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailChangeGrant {
    /// Which of the two links it is.
    pub step: ChangeStep,
    /// Whose address changes.
    pub user_id: UserId,
    /// The address at the time of the request.
    pub email: Email,
    /// The address to be.
    pub new_email: Email,
    /// Generation of the user's sessions at the time of the request. Whoever
    /// recovers the account ends what was begun before.
    pub generation: Timestamp,
    /// When the token dies.
    pub expires_at: Timestamp,
}

/// The steps of a change of address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeStep {
    /// The owner of the old address allows it.
    Consent,
    /// The owner of the new address makes it so.
    Change,
}

/// Names, without telling the address, the mark that its owner was told of an
/// attempt to sign up with it.
pub fn sign_up_notice_key(email: &Email) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("sign-up-notice:{}", email.as_str())))
}
