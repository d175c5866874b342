use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem, Update};

use super::{
    DynamoDb,
    call::{Written, is_failed_condition, write as write_item},
    item::{Builder, Item, Reader, millis, s},
};
use crate::{
    domain::{Account, AccountKind, Email, ProviderIdentity, SealedTokens, Timestamp, User, UserId},
    ports::{FindAccounts, LinkAccount, LinkOutcome, RefreshTokens, StoreResult, UnlinkAccount},
};

impl FindAccounts for DynamoDb {
    async fn accounts(&self, user: &User) -> StoreResult<Vec<Account>> {
        let keys = user.identities.iter().map(|identity| HashMap::from([("identity".to_owned(), s(identity))]));
        let rows = self.read_batch("read accounts", [(&self.tables.accounts, keys.collect())]).await?;
        let mut accounts: Vec<Account> =
            rows.into_values().flatten().map(|row| read(&row)).collect::<Result<_, _>>()?;
        // A batch comes in no order.
        accounts.sort_by_key(|account| user.identities.iter().position(|identity| *identity == account.identity));
        Ok(accounts)
    }
}

impl LinkAccount for DynamoDb {
    async fn link(
        &self,
        user: &User,
        identity: &ProviderIdentity,
        tokens: Option<&SealedTokens>,
        now: Timestamp,
    ) -> StoreResult<LinkOutcome> {
        let key = identity.identity();
        let mut changes = "SET userId = :user, providerId = :provider, accountId = :account, \
                           sessionsValidFrom = :generation, provenEmail = :email, \
                           createdAt = if_not_exists(createdAt, :now), updatedAt = :now"
            .to_owned();
        let mut row = Update::builder()
            .table_name(&self.tables.accounts)
            .key("identity", s(&key))
            .condition_expression("attribute_not_exists(#identity) OR userId = :user")
            .expression_attribute_names("#identity", "identity")
            .expression_attribute_values(":user", s(user.id.as_str()))
            .expression_attribute_values(":provider", s(&identity.provider))
            .expression_attribute_values(":account", s(&identity.subject))
            .expression_attribute_values(":generation", millis(user.sessions_valid_from))
            .expression_attribute_values(":email", s(user.email.as_str()))
            .expression_attribute_values(":now", millis(now));
        if let Some(tokens) = tokens {
            changes
                .push_str(", providerTokens = :tokens, providerScopes = :scopes REMOVE refreshingUntil, refreshingBy");
            row = row
                .expression_attribute_values(":tokens", s(&tokens.sealed))
                .expression_attribute_values(":scopes", list(&tokens.scopes));
        }
        let mut identities = user.identities.clone();
        if !identities.contains(&key) {
            identities.push(key);
        }
        let name = self
            .user_as_read(user)
            .update_expression("SET identities = :new, updatedAt = :now")
            .expression_attribute_values(":new", list(&identities))
            .expression_attribute_values(":now", millis(now));
        let items = vec![
            TransactWriteItem::builder().set_update(name.build().ok()).build(),
            TransactWriteItem::builder().set_update(row.update_expression(changes).build().ok()).build(),
        ];
        Ok(match self.transact("link account", items).await? {
            Written::Done(()) => LinkOutcome::Linked,
            Written::Refused(reasons) if reasons.first().is_some_and(is_failed_condition) => LinkOutcome::Changed,
            Written::Refused(_) => LinkOutcome::Taken,
        })
    }
}

impl UnlinkAccount for DynamoDb {
    async fn unlink(&self, user: &User, account: &Account, now: Timestamp) -> StoreResult<bool> {
        let (of_user, of_account) = match account.kind {
            AccountKind::Address { .. } => self.unlink_password(user, account, now),
            AccountKind::Link { .. } => self.unlink_provider(user, account, now),
        };
        let written = self.transact("unlink account", vec![of_user, of_account]).await?;
        Ok(matches!(written, Written::Done(())))
    }
}

impl RefreshTokens for DynamoDb {
    async fn reserve_refresh(
        &self,
        account: &Account,
        attempt: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let sealed = account.tokens().map(|tokens| tokens.sealed.clone()).unwrap_or_default();
        let call = || {
            self.client
                .update_item()
                .table_name(&self.tables.accounts)
                .key("identity", s(&account.identity))
                .update_expression("SET refreshingUntil = :until, refreshingBy = :attempt")
                // It is there already if an answer was lost.
                .condition_expression(
                    "providerTokens = :seen AND (attribute_not_exists(refreshingUntil) OR refreshingUntil <= :now \
                     OR refreshingBy = :attempt)",
                )
                .expression_attribute_values(":attempt", s(attempt))
                .expression_attribute_values(":until", millis(until))
                .expression_attribute_values(":now", millis(now))
                .expression_attribute_values(":seen", s(&sealed))
                .send()
        };
        let written =
            write_item("reserve refresh", call, |error| error.is_conditional_check_failed_exception()).await?;
        Ok(matches!(written, Written::Done(_)))
    }

    async fn replace_tokens(&self, account: &Account, tokens: &SealedTokens, now: Timestamp) -> StoreResult<bool> {
        let seen = account.tokens().map(|tokens| tokens.sealed.clone()).unwrap_or_default();
        let call = || {
            self.client
                .update_item()
                .table_name(&self.tables.accounts)
                .key("identity", s(&account.identity))
                .update_expression(
                    "SET providerTokens = :new, providerScopes = :scopes, updatedAt = :now \
                     REMOVE refreshingUntil, refreshingBy",
                )
                // The new ones are there already if an answer was lost.
                .condition_expression("providerTokens IN (:seen, :new)")
                .expression_attribute_values(":seen", s(&seen))
                .expression_attribute_values(":new", s(&tokens.sealed))
                .expression_attribute_values(":scopes", list(&tokens.scopes))
                .expression_attribute_values(":now", millis(now))
                .send()
        };
        let written = write_item("replace tokens", call, |error| error.is_conditional_check_failed_exception()).await?;
        Ok(matches!(written, Written::Done(_)))
    }

    async fn release_refresh(&self, account: &Account, attempt: &str) -> StoreResult<()> {
        let call = || {
            self.client
                .update_item()
                .table_name(&self.tables.accounts)
                .key("identity", s(&account.identity))
                .update_expression("REMOVE refreshingUntil, refreshingBy")
                .condition_expression("refreshingBy = :attempt")
                .expression_attribute_values(":attempt", s(attempt))
                .send()
        };
        write_item("release refresh", call, |error| error.is_conditional_check_failed_exception()).await.map(|_| ())
    }
}

impl DynamoDb {
    /// An update of a user's row, provided that it is as read.
    fn user_as_read(&self, user: &User) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
        Update::builder()
            .table_name(&self.tables.users)
            .key("id", s(user.id.as_str()))
            .condition_expression(
                "identities = :identities AND email = :email AND passwordChangedAt = :changed \
                 AND sessionsValidFrom = :generation",
            )
            .expression_attribute_values(":identities", list(&user.identities))
            .expression_attribute_values(":email", s(user.email.as_str()))
            .expression_attribute_values(":changed", millis(user.password_changed_at))
            .expression_attribute_values(":generation", millis(user.sessions_valid_from))
    }

    fn unlink_provider(
        &self,
        user: &User,
        account: &Account,
        now: Timestamp,
    ) -> (TransactWriteItem, TransactWriteItem) {
        let left: Vec<String> =
            user.identities.iter().filter(|identity| **identity != account.identity).cloned().collect();
        let forget = self
            .user_as_read(user)
            .update_expression("SET identities = :left, updatedAt = :now")
            .expression_attribute_values(":left", list(&left))
            .expression_attribute_values(":now", millis(now));
        let delete = Delete::builder()
            .table_name(&self.tables.accounts)
            .key("identity", s(&account.identity))
            .condition_expression("userId = :user")
            .expression_attribute_values(":user", s(user.id.as_str()));
        (
            TransactWriteItem::builder().set_update(forget.build().ok()).build(),
            TransactWriteItem::builder().set_delete(delete.build().ok()).build(),
        )
    }

    /// The row of the address stays, so that the address stays the user's.
    fn unlink_password(
        &self,
        user: &User,
        account: &Account,
        now: Timestamp,
    ) -> (TransactWriteItem, TransactWriteItem) {
        let changed = millis(user.next_generation(now));
        let forget = self
            .user_as_read(user)
            .update_expression("SET passwordChangedAt = :new, updatedAt = :now")
            .expression_attribute_values(":new", changed.clone())
            .expression_attribute_values(":now", millis(now));
        let remove = Update::builder()
            .table_name(&self.tables.accounts)
            .key("identity", s(&account.identity))
            .update_expression("SET passwordChangedAt = :new, updatedAt = :now REMOVE passwordHash")
            .condition_expression("userId = :user AND passwordChangedAt = :seen AND attribute_exists(passwordHash)")
            .expression_attribute_values(":new", changed)
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":user", s(user.id.as_str()))
            .expression_attribute_values(":seen", millis(user.password_changed_at));
        (
            TransactWriteItem::builder().set_update(forget.build().ok()).build(),
            TransactWriteItem::builder().set_update(remove.build().ok()).build(),
        )
    }
}

/// The row of a link; `proven` as in [`ExpectedUser`](crate::ports::ExpectedUser).
pub fn write(
    identity: &ProviderIdentity,
    user_id: &UserId,
    generation: Timestamp,
    proven: bool,
    tokens: Option<&SealedTokens>,
    now: Timestamp,
) -> Item {
    let row = Builder::default()
        .set("identity", s(identity.identity()))
        .set("userId", s(user_id.as_str()))
        .set("providerId", s(&identity.provider))
        .set("accountId", s(&identity.subject))
        .set("sessionsValidFrom", millis(generation))
        .set_some("provenEmail", identity.email.as_ref().filter(|_| proven).map(Email::as_str))
        .set("createdAt", millis(now))
        .set("updatedAt", millis(now));
    match tokens {
        Some(tokens) => {
            row.set("providerTokens", s(&tokens.sealed)).set("providerScopes", list(&tokens.scopes)).build()
        }
        None => row.build(),
    }
}

/// A list of strings.
pub fn list(items: &[String]) -> AttributeValue {
    AttributeValue::L(items.iter().map(s).collect())
}

/// The address that a link has proven, if any.
pub fn read_proven(row: &Reader<'_>) -> StoreResult<Option<Email>> {
    let text = row.optional_string("provenEmail")?;
    text.map(|text| Email::parse(text).map_err(|_| row.corrupt("provenEmail"))).transpose()
}

fn read(item: &Item) -> StoreResult<Account> {
    let row = Reader::new("account", item);
    let provider = row.string("providerId")?;
    let kind = if provider == "credential" {
        AccountKind::Address { has_password: row.optional_string("passwordHash")?.is_some() }
    } else {
        let tokens = row.optional_string("providerTokens")?;
        AccountKind::Link {
            generation: row.millis("sessionsValidFrom")?,
            proven_email: read_proven(&row)?,
            tokens: tokens
                .map(|sealed| Ok(SealedTokens { sealed: sealed.to_owned(), scopes: row.strings("providerScopes")? }))
                .transpose()?,
        }
    };
    Ok(Account {
        identity: row.string("identity")?.to_owned(),
        user_id: row.parsed("userId", UserId::parse)?,
        provider: provider.to_owned(),
        account_id: row.string("accountId")?.to_owned(),
        created_at: row.millis("createdAt")?,
        updated_at: row.millis("updatedAt")?,
        kind,
    })
}
