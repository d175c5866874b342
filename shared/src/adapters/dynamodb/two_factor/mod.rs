//! Second factors, what is tried on them, and what they open.

mod attempts;
mod enrolment;
mod mailed_codes;
mod spending;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem};

use super::{
    DynamoDb,
    call::unavailable,
    item::{Builder, Item, Reader, millis, s},
};
use crate::{
    domain::{Factor, MailedCode, Timestamp, UserId, two_factor_identity},
    ports::{FindFactor, StoreResult},
};

impl FindFactor for DynamoDb {
    async fn factor(&self, user_id: &UserId) -> StoreResult<Option<Factor>> {
        self.client
            .get_item()
            .table_name(&self.tables.accounts)
            .key("identity", s(two_factor_identity(user_id)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| unavailable("read second factor", &error))?
            .item
            .as_ref()
            .map(read_factor)
            .transpose()
    }
}

impl DynamoDb {
    /// Deletes a user's factor, enabled or not, as part of a transaction.
    pub(super) fn forget_factor(&self, user_id: &UserId) -> TransactWriteItem {
        let delete =
            Delete::builder().table_name(&self.tables.accounts).key("identity", s(two_factor_identity(user_id)));
        TransactWriteItem::builder().set_delete(delete.build().ok()).build()
    }
}

/// The row of a factor. `failures`, the set of attempts that failed in a row,
/// comes with the first.
fn write_factor(factor: &Factor, now: Timestamp) -> Item {
    Builder::default()
        .set("identity", s(two_factor_identity(&factor.user_id)))
        .set("userId", s(factor.user_id.as_str()))
        .set("providerId", s("two-factor"))
        .set("secret", s(&factor.sealed_secret))
        .set("enabled", AttributeValue::Bool(factor.enabled))
        .set("lastUsedStep", AttributeValue::N(factor.last_used_step.to_string()))
        .set("backupCodes", AttributeValue::Ss(factor.backup_codes.clone()))
        .set("createdAt", millis(now))
        .set("updatedAt", millis(now))
        .build()
}

/// The factor in a row.
fn read_factor(item: &Item) -> StoreResult<Factor> {
    let row = Reader::new("second factor", item);
    Ok(Factor {
        user_id: row.parsed("userId", UserId::parse)?,
        sealed_secret: row.string("secret")?.to_owned(),
        enabled: row.boolean("enabled")?,
        last_used_step: row.number("lastUsedStep")?,
        backup_codes: row.string_set("backupCodes")?,
    })
}

/// The mailed code in the row of a challenge, or in its own.
fn read_code(item: &Item) -> StoreResult<Option<MailedCode>> {
    let row = Reader::new("mailed code", item);
    let Some(hash) = row.optional_string("codeHash")? else { return Ok(None) };
    Ok(Some(MailedCode { hash: hash.to_owned(), expires_at: row.millis("codeExpiresAt")? }))
}
