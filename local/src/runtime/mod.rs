//! The Lambda Runtime API, and processes that speak it.
//!
//! A [`Process`] is one execution environment: any command that polls
//! `/2018-06-01/runtime/invocation/next`, started, invoked, measured and
//! killed. A [`Pool`] keeps several of them for one function.

mod api;
mod environment;
mod pool;
mod process;

use std::time::Duration;

pub(crate) use api::trace_id;
pub(crate) use environment::environment;
pub use pool::Pool;
pub(crate) use process::forward;
pub use process::{Launch, LineSink, Process};

use crate::Error;

/// Longest event that Lambda takes, and longest answer that it gives.
pub const PAYLOAD_LIMIT: usize = 6 * 1024 * 1024;

/// How long a process may take until its first poll, as in Lambda.
pub const INIT_LIMIT: Duration = Duration::from_secs(10);

/// Why an invocation gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// The function reported an error instead of an answer.
    #[error("the function reported {0}")]
    Failed(String),
    /// The process ended during the invocation.
    #[error("the process ended ({0})")]
    Crashed(String),
    /// The invocation took longer than the function may; its process was killed.
    #[error("the function timed out after {0:?}")]
    TimedOut(Duration),
    /// Event or answer are longer than [`PAYLOAD_LIMIT`].
    #[error("the payload is larger than 6 MB")]
    TooLarge,
    /// Too many invocations wait for a free instance already.
    #[error("too many invocations wait for an instance")]
    Throttled,
    /// A new instance did not come up.
    #[error(transparent)]
    Init(Error),
}
