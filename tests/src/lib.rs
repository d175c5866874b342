//! What the tests of this workspace share.

#![expect(clippy::panic, clippy::indexing_slicing, reason = "test support: what is not as it should be ends the test")]

pub mod app;
pub mod authenticator;
pub mod browser;
pub mod costs;
pub mod document;
pub mod fake_provider;
pub mod npm;

pub use app::{App, PASSWORD, reset_token_in, unique_email};
pub use authenticator::{Authenticator, enrol, start_enrolment};
pub use browser::{Answer, Browser, Call};
pub use document::Document;
