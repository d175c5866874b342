//! Faults that tests inject into AWS calls.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::calls::Service;
use crate::random;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// Refused by throttling, in the service's own words
    /// (`ProvisionedThroughputExceededException`, `ThrottlingException`,
    /// `TooManyRequestsException`). Nothing is applied.
    Throttle,
    /// 500. Nothing is applied.
    InternalError,
    /// 503. Nothing is applied.
    ServiceUnavailable,
    /// `AccessDeniedException`.
    AccessDenied,
    /// The connection closes, and nothing is applied.
    DropBefore,
    /// The request is applied; then the connection closes without an answer.
    DropAfter,
    /// The request is applied after this time.
    Delay(Duration),
    /// No answer, ever, and nothing is applied.
    Hang,
    /// 200 with a body that is no JSON. Nothing is applied.
    Malformed,
    /// `TransactionCanceledException` with the reason `TransactionConflict` at
    /// the rule's table (else at the first item); for a single write
    /// `TransactionConflictException`. Nothing is applied.
    TransactionConflict,
    /// `BatchGetItem` and `BatchWriteItem` leave everything unprocessed. Other
    /// operations are not affected.
    UnprocessedKeys,
    /// This answer. Nothing is applied.
    Answer {
        /// HTTP status.
        status: u16,
        /// Body.
        body: String,
    },
}

/// Which of the matching calls a rule hits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    /// All.
    Always,
    /// Only the nth, counted from 1.
    Nth(u32),
    /// The nth, the 2nth, ….
    Every(u32),
    /// The first n.
    Times(u32),
    /// Each with this probability.
    Probability(f64),
}

/// Which calls go wrong, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultRule {
    /// The service.
    pub service: Service,
    /// The operation; any when `None`.
    pub operation: Option<String>,
    /// A table that the call names; any, or none, when `None`.
    pub table: Option<String>,
    /// A secret that the call names; any, or none, when `None`.
    pub secret: Option<String>,
    /// The calling function; anyone when `None`.
    pub function: Option<String>,
    /// Which of these calls.
    pub when: When,
    /// What happens to them.
    pub fault: Fault,
}

impl FaultRule {
    /// All calls of a service.
    pub fn new(service: Service, fault: Fault) -> Self {
        Self { service, operation: None, table: None, secret: None, function: None, when: When::Always, fault }
    }

    /// Only this operation.
    #[must_use]
    pub fn operation(mut self, operation: &str) -> Self {
        self.operation = Some(operation.to_owned());
        self
    }

    /// Only calls that name this table.
    #[must_use]
    pub fn table(mut self, table: &str) -> Self {
        self.table = Some(table.to_owned());
        self
    }

    /// Only calls that name this secret.
    #[must_use]
    pub fn secret(mut self, secret: &str) -> Self {
        self.secret = Some(secret.to_owned());
        self
    }

    /// Only calls of this function.
    #[must_use]
    pub fn function(mut self, function: &str) -> Self {
        self.function = Some(function.to_owned());
        self
    }

    /// Only some of the calls.
    #[must_use]
    pub fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    fn matches(&self, target: &Target<'_>) -> bool {
        let same = |wanted: &Option<String>, actual: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| Some(wanted) == actual)
        };
        self.service == target.service
            && same(&self.operation, Some(target.operation))
            && same(&self.function, target.function)
            && self.table.as_ref().is_none_or(|table| target.tables.contains(table))
            && self.secret.as_ref().is_none_or(|secret| target.actions.iter().any(|(_, named)| named == secret))
    }
}

/// Names an injected rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultId(u64);

/// What is known of a call before it is answered.
pub(super) struct Target<'a> {
    pub(super) service: Service,
    pub(super) operation: &'a str,
    pub(super) tables: &'a [String],
    pub(super) actions: &'a [(String, String)],
    pub(super) function: Option<&'a str>,
}

#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Rules>);

#[derive(Debug, Default)]
struct Rules {
    last_id: u64,
    active: Vec<Active>,
}

#[derive(Debug)]
struct Active {
    id: FaultId,
    rule: FaultRule,
    seen: u32,
    hits: u32,
}

impl Faults {
    fn lock(&self) -> MutexGuard<'_, Rules> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn inject(&self, rule: FaultRule) -> FaultId {
        let mut rules = self.lock();
        rules.last_id += 1;
        let id = FaultId(rules.last_id);
        rules.active.push(Active { id, rule, seen: 0, hits: 0 });
        id
    }

    pub(super) fn remove(&self, id: FaultId) {
        self.lock().active.retain(|active| active.id != id);
    }

    pub(super) fn clear(&self) {
        self.lock().active.clear();
    }

    pub(super) fn hits(&self, id: FaultId) -> u32 {
        self.lock().active.iter().find(|active| active.id == id).map_or(0, |active| active.hits)
    }

    /// The rule that hits this call, if any.
    pub(super) fn choose(&self, target: &Target<'_>) -> Option<FaultRule> {
        let mut rules = self.lock();
        for active in rules.active.iter_mut().filter(|active| active.rule.matches(target)) {
            active.seen += 1;
            let fires = match active.rule.when {
                When::Always => true,
                When::Nth(n) => active.seen == n,
                When::Every(n) => n > 0 && active.seen.is_multiple_of(n),
                When::Times(n) => active.seen <= n,
                When::Probability(probability) => random::chance(probability),
            };
            if fires {
                active.hits += 1;
                return Some(active.rule.clone());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(faults: &Faults, table: &str) -> bool {
        let target = Target {
            service: Service::DynamoDb,
            operation: "GetItem",
            tables: &[table.to_owned()],
            actions: &[],
            function: Some("session"),
        };
        faults.choose(&target).is_some()
    }

    fn pattern(when: When) -> Vec<bool> {
        let faults = Faults::default();
        faults.inject(FaultRule::new(Service::DynamoDb, Fault::Throttle).when(when));
        (0..5).map(|_| hits(&faults, "T")).collect()
    }

    #[test]
    fn rules_fire_when_they_should() {
        assert_eq!(pattern(When::Always), [true; 5]);
        assert_eq!(pattern(When::Nth(2)), [false, true, false, false, false]);
        assert_eq!(pattern(When::Every(2)), [false, true, false, true, false]);
        assert_eq!(pattern(When::Times(2)), [true, true, false, false, false]);
        assert_eq!(pattern(When::Probability(0.0)), [false; 5]);
        assert_eq!(pattern(When::Probability(1.1)), [true; 5]);
    }

    #[test]
    fn rules_hit_only_what_they_name() {
        let faults = Faults::default();
        let rule = FaultRule::new(Service::DynamoDb, Fault::Hang);
        let id = faults.inject(rule.clone().table("T").operation("GetItem").function("session"));
        faults.inject(rule.clone().operation("PutItem"));
        faults.inject(rule.clone().function("signup"));
        faults.inject(FaultRule::new(Service::Ses, Fault::Hang));
        assert!(hits(&faults, "T"));
        assert!(!hits(&faults, "U"));
        assert_eq!(faults.hits(id), 1);
        faults.remove(id);
        assert!(!hits(&faults, "T"));
        faults.inject(rule);
        faults.clear();
        assert!(!hits(&faults, "T"));
    }
}
