//! The ports, implemented on AWS and the operating system.

mod aws;
pub mod dynamodb;
pub mod oauth;
mod os;
mod secrets;
mod ses;

pub use aws::{Aws, Service};
pub use os::{OsRandom, SystemClock};
pub use secrets::{OAuthClientSecret, SecretCache, SecretUnavailable, SigningSecretVersions};
pub use ses::Ses;
