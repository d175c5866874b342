//! The signing secret and the OAuth clients, from Secrets Manager.

mod cache;
mod misses;
mod oauth_clients;
mod versions;

use aws_sdk_secretsmanager::{
    Client,
    error::{ProvideErrorMetadata as _, SdkError},
    operation::get_secret_value::GetSecretValueError,
};

pub use cache::{SecretCache, SecretUnavailable};
pub use oauth_clients::OAuthClientSecret;
pub use versions::SigningSecretVersions;

const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";
const PENDING: &str = "AWSPENDING";

/// After how many seconds a cached secret is read again, beside the request
/// that finds it old.
const MAX_AGE: i64 = 300;
/// How many seconds apart such reads are as long as they fail.
const MIN_INTERVAL: i64 = 30;

/// A version of a secret: its id and value. `None` if no version has the stage.
async fn get(client: &Client, secret_id: &str, stage: &str) -> Result<Option<(String, String)>, String> {
    let outcome = client.get_secret_value().secret_id(secret_id).version_stage(stage).send().await;
    match outcome {
        Ok(output) => {
            let version = output.version_id.unwrap_or_default();
            let value = output.secret_string.ok_or_else(|| "the secret is not text".to_owned())?;
            Ok(Some((version, value)))
        }
        Err(SdkError::ServiceError(error))
            if matches!(error.err(), GetSecretValueError::ResourceNotFoundException(_)) && stage == PREVIOUS =>
        {
            Ok(None)
        }
        Err(error) => Err(error.code().unwrap_or("unreachable").to_owned()),
    }
}
