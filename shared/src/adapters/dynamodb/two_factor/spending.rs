use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};

use super::attempts::set;
use crate::{
    adapters::dynamodb::{
        DynamoDb,
        admission::write_device,
        call::{Written, is_failed_condition},
        item::{millis, s},
        registration::transact_put,
    },
    domain::{Timestamp, User, UserId, two_factor_identity},
    ports::{Completion, Proof, SpendCode, Spending, StoreResult},
};

impl SpendCode for DynamoDb {
    async fn complete_sign_in(
        &self,
        proof: Proof<'_>,
        completion: Completion<'_>,
        now: Timestamp,
    ) -> StoreResult<Spending> {
        let Completion { token_hash, challenge, session, device } = completion;
        let mut items = vec![
            self.spend_at_factor(&challenge.user_id, proof, now),
            // The challenge holds the mailed code, if it is one.
            self.delete_challenge_token(token_hash, mailed_hash(proof), now),
            self.user_unchanged(&challenge.user_id, challenge.valid_from, Some(challenge.two_factor_since)),
            self.put_session(session),
        ];
        if let Some((token_hash, device)) = device {
            let row = write_device(token_hash, device);
            items.push(transact_put(Put::builder().table_name(&self.tables.verification_tokens).set_item(Some(row))));
        }
        self.transact("complete sign-in", items).await.map(|written| spending(&written, 1))
    }

    async fn spend(&self, proof: Proof<'_>, user: &User, now: Timestamp) -> StoreResult<Spending> {
        let mut items = vec![self.spend_at_factor(&user.id, proof, now)];
        if let Proof::MailedCode { key, hash } = proof {
            items.push(self.delete_challenge_token(key, Some(hash), now));
        }
        let of_code = items.len();
        items.push(self.user_unchanged(&user.id, user.sessions_valid_from, user.two_factor_since));
        self.transact("spend code", items).await.map(|written| spending(&written, of_code))
    }
}

impl DynamoDb {
    /// Spends a code of an enabled factor, and forgets the failures before it.
    fn spend_at_factor(&self, user_id: &UserId, proof: Proof<'_>, now: Timestamp) -> TransactWriteItem {
        let update = Update::builder()
            .table_name(&self.tables.accounts)
            .key("identity", s(two_factor_identity(user_id)))
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":true", AttributeValue::Bool(true));
        let update = match proof {
            Proof::Step { step, sealed_secret, resealed } => update
                .update_expression("SET lastUsedStep = :step, secret = :resealed, updatedAt = :now REMOVE failures")
                .condition_expression("enabled = :true AND secret = :secret AND lastUsedStep < :step")
                .expression_attribute_values(":step", AttributeValue::N(step.to_string()))
                .expression_attribute_values(":secret", s(sealed_secret))
                .expression_attribute_values(":resealed", s(resealed.unwrap_or(sealed_secret))),
            Proof::BackupCode(hash) => update
                .update_expression("SET updatedAt = :now REMOVE failures DELETE backupCodes :codes")
                .condition_expression("enabled = :true AND contains(backupCodes, :code)")
                .expression_attribute_values(":codes", set([hash]))
                .expression_attribute_values(":code", s(hash)),
            Proof::MailedCode { .. } => {
                update.update_expression("SET updatedAt = :now REMOVE failures").condition_expression("enabled = :true")
            }
        };
        TransactWriteItem::builder().set_update(update.build().ok()).build()
    }

    /// Consumes a challenge or a mailed code, as long as it holds this code.
    fn delete_challenge_token(&self, token_hash: &str, code_hash: Option<&str>, now: Timestamp) -> TransactWriteItem {
        let delete = Delete::builder()
            .table_name(&self.tables.verification_tokens)
            .key("tokenHash", s(token_hash))
            .expression_attribute_values(":now", millis(now))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let delete = match code_hash {
            None => delete.condition_expression("expiresAt > :now"),
            Some(hash) => delete
                .condition_expression("expiresAt > :now AND codeHash = :code AND codeExpiresAt > :now")
                .expression_attribute_values(":code", s(hash)),
        };
        TransactWriteItem::builder().set_delete(delete.build().ok()).build()
    }

    /// The user must be of this generation of sessions and this enrolment.
    pub(super) fn user_unchanged(
        &self,
        user_id: &UserId,
        valid_from: Timestamp,
        two_factor_since: Option<Timestamp>,
    ) -> TransactWriteItem {
        let check = ConditionCheck::builder()
            .table_name(&self.tables.users)
            .key("id", s(user_id.as_str()))
            .expression_attribute_values(":generation", millis(valid_from));
        let check = match two_factor_since {
            Some(since) => check
                .condition_expression("sessionsValidFrom = :generation AND twoFactorSince = :since")
                .expression_attribute_values(":since", millis(since)),
            None => {
                check.condition_expression("sessionsValidFrom = :generation AND attribute_not_exists(twoFactorSince)")
            }
        };
        TransactWriteItem::builder().set_condition_check(check.build().ok()).build()
    }
}

fn mailed_hash(proof: Proof<'_>) -> Option<&str> {
    match proof {
        Proof::MailedCode { hash, .. } => Some(hash),
        _ => None,
    }
}

/// The first items are the code's. A challenge that is still there but holds
/// another mailed code comes back with the refusal.
fn spending(written: &Written<(), Vec<CancellationReason>>, of_code: usize) -> Spending {
    let Written::Refused(reasons) = written else { return Spending::Done };
    let holds_another = |reason: &CancellationReason| reason.item().is_some_and(|row| row.contains_key("codeHash"));
    let is_spent = reasons.iter().take(of_code).any(is_failed_condition) || reasons.iter().any(holds_another);
    if is_spent { Spending::SpentBefore } else { Spending::Gone }
}
