//! Serves what users do with their own account: profile, password, address,
//! linked providers, deletion.

use shared::{
    adapters::{Aws, OsRandom, SecretCache, Service, Ses, dynamodb::DynamoDb},
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
        let hasher = Argon2Hasher::new(config.hashing, OsRandom);
        let store = DynamoDb::new(aws.dynamodb(), config.tables.clone());
        let post = Post::new(Ses::new(aws.ses(config.mail.deadline()), &config.mail));
        tokio::join!(secrets.load(), aws.warm(Service::DynamoDb));
        AccountEndpoint { core: Core::new(config), secrets, hasher, store, post }
    })
    .await
}
