//! One process under the Runtime API, and the question that it is measured by.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use local::runtime::{INIT_LIMIT, Pool, Process};
use serde_json::Value;

use crate::{
    Error,
    event::{Answer, Request},
};

/// How long an invocation may take.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// What is measured: a pool of one process, and an event that it answers with
/// a user.
pub struct Contestant {
    pool: Arc<Pool>,
    event: Bytes,
    email: &'static str,
}

/// A process that has started.
pub struct Running<'a> {
    contestant: &'a Contestant,
    process: Arc<Process>,
    /// Time from its execution to its first poll for an event.
    pub start: Duration,
}

impl Contestant {
    /// A contestant that answers `request` with the user of this address.
    pub fn new(pool: Arc<Pool>, request: &Request<'_>, email: &'static str) -> Self {
        Self { pool, event: request.event(), email }
    }

    /// Ends the process, if there is one, and starts another.
    pub async fn restart(&self) -> Result<Running<'_>, Error> {
        self.pool.kill().await;
        self.running().await
    }

    /// The process, started if there is none.
    pub async fn running(&self) -> Result<Running<'_>, Error> {
        self.pool.warm().await?;
        let process = self.pool.processes().pop().ok_or("a process ended after its start")?;
        let start = process.ready(INIT_LIMIT).await?;
        Ok(Running { contestant: self, process, start })
    }

    /// Ends the process for good.
    pub async fn stop(&self) {
        self.pool.close();
        self.pool.kill().await;
    }
}

impl Running<'_> {
    /// Time of one invocation: from handing over the event to having the whole
    /// answer, which has to be right.
    pub async fn invoke(&self) -> Result<Duration, Error> {
        let event = self.contestant.event.clone();
        let before = Instant::now();
        let answer = self.process.invoke(event, TIMEOUT).await;
        let time = before.elapsed();
        let answer = Answer::parse(&answer?)?;
        let email = answer.body.pointer("/user/email").and_then(Value::as_str);
        if answer.status != 200 || email != Some(self.contestant.email) {
            return Err(format!("unexpected answer: {} {}", answer.status, answer.body).into());
        }
        Ok(time)
    }

    /// Peak resident memory so far, in bytes.
    pub fn peak_memory(&self) -> Result<u64, Error> {
        let kib = self.process.peak_rss_kib().ok_or("the system does not tell the memory of processes")?;
        Ok(kib * 1024)
    }
}
