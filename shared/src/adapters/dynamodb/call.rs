//! Telling DynamoDB's failures apart.
//!
//! The SDK retries what never reached a decision: throttling, 5xx, broken
//! connections. What it leaves is read here: a failed condition is an answer,
//! a conflict with somebody else's transaction is tried again, and everything
//! else is [`StoreError::Unavailable`].

use std::{future::Future, time::Duration};

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::{TransactWriteItemsError, TransactWriteItemsOutput},
    types::{CancellationReason, TransactWriteItem},
};

use super::DynamoDb;
use crate::{
    adapters::OsRandom,
    domain::alphanumeric,
    ports::{Random as _, StoreError, StoreResult},
};

/// Tries of a call that conflicts with others.
const CONFLICT_ATTEMPTS: u32 = 6;
/// Tries of a transaction that meets a throttled table: more would feed it.
const THROTTLED_ATTEMPTS: u32 = 3;
/// Shortest wait before the next try, in milliseconds; doubles each time.
const CONFLICT_BACKOFF: u64 = 10;

/// What a write that was not throttled came to.
#[derive(Debug)]
pub enum Written<T, E> {
    /// It happened.
    Done(T),
    /// Its condition did not hold, so that nothing happened.
    Refused(E),
}

/// Makes an error of the SDK one of the ports. Its messages stay behind: they
/// name keys and ARNs.
pub fn unavailable<E: ProvideErrorMetadata, R>(operation: &'static str, error: &SdkError<E, R>) -> StoreError {
    let reason = match error {
        SdkError::TimeoutError(_) => "timeout".to_owned(),
        SdkError::DispatchFailure(_) => "unreachable".to_owned(),
        SdkError::ResponseError(_) => "unreadable answer".to_owned(),
        _ => error.code().unwrap_or("unknown").to_owned(),
    };
    StoreError::Unavailable { operation, reason }
}

/// Runs a single-item write until it meets no conflict. `refusal` tells a
/// failed condition from other errors.
pub async fn write<T, E, R, F>(
    operation: &'static str,
    call: impl Fn() -> F,
    refusal: impl Fn(&E) -> bool,
) -> StoreResult<Written<T, ()>>
where
    F: Future<Output = Result<T, SdkError<E, R>>>,
    E: ProvideErrorMetadata,
{
    write_or_explain(operation, call, |error| refusal(error).then_some(())).await
}

/// The same, with what a failed condition says beside that it failed.
pub async fn write_or_explain<T, E, R, F, X>(
    operation: &'static str,
    call: impl Fn() -> F,
    refusal: impl Fn(&E) -> Option<X>,
) -> StoreResult<Written<T, X>>
where
    F: Future<Output = Result<T, SdkError<E, R>>>,
    E: ProvideErrorMetadata,
{
    for attempt in 1.. {
        let error = match call().await {
            Ok(output) => return Ok(Written::Done(output)),
            Err(error) => error,
        };
        if let Some(explanation) = error.as_service_error().and_then(&refusal) {
            return Ok(Written::Refused(explanation));
        }
        if error.code() != Some("TransactionConflictException") || attempt >= CONFLICT_ATTEMPTS {
            return Err(unavailable(operation, &error));
        }
        back_off(attempt).await;
    }
    unreachable!("the loop returns at the last attempt")
}

impl DynamoDb {
    /// Runs a transaction until it is neither in conflict nor throttled. The
    /// same client request token makes a repeated call, after a lost answer,
    /// one and the same write.
    pub(super) async fn transact(
        &self,
        operation: &'static str,
        items: Vec<TransactWriteItem>,
    ) -> StoreResult<Written<(), Vec<CancellationReason>>> {
        let token = alphanumeric(&OsRandom, 32);
        for attempt in 1.. {
            let call =
                self.client.transact_write_items().client_request_token(&token).set_transact_items(Some(items.clone()));
            let error = match call.send().await {
                Ok(TransactWriteItemsOutput { .. }) => return Ok(Written::Done(())),
                Err(error) => error,
            };
            match cancellation(&error) {
                Some(reasons) if reasons.iter().any(is_failed_condition) => {
                    return Ok(Written::Refused(reasons.to_vec()));
                }
                Some(reasons) if !reasons.iter().any(is_passing) => {
                    return Err(unavailable(operation, &error));
                }
                None if error.code() != Some("TransactionInProgressException") => {
                    return Err(unavailable(operation, &error));
                }
                Some(reasons) if !reasons.iter().any(is_conflict) && attempt >= THROTTLED_ATTEMPTS => {
                    return Err(unavailable(operation, &error));
                }
                _ if attempt >= CONFLICT_ATTEMPTS => return Err(unavailable(operation, &error)),
                _ => back_off(attempt).await,
            }
        }
        unreachable!("the loop returns at the last attempt")
    }
}

fn cancellation<R>(error: &SdkError<TransactWriteItemsError, R>) -> Option<&[CancellationReason]> {
    match error.as_service_error()? {
        TransactWriteItemsError::TransactionCanceledException(error) => Some(error.cancellation_reasons()),
        _ => None,
    }
}

/// Whether this item's condition did not hold.
pub fn is_failed_condition(reason: &CancellationReason) -> bool {
    reason.code() == Some("ConditionalCheckFailed")
}

fn is_conflict(reason: &CancellationReason) -> bool {
    reason.code() == Some("TransactionConflict")
}

fn is_passing(reason: &CancellationReason) -> bool {
    matches!(reason.code(), Some("TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded"))
}

/// Waits a random part of a doubling time, so that racers spread.
pub async fn back_off(attempt: u32) {
    let ceiling = CONFLICT_BACKOFF << attempt.min(6);
    let mut byte = [0];
    OsRandom.fill(&mut byte);
    let [share] = byte;
    tokio::time::sleep(Duration::from_millis(1 + ceiling * u64::from(share) / 255)).await;
}
