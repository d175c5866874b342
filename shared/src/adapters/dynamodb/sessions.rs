use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem};

use super::{
    DynamoDb,
    call::{Written, back_off, unavailable, write as write_item},
    item::{Builder, Item, Reader, millis, s},
    users,
};
use crate::{
    domain::{Session, SessionHandle, Timestamp, User, UserId},
    ports::{EndSession, ExtendSession, FindSession, StoreError, StoreResult},
};

/// Times that keys which a batch left unread are asked for again.
const BATCH_ATTEMPTS: u32 = 4;
/// Rows in one page of a user's sessions: well within the time of one attempt.
pub const PAGE: i32 = 1000;

impl FindSession for DynamoDb {
    async fn session(&self, handle: &SessionHandle) -> StoreResult<Option<(Session, User)>> {
        let found = self.read_session(handle).await?;
        match &found {
            // A batch may fall between the two halves of the transaction that
            // takes this session over into a new generation.
            Some((session, user)) if session.valid_from < user.sessions_valid_from => {
                back_off(1).await;
                self.read_session(handle).await
            }
            _ => Ok(found),
        }
    }
}

impl DynamoDb {
    async fn read_session(&self, handle: &SessionHandle) -> StoreResult<Option<(Session, User)>> {
        let user_key = HashMap::from([("id".to_owned(), s(handle.user_id.as_str()))]);
        let mut rows = self
            .read_batch(
                "read session",
                [(&self.tables.users, vec![user_key]), (&self.tables.sessions, vec![key(handle)])],
            )
            .await?;
        let mut take = |table: &String| rows.remove(table).and_then(|mut rows| rows.pop());
        match (take(&self.tables.sessions), take(&self.tables.users)) {
            (Some(session), Some(user)) => Ok(Some((read(&session)?, users::read(&user)?))),
            _ => Ok(None),
        }
    }

    /// Reads rows of several tables in one consistent round trip; keys that
    /// DynamoDB leaves unprocessed are asked for again.
    pub(super) async fn read_batch<'a>(
        &self,
        operation: &'static str,
        keys: impl IntoIterator<Item = (&'a String, Vec<Item>)>,
    ) -> StoreResult<HashMap<String, Vec<Item>>> {
        let mut wanted: HashMap<String, KeysAndAttributes> = HashMap::new();
        for (table, keys) in keys {
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .consistent_read(true)
                .build()
                .map_err(|_| StoreError::Unavailable { operation, reason: "no keys".to_owned() })?;
            wanted.insert(table.clone(), keys);
        }
        let mut found: HashMap<String, Vec<Item>> = HashMap::new();
        for attempt in 0..BATCH_ATTEMPTS {
            if attempt > 0 {
                back_off(attempt).await;
            }
            let output = self
                .client
                .batch_get_item()
                .set_request_items(Some(wanted))
                .send()
                .await
                .map_err(|error| unavailable(operation, &error))?;
            for (table, mut rows) in output.responses.unwrap_or_default() {
                found.entry(table).or_default().append(&mut rows);
            }
            wanted = output.unprocessed_keys.unwrap_or_default();
            if wanted.is_empty() {
                return Ok(found);
            }
        }
        Err(StoreError::Unavailable { operation, reason: "unprocessed keys".to_owned() })
    }

    /// The write of a session as part of a transaction.
    pub(super) fn put_session(&self, session: &Session) -> TransactWriteItem {
        let put = Put::builder().table_name(&self.tables.sessions).set_item(Some(write(session)));
        super::registration::transact_put(put)
    }
}

impl ExtendSession for DynamoDb {
    async fn extend(&self, session: &Session, expires_at: Timestamp, now: Timestamp) -> StoreResult<bool> {
        let call = || {
            self.client
                .update_item()
                .table_name(&self.tables.sessions)
                .set_key(Some(key(&session.handle)))
                .update_expression("SET expiresAt = :new, #ttl = :ttl, updatedAt = :now")
                // The new expiry is there already if an answer was lost.
                .condition_expression("expiresAt IN (:old, :new)")
                .expression_attribute_names("#ttl", "ttl")
                .expression_attribute_values(":old", millis(session.expires_at))
                .expression_attribute_values(":new", millis(expires_at))
                .expression_attribute_values(":ttl", AttributeValue::N(expires_at.ttl_seconds().to_string()))
                .expression_attribute_values(":now", millis(now))
                .send()
        };
        write_item("extend session", call, |error| error.is_conditional_check_failed_exception())
            .await
            .map(|written| matches!(written, Written::Done(_)))
    }
}

impl EndSession for DynamoDb {
    async fn end_session(&self, handle: &SessionHandle) -> StoreResult<()> {
        let call = || self.client.delete_item().table_name(&self.tables.sessions).set_key(Some(key(handle))).send();
        write_item("end session", call, |_| false).await.map(|_| ())
    }
}

/// The key of a session.
pub fn key(handle: &SessionHandle) -> Item {
    Builder::default().set("userId", s(handle.user_id.as_str())).set("tokenHash", s(&handle.token_hash)).build()
}

/// The row of a session.
pub fn write(session: &Session) -> Item {
    Builder::default()
        .set("userId", s(session.handle.user_id.as_str()))
        .set("tokenHash", s(&session.handle.token_hash))
        .set_expiry(session.expires_at)
        .set("createdAt", millis(session.created_at))
        .set("updatedAt", millis(session.updated_at))
        .set("validFrom", millis(session.valid_from))
        .set("remembered", AttributeValue::Bool(session.remembered))
        .set_some("ipAddress", session.ip_address.as_deref())
        .set_some("userAgent", session.user_agent.as_deref())
        .build()
}

/// The session in a row.
pub fn read(item: &Item) -> StoreResult<Session> {
    let row = Reader::new("session", item);
    let user_id = row.parsed("userId", UserId::parse)?;
    Ok(Session {
        handle: row.parsed("tokenHash", |hash| SessionHandle::parse(user_id.as_str(), hash))?,
        expires_at: row.millis("expiresAt")?,
        created_at: row.millis("createdAt")?,
        updated_at: row.millis("updatedAt")?,
        valid_from: row.millis("validFrom")?,
        remembered: row.boolean("remembered")?,
        ip_address: row.optional_string("ipAddress")?.map(str::to_owned),
        user_agent: row.optional_string("userAgent")?.map(str::to_owned),
    })
}
