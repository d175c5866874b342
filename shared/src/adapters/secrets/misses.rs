use crate::domain::Timestamp;

/// How often something signed by no known secret may cause a read: a few times
/// at once, since the first may be a forgery and the next a token of a secret
/// that was rotated just now, and then at intervals.
#[derive(Debug)]
pub(super) struct MissLimit {
    /// When all reads are at hand again.
    full_at: Timestamp,
}

impl MissLimit {
    /// Reads that may follow each other at once.
    const BURST: i64 = 3;
    /// Seconds after which there is one more.
    const INTERVAL: i64 = 10;

    pub(super) fn allow(&mut self, now: Timestamp) -> bool {
        let full_at = self.full_at.max(now).plus_seconds(Self::INTERVAL);
        let allowed = full_at <= now.plus_seconds(Self::BURST * Self::INTERVAL);
        if allowed {
            self.full_at = full_at;
        }
        allowed
    }
}

impl Default for MissLimit {
    fn default() -> Self {
        Self { full_at: Timestamp::from_millis(0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + seconds * 1000)
    }

    #[test]
    fn misses_read_at_once_a_few_times_and_then_at_intervals() {
        let mut misses = MissLimit::default();
        let allowed = |misses: &mut MissLimit, second| (0..100).filter(|_| misses.allow(at(second))).count();
        assert_eq!(allowed(&mut misses, 0), 3);
        assert_eq!(allowed(&mut misses, 9), 0);
        assert_eq!(allowed(&mut misses, 10), 1);
        assert_eq!(allowed(&mut misses, 30), 2);
        assert_eq!(allowed(&mut misses, 3600), 3);
    }
}
