//! Serves `POST /sign-in/magic-link`, `GET /magic-link/verify`.

use shared::{
    adapters::{Aws, SecretCache, Service, Ses, dynamodb::DynamoDb},
    http::{
        Error, Function,
        endpoints::{Core, MagicLinkEndpoint, Post},
        serve,
    },
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(Function::MagicLink, async |config| {
        let aws = Aws::from_environment();
        let secrets = SecretCache::new(aws.secrets_manager(), config.secret_id.clone());
        let mailer = Ses::new(aws.ses(config.mail.deadline()), &config.mail);
        let store = DynamoDb::new(aws.dynamodb(), config.tables.clone());
        tokio::join!(secrets.load(), aws.warm(Service::Ses), aws.warm(Service::DynamoDb));
        MagicLinkEndpoint { core: Core::new(config), secrets, store, post: Post::new(mailer) }
    })
    .await
}
