//! One line, until it is decided.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use shared::{
    adapters::{OsRandom, SystemClock, dynamodb::DynamoDb},
    ports::{Clock as _, Import, ImportUser as _, Random as _, StoreError, StoreResult},
};

use crate::{
    lines::Line,
    newcomer::{Newcomer, newcomer},
    options::{Options, Rules},
    refusal::Refusal,
    source::Source,
};

/// Tries of a user, each of which is several of a call: some two minutes.
const ATTEMPTS: u32 = 20;
/// Longest wait between them, in milliseconds.
const MAX_BACKOFF: u64 = 10_000;

/// What every line needs.
pub struct Work {
    store: DynamoDb,
    source: Source,
    rules: Rules,
    dry_run: bool,
    /// Whether nothing is to be tried any more.
    stopped: AtomicBool,
}

/// What became of a line.
pub struct Done {
    pub number: u64,
    pub end: u64,
    /// Whose it was, as far as that could be read.
    pub id: Option<String>,
    pub outcome: Outcome,
}

pub enum Outcome {
    /// The user is here, by this id.
    In {
        here: String,
        created: bool,
        lost_image: bool,
    },
    Refused(Refusal),
    /// It was not decided.
    Failed(StoreError),
}

impl Work {
    pub fn new(store: DynamoDb, options: &Options) -> Self {
        Self {
            store,
            source: options.source,
            rules: options.rules.clone(),
            dry_run: options.dry_run,
            stopped: AtomicBool::new(false),
        }
    }

    /// From now on nothing is tried again.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Works a line off.
    pub async fn line(self: Arc<Self>, line: Line) -> Done {
        let Line { number, end, bytes } = line;
        let (id, candidate) = match bytes {
            Some(bytes) => self.source.read(&bytes),
            None => (None, Err(Refusal::TooLong)),
        };
        let outcome = match (&id, candidate) {
            (Some(id), Ok(candidate)) => match newcomer(self.source, id, candidate, &self.rules, SystemClock.now()) {
                Ok(newcomer) => self.take_in(&newcomer).await,
                Err(refusal) => Outcome::Refused(refusal),
            },
            (_, Err(refusal)) => Outcome::Refused(refusal),
            (None, Ok(_)) => Outcome::Refused(Refusal::Malformed { field: "id", problem: "is missing" }),
        };
        Done { number, end, id, outcome }
    }

    async fn take_in(&self, newcomer: &Newcomer) -> Outcome {
        let obstacle = match self.try_often(newcomer).await {
            Ok(Import::Created) => None,
            Ok(Import::Refused(obstacle)) => Some(obstacle),
            Err(error) => return Outcome::Failed(error),
        };
        let created = obstacle.is_none();
        match obstacle.and_then(Refusal::of) {
            Some(refusal) => Outcome::Refused(refusal),
            None => {
                let lost_image = created && newcomer.lost_image;
                Outcome::In { here: newcomer.user.id.to_string(), created, lost_image }
            }
        }
    }

    /// A throttled table takes more a moment later; a missing grant is no better then.
    async fn try_often(&self, newcomer: &Newcomer) -> StoreResult<Import> {
        let mut attempt = 1;
        loop {
            let error = match self.once(newcomer).await {
                Err(error) => error,
                decided => return decided,
            };
            if attempt == ATTEMPTS || !is_passing(&error) || self.stopped.load(Ordering::Relaxed) {
                return Err(error);
            }
            back_off(attempt).await;
            attempt += 1;
        }
    }

    async fn once(&self, newcomer: &Newcomer) -> StoreResult<Import> {
        let Newcomer { user, password_hash, links, .. } = newcomer;
        if self.dry_run {
            let obstacle = self.store.in_the_way(user, links).await?;
            return Ok(obstacle.map_or(Import::Created, Import::Refused));
        }
        self.store.import_user(user, password_hash.as_deref(), links).await
    }
}

/// Whether it may go better in a while. Of errors of AWS, these are the ones
/// that its own tools try again.
fn is_passing(error: &StoreError) -> bool {
    let StoreError::Unavailable { reason, .. } = error else { return false };
    [
        "timeout",
        "unreachable",
        "unreadable answer",
        "unprocessed keys",
        "the accounts keep changing",
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
        "TransactionCanceledException",
        "TransactionInProgressException",
    ]
    .contains(&reason.as_str())
}

/// Waits for a random part of a doubling time.
async fn back_off(attempt: u32) {
    let ceiling = (100 << attempt).min(MAX_BACKOFF);
    let mut byte = [0];
    OsRandom.fill(&mut byte);
    let [share] = byte;
    tokio::time::sleep(Duration::from_millis(100 + ceiling * u64::from(share) / 255)).await;
}
