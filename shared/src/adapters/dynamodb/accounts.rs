use super::{
    DynamoDb,
    call::{unavailable, write as write_item},
    item::{Builder, Item, Reader, millis, s},
};
use crate::{
    domain::{CredentialAccount, Email, Timestamp, UserId},
    ports::{FindCredential, StoreResult, UpgradePasswordHash},
};

impl FindCredential for DynamoDb {
    async fn credential(&self, email: &Email) -> StoreResult<Option<CredentialAccount>> {
        self.client
            .get_item()
            .table_name(&self.tables.accounts)
            .key("identity", s(email.identity()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| unavailable("read account", &error))?
            .item
            .as_ref()
            .map(read_credential)
            .transpose()
    }
}

impl UpgradePasswordHash for DynamoDb {
    async fn upgrade(&self, email: &Email, old: &str, new: &str) -> StoreResult<()> {
        let call = || {
            self.client
                .update_item()
                .table_name(&self.tables.accounts)
                .key("identity", s(email.identity()))
                .update_expression("SET passwordHash = :new")
                .condition_expression("passwordHash = :old")
                .expression_attribute_values(":new", s(new))
                .expression_attribute_values(":old", s(old))
                .send()
        };
        write_item("upgrade password hash", call, |error| error.is_conditional_check_failed_exception())
            .await
            .map(|_| ())
    }
}

/// The credential row of an address.
pub fn write_credential(
    email: &Email,
    user_id: &UserId,
    hash: Option<&str>,
    password_changed_at: Timestamp,
    now: Timestamp,
) -> Item {
    Builder::default()
        .set("identity", s(email.identity()))
        .set("userId", s(user_id.as_str()))
        .set("providerId", s("credential"))
        .set("accountId", s(user_id.as_str()))
        .set_some("passwordHash", hash)
        .set("passwordChangedAt", millis(password_changed_at))
        .set("createdAt", millis(now))
        .set("updatedAt", millis(now))
        .build()
}

/// The account in a credential row.
pub fn read_credential(item: &Item) -> StoreResult<CredentialAccount> {
    let row = Reader::new("account", item);
    Ok(CredentialAccount {
        user_id: row.parsed("userId", UserId::parse)?,
        password_hash: row.optional_string("passwordHash")?.map(str::to_owned),
        password_changed_at: row.millis("passwordChangedAt")?,
    })
}
