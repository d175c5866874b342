use aws_sdk_dynamodb::types::{Put, TransactWriteItem, builders::PutBuilder};

use super::{
    DynamoDb, accounts,
    call::{Written, is_failed_condition},
    item::Item,
    users,
    verify_email::write_grant,
};
use crate::{
    domain::User,
    ports::{NewUser, RegisterUser, Registration, StoreError, StoreResult},
};

impl RegisterUser for DynamoDb {
    async fn register(&self, new: NewUser<'_>) -> StoreResult<Registration> {
        let user = new.user;
        let credential = accounts::write_credential(
            &user.email,
            &user.id,
            Some(new.password_hash),
            user.password_changed_at,
            user.created_at,
        );
        let mut items = vec![self.put_new_account(credential), self.put_new_user(user)];
        items.extend(new.session.map(|session| self.put_session(session)));
        items.extend(new.verification.map(|(hash, grant)| self.put_token_item(write_grant(hash, grant))));
        match self.transact("sign up", items).await? {
            Written::Done(()) => Ok(Registration::Created),
            // The account is the first item; only its condition means "taken".
            Written::Refused(reasons) if reasons.first().is_some_and(is_failed_condition) => {
                Ok(Registration::EmailTaken)
            }
            Written::Refused(_) => {
                Err(StoreError::Unavailable { operation: "sign up", reason: "user id collision".to_owned() })
            }
        }
    }
}

impl DynamoDb {
    /// Creates an account, provided that its identity is nobody's.
    pub(super) fn put_new_account(&self, account: Item) -> TransactWriteItem {
        transact_put(
            Put::builder()
                .table_name(&self.tables.accounts)
                .set_item(Some(account))
                // `identity` is a reserved word.
                .condition_expression("attribute_not_exists(#identity)")
                .expression_attribute_names("#identity", "identity"),
        )
    }

    /// Creates a user under a fresh id.
    pub(super) fn put_new_user(&self, user: &User) -> TransactWriteItem {
        transact_put(
            Put::builder()
                .table_name(&self.tables.users)
                .set_item(Some(users::write(user)))
                .condition_expression("attribute_not_exists(id)"),
        )
    }
}

/// A put as part of a transaction.
pub fn transact_put(put: PutBuilder) -> TransactWriteItem {
    // The builder fails only without table or item, which are always set.
    TransactWriteItem::builder().set_put(put.build().ok()).build()
}
