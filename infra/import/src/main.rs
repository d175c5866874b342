//! Moves users in from another system: see `docs/importing.md`.

mod aws;
mod lines;
mod newcomer;
mod options;
mod progress;
mod refusal;
mod run;
mod source;
mod work;

use std::{io::Write as _, process::ExitCode};

use options::Options;

/// 0 if everybody is in, 1 if lines were refused, 2 if not all were looked at.
fn main() -> ExitCode {
    let options = match Options::read(lexopt::Parser::from_env()) {
        Ok(Some(options)) => options,
        Ok(None) => {
            // A reader that has gone away is no reason to fall.
            let _ = std::io::stdout().write_all(options::USAGE.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(error) => return failed(&error),
    };
    match run::run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("import: {error}");
    ExitCode::from(2)
}
