use aws_sdk_secretsmanager::{Client, error::SdkError};
use zeroize::Zeroizing;

use super::{CURRENT, PENDING};
use crate::{
    adapters::dynamodb::unavailable,
    ports::{RotateSigningSecret, SecretVersion, SecretVersions, StoreResult},
};

/// The versions of the signing secret, as its rotation reads and writes them.
/// Nothing is cached.
pub struct SigningSecretVersions {
    client: Client,
    secret_id: String,
}

impl SigningSecretVersions {
    /// The versions of one secret, by its name or ARN.
    pub fn new(client: Client, secret_id: String) -> Self {
        Self { client, secret_id }
    }
}

impl RotateSigningSecret for SigningSecretVersions {
    async fn versions(&self) -> StoreResult<SecretVersions> {
        let output = self.client.describe_secret().secret_id(&self.secret_id).send().await;
        let output = output.map_err(|error| unavailable("DescribeSecret", &error))?;
        let versions = output.version_ids_to_stages.unwrap_or_default().into_iter().map(|(id, stages)| SecretVersion {
            id,
            is_current: stages.iter().any(|stage| stage == CURRENT),
            is_pending: stages.iter().any(|stage| stage == PENDING),
        });
        Ok(SecretVersions { versions: versions.collect(), names: output.name.into_iter().chain(output.arn).collect() })
    }

    async fn pending_value(&self, version: &str) -> StoreResult<Option<Zeroizing<String>>> {
        let request = self.client.get_secret_value().secret_id(&self.secret_id);
        match request.version_id(version).version_stage(PENDING).send().await {
            // One that is not text is one that nobody can sign with.
            Ok(output) => Ok(Some(Zeroizing::new(output.secret_string.unwrap_or_default()))),
            // Secrets Manager makes the version before it asks for a value.
            Err(SdkError::ServiceError(error)) if error.err().is_resource_not_found_exception() => Ok(None),
            Err(error) => Err(unavailable("GetSecretValue", &error)),
        }
    }

    async fn fill(&self, version: &str, value: &str) -> StoreResult<()> {
        let request = self.client.put_secret_value().secret_id(&self.secret_id);
        let request = request.client_request_token(version).secret_string(value).version_stages(PENDING);
        match request.send().await {
            Ok(_) => Ok(()),
            // Somebody else's value came first.
            Err(SdkError::ServiceError(error)) if error.err().is_resource_exists_exception() => Ok(()),
            Err(error) => Err(unavailable("PutSecretValue", &error)),
        }
    }

    async fn promote(&self, version: &str, current: Option<&str>) -> StoreResult<()> {
        let request = self.client.update_secret_version_stage().secret_id(&self.secret_id);
        let request = request.version_stage(CURRENT).move_to_version_id(version);
        let outcome = request.set_remove_from_version_id(current.map(str::to_owned)).send().await;
        outcome.map(drop).map_err(|error| unavailable("UpdateSecretVersionStage", &error))
    }
}
