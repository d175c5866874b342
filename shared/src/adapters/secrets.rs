//! The signing secret and the OAuth clients, from Secrets Manager.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_secretsmanager::{
    Client,
    error::{ProvideErrorMetadata as _, SdkError},
    operation::get_secret_value::GetSecretValueError,
};

use super::{
    SystemClock,
    oauth::{FetchOAuthClients, OAuthClient, parse_clients},
};
use crate::{
    crypto::{Keyring, SigningSecret},
    domain::Timestamp,
    ports::{Clock as _, OAuthError},
};

const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

/// After how many seconds a cached secret is read again, beside the request
/// that finds it old.
const MAX_AGE: i64 = 300;
/// How many seconds apart reads are, whatever asks for them.
const MIN_INTERVAL: i64 = 30;
/// How long a request waits for a secret that nothing is cached of.
const LOAD_TIMEOUT: Duration = Duration::from_millis(2500);

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
    read_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
}

impl SecretCache {
    /// A cache of one secret; nothing is read yet.
    pub fn new(client: Client, secret_id: String) -> Self {
        Self { shared: Arc::new(Shared { client, secret_id, state: Mutex::default() }) }
    }

    /// Reads the secret, so that the first request finds it. A failure shows
    /// when that request comes, which tries again.
    pub async fn load(&self) {
        let _ = self.read().await;
    }

    /// The secrets to sign and verify with. An old cache is renewed beside the
    /// request; only an empty one makes it wait.
    ///
    /// # Errors
    /// [`SecretUnavailable`] if none was ever read.
    pub async fn keys(&self) -> Result<Arc<Keyring>, SecretUnavailable> {
        let (cached, is_old) = self.cached();
        let Some(keys) = cached else {
            return self.read().await;
        };
        if is_old {
            let cache = self.clone();
            tokio::spawn(async move { cache.read().await });
        }
        Ok(keys)
    }

    /// The secrets, read anew because something was signed by none of the
    /// known ones. At most once per half minute, so that forgeries cannot make
    /// it a load; `None` if it is not time yet or nothing changed.
    pub async fn renewed(&self, known: &Keyring) -> Option<Arc<Keyring>> {
        if !self.may_try() {
            return None;
        }
        let keys = self.read().await.ok()?;
        (keys.current.version() != known.current.version()).then_some(keys)
    }

    fn cached(&self) -> (Option<Arc<Keyring>>, bool) {
        let state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = state.read_at.is_none_or(|at| at.plus_seconds(MAX_AGE) <= SystemClock.now());
        let may_try = state.tried_at.is_none_or(|at| at.plus_seconds(MIN_INTERVAL) <= SystemClock.now());
        (state.keys.clone(), is_old && may_try)
    }

    fn may_try(&self) -> bool {
        let state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tried_at.is_none_or(|at| at.plus_seconds(MIN_INTERVAL) <= SystemClock.now())
    }

    async fn read(&self) -> Result<Arc<Keyring>, SecretUnavailable> {
        self.with_state(|state| state.tried_at = Some(SystemClock.now()));
        let keys = tokio::time::timeout(LOAD_TIMEOUT, self.fetch())
            .await
            .map_err(|_| SecretUnavailable("timeout".to_owned()))??;
        let keys = Arc::new(keys);
        self.with_state(|state| {
            state.keys = Some(Arc::clone(&keys));
            state.read_at = Some(SystemClock.now());
        });
        Ok(keys)
    }

    fn with_state(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.shared.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    async fn fetch(&self) -> Result<Keyring, SecretUnavailable> {
        let (current, previous) = futures_util::join!(self.fetch_stage(CURRENT), self.fetch_stage(PREVIOUS));
        let current = current?.ok_or_else(|| SecretUnavailable("no AWSCURRENT version".to_owned()))?;
        // A previous version that cannot be read must not keep the current one
        // from being used, and one that is too short is as good as none.
        Ok(Keyring { current, previous: previous.unwrap_or_default() })
    }

    async fn fetch_stage(&self, stage: &str) -> Result<Option<SigningSecret>, SecretUnavailable> {
        let Some((version, value)) =
            get(&self.shared.client, &self.shared.secret_id, stage).await.map_err(SecretUnavailable)?
        else {
            return Ok(None);
        };
        SigningSecret::new(version, &value).map(Some).map_err(|error| SecretUnavailable(error.to_string()))
    }
}

/// The OAuth clients, read from their secret when one is first needed.
pub struct OAuthClientSecret {
    client: Client,
    secret_id: String,
    state: Mutex<Option<(Timestamp, HashMap<String, OAuthClient>)>>,
}

impl OAuthClientSecret {
    /// Clients from one secret; nothing is read yet.
    pub fn new(client: Client, secret_id: String) -> Self {
        Self { client, secret_id, state: Mutex::default() }
    }

    fn cached(&self, provider: &str, max_age: i64) -> Option<Option<OAuthClient>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, clients) = state.as_ref()?;
        let fresh = SystemClock.now() < read_at.plus_seconds(max_age);
        fresh.then(|| clients.get(provider).cloned())
    }
}

impl FetchOAuthClients for OAuthClientSecret {
    async fn client(&self, provider: &str) -> Result<Option<OAuthClient>, OAuthError> {
        if let Some(client) = self.cached(provider, MAX_AGE) {
            return Ok(client);
        }
        let read = async {
            let (_, value) = get(&self.client, &self.secret_id, CURRENT)
                .await
                .map_err(OAuthError::Unavailable)?
                .ok_or_else(|| OAuthError::Unavailable("no AWSCURRENT version".to_owned()))?;
            parse_clients(&value)
        };
        match read.await {
            Ok(clients) => {
                let client = clients.get(provider).cloned();
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                *state = Some((SystemClock.now(), clients));
                Ok(client)
            }
            // An outage does not change what was read before.
            Err(error) => self.cached(provider, i64::MAX / 2000).ok_or(error),
        }
    }
}

/// A version of a secret: its id and value. `None` if no version has the stage.
async fn get(client: &Client, secret_id: &str, stage: &str) -> Result<Option<(String, String)>, String> {
    let outcome = client.get_secret_value().secret_id(secret_id).version_stage(stage).send().await;
    match outcome {
        Ok(output) => {
            let version = output.version_id.unwrap_or_default();
            let value = output.secret_string.ok_or_else(|| "the secret is not text".to_owned())?;
            Ok(Some((version, value)))
        }
        Err(SdkError::ServiceError(error))
            if matches!(error.err(), GetSecretValueError::ResourceNotFoundException(_)) && stage == PREVIOUS =>
        {
            Ok(None)
        }
        Err(error) => Err(error.code().unwrap_or("unreachable").to_owned()),
    }
}
