use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

use super::{CannotOpen, Keyring, Sealed, open, seal};
use crate::{
    domain::{Timestamp, UserId},
    ports::Random,
};

/// Length of a secret, in bytes: 160 bits (RFC 4226, section 4, R6).
const SECRET_LENGTH: usize = 20;
/// Digits of a code.
pub const TOTP_DIGITS: usize = 6;
/// Life of a code, in seconds.
pub const TOTP_PERIOD: u64 = 30;

/// The secret that an authenticator shares with the service (RFC 6238, with
/// SHA-1, 6 digits and 30 seconds, which every authenticator knows).
pub struct TotpSecret(Zeroizing<[u8; SECRET_LENGTH]>);

impl TotpSecret {
    /// A fresh secret.
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0; SECRET_LENGTH]);
        random.fill(bytes.as_mut());
        Self(bytes)
    }

    /// The secret, encrypted for its user.
    pub fn seal(&self, keys: &Keyring, user_id: &UserId, random: &dyn Random) -> String {
        seal(keys, Sealed::TotpSecret, user_id, self.0.as_ref(), random)
    }

    /// The secret that was sealed for this user.
    ///
    /// # Errors
    /// [`CannotOpen`], also for what was sealed for somebody else.
    pub fn open(keys: &Keyring, user_id: &UserId, sealed: &str) -> Result<Self, CannotOpen> {
        let plain = open(keys, Sealed::TotpSecret, user_id, sealed)?;
        <[u8; SECRET_LENGTH]>::try_from(plain.as_slice())
            .map(|bytes| Self(Zeroizing::new(bytes)))
            .map_err(|_| CannotOpen)
    }

    /// The step, counted since the epoch, that a code is of, if it is this
    /// one, the one before or the next. Whether it was used before is for the
    /// caller to know. Compares in constant time.
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        if code.len() != TOTP_DIGITS || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let step = self.totp().check(code, u64::try_from(now.seconds()).ok()?)?;
        i64::try_from(step).ok()
    }

    /// The secret as authenticators read it (RFC 4648, section 6, unpadded).
    pub fn to_base32(&self) -> String {
        Secret::from(*self.0).to_base32()
    }

    fn totp(&self) -> Totp {
        // Six digits and thirty seconds are the builder's own defaults, as are
        // SHA-1 and one step of tolerance.
        Builder::new().with_secret(*self.0).with_step_duration(TOTP_PERIOD).build_noncompliant()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{adapters::OsRandom, crypto::SigningSecret};

    /// RFC 6238, appendix B: the codes have eight digits there.
    #[test]
    fn the_vectors_of_the_standard_hold() {
        let secret = TotpSecret(Zeroizing::new(*b"12345678901234567890"));
        assert_eq!(secret.to_base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924")] {
            let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
            let step = seconds / 30;
            assert_eq!(secret.step_of(code, at(seconds)), Some(step));
            assert_eq!(secret.step_of(code, at((step + 2) * 30 - 1)), Some(step), "a step later");
            assert_eq!(secret.step_of(code, at((step - 1) * 30)), Some(step), "a step earlier");
            assert_eq!(secret.step_of(code, at((step + 2) * 30)), None, "two steps later");
            assert_eq!(secret.step_of(code, at((step - 1) * 30 - 1)), None, "two steps earlier");
        }
        let now = Timestamp::from_millis(59_000);
        for junk in
            ["", "287082 ", " 287082", "287 082", "0287082", "94287082", "28708", "２８７０８２", "28708२", "-87082"]
        {
            assert_eq!(secret.step_of(junk, now), None, "{junk}");
        }
        assert_eq!(secret.step_of("287082", Timestamp::from_millis(-59_000)), None);
        assert_eq!(secret.step_of("287082", Timestamp::from_millis(i64::MAX)), None);
    }

    #[test]
    fn only_its_user_opens_it() {
        let secret = |version: &str| SigningSecret::new(version.to_owned(), &version.repeat(32)).unwrap();
        let keys = Keyring { current: secret("a"), previous: None };
        let (user, stranger) = (UserId::generate(&OsRandom), UserId::generate(&OsRandom));
        let totp = TotpSecret::generate(&OsRandom);
        let sealed = totp.seal(&keys, &user, &OsRandom);
        assert_eq!(TotpSecret::open(&keys, &user, &sealed).ok().unwrap().to_base32(), totp.to_base32());
        assert!(TotpSecret::open(&keys, &stranger, &sealed).is_err());
        let short = seal(&keys, Sealed::TotpSecret, &user, b"short", &OsRandom);
        assert!(TotpSecret::open(&keys, &user, &short).is_err());
    }
}
