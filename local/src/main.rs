//! `cargo run`: starts the local stack.

use std::process::ExitCode;

fn main() -> ExitCode {
    local::cli::main()
}
