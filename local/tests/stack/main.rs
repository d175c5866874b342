//! The stack around a small function that speaks the Runtime API through
//! `lambda_runtime`, as the real ones do. The function is this test binary
//! itself, started with other arguments.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "these are tests")]

mod aws;
mod client;
mod demo;
mod fake;
mod gateway;
mod instances;
mod pages;
mod rotation;
mod survival;

use std::{collections::HashMap, path::PathBuf};

use local::{Stack, StackOptions};

/// Options for a stack whose two functions are [`fake`].
fn options() -> StackOptions {
    let this = std::env::current_exe().unwrap().to_string_lossy().into_owned();
    let command: Vec<String> =
        [this.as_str(), "fake::function", "--exact", "--ignored", "--nocapture"].map(str::to_owned).into();
    StackOptions {
        template: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/stack/template.yaml"),
        build: false,
        commands: HashMap::from([("one".to_owned(), command.clone()), ("two".to_owned(), command)]),
        env: vec![("OVERRIDDEN".to_owned(), "by hand".to_owned())],
        ..StackOptions::default()
    }
}

async fn start() -> Stack {
    Stack::start(options()).await.unwrap()
}
