//! Attempts at a second factor, counted before they are looked at.
//!
//! An attempt has an id, and a count is a set of ids: counting one twice, after
//! a lost answer, is counting it once, and one that was never looked at can be
//! taken back without a trace.

use super::{Timestamp, alphanumeric};
use crate::ports::Random;

/// Attempts that are looked at on one challenge, or on one mailed code.
pub const MAX_ATTEMPTS: usize = 5;
/// Attempts in a row that may fail for one user, on whatever challenges, before
/// no further one is looked at.
pub const MAX_FAILURES: usize = 10;
/// For how long that lasts, and after how long failures are forgotten, in seconds.
pub const LOCK_SECONDS: i64 = 15 * 60;

/// Names an attempt: when it was made, and 131 random bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptId(String);

impl AttemptId {
    /// A fresh id.
    pub fn generate(now: Timestamp, random: &dyn Random) -> Self {
        Self(format!("{}.{}", now.millis(), alphanumeric(random, 22)))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The failures among `ids` that still count at a time: those after the last
/// quiet spell of [`LOCK_SECONDS`]. What is no id of ours counts for ever.
pub fn live_failures(ids: &[String], now: Timestamp) -> Vec<String> {
    let mut timed: Vec<(i64, &String)> = ids.iter().map(|id| (made_at(id).unwrap_or(i64::MAX), id)).collect();
    timed.sort_unstable();
    let mut live = Vec::new();
    let mut later = now.millis();
    for (at, id) in timed.into_iter().rev() {
        if later.saturating_sub(at) >= LOCK_SECONDS * 1000 {
            break;
        }
        later = later.min(at);
        live.push(id.clone());
    }
    live
}

/// When failures that count are forgotten, if no other follows: after a quiet
/// spell of [`LOCK_SECONDS`].
pub fn locked_until(failures: &[String], now: Timestamp) -> Timestamp {
    let newest = failures.iter().filter_map(|id| made_at(id)).max().unwrap_or(now.millis());
    Timestamp::from_millis(newest.min(now.millis())).plus_seconds(LOCK_SECONDS)
}

fn made_at(id: &str) -> Option<i64> {
    id.split_once('.')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::OsRandom;

    fn ids(minutes: &[i64]) -> Vec<String> {
        let at = |minute: &i64| Timestamp::from_millis(minute * 60_000);
        minutes.iter().map(|minute| AttemptId::generate(at(minute), &OsRandom).as_str().to_owned()).collect()
    }

    #[test]
    fn a_quiet_spell_forgets_what_was_before_it() {
        let live = |minutes: &[i64], now: i64| live_failures(&ids(minutes), Timestamp::from_millis(now * 60_000)).len();
        assert_eq!(live(&[], 100), 0);
        assert_eq!(live(&[1, 2, 3], 17), 3);
        assert_eq!(live(&[1, 2, 3], 18), 0);
        assert_eq!(live(&[1, 2, 3, 18, 20], 21), 2);
        assert_eq!(live(&[20, 1, 17, 3, 2], 34), 5);
        // Another machine's clock is a little ahead.
        assert_eq!(live(&[1, 2, 3], 2), 3);
    }

    #[test]
    fn a_lock_ends_a_quiet_spell_after_the_last_failure() {
        let at = |minutes: i64| Timestamp::from_millis(minutes * 60_000);
        assert_eq!(locked_until(&ids(&[1, 9, 5]), at(10)), at(24));
        assert_eq!(locked_until(&ids(&[1, 99]), at(10)), at(25), "another machine's clock is ahead");
        assert_eq!(locked_until(&["junk".to_owned()], at(10)), at(25));
    }

    #[test]
    fn what_cannot_be_read_counts() {
        let now = Timestamp::from_millis(i64::MAX / 2);
        assert_eq!(live_failures(&["junk".to_owned(), "1.x".to_owned()], now), ["junk"]);
    }
}
