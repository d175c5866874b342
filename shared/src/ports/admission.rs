use std::future::Future;

use super::StoreResult;
use crate::domain::{Challenge, Session, Timestamp, TrustedDevice, UserId};

/// The rows by which somebody who has shown a first factor is let in, or asked
/// for the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdmissionRows<'a> {
    /// A session.
    Session(&'a Session),
    /// A session by way of a trusted device, whose token is replaced.
    Trusted {
        /// The session.
        session: &'a Session,
        /// Hash of the token that was shown.
        old_token_hash: &'a str,
        /// Hash of the token that replaces it.
        token_hash: &'a str,
        /// The device, with its new expiry.
        device: &'a TrustedDevice,
    },
    /// A challenge, under the hash of its token.
    Challenge {
        /// Hash of the token.
        token_hash: &'a str,
        /// The challenge.
        challenge: &'a Challenge,
    },
}

impl<'a> AdmissionRows<'a> {
    /// Whom they let in.
    pub fn user_id(&self) -> &'a UserId {
        match self {
            Self::Session(session) | Self::Trusted { session, .. } => &session.handle.user_id,
            Self::Challenge { challenge, .. } => &challenge.user_id,
        }
    }

    /// Generation of the user's sessions that they belong to.
    pub fn valid_from(&self) -> Timestamp {
        match self {
            Self::Session(session) | Self::Trusted { session, .. } => session.valid_from,
            Self::Challenge { challenge, .. } => challenge.valid_from,
        }
    }
}

/// Lets people in.
pub trait StoreAdmission: Sync {
    /// Stores the rows, all or none; storing the same ones twice is storing
    /// them once. `false` if they are of a trusted device whose token was
    /// replaced meanwhile: of any number of concurrent sign-ins with one token
    /// exactly one is told `true`.
    fn store_admission(&self, rows: AdmissionRows<'_>) -> impl Future<Output = StoreResult<bool>> + Send;
}

/// Reads trusted devices.
pub trait FindTrustedDevice: Sync {
    /// The device under the hash of a token, expired or not, read consistently.
    fn trusted_device(&self, token_hash: &str) -> impl Future<Output = StoreResult<Option<TrustedDevice>>> + Send;
}
