//! Serves nothing yet.

use shared::http::{Error, Function, endpoints::Pending, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(Function::TwoFactor, async |_| Pending).await
}
