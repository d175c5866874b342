use std::sync::{Mutex, PoisonError};

use aws_sdk_secretsmanager::Client;

use super::{CURRENT, MAX_AGE, MIN_INTERVAL, get};
use crate::{
    adapters::{
        SystemClock,
        oauth::{FetchOAuthClients, OAuthClient, OAuthClients, parse_clients},
    },
    domain::Timestamp,
    ports::{Clock as _, OAuthError},
};

/// The OAuth clients, read from their secret when one is first needed.
pub struct OAuthClientSecret {
    client: Client,
    secret_id: String,
    state: Mutex<Option<(Timestamp, OAuthClients)>>,
}

impl OAuthClientSecret {
    /// Clients from one secret; nothing is read yet.
    pub fn new(client: Client, secret_id: String) -> Self {
        Self { client, secret_id, state: Mutex::default() }
    }

    fn cached(&self, provider: &str, max_age: i64) -> Option<Result<Option<OAuthClient>, OAuthError>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, clients) = state.as_ref()?;
        let fresh = SystemClock.now() < read_at.plus_seconds(max_age);
        fresh.then(|| clients.get(provider))
    }

    /// Makes the clients that are there, if any, last until the next try.
    fn put_off(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read_at, _)) = state.as_mut() {
            *read_at = SystemClock.now().plus_seconds(MIN_INTERVAL - MAX_AGE);
        }
    }
}

impl FetchOAuthClients for OAuthClientSecret {
    async fn client(&self, provider: &str) -> Result<Option<OAuthClient>, OAuthError> {
        if let Some(client) = self.cached(provider, MAX_AGE) {
            return client;
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
                let client = clients.get(provider);
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                *state = Some((SystemClock.now(), clients));
                client
            }
            // An outage does not change what was read before, and is waited
            // for only now and then.
            Err(error) => {
                self.put_off();
                self.cached(provider, i64::MAX / 2000).unwrap_or(Err(error))
            }
        }
    }
}
