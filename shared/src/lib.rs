//! The auth service behind the Lambda functions.
//!
//! [`flows`] hold the logic, over the narrow traits of [`ports`]; [`adapters`]
//! implement those on AWS; [`http`] is the only module that knows the gateway.
//! A function's `main.rs` picks the endpoints that it serves and runs them.

pub mod adapters;
pub mod config;
pub mod crypto;
pub mod domain;
pub mod flows;
pub mod hooks;
pub mod http;
pub mod mail;
pub mod ports;
