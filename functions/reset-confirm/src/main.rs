//! Serves `POST /reset-password`, `POST /password-reset/confirm`, `GET /reset-password/{token}`.

use shared::{
    adapters::{Aws, OsRandom, Service, Ses, dynamodb::DynamoDb},
    crypto::Argon2Hasher,
    http::{
        Error, Function,
        endpoints::{Core, Post, ResetConfirmEndpoint},
        serve,
    },
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(Function::ResetConfirm, async |config| {
        let aws = Aws::from_environment();
        let hasher = Argon2Hasher::new(config.hashing, OsRandom);
        let store = DynamoDb::new(aws.dynamodb(), config.tables.clone());
        let post = Post::new(Ses::new(aws.ses(config.mail.deadline()), &config.mail));
        aws.warm(Service::DynamoDb).await;
        ResetConfirmEndpoint { core: Core::new(config), hasher, store, post }
    })
    .await
}
