use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};

use super::{
    DynamoDb,
    accounts::{read_credential, write_credential},
    call::{Written, is_failed_condition},
    item::{Reader, millis, s},
    links, users,
};
use crate::{
    domain::{Email, MAX_IDENTITIES, ProviderIdentity, SealedTokens, Session, Timestamp, User, UserId},
    ports::{
        AdmissionRows, ExpectedUser, LinkedAccount, OAuthAccounts, OAuthSignIn, OAuthStore, StoreError, StoreResult,
    },
};

impl OAuthStore for DynamoDb {
    async fn oauth_accounts(&self, identity: &ProviderIdentity) -> StoreResult<OAuthAccounts> {
        let provider_key = identity.identity();
        let email_key = identity.email.as_ref().map(Email::identity);
        let keys = std::iter::once(&provider_key)
            .chain(&email_key)
            .map(|key| HashMap::from([("identity".to_owned(), s(key))]))
            .collect();
        let rows = self.read_batch("read accounts", [(&self.tables.accounts, keys)]).await?;
        let mut accounts = OAuthAccounts::default();
        for row in rows.into_values().flatten() {
            let reader = Reader::new("account", &row);
            if reader.string("identity")? == provider_key {
                accounts.linked = Some(LinkedAccount {
                    user_id: reader.parsed("userId", UserId::parse)?,
                    generation: reader.millis("sessionsValidFrom")?,
                    proven_email: links::read_proven(&reader)?,
                });
            } else {
                accounts.email_owner = Some(read_credential(&row)?);
            }
        }
        Ok(accounts)
    }

    async fn register_oauth(
        &self,
        user: &User,
        identity: &ProviderIdentity,
        tokens: Option<&SealedTokens>,
        session: &Session,
    ) -> StoreResult<bool> {
        let address = write_credential(&user.email, &user.id, None, user.password_changed_at, user.created_at);
        let link = links::write(
            identity,
            &user.id,
            user.sessions_valid_from,
            identity.email_verified,
            tokens,
            user.created_at,
        );
        let items = vec![
            self.put_new_account(address),
            self.put_new_account(link),
            self.put_new_user(user),
            self.put_session(session),
        ];
        match self.transact("oauth sign up", items).await? {
            Written::Done(()) => Ok(true),
            Written::Refused(_) => Ok(false),
        }
    }

    async fn sign_in_oauth(
        &self,
        identity: &ProviderIdentity,
        tokens: Option<&SealedTokens>,
        rows: AdmissionRows<'_>,
        expected: &ExpectedUser,
        now: Timestamp,
    ) -> StoreResult<OAuthSignIn> {
        let mut items = vec![self.user_as_expected(identity, &rows, expected, now)];
        items.extend(self.admission(rows));
        if expected.link {
            let link = links::write(identity, rows.user_id(), rows.valid_from(), expected.proven, tokens, now);
            items.push(self.put_new_account(link));
        } else if expected.refresh_link || tokens.is_some() {
            items.push(self.refresh_link(identity, tokens, &rows, expected.proven, now));
        }
        match self.transact("oauth sign in", items).await? {
            Written::Done(()) => Ok(OAuthSignIn::Done),
            Written::Refused(reasons) => refused(&reasons),
        }
    }
}

impl DynamoDb {
    /// The user's row must be of the admission's generation and otherwise as
    /// expected; if it is not, it comes back with the refusal.
    fn user_as_expected(
        &self,
        identity: &ProviderIdentity,
        rows: &AdmissionRows<'_>,
        expected: &ExpectedUser,
        now: Timestamp,
    ) -> TransactWriteItem {
        let mut condition = "sessionsValidFrom = :generation".to_owned();
        let mut values = HashMap::from([(":generation".to_owned(), millis(rows.valid_from()))]);
        match expected.two_factor_since {
            None => condition.push_str(" AND attribute_not_exists(twoFactorSince)"),
            Some(since) => {
                condition.push_str(" AND twoFactorSince = :since");
                values.insert(":since".to_owned(), millis(since));
            }
        }
        if expected.email_verified {
            condition.push_str(" AND emailVerified = :true");
        }
        let mut changes = Vec::new();
        if expected.link {
            changes.push("identities = list_append(identities, :identity)");
            condition.push_str(" AND size(identities) < :most");
            values.insert(":most".to_owned(), AttributeValue::N(MAX_IDENTITIES.to_string()));
            values.insert(":identity".to_owned(), AttributeValue::L(vec![s(identity.identity())]));
        }
        if expected.verify_email {
            changes.push("emailVerified = :true");
        }
        if expected.email_verified || expected.verify_email {
            values.insert(":true".to_owned(), AttributeValue::Bool(true));
        }
        let key = s(rows.user_id().as_str());
        let old = ReturnValuesOnConditionCheckFailure::AllOld;
        if changes.is_empty() {
            let check = ConditionCheck::builder()
                .table_name(&self.tables.users)
                .key("id", key)
                .condition_expression(condition)
                .set_expression_attribute_values(Some(values))
                .return_values_on_condition_check_failure(old);
            return TransactWriteItem::builder().set_condition_check(check.build().ok()).build();
        }
        values.insert(":now".to_owned(), millis(now));
        let update = Update::builder()
            .table_name(&self.tables.users)
            .key("id", key)
            .update_expression(format!("SET {}, updatedAt = :now", changes.join(", ")))
            .condition_expression(condition)
            .set_expression_attribute_values(Some(values))
            .return_values_on_condition_check_failure(old);
        TransactWriteItem::builder().set_update(update.build().ok()).build()
    }

    fn refresh_link(
        &self,
        identity: &ProviderIdentity,
        tokens: Option<&SealedTokens>,
        rows: &AdmissionRows<'_>,
        proven: bool,
        now: Timestamp,
    ) -> TransactWriteItem {
        let mut changes = "SET sessionsValidFrom = :generation, updatedAt = :now".to_owned();
        let mut update = Update::builder()
            .table_name(&self.tables.accounts)
            .key("identity", s(identity.identity()))
            .condition_expression("userId = :user")
            .expression_attribute_values(":generation", millis(rows.valid_from()))
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":user", s(rows.user_id().as_str()));
        if let Some(email) = identity.email.as_ref().filter(|_| proven) {
            changes.push_str(", provenEmail = :email");
            update = update.expression_attribute_values(":email", s(email.as_str()));
        }
        if let Some(tokens) = tokens {
            changes.push_str(
                ", providerTokens = :tokens, providerScopes = :scopes \
                 REMOVE refreshingUntil, refreshingBy",
            );
            update = update
                .expression_attribute_values(":tokens", s(&tokens.sealed))
                .expression_attribute_values(":scopes", links::list(&tokens.scopes));
        }
        TransactWriteItem::builder().set_update(update.update_expression(changes).build().ok()).build()
    }
}

fn refused(reasons: &[CancellationReason]) -> StoreResult<OAuthSignIn> {
    match reasons.first() {
        Some(reason) if is_failed_condition(reason) => match reason.item() {
            Some(item) if !item.is_empty() => Ok(OAuthSignIn::Differs(Box::new(users::read(item)?))),
            _ => Ok(OAuthSignIn::Gone),
        },
        Some(_) => Ok(OAuthSignIn::Gone),
        None => Err(StoreError::Unavailable { operation: "oauth sign in", reason: "no reasons".to_owned() }),
    }
}
