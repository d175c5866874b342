use super::{Timestamp, User, UserId};

/// How long sign-ins wait for a second factor, and devices are spared it.
#[derive(Clone, Copy, Debug)]
pub struct TwoFactorPolicy {
    /// Life of a challenge, in seconds.
    pub challenge_seconds: i64,
    /// Life of a trusted device from its last use, in seconds.
    pub trust_seconds: i64,
}

/// A sign-in that has shown its first factor and waits for the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Who wants to sign in.
    pub user_id: UserId,
    /// Generation of the user's sessions at the time. Whatever ends the
    /// sessions ends the challenge too.
    pub valid_from: Timestamp,
    /// The enrolment that is to be shown. A challenge dies with it.
    pub two_factor_since: Timestamp,
    /// Whether the session is to outlive the browser.
    pub remember: bool,
    /// Whether a mailed code answers it. Not where the first factor was the
    /// mailbox already: it would be one factor twice.
    pub takes_mailed_codes: bool,
    /// When the challenge dies.
    pub expires_at: Timestamp,
}

impl Challenge {
    /// Whether it still stands for this user: neither the sessions nor the
    /// second factor ended since. Its own expiry is the store's condition.
    pub fn is_of(&self, user: &User) -> bool {
        self.user_id == user.id
            && self.valid_from == user.sessions_valid_from
            && Some(self.two_factor_since) == user.two_factor_since
    }
}

/// A user's second factor: an authenticator's secret and the backup codes.
#[derive(Clone, PartialEq, Eq)]
pub struct Factor {
    /// Whose it is.
    pub user_id: UserId,
    /// The authenticator's secret, sealed for the user.
    pub sealed_secret: String,
    /// Whether a code has shown that the authenticator has the secret. Before
    /// that the factor neither opens nor gates anything.
    pub enabled: bool,
    /// Step of the last code that counted. Neither it nor an older one counts
    /// again (RFC 6238, section 5.2).
    pub last_used_step: i64,
    /// Keyed hashes of the backup codes that are left.
    pub backup_codes: Vec<String>,
}

impl std::fmt::Debug for Factor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Factor").field("user_id", &self.user_id).field("enabled", &self.enabled).finish_non_exhaustive()
    }
}

/// Table key of a user's second factor, among the accounts. No provider is
/// called `two-factor`, and a user's id holds no colon.
pub fn two_factor_identity(user_id: &UserId) -> String {
    format!("two-factor:{user_id}")
}

/// A code that was mailed, as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct MailedCode {
    /// Keyed hash of the code.
    pub hash: String,
    /// When it dies.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for MailedCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailedCode").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// A device that is spared the second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedDevice {
    /// Whose device it is.
    pub user_id: UserId,
    /// Generation of the user's sessions that it belongs to.
    pub valid_from: Timestamp,
    /// The enrolment of the second factor that it stands in for.
    pub two_factor_since: Timestamp,
    /// When it is trusted no more.
    pub expires_at: Timestamp,
}

impl TrustedDevice {
    /// Whether it is trusted for this user at this time: it is the user's own,
    /// and neither the sessions nor the second factor ended since.
    pub fn is_live(&self, user: &User, now: Timestamp) -> bool {
        self.user_id == user.id
            && self.valid_from == user.sessions_valid_from
            && Some(self.two_factor_since) == user.two_factor_since
            && now < self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{adapters::OsRandom, domain::Email};

    #[test]
    fn a_challenge_is_of_one_user_one_generation_and_one_enrolment() {
        let now = Timestamp::from_millis(1_000_000);
        let email = Email::parse("a@example.com").unwrap();
        let mut user = User::new(UserId::generate(&OsRandom), "A".into(), email, true, None, now);
        let challenge = Challenge {
            user_id: user.id.clone(),
            valid_from: now,
            two_factor_since: now,
            remember: true,
            takes_mailed_codes: true,
            expires_at: now,
        };
        assert!(!challenge.is_of(&user));
        user.two_factor_since = Some(now);
        assert!(challenge.is_of(&user));
        user.sessions_valid_from = now.plus_seconds(1);
        assert!(!challenge.is_of(&user));
    }

    #[test]
    fn it_is_trusted_for_one_user_one_generation_and_one_enrolment() {
        let now = Timestamp::from_millis(1_000_000);
        let email = Email::parse("a@example.com").unwrap();
        let mut user = User::new(UserId::generate(&OsRandom), "A".into(), email, true, None, now);
        user.two_factor_since = Some(now);
        let device = TrustedDevice {
            user_id: user.id.clone(),
            valid_from: now,
            two_factor_since: now,
            expires_at: now.plus_seconds(10),
        };
        assert!(device.is_live(&user, now.plus_seconds(9)));
        assert!(!device.is_live(&user, now.plus_seconds(10)));
        for change in [
            |user: &mut User| user.id = UserId::generate(&OsRandom),
            |user: &mut User| user.sessions_valid_from = Timestamp::from_millis(2_000_000),
            |user: &mut User| user.two_factor_since = Some(Timestamp::from_millis(2_000_000)),
            |user: &mut User| user.two_factor_since = None,
        ] {
            let mut changed = user.clone();
            change(&mut changed);
            assert!(!device.is_live(&changed, now));
        }
    }
}
