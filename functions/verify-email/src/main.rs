//! Serves `POST /send-verification-email`, `GET /verify-email`.

use shared::{
    adapters::{Aws, SecretCache, Service, Ses, dynamodb::DynamoDb},
    http::{
        Error, Function,
        endpoints::{Core, Post, VerifyEmailEndpoint},
        serve,
    },
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(Function::VerifyEmail, async |config| {
        let aws = Aws::from_environment();
        let secrets = SecretCache::new(aws.secrets_manager(), config.secret_id.clone());
        let post = Post::new(Ses::new(aws.ses(config.mail.deadline()), &config.mail));
        let store = DynamoDb::new(aws.dynamodb(), config.tables.clone());
        tokio::join!(secrets.load(), aws.warm(Service::Ses), aws.warm(Service::DynamoDb));
        VerifyEmailEndpoint { core: Core::new(config), secrets, store, post }
    })
    .await
}
