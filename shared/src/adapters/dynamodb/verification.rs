use aws_sdk_dynamodb::types::{
    CancellationReason, Delete, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};

use super::{
    DynamoDb,
    call::{Written, is_failed_condition, unavailable, write as write_item},
    item::{Builder, Item, Reader, millis, s},
};
use crate::{
    adapters::OsRandom,
    domain::{Email, OAuthState, Purpose, ResetGrant, SessionHandle, Timestamp, UserId, alphanumeric},
    ports::{
        ConsumeOAuthState, FindOAuthState, FindResetToken, ResetOutcome, ResetPassword, SpendIdToken, StoreError,
        StoreOAuthState, StoreResetToken, StoreResult,
    },
};

/// Tries of a reset while somebody ends the sessions over and over.
const RESET_ATTEMPTS: usize = 4;

impl StoreResetToken for DynamoDb {
    async fn store_reset_token(&self, token_hash: &str, grant: &ResetGrant) -> StoreResult<()> {
        self.put_token("store reset token", write_reset_grant(token_hash, grant)).await
    }
}

impl FindResetToken for DynamoDb {
    async fn reset_token(&self, token_hash: &str) -> StoreResult<Option<ResetGrant>> {
        let item = self.token("read reset token", token_hash).await?;
        item.as_ref().map(read_grant).transpose()
    }
}

impl ResetPassword for DynamoDb {
    async fn reset_password(
        &self,
        token_hash: &str,
        grant: &ResetGrant,
        user_id: &UserId,
        password_hash: &str,
        now: Timestamp,
    ) -> StoreResult<ResetOutcome> {
        let mut generation = now.after(grant.password_changed_at);
        for _ in 0..RESET_ATTEMPTS {
            let items = self.reset(token_hash, grant, user_id, password_hash, generation, now);
            match self.transact("reset password", items).await? {
                Written::Done(()) => return Ok(ResetOutcome::Done),
                Written::Refused(reasons) => match overtaking(&reasons, grant)? {
                    Some(newer) => generation = generation.after(newer),
                    None => return Ok(ResetOutcome::Stale),
                },
            }
        }
        let reason = "the sessions keep ending".to_owned();
        Err(StoreError::Unavailable { operation: "reset password", reason })
    }

    async fn forget_reset_token(&self, token_hash: &str) -> StoreResult<()> {
        let call = || {
            let table = &self.tables.verification_tokens;
            self.client.delete_item().table_name(table).key("tokenHash", s(token_hash)).send()
        };
        write_item("forget reset token", call, |_| false).await.map(drop)
    }
}

impl DynamoDb {
    fn reset(
        &self,
        token_hash: &str,
        grant: &ResetGrant,
        user_id: &UserId,
        password_hash: &str,
        generation: Timestamp,
        now: Timestamp,
    ) -> Vec<TransactWriteItem> {
        let consume = Delete::builder()
            .table_name(&self.tables.verification_tokens)
            .key("tokenHash", s(token_hash))
            .condition_expression("expiresAt > :now")
            .expression_attribute_values(":now", millis(now));
        // Every other token of the user carries the old time and dies with it.
        let set_password = Update::builder()
            .table_name(&self.tables.accounts)
            .key("identity", s(grant.email.identity()))
            .update_expression("SET passwordHash = :hash, passwordChangedAt = :changed, updatedAt = :now")
            .condition_expression("userId = :user AND passwordChangedAt = :seen")
            .expression_attribute_values(":hash", s(password_hash))
            .expression_attribute_values(":changed", millis(generation))
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":user", s(user_id.as_str()))
            .expression_attribute_values(":seen", millis(grant.password_changed_at));
        let end_sessions = Update::builder()
            .table_name(&self.tables.users)
            .key("id", s(user_id.as_str()))
            .update_expression("SET sessionsValidFrom = :changed, passwordChangedAt = :changed, recoveredAt = :changed, updatedAt = :now")
            // Generations only grow: one that was given up never comes back.
            .condition_expression("sessionsValidFrom < :changed AND passwordChangedAt = :seen")
            .expression_attribute_values(":changed", millis(generation))
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":seen", millis(grant.password_changed_at))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        vec![
            TransactWriteItem::builder().set_delete(consume.build().ok()).build(),
            TransactWriteItem::builder().set_update(set_password.build().ok()).build(),
            TransactWriteItem::builder().set_update(end_sessions.build().ok()).build(),
        ]
    }
}

/// The generation that was started meanwhile, if that alone is why a reset was
/// refused.
fn overtaking(reasons: &[CancellationReason], grant: &ResetGrant) -> StoreResult<Option<Timestamp>> {
    let [consume, set_password, end_sessions] = reasons else { return Ok(None) };
    let Some(user) = end_sessions.item().filter(|user| !user.is_empty()) else { return Ok(None) };
    if is_failed_condition(consume) || is_failed_condition(set_password) {
        return Ok(None);
    }
    let row = Reader::new("user", user);
    let same_password = row.millis("passwordChangedAt")? == grant.password_changed_at;
    if same_password { row.millis("sessionsValidFrom").map(Some) } else { Ok(None) }
}

impl StoreOAuthState for DynamoDb {
    async fn store_oauth_state(&self, token_hash: &str, state: &OAuthState) -> StoreResult<()> {
        let row = Builder::default()
            .set("tokenHash", s(token_hash))
            .set("purpose", s(Purpose::OAuthState.name()))
            .set("provider", s(&state.provider))
            .set("secretVersion", s(&state.secret_version))
            .set("callbackUrl", s(&state.callback_url))
            .set_some("errorCallbackUrl", state.error_callback_url.as_deref())
            .set_some("newUserCallbackUrl", state.new_user_callback_url.as_deref())
            .set_some("linkUserId", state.link.as_ref().map(|session| session.user_id.as_str()))
            .set_some("linkSession", state.link.as_ref().map(|session| session.token_hash.as_str()))
            .set_expiry(state.expires_at)
            .build();
        self.put_token("store oauth state", row).await
    }
}

impl FindOAuthState for DynamoDb {
    async fn oauth_state(&self, token_hash: &str) -> StoreResult<Option<OAuthState>> {
        let item = self.token("read oauth state", token_hash).await?;
        item.filter(|item| !item.contains_key("consumedBy")).as_ref().map(read_state).transpose()
    }
}

impl ConsumeOAuthState for DynamoDb {
    /// The row is marked rather than deleted: a repeated call, after a lost
    /// answer, finds its own mark. DynamoDB's TTL collects the row.
    async fn consume_oauth_state(&self, token_hash: &str, attempt: &str) -> StoreResult<Option<OAuthState>> {
        let call = || {
            self.client
                .update_item()
                .table_name(&self.tables.verification_tokens)
                .key("tokenHash", s(token_hash))
                .update_expression("SET consumedBy = :attempt")
                .condition_expression(
                    "attribute_exists(tokenHash) AND (attribute_not_exists(consumedBy) OR consumedBy = :attempt)",
                )
                .expression_attribute_values(":attempt", s(attempt))
                .return_values(ReturnValue::AllNew)
                .send()
        };
        match write_item("consume oauth state", call, |error| error.is_conditional_check_failed_exception()).await? {
            Written::Done(output) => output.attributes.as_ref().map(read_state).transpose(),
            Written::Refused(()) => Ok(None),
        }
    }
}

impl SpendIdToken for DynamoDb {
    /// The row names the call that made it, so that a repeated one, after a
    /// lost answer, finds its own. An id token is refused once it has expired,
    /// so that the row of an expired one has nothing to say.
    async fn spend_id_token(&self, token_hash: &str, expires_at: Timestamp) -> StoreResult<bool> {
        let attempt = alphanumeric(&OsRandom, 22);
        let row = Builder::default()
            .set("tokenHash", s(token_hash))
            .set("purpose", s(Purpose::IdToken.name()))
            .set("consumedBy", s(&attempt))
            .set_expiry(expires_at)
            .build();
        let call = || {
            self.client
                .put_item()
                .table_name(&self.tables.verification_tokens)
                .set_item(Some(row.clone()))
                .condition_expression("attribute_not_exists(tokenHash) OR consumedBy = :attempt")
                .expression_attribute_values(":attempt", s(&attempt))
                .send()
        };
        let written = write_item("spend id token", call, |error| error.is_conditional_check_failed_exception()).await?;
        Ok(matches!(written, Written::Done(_)))
    }
}

impl DynamoDb {
    /// Stores the row of a token.
    pub(super) async fn put_token(&self, operation: &'static str, row: Item) -> StoreResult<()> {
        let call =
            || self.client.put_item().table_name(&self.tables.verification_tokens).set_item(Some(row.clone())).send();
        write_item(operation, call, |_| false).await.map(|_| ())
    }

    /// The row of a token, expired or not.
    pub(super) async fn token(&self, operation: &'static str, token_hash: &str) -> StoreResult<Option<Item>> {
        self.client
            .get_item()
            .table_name(&self.tables.verification_tokens)
            .key("tokenHash", s(token_hash))
            .consistent_read(true)
            .send()
            .await
            .map(|output| output.item)
            .map_err(|error| unavailable(operation, &error))
    }
}

/// The row of a reset token.
pub fn write_reset_grant(token_hash: &str, grant: &ResetGrant) -> Item {
    Builder::default()
        .set("tokenHash", s(token_hash))
        .set("purpose", s(Purpose::PasswordReset.name()))
        .set("email", s(grant.email.as_str()))
        .set_some("userId", grant.user_id.as_ref().map(UserId::as_str))
        .set("passwordChangedAt", millis(grant.password_changed_at))
        .set_expiry(grant.expires_at)
        .build()
}

fn read_grant(item: &Item) -> StoreResult<ResetGrant> {
    let row = Reader::new("reset token", item);
    let user_id =
        row.optional_string("userId")?.map(|id| UserId::parse(id).ok_or_else(|| row.corrupt("userId"))).transpose()?;
    Ok(ResetGrant {
        email: row.parsed("email", |text| Email::parse(text).ok())?,
        user_id,
        password_changed_at: row.millis("passwordChangedAt")?,
        expires_at: row.millis("expiresAt")?,
    })
}

fn read_state(item: &Item) -> StoreResult<OAuthState> {
    let row = Reader::new("oauth state", item);
    let link = match row.optional_string("linkUserId")? {
        Some(user) => Some(row.parsed("linkSession", |hash| SessionHandle::parse(user, hash))?),
        None => None,
    };
    Ok(OAuthState {
        provider: row.string("provider")?.to_owned(),
        secret_version: row.string("secretVersion")?.to_owned(),
        callback_url: row.string("callbackUrl")?.to_owned(),
        error_callback_url: row.optional_string("errorCallbackUrl")?.map(str::to_owned),
        new_user_callback_url: row.optional_string("newUserCallbackUrl")?.map(str::to_owned),
        link,
        expires_at: row.millis("expiresAt")?,
    })
}
