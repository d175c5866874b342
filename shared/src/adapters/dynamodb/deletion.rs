use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, DeleteRequest, TransactWriteItem, WriteRequest};
use futures_util::future::try_join_all;

use super::{
    DynamoDb,
    call::{Written, back_off, unavailable},
    item::{Builder, Item, Reader, millis, s},
    sessions,
};
use crate::{
    domain::{DeletionGrant, Purpose, SessionHandle, Timestamp, User, UserId},
    ports::{
        DeleteUser, DeletionOutcome, FindDeletionToken, PurgeSessions, StoreDeletionToken, StoreError, StoreResult,
    },
};

/// Rows in one batch; more are refused by DynamoDB.
const BATCH: usize = 25;
/// Batches that are under way at the same time.
const PARALLEL: usize = 8;
/// Times that rows which a batch left alone are asked for again.
const BATCH_ATTEMPTS: u32 = 6;

impl StoreDeletionToken for DynamoDb {
    async fn store_deletion_token(&self, token_hash: &str, grant: &DeletionGrant) -> StoreResult<()> {
        let row = Builder::default()
            .set("tokenHash", s(token_hash))
            .set("purpose", s(Purpose::UserDeletion.name()))
            .set("userId", s(grant.user_id.as_str()))
            .set("validFrom", millis(grant.valid_from))
            .set_expiry(grant.expires_at)
            .build();
        self.put_token("store deletion token", row).await
    }
}

impl FindDeletionToken for DynamoDb {
    async fn deletion_token(&self, token_hash: &str) -> StoreResult<Option<DeletionGrant>> {
        let item = self.token("read deletion token", token_hash).await?;
        item.as_ref().map(read_grant).transpose()
    }
}

impl PurgeSessions for DynamoDb {
    async fn purge_sessions(&self, user_id: &UserId, keep: Option<&SessionHandle>) -> StoreResult<()> {
        let mut start = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.tables.sessions)
                .key_condition_expression("userId = :user")
                .expression_attribute_values(":user", s(user_id.as_str()))
                .projection_expression("userId, tokenHash")
                .consistent_read(true)
                .limit(sessions::PAGE)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| unavailable("purge sessions", &error))?;
            let keep = keep.map(sessions::key);
            let doomed: Vec<Item> =
                page.items.unwrap_or_default().into_iter().filter(|key| Some(key) != keep.as_ref()).collect();
            for group in doomed.chunks(BATCH * PARALLEL) {
                try_join_all(group.chunks(BATCH).map(|keys| self.delete_sessions(keys))).await?;
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(());
            }
        }
    }
}

impl DeleteUser for DynamoDb {
    async fn delete_user(
        &self,
        user: &User,
        current: &SessionHandle,
        token_hash: Option<&str>,
        now: Timestamp,
    ) -> StoreResult<DeletionOutcome> {
        let identities = user.identities.iter().map(s).collect();
        let delete_user = Delete::builder()
            .table_name(&self.tables.users)
            .key("id", s(user.id.as_str()))
            .condition_expression("identities = :identities AND sessionsValidFrom = :generation")
            .expression_attribute_values(":identities", AttributeValue::L(identities))
            .expression_attribute_values(":generation", millis(user.sessions_valid_from));
        let delete_account = |identity: &String| {
            Delete::builder()
                .table_name(&self.tables.accounts)
                .key("identity", s(identity))
                .condition_expression("attribute_not_exists(#identity) OR userId = :user")
                .expression_attribute_names("#identity", "identity")
                .expression_attribute_values(":user", s(user.id.as_str()))
        };
        // Whether or not there is one.
        let delete_second_factor =
            Delete::builder().table_name(&self.tables.accounts).key("identity", s(format!("two-factor:{}", user.id)));
        // A session that was signed out meanwhile deletes nobody.
        let delete_session = Delete::builder()
            .table_name(&self.tables.sessions)
            .set_key(Some(sessions::key(current)))
            .condition_expression("attribute_exists(userId)");
        let consume = token_hash.map(|token_hash| {
            Delete::builder()
                .table_name(&self.tables.verification_tokens)
                .key("tokenHash", s(token_hash))
                .condition_expression("expiresAt > :now")
                .expression_attribute_values(":now", millis(now))
        });
        let items = std::iter::once(delete_user)
            .chain(user.identities.iter().map(delete_account))
            .chain([delete_second_factor, delete_session])
            .chain(consume)
            .map(|delete| TransactWriteItem::builder().set_delete(delete.build().ok()).build())
            .collect();
        match self.transact("delete user", items).await? {
            Written::Done(()) => Ok(DeletionOutcome::Done),
            Written::Refused(_) => Ok(DeletionOutcome::Stale),
        }
    }
}

impl DynamoDb {
    /// Deletes at most [`BATCH`] sessions; those that DynamoDB leaves alone are
    /// asked for again.
    async fn delete_sessions(&self, keys: &[Item]) -> StoreResult<()> {
        let operation = "purge sessions";
        let request = |key: &Item| {
            let delete = DeleteRequest::builder().set_key(Some(key.clone())).build();
            WriteRequest::builder().set_delete_request(delete.ok()).build()
        };
        let mut wanted = HashMap::from([(self.tables.sessions.clone(), keys.iter().map(request).collect())]);
        for attempt in 0..BATCH_ATTEMPTS {
            if attempt > 0 {
                back_off(attempt).await;
            }
            let output = self
                .client
                .batch_write_item()
                .set_request_items(Some(wanted))
                .send()
                .await
                .map_err(|error| unavailable(operation, &error))?;
            wanted = output.unprocessed_items.unwrap_or_default();
            if wanted.is_empty() {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable { operation, reason: "unprocessed items".to_owned() })
    }
}

fn read_grant(item: &Item) -> StoreResult<DeletionGrant> {
    let row = Reader::new("deletion token", item);
    Ok(DeletionGrant {
        user_id: row.parsed("userId", UserId::parse)?,
        valid_from: row.millis("validFrom")?,
        expires_at: row.millis("expiresAt")?,
    })
}
