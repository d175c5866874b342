//! The local stack: the functions of a SAM template behind an HTTP API, with
//! DynamoDB, Secrets Manager and SES, in one process on one machine.
//!
//! `cargo run` is [`cli::main`]; tests start a [`Stack`], or a [`Demo`] with a
//! front end and all else around it, and look inside.

mod aws;
pub mod build;
pub mod cli;
mod clock;
mod demo;
mod error;
mod functions;
mod gateway;
mod http;
mod logs;
mod options;
mod random;
pub mod runtime;
mod stack;
pub mod template;

pub use aws::{Aws, Call, Fault, FaultId, FaultRule, Mail, Service, When, mentioned_links, sequential_round_trips};
pub use demo::{Demo, DemoOptions, DemoUser};
pub use error::Error;
pub use logs::LogLine;
pub use options::{Data, FrontEnd, StackOptions};
pub use stack::Stack;
