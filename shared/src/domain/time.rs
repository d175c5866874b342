use std::fmt;

use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

/// A point in time, in milliseconds since the Unix epoch, UTC.
///
/// Milliseconds are what the wire shows (`2026-01-31T12:00:00.123Z`) and what
/// the tables hold; only the tables' `ttl` attribute is in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

const WIRE_FORMAT: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

impl Timestamp {
    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down: the `NumericDate` of RFC 7519.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Whole seconds since the epoch, rounded up: a DynamoDB TTL that never
    /// falls before the logical expiry.
    pub const fn ttl_seconds(self) -> i64 {
        self.0.div_euclid(1000) + if self.0.rem_euclid(1000) == 0 { 0 } else { 1 }
    }

    /// This time plus a number of seconds, saturating.
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// This time, or the first one after `last` if this one is not later.
    pub fn after(self, last: Self) -> Self {
        self.max(Self(last.0.saturating_add(1)))
    }
}

impl fmt::Display for Timestamp {
    /// ISO 8601 with milliseconds and `Z`, as JavaScript's `Date.toJSON` prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = i128::from(self.0).saturating_mul(1_000_000);
        OffsetDateTime::from_unix_timestamp_nanos(nanos)
            .ok()
            .and_then(|time| time.format(WIRE_FORMAT).ok())
            .map_or(Err(fmt::Error), |text| f.write_str(&text))
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn prints_as_javascript_does() {
        assert_eq!(Timestamp::from_millis(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::from_millis(1_795_455_276_007).to_string(), "2026-11-23T17:34:36.007Z");
    }

    #[test]
    fn a_later_generation_is_later_whatever_the_clock_says() {
        let time = Timestamp::from_millis;
        assert_eq!(time(10).after(time(3)), time(10));
        for behind in [9, 10, 11] {
            assert_eq!(time(behind).after(time(10)), time(11));
        }
    }

    #[test]
    fn the_ttl_never_precedes_the_expiry() {
        for millis in [0, 1, 999, 1000, 1001] {
            let time = Timestamp::from_millis(millis);
            assert!(time.ttl_seconds() * 1000 >= millis);
            assert!(time.ttl_seconds() * 1000 < millis + 1000);
        }
    }
}
