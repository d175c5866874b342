//! Serves the second factor: `POST /two-factor/…`.

use shared::{
    adapters::{Aws, OsRandom, SecretCache, Service, Ses, dynamodb::DynamoDb},
    crypto::Argon2Hasher,
    http::{
        Error, Function,
        endpoints::{Core, Post, TwoFactorEndpoint},
        serve,
    },
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(Function::TwoFactor, async |config| {
        let aws = Aws::from_environment();
        let secrets = SecretCache::new(aws.secrets_manager(), config.secret_id.clone());
        let encryption = SecretCache::new(aws.secrets_manager(), config.encryption_secret_id.clone());
        let hasher = Argon2Hasher::new(config.hashing, OsRandom);
        let store = DynamoDb::new(aws.dynamodb(), config.tables.clone());
        let post = Post::new(Ses::new(aws.ses(config.mail.deadline()), &config.mail));
        tokio::join!(secrets.load(), aws.warm(Service::DynamoDb));
        TwoFactorEndpoint { core: Core::new(config), secrets, encryption, hasher, store, post }
    })
    .await
}
