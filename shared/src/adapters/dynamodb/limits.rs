//! Counters. A row of the table is a window of events, or the attempts at a
//! password; its key says which.
//!
//! Every write is conditional and brings the row back when its condition does
//! not hold. It leaves the name of its caller in the row, so that a repeated
//! call, after a lost answer, finds that it has counted already.

use aws_sdk_dynamodb::{
    error::ProvideErrorMetadata as _,
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};

use super::{
    DynamoDb,
    call::{unavailable, write as write_item},
    item::{Item, Reader, millis, s},
};
use crate::{
    adapters::OsRandom,
    domain::{Lockout, Quota, Scope, Timestamp, alphanumeric},
    ports::{CountEvents, Counted, LimitAttempts, Reservation, StoreResult},
};

/// Tries of a call that others get ahead of: each means that they counted.
const ATTEMPTS: u32 = 8;
/// How long a counter that too many want at once is taken to be used up, in
/// seconds.
const BUSY_SECONDS: i64 = 1;

/// What became of one conditional write.
enum Step {
    Done,
    /// The condition did not hold for this row, or for its absence.
    Refused(Option<Item>),
    /// So many want this one row that DynamoDB refuses.
    Throttled,
}

impl CountEvents for DynamoDb {
    async fn count(&self, scope: &Scope, quota: Quota, now: Timestamp) -> StoreResult<Counted> {
        let caller = alphanumeric(&OsRandom, 16);
        for _ in 0..ATTEMPTS {
            let row = match self.increment(scope, quota, now, &caller).await? {
                Step::Done => return Ok(Counted::Within),
                Step::Throttled => return Ok(Counted::Over(now.plus_seconds(BUSY_SECONDS))),
                Step::Refused(row) => row,
            };
            match row.as_ref().map(Window::read).transpose()? {
                Some(window) if window.caller == caller => return Ok(Counted::Within),
                Some(window) if now < window.expires_at => return Ok(Counted::Over(window.expires_at)),
                _ => {}
            }
            // The window is over or was never opened; if somebody else opens
            // it first, this event is counted in theirs.
            match self.open_window(scope, quota, now, &caller).await? {
                Step::Done => return Ok(Counted::Within),
                Step::Throttled => return Ok(Counted::Over(now.plus_seconds(BUSY_SECONDS))),
                Step::Refused(_) => {}
            }
        }
        Ok(Counted::Over(now.plus_seconds(BUSY_SECONDS)))
    }
}

impl LimitAttempts for DynamoDb {
    async fn reserve(&self, scope: &Scope, lockout: Lockout, now: Timestamp) -> StoreResult<Reservation> {
        let caller = alphanumeric(&OsRandom, 16);
        let busy = Ok(Reservation::Locked(now.plus_seconds(BUSY_SECONDS)));
        for _ in 0..ATTEMPTS {
            let row = match self.take_free_attempt(scope, lockout, now, &caller).await? {
                Step::Done => return Ok(Reservation::Granted),
                Step::Throttled => return busy,
                Step::Refused(row) => row,
            };
            let Some(seen) = row.as_ref().map(Attempts::read).transpose()? else { continue };
            if seen.caller == caller {
                return Ok(Reservation::Granted);
            }
            let opens_at = lockout.opens_at(seen.failures, seen.last);
            if now < opens_at && now < seen.expires_at {
                return Ok(Reservation::Locked(opens_at));
            }
            match self.take_slot(scope, &seen, now, &caller).await? {
                Step::Done => return Ok(Reservation::Granted),
                Step::Throttled => return busy,
                Step::Refused(_) => {}
            }
        }
        busy
    }

    async fn forget(&self, scope: &Scope) -> StoreResult<()> {
        let call =
            || self.client.delete_item().table_name(&self.tables.rate_limits).key("scope", s(scope.as_str())).send();
        write_item("forget attempts", call, |_| false).await.map(|_| ())
    }
}

impl DynamoDb {
    /// Counts an event in the window that is open.
    async fn increment(&self, scope: &Scope, quota: Quota, now: Timestamp, caller: &str) -> StoreResult<Step> {
        let update = self
            .counter(scope, caller)
            .update_expression("SET #count = #count + :one, #caller = :caller")
            .condition_expression("expiresAt > :now AND #count < :max AND #caller <> :caller")
            .expression_attribute_names("#count", "count")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":max", number(quota.max))
            .expression_attribute_values(":now", millis(now));
        step("count", update).await
    }

    /// Opens a window with its first event.
    async fn open_window(&self, scope: &Scope, quota: Quota, now: Timestamp, caller: &str) -> StoreResult<Step> {
        let update = self
            .counter(scope, caller)
            .update_expression("SET #count = :one, expiresAt = :expires, #ttl = :ttl, #caller = :caller")
            .condition_expression("attribute_not_exists(#scope) OR expiresAt <= :now")
            .expression_attribute_names("#scope", "scope")
            .expression_attribute_names("#count", "count")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":now", millis(now));
        step("count", expiring(update, now.plus_seconds(quota.seconds.into()))).await
    }

    /// Takes one of the attempts that wait for nothing.
    async fn take_free_attempt(
        &self,
        scope: &Scope,
        lockout: Lockout,
        now: Timestamp,
        caller: &str,
    ) -> StoreResult<Step> {
        let update = self
            .counter(scope, caller)
            .update_expression(
                "SET lastAt = :now, expiresAt = :expires, #ttl = :ttl, #caller = :caller ADD failures :one",
            )
            .condition_expression(
                "attribute_not_exists(#scope) OR (failures < :free AND expiresAt > :now AND #caller <> :caller)",
            )
            .expression_attribute_names("#scope", "scope")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":free", number(lockout.free))
            .expression_attribute_values(":now", millis(now));
        step("reserve attempt", expiring(update, Lockout::forgets_at(now))).await
    }

    /// Takes the one attempt that a wait has opened, or the first one after all
    /// was forgotten, provided that nobody else has.
    async fn take_slot(&self, scope: &Scope, seen: &Attempts, now: Timestamp, caller: &str) -> StoreResult<Step> {
        let failures = if now < seen.expires_at { seen.failures.saturating_add(1) } else { 1 };
        let update = self
            .counter(scope, caller)
            .update_expression(
                "SET failures = :failures, lastAt = :now, expiresAt = :expires, #ttl = :ttl, #caller = :caller",
            )
            .condition_expression("failures = :seen AND lastAt = :last AND #caller = :other")
            .expression_attribute_values(":failures", number(failures))
            .expression_attribute_values(":seen", number(seen.failures))
            .expression_attribute_values(":last", millis(seen.last))
            .expression_attribute_values(":other", s(&seen.caller))
            .expression_attribute_values(":now", millis(now));
        step("reserve attempt", expiring(update, Lockout::forgets_at(now))).await
    }

    fn counter(&self, scope: &Scope, caller: &str) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.tables.rate_limits)
            .key("scope", s(scope.as_str()))
            .expression_attribute_names("#caller", "caller")
            .expression_attribute_values(":caller", s(caller))
    }
}

fn expiring(update: UpdateItemFluentBuilder, at: Timestamp) -> UpdateItemFluentBuilder {
    update
        .expression_attribute_names("#ttl", "ttl")
        .expression_attribute_values(":expires", millis(at))
        .expression_attribute_values(":ttl", AttributeValue::N(at.ttl_seconds().to_string()))
}

fn number(value: u32) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

async fn step(operation: &'static str, update: UpdateItemFluentBuilder) -> StoreResult<Step> {
    let update = update.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let Err(error) = update.send().await else { return Ok(Step::Done) };
    if let Some(UpdateItemError::ConditionalCheckFailedException(refusal)) = error.as_service_error() {
        return Ok(Step::Refused(refusal.item().cloned()));
    }
    match error.code() {
        Some("ProvisionedThroughputExceededException" | "ThrottlingException" | "RequestLimitExceeded") => {
            Ok(Step::Throttled)
        }
        _ => Err(unavailable(operation, &error)),
    }
}

/// A row that counts events.
struct Window {
    caller: String,
    expires_at: Timestamp,
}

impl Window {
    fn read(item: &Item) -> StoreResult<Self> {
        let row = Reader::new("window", item);
        Ok(Self { caller: row.string("caller")?.to_owned(), expires_at: row.millis("expiresAt")? })
    }
}

/// A row that counts attempts.
struct Attempts {
    caller: String,
    failures: u32,
    last: Timestamp,
    expires_at: Timestamp,
}

impl Attempts {
    fn read(item: &Item) -> StoreResult<Self> {
        let row = Reader::new("attempts", item);
        let failures = item.get("failures").and_then(|value| value.as_n().ok()).and_then(|text| text.parse().ok());
        Ok(Self {
            caller: row.string("caller")?.to_owned(),
            failures: failures.ok_or_else(|| row.corrupt("failures"))?,
            last: row.millis("lastAt")?,
            expires_at: row.millis("expiresAt")?,
        })
    }
}
