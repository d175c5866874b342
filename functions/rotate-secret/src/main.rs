//! Rotates the signing secret when Secrets Manager asks for it.

use shared::{
    adapters::{Aws, SigningSecretVersions},
    http::{Error, serve_rotation},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve_rotation(|config| {
        SigningSecretVersions::new(Aws::from_environment().secrets_manager(), config.secret_id.clone())
    })
    .await
}
