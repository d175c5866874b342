//! DynamoDB, Secrets Manager and SES at one address, as far as the functions
//! and a curious aws CLI need them. Signatures are accepted, not verified.

mod calls;
mod capacity;
mod database;
mod direct;
mod errors;
mod faults;
mod mailbox;
mod secrets;
mod server;
mod ses;
mod store;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use hyper::StatusCode;
use serde_json::Value;
use tokio::{net::TcpListener, runtime::Handle};

pub use calls::{Call, Service, sequential_round_trips};
pub use faults::{Fault, FaultId, FaultRule, When};
pub use mailbox::{Mail, mentioned_links};

use crate::{
    Error,
    http::{self, Task},
    runtime::Pool,
    template::Template,
};
use calls::CallLog;
use database::DynamoDb;
use faults::Faults;
use mailbox::Mailbox;
use secrets::Secrets;

/// The emulated services, their call log and their faults.
#[derive(Clone)]
pub struct Aws {
    parts: Arc<Parts>,
}

struct Parts {
    /// The one that everything was started on.
    runtime: Handle,
    dynamodb: DynamoDb,
    secrets: Arc<Secrets>,
    mailbox: Mailbox,
    calls: CallLog,
    counts_capacity: AtomicBool,
    faults: Faults,
}

impl std::fmt::Debug for Aws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aws").finish_non_exhaustive()
    }
}

impl Aws {
    /// Opens the data in a directory, or in memory, and creates what the
    /// template declares and the data lack.
    pub(crate) async fn open(directory: Option<&Path>, template: &Template) -> Result<Self, Error> {
        let secrets = Secrets::open(directory)?;
        secrets.seed(&template.secrets, &template.rotations)?;
        Ok(Self {
            parts: Arc::new(Parts {
                runtime: Handle::current(),
                dynamodb: DynamoDb::open(directory, &template.tables).await?,
                secrets: Arc::new(secrets),
                mailbox: Mailbox::open(directory)?,
                calls: CallLog::default(),
                counts_capacity: AtomicBool::new(false),
                faults: Faults::default(),
            }),
        })
    }

    /// Tells which functions, by ARN, Secrets Manager can rotate secrets with.
    pub(crate) fn connect(&self, functions: BTreeMap<String, Arc<Pool>>) {
        self.parts.secrets.connect(functions);
    }

    /// Answers on `listener` until the task is dropped.
    pub(crate) fn serve(&self, listener: TcpListener) -> Task {
        let aws = self.clone();
        crate::http::serve(listener, move |request, _| {
            let aws = aws.clone();
            async move { aws.handle(request).await }
        })
    }

    /// Every call since the start or the last [`clear_calls`](Self::clear_calls),
    /// in the order of their ends.
    pub fn calls(&self) -> Vec<Call> {
        self.parts.calls.all()
    }

    /// Forgets the calls so far.
    pub fn clear_calls(&self) {
        self.parts.calls.clear();
    }

    /// Has the log say from now on what the calls of functions consume of
    /// DynamoDB's capacity.
    pub fn count_capacity(&self) {
        self.parts.counts_capacity.store(true, Ordering::Relaxed);
    }

    /// Makes calls that match the rule go wrong from now on. Of several rules
    /// that match a call, the first injected one that fires counts.
    pub fn inject(&self, rule: FaultRule) -> FaultId {
        self.parts.faults.inject(rule)
    }

    /// Takes a rule back.
    pub fn remove_fault(&self, id: FaultId) {
        self.parts.faults.remove(id);
    }

    /// Takes all rules back.
    pub fn clear_faults(&self) {
        self.parts.faults.clear();
    }

    /// How often a rule has fired; 0 once it is removed.
    pub fn fault_hits(&self, id: FaultId) -> u32 {
        self.parts.faults.hits(id)
    }

    /// A DynamoDB operation (`Scan`, `PutItem`, …) beside the endpoint: it is
    /// neither logged nor subject to faults.
    ///
    /// # Errors
    /// DynamoDB's own error body.
    pub async fn dynamodb(&self, operation: &str, request: &Value) -> Result<Value, Value> {
        let (parts, operation, request) = (self.parts.clone(), operation.to_owned(), request.clone());
        // The connection is kept for the next call, which may come when the
        // runtime of this caller, a test for instance, has ended.
        let call = self.parts.runtime.spawn(async move { parts.dynamodb.call(&operation, &request).await });
        let (status, body) = call.await.map_err(|error| Value::String(error.to_string()))?;
        if status == StatusCode::OK { Ok(body) } else { Err(body) }
    }

    /// A Secrets Manager operation (`DescribeSecret`, `RotateSecret`, …) beside
    /// the endpoint: it is neither logged nor subject to faults.
    ///
    /// # Errors
    /// Secrets Manager's own error body.
    pub async fn secrets_manager(&self, operation: &str, request: &Value) -> Result<Value, Value> {
        let (parts, operation, request) = (self.parts.clone(), operation.to_owned(), request.to_string());
        // A rotation goes on when the runtime of this caller has ended.
        let call = self.parts.runtime.spawn(async move { parts.secrets.handle(&operation, request.as_bytes()) });
        let reply = call.await.map_err(|error| Value::String(error.to_string()))?;
        let status = reply.status();
        let body = http::read(reply.into_body(), usize::MAX).await.unwrap_or_default();
        let body = serde_json::from_slice(&body).map_err(|error| Value::String(error.to_string()))?;
        if status == StatusCode::OK { Ok(body) } else { Err(body) }
    }

    /// Creates the secret or gives it a new current version.
    ///
    /// # Errors
    /// When the data directory cannot be written.
    pub fn put_secret(&self, name: &str, value: &str) -> Result<(), Error> {
        self.parts.secrets.put(name, value)
    }

    /// The current value of a secret.
    pub fn secret(&self, name: &str) -> Option<String> {
        self.parts.secrets.current(name)
    }

    /// All mail that is kept, newest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.parts.mailbox.all()
    }

    /// Throws all mail away.
    pub fn clear_mails(&self) {
        self.parts.mailbox.clear();
    }
}
