//! Flows over HTTP, through the gateway and the real binaries.
//!
//! One test binary, so that it links once. Tests share a stack unless they
//! break something.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of a test that finds nothing ends the test"
)]

mod access_tokens;
mod account;
mod authorizer;
mod budget;
mod canary;
mod change_email;
mod config;
mod crashes;
mod csrf;
mod deletion;
mod demo;
mod dice;
mod documents;
mod events;
mod fastapi;
mod faults;
mod hook_events;
mod hooks;
mod hostile;
mod import;
mod invariants;
mod jwt;
mod limits;
mod linked;
mod lockout;
mod magic_link;
mod mail_caps;
mod mails;
mod metrics;
mod node;
mod npm;
mod oauth;
mod oidc;
mod openapi;
mod operate;
mod password_reset;
mod password_rules;
mod python;
mod restart;
mod rotation;
mod scaling;
mod secrets;
mod session;
mod sessions;
mod sign_in;
mod sign_out;
mod sign_up;
mod sign_up_required;
mod steps;
mod store;
mod support;
mod template;
mod token_purposes;
mod two_factor;
mod verify_email;
