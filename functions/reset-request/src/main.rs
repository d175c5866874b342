//! Serves `POST /request-password-reset`, `POST /password-reset/request`.

use shared::{
    adapters::{Aws, Service, Ses, dynamodb::DynamoDb},
    http::{
        Error, Function,
        endpoints::{Core, Post, ResetRequestEndpoint},
        serve,
    },
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(Function::ResetRequest, async |config| {
        let aws = Aws::from_environment();
        let mailer = Ses::new(aws.ses(config.mail.deadline()), &config.mail);
        let store = DynamoDb::new(aws.dynamodb(), config.tables.clone());
        tokio::join!(aws.warm(Service::Ses), aws.warm(Service::DynamoDb));
        ResetRequestEndpoint { core: Core::new(config), store, post: Post::new(mailer) }
    })
    .await
}
