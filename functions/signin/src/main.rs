//! Serves `POST /sign-in/email`, `POST /sign-in/social`.

use std::sync::Arc;

use shared::{
    adapters::{
        Aws, OAuthClientSecret, OsRandom, SecretCache, Service, SystemClock, dynamodb::DynamoDb, oauth::Providers,
    },
    crypto::Argon2Hasher,
    http::{
        Error, Function,
        endpoints::{Core, SignInEndpoint},
        serve,
    },
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(Function::Signin, async |config| {
        let aws = Aws::from_environment();
        let secrets = SecretCache::new(aws.secrets_manager(), config.secret_id.clone());
        let clients = OAuthClientSecret::new(aws.secrets_manager(), config.oauth_secret_id.clone());
        let providers = Providers::new(config.providers.clone(), config.url(""), clients, Arc::new(SystemClock));
        let hasher = Argon2Hasher::new(config.hashing, OsRandom);
        let store = DynamoDb::new(aws.dynamodb(), config.tables.clone());
        tokio::join!(secrets.load(), aws.warm(Service::DynamoDb));
        SignInEndpoint { core: Core::new(config), secrets, hasher, store, providers }
    })
    .await
}
