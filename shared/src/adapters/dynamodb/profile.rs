use aws_sdk_dynamodb::types::{Delete, TransactWriteItem, Update};

use super::{
    DynamoDb,
    call::{Written, write as write_item},
    item::{millis, s},
    sessions,
};
use crate::{
    domain::{CredentialAccount, Session, SessionHandle, Timestamp, User, UserId},
    ports::{ChangeOutcome, ChangePassword, ProfileChange, StoreResult, UpdateProfile},
};

impl UpdateProfile for DynamoDb {
    async fn update_profile(&self, user_id: &UserId, change: ProfileChange<'_>, now: Timestamp) -> StoreResult<bool> {
        let call = || {
            let mut expression = "SET updatedAt = :now".to_owned();
            let mut update = self
                .client
                .update_item()
                .table_name(&self.tables.users)
                .key("id", s(user_id.as_str()))
                .condition_expression("attribute_exists(id)")
                .expression_attribute_values(":now", millis(now));
            if let Some(name) = change.name {
                // `name` is a reserved word.
                expression.push_str(", #name = :name");
                update =
                    update.expression_attribute_names("#name", "name").expression_attribute_values(":name", s(name));
            }
            match change.image {
                Some(Some(image)) => {
                    expression.push_str(", image = :image");
                    update = update.expression_attribute_values(":image", s(image));
                }
                Some(None) => expression.push_str(" REMOVE image"),
                None => {}
            }
            update.update_expression(expression).send()
        };
        write_item("update profile", call, |error| error.is_conditional_check_failed_exception())
            .await
            .map(|written| matches!(written, Written::Done(_)))
    }
}

impl ChangePassword for DynamoDb {
    async fn change_password(
        &self,
        user: &User,
        account: &CredentialAccount,
        password_hash: &str,
        current: &SessionHandle,
        successor: &Session,
    ) -> StoreResult<ChangeOutcome> {
        let set_password = Update::builder()
            .table_name(&self.tables.accounts)
            .key("identity", s(user.email.identity()))
            .update_expression("SET passwordHash = :hash, passwordChangedAt = :changed, updatedAt = :now")
            .condition_expression("userId = :user AND passwordChangedAt = :seen")
            .expression_attribute_values(":hash", s(password_hash))
            .expression_attribute_values(":changed", millis(successor.valid_from))
            .expression_attribute_values(":now", millis(successor.created_at))
            .expression_attribute_values(":user", s(user.id.as_str()))
            .expression_attribute_values(":seen", millis(account.password_changed_at));
        let end_sessions = Update::builder()
            .table_name(&self.tables.users)
            .key("id", s(user.id.as_str()))
            .update_expression("SET sessionsValidFrom = :changed, passwordChangedAt = :changed, updatedAt = :now")
            .condition_expression("sessionsValidFrom = :generation AND passwordChangedAt = :seen")
            .expression_attribute_values(":changed", millis(successor.valid_from))
            .expression_attribute_values(":now", millis(successor.created_at))
            .expression_attribute_values(":generation", millis(user.sessions_valid_from))
            .expression_attribute_values(":seen", millis(account.password_changed_at));
        // A session that was signed out meanwhile changes nothing any more.
        let replace = Delete::builder()
            .table_name(&self.tables.sessions)
            .set_key(Some(sessions::key(current)))
            .condition_expression("attribute_exists(userId)");
        let items = vec![
            TransactWriteItem::builder().set_update(set_password.build().ok()).build(),
            TransactWriteItem::builder().set_update(end_sessions.build().ok()).build(),
            TransactWriteItem::builder().set_delete(replace.build().ok()).build(),
            self.put_session(successor),
        ];
        match self.transact("change password", items).await? {
            Written::Done(()) => Ok(ChangeOutcome::Done),
            Written::Refused(_) => Ok(ChangeOutcome::Stale),
        }
    }
}
