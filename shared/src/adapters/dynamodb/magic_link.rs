use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, TransactWriteItem, Update};

use super::{
    DynamoDb,
    accounts::write_credential,
    call::{Written, is_failed_condition},
    item::{Builder, Item, Reader, millis, s},
    users,
};
use crate::{
    domain::{AddressOwner, Email, MagicLinkGrant, Purpose, Timestamp, User, UserId},
    ports::{AdmissionRows, FindMagicLink, RedeemMagicLink, Redemption, StoreMagicLink, StoreResult},
};

impl StoreMagicLink for DynamoDb {
    async fn store_magic_link(&self, token_hash: &str, grant: &MagicLinkGrant) -> StoreResult<()> {
        let owner = grant.owner.as_ref();
        let row = Builder::default()
            .set("tokenHash", s(token_hash))
            .set("purpose", s(Purpose::MagicLink.name()))
            .set("email", s(grant.email.as_str()))
            .set("name", s(&grant.name))
            .set_some("userId", owner.map(|owner| owner.user_id.as_str()))
            .set_some_time("passwordChangedAt", owner.map(|owner| owner.password_changed_at))
            .set_expiry(grant.expires_at)
            .build();
        self.put_token("store magic link", row).await
    }
}

impl FindMagicLink for DynamoDb {
    async fn magic_link(&self, token_hash: &str) -> StoreResult<Option<MagicLinkGrant>> {
        let item = self.token("read magic link", token_hash).await?;
        item.as_ref().map(read_grant).transpose()
    }
}

impl RedeemMagicLink for DynamoDb {
    async fn register_by_link(
        &self,
        token_hash: &str,
        user: &User,
        rows: AdmissionRows<'_>,
        now: Timestamp,
    ) -> StoreResult<Redemption> {
        let address = write_credential(&user.email, &user.id, None, user.password_changed_at, user.created_at);
        let items = vec![self.put_new_account(address), self.put_new_user(user)];
        self.redeem(token_hash, items, rows, now).await
    }

    async fn sign_in_by_link(
        &self,
        token_hash: &str,
        user: &User,
        rows: AdmissionRows<'_>,
        now: Timestamp,
    ) -> StoreResult<Redemption> {
        let (condition, values) = users::as_read(user);
        let check = ConditionCheck::builder()
            .table_name(&self.tables.users)
            .key("id", s(user.id.as_str()))
            .condition_expression(condition)
            .set_expression_attribute_values(Some(values));
        let items = vec![TransactWriteItem::builder().set_condition_check(check.build().ok()).build()];
        self.redeem(token_hash, items, rows, now).await
    }

    async fn recover_by_link(
        &self,
        token_hash: &str,
        user: &User,
        recovered: &User,
        rows: AdmissionRows<'_>,
        now: Timestamp,
    ) -> StoreResult<Redemption> {
        let (condition, mut values) = users::as_read(user);
        values.insert(":true".to_owned(), AttributeValue::Bool(true));
        values.insert(":new".to_owned(), millis(recovered.sessions_valid_from));
        values.insert(":now".to_owned(), millis(now));
        let recover = Update::builder()
            .table_name(&self.tables.users)
            .key("id", s(user.id.as_str()))
            .update_expression("SET emailVerified = :true, sessionsValidFrom = :new, passwordChangedAt = :new, recoveredAt = :new, updatedAt = :now REMOVE twoFactorSince")
            .condition_expression(condition)
            .set_expression_attribute_values(Some(values));
        let remove_password = Update::builder()
            .table_name(&self.tables.accounts)
            .key("identity", s(user.email.identity()))
            .update_expression("SET passwordChangedAt = :new, updatedAt = :now REMOVE passwordHash")
            .condition_expression("userId = :user AND passwordChangedAt = :seen")
            .expression_attribute_values(":new", millis(recovered.password_changed_at))
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":user", s(user.id.as_str()))
            .expression_attribute_values(":seen", millis(user.password_changed_at));
        let updates = [recover.build(), remove_password.build()]
            .map(|update| TransactWriteItem::builder().set_update(update.ok()).build());
        let items = updates.into_iter().chain([self.forget_factor(&user.id)]).collect();
        self.redeem(token_hash, items, rows, now).await
    }
}

impl DynamoDb {
    /// Spends the token, does the work and admits the user in one transaction.
    async fn redeem(
        &self,
        token_hash: &str,
        work: Vec<TransactWriteItem>,
        rows: AdmissionRows<'_>,
        now: Timestamp,
    ) -> StoreResult<Redemption> {
        let spend = Delete::builder()
            .table_name(&self.tables.verification_tokens)
            .key("tokenHash", s(token_hash))
            .condition_expression("expiresAt > :now")
            .expression_attribute_values(":now", millis(now));
        let mut items = vec![TransactWriteItem::builder().set_delete(spend.build().ok()).build()];
        items.extend(work);
        items.extend(self.admission(rows));
        match self.transact("redeem magic link", items).await? {
            Written::Done(()) => Ok(Redemption::Done),
            Written::Refused(reasons) if reasons.first().is_some_and(is_failed_condition) => Ok(Redemption::Spent),
            Written::Refused(_) => Ok(Redemption::Differs),
        }
    }
}

fn read_grant(item: &Item) -> StoreResult<MagicLinkGrant> {
    let row = Reader::new("magic link", item);
    let owner = match row.optional_string("userId")? {
        Some(_) => Some(AddressOwner {
            user_id: row.parsed("userId", UserId::parse)?,
            password_changed_at: row.millis("passwordChangedAt")?,
        }),
        None => None,
    };
    Ok(MagicLinkGrant {
        email: row.parsed("email", |text| Email::parse(text).ok())?,
        name: row.string("name")?.to_owned(),
        owner,
        expires_at: row.millis("expiresAt")?,
    })
}
