//! Serves what reads sessions and ends them by name: `GET /get-session`, `GET /token`, `GET /list-sessions`,
//! `POST /revoke-…`, `POST /update-session`; and `GET /ok`.

use shared::{
    adapters::{Aws, SecretCache, Service, dynamodb::DynamoDb},
    http::{
        Error, Function,
        endpoints::{Core, SessionEndpoint},
        serve,
    },
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(Function::Session, async |config| {
        let aws = Aws::from_environment();
        let secrets = SecretCache::new(aws.secrets_manager(), config.secret_id.clone());
        let store = DynamoDb::new(aws.dynamodb(), config.tables.clone());
        tokio::join!(secrets.load(), aws.warm(Service::DynamoDb));
        SessionEndpoint { core: Core::new(config), secrets, store }
    })
    .await
}
