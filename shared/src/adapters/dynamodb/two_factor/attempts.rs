use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};

use super::{read_code, read_factor};
use crate::{
    adapters::dynamodb::{
        DynamoDb,
        admission::read_challenge,
        call::{Written, write_or_explain},
        item::{Item, Reader, millis, s},
    },
    domain::{
        AttemptId, Factor, MAX_ATTEMPTS, MAX_FAILURES, MailedCode, Timestamp, UserId, live_failures, locked_until,
        two_factor_identity,
    },
    ports::{CountAttempts, CountedAttempt, OpenChallenge, StoreError, StoreResult},
};

/// Times that old failures are swept while others come in.
const SWEEPS: usize = 8;

impl CountAttempts for DynamoDb {
    async fn count_on_challenge(
        &self,
        token_hash: &str,
        attempt: &AttemptId,
        now: Timestamp,
    ) -> StoreResult<CountedAttempt<OpenChallenge>> {
        self.count_on_token(token_hash, attempt, now, |row| {
            Ok(OpenChallenge { challenge: read_challenge(row)?, code: read_code(row)? })
        })
        .await
    }

    async fn count_on_code(
        &self,
        key: &str,
        attempt: &AttemptId,
        now: Timestamp,
    ) -> StoreResult<CountedAttempt<MailedCode>> {
        let missing = || StoreError::Corrupt { table: "mailed code", attribute: "codeHash" };
        self.count_on_token(key, attempt, now, |row| read_code(row)?.ok_or_else(missing)).await
    }

    async fn count_on_factor(
        &self,
        user_id: &UserId,
        attempt: &AttemptId,
        now: Timestamp,
    ) -> StoreResult<CountedAttempt<Factor>> {
        for _ in 0..SWEEPS {
            let count = self
                .at_factor(user_id)
                .update_expression("ADD failures :attempt")
                .condition_expression(
                    "attribute_exists(userId) AND (attribute_not_exists(failures) OR size(failures) < :max OR contains(failures, :id))",
                )
                .expression_attribute_values(":attempt", set([attempt.as_str()]))
                .expression_attribute_values(":id", s(attempt.as_str()))
                .expression_attribute_values(":max", AttributeValue::N(MAX_FAILURES.to_string()));
            let row = match update("count attempt on factor", count).await? {
                Written::Done(row) => return read_factor(&row).map(CountedAttempt::Yes),
                Written::Refused(row) if row.is_empty() => return Ok(CountedAttempt::Nothing),
                Written::Refused(row) => row,
            };
            let known = Reader::new("second factor", &row).string_set("failures")?;
            let live = live_failures(&known, now);
            if live.len() >= MAX_FAILURES {
                return Ok(CountedAttempt::TooMany(Some(locked_until(&live, now))));
            }
            let kept = live.iter().map(String::as_str).chain([attempt.as_str()]);
            let sweep = self
                .at_factor(user_id)
                .update_expression("SET failures = :kept")
                .condition_expression("failures = :known")
                .expression_attribute_values(":kept", set(kept))
                .expression_attribute_values(":known", AttributeValue::Ss(known.clone()));
            if let Written::Done(row) = update("sweep failures", sweep).await? {
                return read_factor(&row).map(CountedAttempt::Yes);
            }
        }
        Err(StoreError::Unavailable { operation: "count attempt on factor", reason: "contended".to_owned() })
    }

    async fn take_back(
        &self,
        token_hash: Option<&str>,
        user_id: Option<&UserId>,
        attempt: &AttemptId,
    ) -> StoreResult<()> {
        let from_token = async {
            let Some(token_hash) = token_hash else { return Ok(()) };
            let call = self
                .at_token(token_hash)
                .update_expression("DELETE attempts :attempt")
                .condition_expression("attribute_exists(tokenHash)")
                .expression_attribute_values(":attempt", set([attempt.as_str()]));
            update("take back attempt", call).await.map(drop)
        };
        let from_factor = async {
            let Some(user_id) = user_id else { return Ok(()) };
            let call = self
                .at_factor(user_id)
                .update_expression("DELETE failures :attempt")
                .condition_expression("attribute_exists(userId)")
                .expression_attribute_values(":attempt", set([attempt.as_str()]));
            update("take back attempt", call).await.map(drop)
        };
        let (token, factor) = futures_util::join!(from_token, from_factor);
        token.and(factor)
    }
}

impl DynamoDb {
    async fn count_on_token<T>(
        &self,
        token_hash: &str,
        attempt: &AttemptId,
        now: Timestamp,
        read: impl Fn(&Item) -> StoreResult<T>,
    ) -> StoreResult<CountedAttempt<T>> {
        let count = self
            .at_token(token_hash)
            .update_expression("ADD attempts :attempt")
            .condition_expression(
                "expiresAt > :now AND (attribute_not_exists(attempts) OR size(attempts) < :max OR contains(attempts, :id))",
            )
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":attempt", set([attempt.as_str()]))
            .expression_attribute_values(":id", s(attempt.as_str()))
            .expression_attribute_values(":max", AttributeValue::N(MAX_ATTEMPTS.to_string()));
        match update("count attempt", count).await? {
            Written::Done(row) => read(&row).map(CountedAttempt::Yes),
            Written::Refused(row) if row.is_empty() => Ok(CountedAttempt::Nothing),
            Written::Refused(row) => {
                let expires_at = Reader::new("token", &row).millis("expiresAt")?;
                Ok(if now < expires_at { CountedAttempt::TooMany(None) } else { CountedAttempt::Nothing })
            }
        }
    }

    fn at_factor(&self, user_id: &UserId) -> UpdateItemFluentBuilder {
        let key = s(two_factor_identity(user_id));
        self.client.update_item().table_name(&self.tables.accounts).key("identity", key)
    }

    pub(super) fn at_token(&self, token_hash: &str) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.tables.verification_tokens).key("tokenHash", s(token_hash))
    }
}

/// Runs an update: the row as it is then, or, if its condition fails, as it is
/// all the same; empty if there is none.
pub(super) async fn update(operation: &'static str, call: UpdateItemFluentBuilder) -> StoreResult<Written<Item, Item>> {
    let call = call
        .return_values(ReturnValue::AllNew)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let refusal = |error: &UpdateItemError| match error {
        UpdateItemError::ConditionalCheckFailedException(refusal) => Some(refusal.item().cloned().unwrap_or_default()),
        _ => None,
    };
    Ok(match write_or_explain(operation, || call.clone().send(), refusal).await? {
        Written::Done(output) => Written::Done(output.attributes.unwrap_or_default()),
        Written::Refused(row) => Written::Refused(row),
    })
}

pub(super) fn set<'a>(items: impl IntoIterator<Item = &'a str>) -> AttributeValue {
    AttributeValue::Ss(items.into_iter().map(str::to_owned).collect())
}
