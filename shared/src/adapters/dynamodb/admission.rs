use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};

use super::{
    DynamoDb,
    call::{Written, write as write_item},
    item::{Builder, Item, Reader, millis, s},
    registration::transact_put,
    sessions,
};
use crate::{
    domain::{Challenge, Purpose, TrustedDevice, UserId},
    ports::{AdmissionRows, FindTrustedDevice, StoreAdmission, StoreResult},
};

impl StoreAdmission for DynamoDb {
    async fn store_admission(&self, rows: AdmissionRows<'_>) -> StoreResult<bool> {
        match rows {
            AdmissionRows::Session(session) => {
                let row = sessions::write(session);
                let call =
                    || self.client.put_item().table_name(&self.tables.sessions).set_item(Some(row.clone())).send();
                write_item("create session", call, |_| false).await.map(|_| true)
            }
            AdmissionRows::Challenge { token_hash, challenge } => {
                self.put_token("store challenge", write_challenge(token_hash, challenge)).await.map(|()| true)
            }
            AdmissionRows::Trusted { .. } => {
                let written = self.transact("create session on a trusted device", self.admission(rows)).await?;
                Ok(matches!(written, Written::Done(())))
            }
        }
    }
}

impl FindTrustedDevice for DynamoDb {
    async fn trusted_device(&self, token_hash: &str) -> StoreResult<Option<TrustedDevice>> {
        let item = self.token("read trusted device", token_hash).await?;
        item.as_ref().map(read_device).transpose()
    }
}

impl DynamoDb {
    /// The rows of an admission as part of a transaction. It is refused if the
    /// token of a trusted device was replaced meanwhile.
    pub(super) fn admission(&self, rows: AdmissionRows<'_>) -> Vec<TransactWriteItem> {
        let put_token =
            |row| transact_put(Put::builder().table_name(&self.tables.verification_tokens).set_item(Some(row)));
        match rows {
            AdmissionRows::Session(session) => vec![self.put_session(session)],
            AdmissionRows::Challenge { token_hash, challenge } => {
                vec![put_token(write_challenge(token_hash, challenge))]
            }
            AdmissionRows::Trusted { session, old_token_hash, token_hash, device } => {
                let forget = Delete::builder()
                    .table_name(&self.tables.verification_tokens)
                    .key("tokenHash", s(old_token_hash))
                    .condition_expression("attribute_exists(tokenHash)");
                vec![
                    self.put_session(session),
                    put_token(write_device(token_hash, device)),
                    TransactWriteItem::builder().set_delete(forget.build().ok()).build(),
                ]
            }
        }
    }
}

/// The row of a challenge. `attempts`, the set of what was tried on it, comes
/// with the first.
fn write_challenge(token_hash: &str, challenge: &Challenge) -> Item {
    Builder::default()
        .set("tokenHash", s(token_hash))
        .set("purpose", s(Purpose::TwoFactorChallenge.name()))
        .set("userId", s(challenge.user_id.as_str()))
        .set("validFrom", millis(challenge.valid_from))
        .set("twoFactorSince", millis(challenge.two_factor_since))
        .set("remember", AttributeValue::Bool(challenge.remember))
        .set("takesMailedCodes", AttributeValue::Bool(challenge.takes_mailed_codes))
        .set_expiry(challenge.expires_at)
        .build()
}

/// The row of a trusted device.
pub fn write_device(token_hash: &str, device: &TrustedDevice) -> Item {
    Builder::default()
        .set("tokenHash", s(token_hash))
        .set("purpose", s(Purpose::TrustedDevice.name()))
        .set("userId", s(device.user_id.as_str()))
        .set("validFrom", millis(device.valid_from))
        .set("twoFactorSince", millis(device.two_factor_since))
        .set_expiry(device.expires_at)
        .build()
}

/// The challenge in a row.
pub fn read_challenge(item: &Item) -> StoreResult<Challenge> {
    let row = Reader::new("challenge", item);
    Ok(Challenge {
        user_id: row.parsed("userId", UserId::parse)?,
        valid_from: row.millis("validFrom")?,
        two_factor_since: row.millis("twoFactorSince")?,
        remember: row.boolean("remember")?,
        takes_mailed_codes: row.boolean("takesMailedCodes")?,
        expires_at: row.millis("expiresAt")?,
    })
}

fn read_device(item: &Item) -> StoreResult<TrustedDevice> {
    let row = Reader::new("trusted device", item);
    Ok(TrustedDevice {
        user_id: row.parsed("userId", UserId::parse)?,
        valid_from: row.millis("validFrom")?,
        two_factor_since: row.millis("twoFactorSince")?,
        expires_at: row.millis("expiresAt")?,
    })
}
