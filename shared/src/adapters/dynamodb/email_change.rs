use aws_sdk_dynamodb::types::{Delete, TransactWriteItem, Update, builders::UpdateBuilder};

use super::{
    DynamoDb,
    accounts::write_credential,
    call::{Written, is_failed_condition},
    item::{Builder, Item, Reader, millis, s},
    sessions, users,
};
use crate::{
    domain::{ChangeStep, Email, EmailChangeGrant, Purpose, Session, Timestamp, UserId},
    ports::{ChangeEmail, EmailChange, EmailChangeOutcome, StartEmailChange, StoreResult},
};

/// Where the token, the new address, and the session that goes on stand in the
/// transaction that makes the change.
const TOKEN: usize = 0;
const NEW_ACCOUNT: usize = 1;
const KEPT_SESSION: usize = 4;

impl StartEmailChange for DynamoDb {
    async fn start_email_change(&self, token_hash: &str, grant: &EmailChangeGrant) -> StoreResult<bool> {
        let pending = self.pending_change(grant, token_hash).condition_expression(UNCHANGED);
        let items = vec![
            TransactWriteItem::builder().set_update(pending.build().ok()).build(),
            self.put_token_item(write_change(token_hash, grant)),
        ];
        self.transact("start email change", items).await.map(|written| matches!(written, Written::Done(())))
    }
}

impl ChangeEmail for DynamoDb {
    async fn consent_to_email_change(
        &self,
        consent_hash: &str,
        change_hash: &str,
        change: &EmailChangeGrant,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let pending = self
            .pending_change(change, change_hash)
            .condition_expression(format!("{UNCHANGED} AND emailChange = :consent"))
            .expression_attribute_values(":consent", s(consent_hash));
        let items = vec![
            self.delete_token(consent_hash, now),
            TransactWriteItem::builder().set_update(pending.build().ok()).build(),
            self.put_token_item(write_change(change_hash, change)),
        ];
        self.transact("consent to email change", items).await.map(|written| matches!(written, Written::Done(())))
    }

    async fn change_email(&self, change: EmailChange<'_>) -> StoreResult<EmailChangeOutcome> {
        let EmailChange { user, account, now, .. } = change;
        let hash = account.password_hash.as_deref();
        // Links that were mailed to the old address stay dead, even if the user
        // comes back to it: they carry an earlier time.
        let mut moved = write_credential(change.new_email, &user.id, hash, change.generation, user.created_at);
        moved.insert("updatedAt".to_owned(), millis(now));
        let items = vec![
            self.delete_token(change.token_hash, now),
            self.put_new_account(moved),
            self.delete_account(&change),
            self.change_user(&change),
            self.keep_session(change.kept, change.generation, now),
        ];
        let reasons = match self.transact("change email", items).await? {
            Written::Done(()) => return Ok(EmailChangeOutcome::Done),
            Written::Refused(reasons) => reasons,
        };
        let failed = |item: usize| reasons.get(item).is_some_and(is_failed_condition);
        // Of two clicks on one link the later one finds the address taken, too.
        Ok(if failed(TOKEN) {
            EmailChangeOutcome::Stale
        } else if failed(NEW_ACCOUNT) {
            EmailChangeOutcome::Taken
        } else if failed(KEPT_SESSION) {
            EmailChangeOutcome::SessionEnded
        } else {
            EmailChangeOutcome::Stale
        })
    }
}

/// The user is as the grant says.
const UNCHANGED: &str = "email = :email AND sessionsValidFrom = :generation";

impl DynamoDb {
    /// Makes a token the one that counts; the condition is left to the caller.
    fn pending_change(&self, grant: &EmailChangeGrant, token_hash: &str) -> UpdateBuilder {
        Update::builder()
            .table_name(&self.tables.users)
            .key("id", s(grant.user_id.as_str()))
            .update_expression("SET emailChange = :pending")
            .expression_attribute_values(":pending", s(token_hash))
            .expression_attribute_values(":email", s(grant.email.as_str()))
            .expression_attribute_values(":generation", millis(grant.generation))
    }

    fn delete_token(&self, token_hash: &str, now: Timestamp) -> TransactWriteItem {
        let delete = Delete::builder()
            .table_name(&self.tables.verification_tokens)
            .key("tokenHash", s(token_hash))
            .condition_expression("expiresAt > :now")
            .expression_attribute_values(":now", millis(now));
        TransactWriteItem::builder().set_delete(delete.build().ok()).build()
    }

    /// Frees the old address, provided that its row is as it was read: a hash
    /// that was replaced since must not be lost.
    fn delete_account(&self, change: &EmailChange<'_>) -> TransactWriteItem {
        let mut delete = Delete::builder()
            .table_name(&self.tables.accounts)
            .key("identity", s(change.user.email.identity()))
            .expression_attribute_values(":user", s(change.user.id.as_str()))
            .expression_attribute_values(":changed", millis(change.account.password_changed_at));
        let hash = match &change.account.password_hash {
            Some(hash) => {
                delete = delete.expression_attribute_values(":hash", s(hash));
                "passwordHash = :hash"
            }
            None => "attribute_not_exists(passwordHash)",
        };
        let delete = delete.condition_expression(format!("userId = :user AND passwordChangedAt = :changed AND {hash}"));
        TransactWriteItem::builder().set_delete(delete.build().ok()).build()
    }

    fn change_user(&self, change: &EmailChange<'_>) -> TransactWriteItem {
        let user = change.user;
        let (old, new) = (user.email.identity(), change.new_email.identity());
        let moved: Vec<String> = user
            .identities
            .iter()
            .map(|identity| if *identity == old { new.clone() } else { identity.clone() })
            .collect();
        let update = Update::builder()
            .table_name(&self.tables.users)
            .key("id", s(user.id.as_str()))
            .update_expression(
                "SET email = :new, identities = :moved, sessionsValidFrom = :next, passwordChangedAt = :next, \
                 updatedAt = :now REMOVE emailChange",
            )
            .condition_expression(format!("{UNCHANGED} AND emailChange = :token AND identities = :identities"))
            .expression_attribute_values(":new", s(change.new_email.as_str()))
            .expression_attribute_values(":moved", users::identities(&moved))
            .expression_attribute_values(":next", millis(change.generation))
            .expression_attribute_values(":now", millis(change.now))
            .expression_attribute_values(":email", s(user.email.as_str()))
            .expression_attribute_values(":generation", millis(user.sessions_valid_from))
            .expression_attribute_values(":token", s(change.token_hash))
            .expression_attribute_values(":identities", users::identities(&user.identities));
        TransactWriteItem::builder().set_update(update.build().ok()).build()
    }

    /// Takes a session along into the next generation, if it still lives.
    fn keep_session(&self, session: &Session, generation: Timestamp, now: Timestamp) -> TransactWriteItem {
        let update = Update::builder()
            .table_name(&self.tables.sessions)
            .set_key(Some(sessions::key(&session.handle)))
            .update_expression("SET validFrom = :next")
            .condition_expression("validFrom = :generation AND expiresAt > :now")
            .expression_attribute_values(":next", millis(generation))
            .expression_attribute_values(":generation", millis(session.valid_from))
            .expression_attribute_values(":now", millis(now));
        TransactWriteItem::builder().set_update(update.build().ok()).build()
    }
}

fn write_change(token_hash: &str, grant: &EmailChangeGrant) -> Item {
    let purpose = match grant.step {
        ChangeStep::Consent => Purpose::EmailChangeConsent,
        ChangeStep::Change => Purpose::EmailChange,
    };
    Builder::default()
        .set("tokenHash", s(token_hash))
        .set("purpose", s(purpose.name()))
        .set("userId", s(grant.user_id.as_str()))
        .set("email", s(grant.email.as_str()))
        .set("newEmail", s(grant.new_email.as_str()))
        .set("validFrom", millis(grant.generation))
        .set_expiry(grant.expires_at)
        .build()
}

/// The grant of one of the two links, from its row.
pub fn read_change(item: &Item, step: ChangeStep) -> StoreResult<EmailChangeGrant> {
    let row = Reader::new("email change", item);
    Ok(EmailChangeGrant {
        step,
        user_id: row.parsed("userId", UserId::parse)?,
        email: row.parsed("email", |text| Email::parse(text).ok())?,
        new_email: row.parsed("newEmail", |text| Email::parse(text).ok())?,
        generation: row.millis("validFrom")?,
        expires_at: row.millis("expiresAt")?,
    })
}
