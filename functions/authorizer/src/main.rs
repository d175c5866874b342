//! Tells API Gateway whether a request with an access token may pass to an API
//! of the team's own.

use shared::{
    adapters::{Aws, SecretCache, Service, dynamodb::DynamoDb},
    http::{Authorizer, Error, endpoints::Core, serve_authorizer},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve_authorizer(async |config| {
        let aws = Aws::from_environment();
        let secrets = SecretCache::new(aws.secrets_manager(), config.secret_id.clone());
        let sessions = config.authorizer_checks_session.then(|| DynamoDb::new(aws.dynamodb(), config.tables.clone()));
        let warm = async {
            if sessions.is_some() {
                aws.warm(Service::DynamoDb).await;
            }
        };
        tokio::join!(secrets.load(), warm);
        Authorizer { core: Core::new(config), secrets, sessions }
    })
    .await
}
