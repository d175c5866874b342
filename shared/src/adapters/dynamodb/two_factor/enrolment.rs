use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason, Delete, Put, TransactWriteItem, Update};

use super::{attempts::set, write_factor};
use crate::{
    adapters::dynamodb::{
        DynamoDb,
        call::{Written, is_failed_condition},
        item::{millis, s},
        registration::transact_put,
        sessions,
    },
    domain::{Factor, Timestamp, User, two_factor_identity},
    ports::{Change, Enrol, Replacement, StoreResult},
};

impl Enrol for DynamoDb {
    async fn store_factor(&self, factor: &Factor, user: &User, now: Timestamp) -> StoreResult<Change> {
        let put = Put::builder()
            .table_name(&self.tables.accounts)
            .set_item(Some(write_factor(factor, now)))
            .condition_expression("attribute_not_exists(enabled) OR enabled = :false")
            .expression_attribute_values(":false", AttributeValue::Bool(false));
        let items =
            vec![transact_put(put), self.user_unchanged(&user.id, user.sessions_valid_from, user.two_factor_since)];
        self.transact("store second factor", items).await.map(|written| change(&written))
    }

    async fn enable_factor(
        &self,
        step: i64,
        sealed_secret: &str,
        user: &User,
        sessions: Replacement<'_>,
        now: Timestamp,
    ) -> StoreResult<Change> {
        let enable = Update::builder()
            .table_name(&self.tables.accounts)
            .key("identity", s(two_factor_identity(&user.id)))
            .update_expression("SET enabled = :true, lastUsedStep = :step, updatedAt = :now REMOVE failures")
            .condition_expression("enabled = :false AND secret = :secret AND lastUsedStep < :step")
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .expression_attribute_values(":false", AttributeValue::Bool(false))
            .expression_attribute_values(":step", AttributeValue::N(step.to_string()))
            .expression_attribute_values(":secret", s(sealed_secret))
            .expression_attribute_values(":now", millis(now));
        let gate = Update::builder()
            .table_name(&self.tables.users)
            .key("id", s(user.id.as_str()))
            .update_expression("SET twoFactorSince = :now, sessionsValidFrom = :next, updatedAt = :now")
            .condition_expression("sessionsValidFrom = :generation AND attribute_not_exists(twoFactorSince)")
            .expression_attribute_values(":next", millis(sessions.new.valid_from))
            .expression_attribute_values(":generation", millis(user.sessions_valid_from))
            .expression_attribute_values(":now", millis(now));
        let mut items = vec![
            TransactWriteItem::builder().set_update(enable.build().ok()).build(),
            TransactWriteItem::builder().set_update(gate.build().ok()).build(),
        ];
        items.extend(self.replace_session(sessions));
        self.transact("enable second factor", items).await.map(|written| change(&written))
    }

    async fn delete_factor(&self, user: &User, sessions: Replacement<'_>, now: Timestamp) -> StoreResult<Change> {
        let open = Update::builder()
            .table_name(&self.tables.users)
            .key("id", s(user.id.as_str()))
            .update_expression("SET sessionsValidFrom = :next, updatedAt = :now REMOVE twoFactorSince")
            .condition_expression("sessionsValidFrom = :generation")
            .expression_attribute_values(":next", millis(sessions.new.valid_from))
            .expression_attribute_values(":generation", millis(user.sessions_valid_from))
            .expression_attribute_values(":now", millis(now));
        let mut items =
            vec![self.forget_factor(&user.id), TransactWriteItem::builder().set_update(open.build().ok()).build()];
        items.extend(self.replace_session(sessions));
        self.transact("delete second factor", items).await.map(|written| change(&written))
    }

    async fn replace_backup_codes(&self, hashes: &[String], user: &User, now: Timestamp) -> StoreResult<Change> {
        let replace = Update::builder()
            .table_name(&self.tables.accounts)
            .key("identity", s(two_factor_identity(&user.id)))
            .update_expression("SET backupCodes = :codes, updatedAt = :now")
            .condition_expression("enabled = :true")
            .expression_attribute_values(":codes", set(hashes.iter().map(String::as_str)))
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .expression_attribute_values(":now", millis(now));
        let items = vec![
            TransactWriteItem::builder().set_update(replace.build().ok()).build(),
            self.user_unchanged(&user.id, user.sessions_valid_from, user.two_factor_since),
        ];
        self.transact("replace backup codes", items).await.map(|written| change(&written))
    }
}

impl DynamoDb {
    /// Ends a session and stores another. One that is over already stays over.
    fn replace_session(&self, Replacement { old, new }: Replacement<'_>) -> [TransactWriteItem; 2] {
        let end = Delete::builder()
            .table_name(&self.tables.sessions)
            .set_key(Some(sessions::key(old)))
            .condition_expression("attribute_exists(tokenHash)");
        [TransactWriteItem::builder().set_delete(end.build().ok()).build(), self.put_session(new)]
    }
}

/// The factor is the first item.
fn change(written: &Written<(), Vec<CancellationReason>>) -> Change {
    match written {
        Written::Done(()) => Change::Done,
        Written::Refused(reasons) if reasons.first().is_some_and(is_failed_condition) => Change::OtherFactor,
        Written::Refused(_) => Change::OtherUser,
    }
}
