//! The log of AWS calls, for tests that count them.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::faults::Fault;

/// Calls that are kept; older ones are forgotten.
const LIMIT: usize = 100_000;

/// One of the emulated services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// DynamoDB.
    DynamoDb,
    /// Secrets Manager.
    SecretsManager,
    /// SES, API version 2.
    Ses,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DynamoDb => "dynamodb",
            Self::SecretsManager => "secretsmanager",
            Self::Ses => "ses",
        })
    }
}

/// One call, as the endpoint saw it.
#[derive(Debug, Clone)]
pub struct Call {
    /// The service called.
    pub service: Service,
    /// The operation, `GetItem`.
    pub operation: String,
    /// The DynamoDB tables named, each once, in order of first mention.
    pub tables: Vec<String>,
    /// What IAM would be asked for it: actions (`dynamodb:PutItem`), each with
    /// the table or secret it is for. A transaction asks for each of its items.
    pub actions: Vec<(String, String)>,
    /// Name of the calling function, `signup`, when a function called.
    pub function: Option<String>,
    /// Which of its instances called, from 1.
    pub instance: Option<usize>,
    /// When the whole request had arrived.
    pub started: Instant,
    /// When the answer was ready to be sent.
    pub ended: Instant,
    /// Status of the answer. After [`Fault::DropBefore`] and [`Fault::Hang`] 0,
    /// after [`Fault::DropAfter`] that of the answer nobody saw.
    pub status: u16,
    /// The fault injected into this call.
    pub fault: Option<Fault>,
    /// Units of capacity that it consumed of each table, as DynamoDB bills
    /// them. Empty unless they [are counted](super::Aws::count_capacity).
    pub units: BTreeMap<String, f64>,
}

impl Call {
    /// Whether DynamoDB bills it in write units.
    pub fn is_write(&self) -> bool {
        !matches!(self.operation.as_str(), "GetItem" | "BatchGetItem" | "Query" | "Scan")
    }
}

/// How many round trips of `calls` had to happen one after the other: the
/// longest series in which each call began after the one before had ended.
pub fn sequential_round_trips<'a>(calls: impl IntoIterator<Item = &'a Call>) -> usize {
    let mut spans: Vec<_> = calls.into_iter().map(|call| (call.ended, call.started)).collect();
    spans.sort_unstable();
    let mut count = 0;
    let mut last: Option<Instant> = None;
    for (ended, started) in spans {
        if last.is_none_or(|last| started >= last) {
            count += 1;
            last = Some(ended);
        }
    }
    count
}

#[derive(Debug, Default)]
pub(super) struct CallLog(Mutex<VecDeque<Call>>);

impl CallLog {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Call>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn record(&self, call: Call) {
        let mut calls = self.lock();
        if calls.len() == LIMIT {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    pub(super) fn all(&self) -> Vec<Call> {
        self.lock().iter().cloned().collect()
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn parallel_calls_are_one_round_trip() {
        let zero = Instant::now();
        let call = |start: u64, end: u64| Call {
            service: Service::DynamoDb,
            operation: "GetItem".to_owned(),
            tables: Vec::new(),
            actions: Vec::new(),
            function: None,
            instance: None,
            started: zero + Duration::from_millis(start),
            ended: zero + Duration::from_millis(end),
            status: 200,
            fault: None,
            units: BTreeMap::new(),
        };
        assert_eq!(sequential_round_trips(&[]), 0);
        assert_eq!(sequential_round_trips(&[call(0, 5), call(1, 4)]), 1);
        assert_eq!(sequential_round_trips(&[call(0, 5), call(6, 9)]), 2);
        assert_eq!(sequential_round_trips(&[call(0, 9), call(1, 3), call(4, 8)]), 2);
    }
}
