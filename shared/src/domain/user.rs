use super::{Email, Timestamp, UserId};

/// Most accounts of one user: what deletes the user names them all in one
/// transaction, and that takes 100 items.
pub const MAX_IDENTITIES: usize = 50;

/// A person known to the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Identifier, never reused.
    pub id: UserId,
    /// Display name as the user gave it; any text, escape it when showing it.
    pub name: String,
    /// Normalised address; each address belongs to at most one user.
    pub email: Email,
    /// Whether the user has shown that the address is theirs.
    pub email_verified: bool,
    /// URL of a picture, if any.
    pub image: Option<String>,
    /// When the user signed up.
    pub created_at: Timestamp,
    /// When the profile last changed.
    pub updated_at: Timestamp,
    /// Generation of the user's sessions. A session lives only while it carries
    /// the same value, so that one write here ends them all.
    pub sessions_valid_from: Timestamp,
    /// When the password was last set, or the user created. Equal to the
    /// credential account's own copy unless a reset happened between two reads.
    pub password_changed_at: Timestamp,
    /// When the second factor was enrolled; none without one. Every way in
    /// asks for it then.
    pub two_factor_since: Option<Timestamp>,
    /// When somebody last took an account over by its address, whoever had
    /// made it. A provider's link of an earlier generation that never proved
    /// to belong to the owner of the address is void.
    pub recovered_at: Timestamp,
    /// Hash of the one token that may take a change of the address further. A
    /// later request replaces it, and with it all earlier tokens die.
    pub email_change: Option<String>,
    /// Table keys of the user's accounts.
    pub identities: Vec<String>,
}

impl User {
    /// A user who has just signed up.
    pub fn new(
        id: UserId,
        name: String,
        email: Email,
        email_verified: bool,
        image: Option<String>,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            name,
            email,
            email_verified,
            image,
            created_at: now,
            updated_at: now,
            sessions_valid_from: now,
            password_changed_at: now,
            two_factor_since: None,
            recovered_at: now,
            email_change: None,
            identities: Vec::new(),
        }
    }

    /// A generation of sessions that the user never had, even if this
    /// machine's clock is behind the one that wrote the last.
    pub fn next_generation(&self, now: Timestamp) -> Timestamp {
        now.after(self.sessions_valid_from).after(self.password_changed_at)
    }

    /// Whether the password was last set by a mailed link, and that since the
    /// second factor was enrolled: whoever has the mailbox has the password.
    ///
    /// Not where the address was never verified. A stranger may have enrolled
    /// that factor, and the mailbox is all that the owner of the address has.
    pub fn password_is_by_mail(&self) -> bool {
        self.email_verified
            && self.two_factor_since.is_some_and(|since| since < self.recovered_at)
            && self.password_changed_at <= self.recovered_at
    }

    /// The user after the owner of the address has taken over an account that
    /// a stranger may have made: the address is verified, what there was before
    /// belongs to an earlier generation, and the second factor is gone.
    pub fn recovered(&self, now: Timestamp) -> Self {
        let generation = self.next_generation(now);
        Self {
            email_verified: true,
            updated_at: now,
            sessions_valid_from: generation,
            password_changed_at: generation,
            two_factor_since: None,
            recovered_at: generation,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::OsRandom;

    #[test]
    fn a_password_is_by_mail_until_it_is_changed_or_another_factor_enrolled() {
        let at = Timestamp::from_millis;
        let email = Email::parse("a@example.com").unwrap();
        let mut user = User::new(UserId::generate(&OsRandom), "A".into(), email, true, None, at(1000));
        assert!(!user.password_is_by_mail());
        user.two_factor_since = Some(at(2000));
        assert!(!user.password_is_by_mail(), "it was there before");
        (user.recovered_at, user.password_changed_at) = (at(3000), at(3000));
        assert!(user.password_is_by_mail());
        user.password_changed_at = at(4000);
        assert!(!user.password_is_by_mail(), "changed by somebody who was signed in");
        (user.recovered_at, user.password_changed_at) = (at(5000), at(5000));
        assert!(user.password_is_by_mail());
        user.email_verified = false;
        assert!(!user.password_is_by_mail(), "the factor may be a stranger's");
        user.email_verified = true;
        user.two_factor_since = Some(at(6000));
        assert!(!user.password_is_by_mail(), "the new factor was enrolled with it");
    }

    #[test]
    fn generations_only_grow_whatever_the_clock_says() {
        let at = Timestamp::from_millis;
        let email = Email::parse("a@example.com").unwrap();
        let mut user = User::new(UserId::generate(&OsRandom), "A".into(), email, true, None, at(1000));
        assert_eq!(user.next_generation(at(2000)), at(2000));
        assert_eq!(user.next_generation(at(1000)), at(1001));
        assert_eq!(user.next_generation(at(5)), at(1001));
        user.sessions_valid_from = at(3000);
        assert_eq!(user.next_generation(at(2000)), at(3001));
        user.password_changed_at = at(4000);
        assert_eq!(user.next_generation(at(2000)), at(4001));
    }
}
