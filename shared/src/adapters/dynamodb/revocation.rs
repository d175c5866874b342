use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};

use super::{
    DynamoDb,
    call::{Written, unavailable, write as write_item},
    item::{millis, s},
    sessions,
};
use crate::{
    domain::{Session, Timestamp, User, UserId},
    ports::{EndAllSessions, EndOtherSessions, ListSessions, StoreResult},
};

impl ListSessions for DynamoDb {
    async fn sessions(&self, user_id: &UserId) -> StoreResult<Vec<Session>> {
        let mut found = Vec::new();
        let mut start = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.tables.sessions)
                .key_condition_expression("userId = :user")
                .expression_attribute_values(":user", s(user_id.as_str()))
                .consistent_read(true)
                .limit(sessions::PAGE)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| unavailable("list sessions", &error))?;
            for row in page.items.unwrap_or_default() {
                found.push(sessions::read(&row)?);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
    }
}

impl EndAllSessions for DynamoDb {
    async fn end_all_sessions(&self, user: &User, now: Timestamp) -> StoreResult<()> {
        let update = || self.client.update_item().table_name(&self.tables.users).key("id", s(user.id.as_str()));
        let to_next = || {
            update()
                .update_expression("SET sessionsValidFrom = :next")
                .condition_expression("sessionsValidFrom < :next")
                .expression_attribute_values(":next", millis(user.next_generation(now)))
                .send()
        };
        let refused = write_item("end all sessions", to_next, |error| error.is_conditional_check_failed_exception());
        if let Written::Done(_) = refused.await? {
            return Ok(());
        }
        // Somebody else, or this call before its answer was lost, has started a
        // generation that sessions may have begun in since.
        let to_one_more = || {
            update()
                .update_expression("SET sessionsValidFrom = sessionsValidFrom + :one")
                .condition_expression("attribute_exists(id)")
                .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
                .send()
        };
        write_item("end all sessions", to_one_more, |error| error.is_conditional_check_failed_exception())
            .await
            .map(|_| ())
    }
}

impl EndOtherSessions for DynamoDb {
    async fn end_other_sessions(&self, session: &Session, generation: Timestamp, now: Timestamp) -> StoreResult<bool> {
        let end_all = Update::builder()
            .table_name(&self.tables.users)
            .key("id", s(session.handle.user_id.as_str()))
            .update_expression("SET sessionsValidFrom = :next")
            .condition_expression("sessionsValidFrom = :seen")
            .expression_attribute_values(":next", millis(generation))
            .expression_attribute_values(":seen", millis(session.valid_from));
        // The expiry is left to whoever extends the session meanwhile.
        let keep = Update::builder()
            .table_name(&self.tables.sessions)
            .set_key(Some(sessions::key(&session.handle)))
            .update_expression("SET validFrom = :next")
            .condition_expression("validFrom = :seen AND expiresAt > :now")
            .expression_attribute_values(":next", millis(generation))
            .expression_attribute_values(":seen", millis(session.valid_from))
            .expression_attribute_values(":now", millis(now));
        let items = [end_all, keep]
            .into_iter()
            .map(|update| TransactWriteItem::builder().set_update(update.build().ok()).build())
            .collect();
        self.transact("end other sessions", items).await.map(|written| matches!(written, Written::Done(())))
    }
}
