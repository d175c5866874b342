use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_secretsmanager::Client;

use super::{CURRENT, MAX_AGE, MIN_INTERVAL, PREVIOUS, get, misses::MissLimit};
use crate::{
    adapters::SystemClock,
    crypto::{Keyring, SigningSecret},
    domain::Timestamp,
    ports::{Clock as _, EncryptionKeys, StoreError, StoreResult},
};

/// From which age, in seconds, a request waits for the read to end.
const OVERDUE_AGE: i64 = 3 * MAX_AGE;
/// How long a request waits for a read that renews the cache.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long it waits once the cache is overdue.
const OVERDUE_PATIENCE: Duration = Duration::from_millis(500);
/// How long a request waits for a secret that nothing is cached of, in
/// milliseconds; the start of the process, if it is for this request, included.
const LOAD_MILLIS: i64 = 2000;
/// How long after that a request still counts as the one that the process was
/// started for, in milliseconds.
const START_MILLIS: i64 = 1000;

/// There is no secret to sign with.
#[derive(Clone, Debug, thiserror::Error)]
#[error("signing secret: {0}")]
pub struct SecretUnavailable(String);

/// The versions of the signing secret, cached.
///
/// What was read once is kept until something newer was read: an outage of
/// Secrets Manager does not end a single session. What is too short to sign
/// with is never used.
#[derive(Clone)]
pub struct SecretCache {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    secret_id: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: Option<Arc<Keyring>>,
    /// When the newest read began that had both versions.
    read_at: Option<Timestamp>,
    /// When the newest read began, whatever came of it.
    tried_at: Option<Timestamp>,
    /// When the read at the start began, until a request made use of it.
    started_at: Option<Timestamp>,
    misses: MissLimit,
}

impl SecretCache {
    /// A cache of one secret; nothing is read yet.
    pub fn new(client: Client, secret_id: String) -> Self {
        Self { shared: Arc::new(Shared { client, secret_id, state: Mutex::default() }) }
    }

    /// Reads the secret, so that the first request finds it. A failure shows
    /// when that request comes, which tries again if there is time left.
    pub async fn load(&self) {
        self.with_state(|state| state.started_at = Some(SystemClock.now()));
        let _ = self.read(LOAD_MILLIS).await;
    }

    /// The secrets to sign and verify with. An old cache is renewed beside the
    /// request, which waits for it only a moment.
    ///
    /// # Errors
    /// [`SecretUnavailable`] if none was ever read.
    pub async fn keys(&self) -> Result<Arc<Keyring>, SecretUnavailable> {
        let now = SystemClock.now();
        let (cached, is_old, time_left) =
            self.with_state(|state| (state.keys.clone(), state.is_old(now), state.time_left(now)));
        let Some(keys) = cached else {
            return if time_left > 0 { self.read(time_left).await } else { Err(timed_out()) };
        };
        if !is_old {
            return Ok(keys);
        }
        // Lambda freezes the process once the answer is out, and a read that
        // was left behind with it: each request waits for it a little, and one
        // that finds the cache long overdue waits properly.
        let cache = self.clone();
        let read = tokio::spawn(async move { cache.read(LOAD_MILLIS).await });
        let patience = if self.with_state(|state| state.is_overdue(now)) { OVERDUE_PATIENCE } else { PATIENCE };
        match tokio::time::timeout(patience, read).await {
            Ok(Ok(Ok(newer))) => Ok(newer),
            _ => Ok(keys),
        }
    }

    /// Newer secrets than the given ones, since something was signed by none
    /// of them. Read a few times at once and then at intervals, so that
    /// forgeries cannot make it a load; `None` if there are none, or were none a
    /// moment ago.
    ///
    /// # Errors
    /// [`SecretUnavailable`] if the last look failed, so that there may be some.
    pub async fn renewed(&self, known: &Keyring) -> Result<Option<Arc<Keyring>>, SecretUnavailable> {
        let is_newer = |keys: &Arc<Keyring>| !keys.is_same(known);
        let (newer, may_read) = self.with_state(|state| {
            let newer = state.keys.clone().filter(is_newer);
            let may_read = newer.is_none() && state.misses.allow(SystemClock.now());
            (newer, may_read)
        });
        let newer = if may_read { Some(self.read(LOAD_MILLIS).await?).filter(is_newer) } else { newer };
        if newer.is_none() && self.with_state(|state| state.has_failed()) {
            return Err(SecretUnavailable("the last read failed".to_owned()));
        }
        Ok(newer)
    }

    async fn read(&self, millis: i64) -> Result<Arc<Keyring>, SecretUnavailable> {
        let started = SystemClock.now();
        self.with_state(|state| state.tried_at = Some(started));
        let limit = Duration::from_millis(millis.unsigned_abs());
        let (keys, is_complete) = tokio::time::timeout(limit, self.fetch()).await.map_err(|_| timed_out())??;
        let keys = Arc::new(keys);
        self.with_state(|state| state.note(started, &keys, is_complete));
        Ok(keys)
    }

    fn with_state<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.shared.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The secrets, and whether the previous one could be read too.
    async fn fetch(&self) -> Result<(Keyring, bool), SecretUnavailable> {
        let stage = |stage| get(&self.shared.client, &self.shared.secret_id, stage);
        let (current, previous) = futures_util::join!(stage(CURRENT), stage(PREVIOUS));
        let (version, value) =
            current.map_err(SecretUnavailable)?.ok_or_else(|| SecretUnavailable("no AWSCURRENT version".to_owned()))?;
        let current = SigningSecret::new(version, &value).map_err(|error| SecretUnavailable(error.to_string()))?;
        // A previous version that cannot be read must not keep the current one
        // from being used, and one that is too short is as good as none.
        Ok(match previous {
            Ok(previous) => {
                let previous = previous.and_then(|(version, value)| SigningSecret::new(version, &value).ok());
                (Keyring { current, previous }, true)
            }
            Err(_) => (Keyring { previous: self.known_before(&current), current }, false),
        })
    }

    /// The version before the given one, as far as the cache knows.
    fn known_before(&self, current: &SigningSecret) -> Option<SigningSecret> {
        let known = self.with_state(|state| state.keys.clone())?;
        if known.current.version() == current.version() { known.previous.clone() } else { Some(known.current.clone()) }
    }
}

impl EncryptionKeys for SecretCache {
    async fn encryption_keys(&self) -> StoreResult<Arc<Keyring>> {
        self.keys()
            .await
            .map_err(|error| StoreError::Unavailable { operation: "read encryption secret", reason: error.to_string() })
    }

    async fn newer_keys(&self, known: &Keyring) -> Option<Arc<Keyring>> {
        self.renewed(known).await.ok().flatten()
    }
}

impl State {
    fn is_old(&self, now: Timestamp) -> bool {
        self.read_at.is_none_or(|at| at.plus_seconds(MAX_AGE) <= now)
            && self.tried_at.is_none_or(|at| at.plus_seconds(MIN_INTERVAL) <= now)
    }

    /// What a read has found. It may have been frozen with the process, answer
    /// and all, so that it is as old as its beginning.
    fn note(&mut self, started: Timestamp, keys: &Arc<Keyring>, is_complete: bool) {
        if self.read_at.is_none_or(|at| at <= started) {
            self.keys = Some(Arc::clone(keys));
            self.read_at = is_complete.then_some(started);
        }
    }

    /// Whether the newest read has not had both versions.
    fn has_failed(&self) -> bool {
        self.read_at < self.tried_at
    }

    fn is_overdue(&self, now: Timestamp) -> bool {
        self.read_at.is_none_or(|at| at.plus_seconds(OVERDUE_AGE) <= now)
    }

    /// How long a request may wait for its first secret. If the process was
    /// started for it, that is what the start has left.
    fn time_left(&mut self, now: Timestamp) -> i64 {
        let waited = self.started_at.take().map_or(i64::MAX, |at| now.millis().saturating_sub(at.millis()));
        if waited < LOAD_MILLIS + START_MILLIS { (LOAD_MILLIS - waited).clamp(0, LOAD_MILLIS) } else { LOAD_MILLIS }
    }
}

fn timed_out() -> SecretUnavailable {
    SecretUnavailable("timeout".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + seconds * 1000)
    }

    #[test]
    fn a_request_and_the_start_for_it_share_their_time() {
        let time_left = |started_at: Option<i64>, millis| {
            let started_at = started_at.map(Timestamp::from_millis);
            State { started_at, ..State::default() }.time_left(Timestamp::from_millis(millis))
        };
        assert_eq!(time_left(None, 10_000), LOAD_MILLIS);
        assert_eq!(time_left(Some(10_000), 10_300), LOAD_MILLIS - 300);
        assert_eq!(time_left(Some(10_000), 10_000 + LOAD_MILLIS + 5), 0);
        // Started long ago, for somebody else or for nobody.
        assert_eq!(time_left(Some(10_000), 14_000), LOAD_MILLIS);
        // Only once.
        let mut state = State { started_at: Some(at(0)), ..State::default() };
        assert_eq!(state.time_left(at(2)), 0);
        assert_eq!(state.time_left(at(2)), LOAD_MILLIS);
    }

    #[test]
    fn a_read_that_was_frozen_is_as_old_as_its_beginning() {
        let keys = |version: &str| {
            let current = SigningSecret::new(version.to_owned(), &"s".repeat(32)).unwrap();
            Arc::new(Keyring { current, previous: None })
        };
        let mut state = State { tried_at: Some(at(10)), ..State::default() };
        assert!(state.has_failed());
        state.note(at(10), &keys("new"), true);
        assert!(!state.has_failed());
        state.note(at(5), &keys("old"), true);
        assert!(state.keys.as_ref().is_some_and(|keys| keys.current.version() == "new"));
        assert!(!state.is_old(at(309)) && state.is_old(at(310)));
        state.tried_at = Some(at(320));
        assert!(state.has_failed());
    }

    #[test]
    fn an_old_cache_is_read_again_and_failures_wait() {
        let state = |read_at: Option<i64>, tried_at: i64| State {
            read_at: read_at.map(at),
            tried_at: Some(at(tried_at)),
            ..State::default()
        };
        assert!(!state(Some(0), 0).is_old(at(299)));
        assert!(state(Some(0), 0).is_old(at(300)));
        assert!(!state(Some(0), 290).is_old(at(319)));
        assert!(state(Some(0), 290).is_old(at(320)));
        assert!(state(None, 0).is_old(at(30)));
    }
}
