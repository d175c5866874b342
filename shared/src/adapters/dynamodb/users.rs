use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    DynamoDb,
    call::unavailable,
    item::{Builder, Item, Reader, millis, s},
};
use crate::{
    domain::{Email, User, UserId},
    ports::{FindUser, StoreResult},
};

impl FindUser for DynamoDb {
    async fn user(&self, id: &UserId) -> StoreResult<Option<User>> {
        self.client
            .get_item()
            .table_name(&self.tables.users)
            .key("id", s(id.as_str()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| unavailable("read user", &error))?
            .item
            .as_ref()
            .map(read)
            .transpose()
    }
}

/// The row of a user.
pub fn write(user: &User) -> Item {
    Builder::default()
        .set("id", s(user.id.as_str()))
        .set("name", s(&user.name))
        .set("email", s(user.email.as_str()))
        .set("emailVerified", AttributeValue::Bool(user.email_verified))
        .set_some("image", user.image.as_deref())
        .set("createdAt", millis(user.created_at))
        .set("updatedAt", millis(user.updated_at))
        .set("sessionsValidFrom", millis(user.sessions_valid_from))
        .set("passwordChangedAt", millis(user.password_changed_at))
        .set_some_time("twoFactorSince", user.two_factor_since)
        .set("recoveredAt", millis(user.recovered_at))
        .set_some("emailChange", user.email_change.as_deref())
        .set("identities", identities(&user.identities))
        .build()
}

/// The condition, with its values, that what decides over a way in is still as
/// it was read: generation, password, address and second factor.
pub fn as_read(user: &User) -> (String, HashMap<String, AttributeValue>) {
    let mut condition = "sessionsValidFrom = :generation AND passwordChangedAt = :seen AND email = :email \
                         AND emailVerified = :verified"
        .to_owned();
    let mut values = HashMap::from([
        (":generation".to_owned(), millis(user.sessions_valid_from)),
        (":seen".to_owned(), millis(user.password_changed_at)),
        (":email".to_owned(), s(user.email.as_str())),
        (":verified".to_owned(), AttributeValue::Bool(user.email_verified)),
    ]);
    match user.two_factor_since {
        None => condition.push_str(" AND attribute_not_exists(twoFactorSince)"),
        Some(since) => {
            condition.push_str(" AND twoFactorSince = :since");
            values.insert(":since".to_owned(), millis(since));
        }
    }
    (condition, values)
}

/// The keys of a user's accounts.
pub fn identities(keys: &[String]) -> AttributeValue {
    AttributeValue::L(keys.iter().map(s).collect())
}

/// The user in a row.
pub fn read(item: &Item) -> StoreResult<User> {
    let row = Reader::new("user", item);
    Ok(User {
        id: row.parsed("id", UserId::parse)?,
        name: row.string("name")?.to_owned(),
        email: row.parsed("email", |text| Email::parse(text).ok())?,
        email_verified: row.boolean("emailVerified")?,
        image: row.optional_string("image")?.map(str::to_owned),
        created_at: row.millis("createdAt")?,
        updated_at: row.millis("updatedAt")?,
        sessions_valid_from: row.millis("sessionsValidFrom")?,
        password_changed_at: row.millis("passwordChangedAt")?,
        two_factor_since: row.optional_millis("twoFactorSince")?,
        // Rows of the first version have none.
        recovered_at: row.optional_millis("recoveredAt")?.unwrap_or(row.millis("createdAt")?),
        email_change: row.optional_string("emailChange")?.map(str::to_owned),
        identities: row.strings("identities")?,
    })
}
