//! Serves `POST /sign-out`.

use shared::{
    adapters::{Aws, SecretCache, Service, dynamodb::DynamoDb},
    http::{
        Error, Function,
        endpoints::{Core, SignOutEndpoint},
        serve,
    },
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(Function::Signout, async |config| {
        let aws = Aws::from_environment();
        let secrets = SecretCache::new(aws.secrets_manager(), config.secret_id.clone());
        let store = DynamoDb::new(aws.dynamodb(), config.tables.clone());
        tokio::join!(secrets.load(), aws.warm(Service::DynamoDb));
        SignOutEndpoint { core: Core::new(config), secrets, store }
    })
    .await
}
