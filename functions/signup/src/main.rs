//! Serves `POST /sign-up/email`.

use shared::{
    adapters::{Aws, OsRandom, SecretCache, Service, Ses, dynamodb::DynamoDb},
    crypto::Argon2Hasher,
    http::{
        Error, Function,
        endpoints::{Core, Post, SignUpEndpoint},
        serve,
    },
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(Function::Signup, async |config| {
        let aws = Aws::from_environment();
        let secrets = SecretCache::new(aws.secrets_manager(), config.secret_id.clone());
        let hasher = Argon2Hasher::new(config.hashing, OsRandom);
        let store = DynamoDb::new(aws.dynamodb(), config.tables.clone());
        let post = Post::new(Ses::new(aws.ses(config.mail.deadline()), &config.mail));
        tokio::join!(secrets.load(), aws.warm(Service::DynamoDb));
        SignUpEndpoint { core: Core::new(config), secrets, hasher, store, post }
    })
    .await
}
