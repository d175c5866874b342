//! The one place that asks what time it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;

/// Since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the stack plays the world around the functions; its clock is the real one"
)]
pub(crate) fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// As a date in UTC.
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + since_epoch()
}
