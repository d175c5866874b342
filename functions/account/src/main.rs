//! Serves what users do with their own account: profile, password, address,
//! linked providers, deletion.

use std::sync::Arc;

use shared::{
    adapters::{
        Aws, OAuthClientSecret, OsRandom, SecretCache, Service, Ses, SystemClock, dynamodb::DynamoDb, oauth::Providers,
    },
    crypto::Argon2Hasher,
    http::{
        Error, Function,
        endpoints::{AccountEndpoint, Core, Post},
        serve,
    },
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(Function::Account, async |config| {
        let aws = Aws::from_environment();
        let secrets = SecretCache::new(aws.secrets_manager(), config.secret_id.clone());
        let encryption = SecretCache::new(aws.secrets_manager(), config.encryption_secret_id.clone());
        let clients = OAuthClientSecret::new(aws.secrets_manager(), config.oauth_secret_id.clone());
        let providers = Providers::new(config.providers.clone(), config.url(""), clients, Arc::new(SystemClock));
        let hasher = Argon2Hasher::new(config.hashing, OsRandom);
        let store = DynamoDb::new(aws.dynamodb(), config.tables.clone());
        let post = Post::new(Ses::new(aws.ses(config.mail.deadline()), &config.mail));
        tokio::join!(secrets.load(), aws.warm(Service::DynamoDb));
        AccountEndpoint { core: Core::new(config), secrets, hasher, store, post, providers, encryption }
    })
    .await
}
