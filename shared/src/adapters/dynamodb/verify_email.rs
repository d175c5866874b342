use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};

use super::{
    DynamoDb,
    accounts::read_credential,
    call::{Written, write as write_item},
    email_change::read_change,
    item::{Builder, Item, Reader, millis, s},
    registration::transact_put,
    users,
    verification::write_reset_grant,
};
use crate::{
    domain::{AddressGrant, ChangeStep, CredentialAccount, Email, Purpose, Timestamp, User, UserId, VerificationGrant},
    ports::{
        ClaimNotice, FindAddressGrant, Recovery, StoreResult, StoreVerificationToken, Verification, VerifyAddress,
    },
};

impl StoreVerificationToken for DynamoDb {
    async fn store_verification_token(&self, token_hash: &str, grant: &VerificationGrant) -> StoreResult<()> {
        self.put_token("store verification token", write_grant(token_hash, grant)).await
    }
}

impl FindAddressGrant for DynamoDb {
    async fn address_grant(&self, token_hashes: &[String]) -> StoreResult<Option<(String, AddressGrant)>> {
        let keys = token_hashes.iter().map(|hash| HashMap::from([("tokenHash".to_owned(), s(hash))])).collect();
        let rows = self.read_batch("read verification token", [(&self.tables.verification_tokens, keys)]).await?;
        rows.into_values().flatten().next().map(|row| read_address_grant(&row)).transpose()
    }

    async fn user_and_address(
        &self,
        user_id: &UserId,
        email: &Email,
    ) -> StoreResult<(Option<User>, Option<CredentialAccount>)> {
        let key = |name: &str, value: &str| vec![HashMap::from([(name.to_owned(), s(value))])];
        let keys = [
            (&self.tables.users, key("id", user_id.as_str())),
            (&self.tables.accounts, key("identity", &email.identity())),
        ];
        let mut rows = self.read_batch("read user and account", keys).await?;
        let mut take = |table: &String| rows.remove(table).and_then(|mut rows| rows.pop());
        let (user, account) = (take(&self.tables.users), take(&self.tables.accounts));
        Ok((user.as_ref().map(users::read).transpose()?, account.as_ref().map(read_credential).transpose()?))
    }
}

impl VerifyAddress for DynamoDb {
    async fn verify_address(&self, verification: Verification<'_>) -> StoreResult<bool> {
        let mut items = vec![self.spend_token(&verification), self.mark_verified(&verification)];
        if let Some(recovery) = &verification.recovery {
            items.push(self.remove_password(verification.user, recovery, verification.now));
            items.push(self.forget_factor(&verification.user.id));
            items.extend(recovery.reset.map(|(hash, grant)| self.put_token_item(write_reset_grant(hash, grant))));
        }
        items.extend(verification.admission.into_iter().flat_map(|rows| self.admission(rows)));
        self.transact("verify address", items).await.map(|written| matches!(written, Written::Done(())))
    }
}

impl ClaimNotice for DynamoDb {
    async fn claim_notice(&self, key: &str, attempt: &str, until: Timestamp, now: Timestamp) -> StoreResult<bool> {
        let row = Builder::default()
            .set("tokenHash", s(key))
            .set("purpose", s("notice"))
            .set("claimedBy", s(attempt))
            .set_expiry(until)
            .build();
        let call = || {
            self.client
                .put_item()
                .table_name(&self.tables.verification_tokens)
                .set_item(Some(row.clone()))
                .condition_expression("attribute_not_exists(tokenHash) OR expiresAt <= :now OR claimedBy = :attempt")
                .expression_attribute_values(":now", millis(now))
                .expression_attribute_values(":attempt", s(attempt))
                .send()
        };
        write_item("claim notice", call, |error| error.is_conditional_check_failed_exception())
            .await
            .map(|written| matches!(written, Written::Done(_)))
    }
}

impl DynamoDb {
    /// The row of a token as part of a transaction.
    pub(super) fn put_token_item(&self, row: Item) -> TransactWriteItem {
        transact_put(Put::builder().table_name(&self.tables.verification_tokens).set_item(Some(row)))
    }

    /// Marked rather than deleted: whoever follows the link again is told that
    /// all is well, not that the link is broken.
    fn spend_token(&self, verification: &Verification<'_>) -> TransactWriteItem {
        let update = Update::builder()
            .table_name(&self.tables.verification_tokens)
            .key("tokenHash", s(verification.token_hash))
            .update_expression("SET usedAt = :now")
            .condition_expression("attribute_not_exists(usedAt) AND expiresAt > :now")
            .expression_attribute_values(":now", millis(verification.now));
        TransactWriteItem::builder().set_update(update.build().ok()).build()
    }

    fn mark_verified(&self, verification: &Verification<'_>) -> TransactWriteItem {
        let user = verification.user;
        let mut change = "SET emailVerified = :true, updatedAt = :now".to_owned();
        let mut condition = "email = :email AND emailVerified = :false AND sessionsValidFrom = :generation \
             AND passwordChangedAt = :changed AND identities = :identities"
            .to_owned();
        let mut update = Update::builder()
            .table_name(&self.tables.users)
            .key("id", s(user.id.as_str()))
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .expression_attribute_values(":false", AttributeValue::Bool(false))
            .expression_attribute_values(":now", millis(verification.now))
            .expression_attribute_values(":email", s(user.email.as_str()))
            .expression_attribute_values(":generation", millis(user.sessions_valid_from))
            .expression_attribute_values(":changed", millis(user.password_changed_at))
            .expression_attribute_values(":identities", users::identities(&user.identities));
        match user.two_factor_since {
            None => condition.push_str(" AND attribute_not_exists(twoFactorSince)"),
            Some(since) => {
                condition.push_str(" AND twoFactorSince = :since");
                update = update.expression_attribute_values(":since", millis(since));
            }
        }
        if let Some(recovery) = &verification.recovery {
            change.push_str(
                ", sessionsValidFrom = :recovered, passwordChangedAt = :recovered, recoveredAt = :recovered \
                 REMOVE emailChange, twoFactorSince",
            );
            update = update.expression_attribute_values(":recovered", millis(recovery.generation));
        }
        let update = update.update_expression(change).condition_expression(condition);
        TransactWriteItem::builder().set_update(update.build().ok()).build()
    }

    fn remove_password(&self, user: &User, recovery: &Recovery<'_>, now: Timestamp) -> TransactWriteItem {
        let update = Update::builder()
            .table_name(&self.tables.accounts)
            .key("identity", s(user.email.identity()))
            .update_expression("SET passwordChangedAt = :recovered, updatedAt = :now REMOVE passwordHash")
            .condition_expression("userId = :user AND passwordChangedAt = :changed")
            .expression_attribute_values(":recovered", millis(recovery.generation))
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":user", s(user.id.as_str()))
            .expression_attribute_values(":changed", millis(user.password_changed_at));
        TransactWriteItem::builder().set_update(update.build().ok()).build()
    }
}

/// The row of a token that verifies an address.
pub fn write_grant(token_hash: &str, grant: &VerificationGrant) -> Item {
    Builder::default()
        .set("tokenHash", s(token_hash))
        .set("purpose", s(Purpose::EmailVerification.name()))
        .set("email", s(grant.email.as_str()))
        .set_some("userId", grant.user_id.as_ref().map(UserId::as_str))
        .set_expiry(grant.expires_at)
        .build()
}

fn read_address_grant(item: &Item) -> StoreResult<(String, AddressGrant)> {
    let row = Reader::new("verification token", item);
    let purpose = row.string("purpose")?;
    let grant = if purpose == Purpose::EmailVerification.name() {
        AddressGrant::Verification(read_grant(item)?)
    } else if purpose == Purpose::EmailChangeConsent.name() {
        AddressGrant::Change(read_change(item, ChangeStep::Consent)?)
    } else if purpose == Purpose::EmailChange.name() {
        AddressGrant::Change(read_change(item, ChangeStep::Change)?)
    } else {
        return Err(row.corrupt("purpose"));
    };
    Ok((row.string("tokenHash")?.to_owned(), grant))
}

fn read_grant(item: &Item) -> StoreResult<VerificationGrant> {
    let row = Reader::new("verification token", item);
    let user_id =
        row.optional_string("userId")?.map(|id| UserId::parse(id).ok_or_else(|| row.corrupt("userId"))).transpose()?;
    Ok(VerificationGrant {
        email: row.parsed("email", |text| Email::parse(text).ok())?,
        user_id,
        used: row.optional_millis("usedAt")?.is_some(),
        expires_at: row.millis("expiresAt")?,
    })
}
