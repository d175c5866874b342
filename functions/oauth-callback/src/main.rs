//! Serves `GET and POST /callback/{provider}`, `GET /error`.

use std::sync::Arc;

use shared::{
    adapters::{Aws, OAuthClientSecret, SecretCache, Service, SystemClock, dynamodb::DynamoDb, oauth::Providers},
    http::{
        Error, Function,
        endpoints::{Core, OAuthCallbackEndpoint},
        serve,
    },
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(Function::OauthCallback, async |config| {
        let aws = Aws::from_environment();
        let secrets = SecretCache::new(aws.secrets_manager(), config.secret_id.clone());
        let encryption = SecretCache::new(aws.secrets_manager(), config.encryption_secret_id.clone());
        let clients = OAuthClientSecret::new(aws.secrets_manager(), config.oauth_secret_id.clone());
        let providers = Providers::new(config.providers.clone(), config.url(""), clients, Arc::new(SystemClock));
        let store = DynamoDb::new(aws.dynamodb(), config.tables.clone());
        tokio::join!(secrets.load(), aws.warm(Service::DynamoDb));
        OAuthCallbackEndpoint { core: Core::new(config), secrets, encryption, store, providers }
    })
    .await
}
