//! What can go wrong while the stack starts: one clear sentence each.

use std::{io, path::PathBuf};

/// Why the stack, or a part of it, could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The template cannot be read, or says something that cannot be run.
    #[error("{}: {problem}", path.display())]
    Template {
        /// The template file.
        path: PathBuf,
        /// Place and problem.
        problem: String,
    },
    /// `cargo build` did not succeed; its own messages stand above.
    #[error("the functions could not be built: {0}")]
    Build(String),
    /// Another process listens there.
    #[error("port {port} is in use: choose another with {option}")]
    PortInUse {
        /// The port asked for.
        port: u16,
        /// The command line option that changes it.
        option: &'static str,
    },
    /// The data directory cannot be used.
    #[error("the data in {}: {problem}", path.display())]
    Data {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The embedded DynamoDB refused something.
    #[error("DynamoDB: {0}")]
    Database(String),
    /// A function did not come up.
    #[error("function {name}: {problem}")]
    Function {
        /// Name of the function.
        name: String,
        /// What it said or did.
        problem: String,
    },
    /// A program of the demo failed.
    #[error("{name}: {problem}")]
    Program {
        /// Which.
        name: &'static str,
        /// What it said or did.
        problem: String,
    },
    /// A program that the demo needs is not installed.
    #[error("the demo needs {needed}: there is no {program} on the PATH")]
    Missing {
        /// The program.
        program: &'static str,
        /// What has it.
        needed: &'static str,
    },
    /// A command line that makes no sense.
    #[error("{0}; see --help")]
    Usage(String),
    /// The operating system refused something.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// The refusal.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: adds what was being done to an I/O error.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}
