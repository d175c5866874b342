use super::{Limit, Limits, Timestamp};

/// How long failures are remembered after the last one, in seconds.
const MEMORY_SECONDS: i64 = 24 * 60 * 60;

/// The wait between passwords tried for one account: none at first, then one
/// that doubles from a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lockout {
    /// Attempts in a row that wait for nothing.
    pub free: u32,
    /// Longest wait, in seconds.
    pub longest: u32,
}

impl Lockout {
    /// As the settings have it.
    pub fn new(limits: &Limits) -> Self {
        let quota = limits.quota(Limit::Lockout);
        Self { free: quota.max, longest: quota.seconds }
    }

    /// When the next password may be tried, if so many were tried in vain and
    /// the last one at `last`.
    pub fn opens_at(&self, failures: u32, last: Timestamp) -> Timestamp {
        let Some(doublings) = failures.checked_sub(self.free) else { return last };
        let wait = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX).min(self.longest);
        last.plus_seconds(wait.into())
    }

    /// When an attempt at this time is forgotten.
    pub fn forgets_at(now: Timestamp) -> Timestamp {
        now.plus_seconds(MEMORY_SECONDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_after_the_free_attempts_up_to_the_longest() {
        let lockout = Lockout::new(&Limits::default());
        let wait = |failures| lockout.opens_at(failures, Timestamp::from_millis(0)).millis() / 1000;
        let waits: Vec<i64> = (0..17).map(wait).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!(wait(u32::MAX), 900);
    }
}
