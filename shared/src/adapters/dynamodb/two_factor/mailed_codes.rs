use aws_sdk_dynamodb::types::AttributeValue;

use super::attempts::update;
use crate::{
    adapters::dynamodb::{
        DynamoDb,
        admission::read_challenge,
        call::Written,
        item::{Builder, millis, s},
    },
    domain::{Challenge, MailedCode, Purpose, Timestamp, UserId},
    ports::{StoreMailedCode, StoreResult},
};

impl StoreMailedCode for DynamoDb {
    async fn challenge(&self, token_hash: &str) -> StoreResult<Option<Challenge>> {
        let item = self.token("read challenge", token_hash).await?;
        item.as_ref().map(read_challenge).transpose()
    }

    async fn store_code_of_challenge(&self, token_hash: &str, code: &MailedCode, now: Timestamp) -> StoreResult<bool> {
        let call = self
            .at_token(token_hash)
            .update_expression("SET codeHash = :hash, codeExpiresAt = :expires")
            .condition_expression("expiresAt > :now AND takesMailedCodes = :true")
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .expression_attribute_values(":hash", s(&code.hash))
            .expression_attribute_values(":expires", millis(code.expires_at))
            .expression_attribute_values(":now", millis(now));
        update("store mailed code", call).await.map(|written| matches!(written, Written::Done(_)))
    }

    async fn store_code_of_session(&self, key: &str, user_id: &UserId, code: &MailedCode) -> StoreResult<()> {
        let row = Builder::default()
            .set("tokenHash", s(key))
            .set("purpose", s(Purpose::MailedCode.name()))
            .set("userId", s(user_id.as_str()))
            .set("codeHash", s(&code.hash))
            .set("codeExpiresAt", millis(code.expires_at))
            .set_expiry(code.expires_at)
            .build();
        self.put_token("store mailed code", row).await
    }
}
