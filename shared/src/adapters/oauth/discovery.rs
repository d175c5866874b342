use std::{future::Future, sync::Arc};

use tokio::{sync::Mutex, time::Instant};

use super::{
    Issuer,
    jwks::is_within,
    metadata::{Document, Metadata, Unusable},
    transport::{Transport, TransportError},
};
use crate::domain::Timestamp;

/// How long a document is used without asking again, in seconds.
const MAX_AGE: i64 = 60 * 60;
/// How long it is used while the provider does not answer properly, in seconds.
const MAX_STALE_AGE: i64 = 24 * 60 * 60;
/// How many seconds apart it is asked for meanwhile.
const RETRY_INTERVAL: i64 = 60;

/// Why there is no discovery document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DiscoveryError {
    #[error("discovery: {0}")]
    Transport(#[from] TransportError),
    #[error("discovery: {0}")]
    Unusable(#[from] Unusable),
}

/// Reads the discovery document of an issuer.
pub(super) async fn fetch(
    transport: &Transport,
    issuer: &Issuer,
    deadline: Instant,
) -> Result<Metadata, DiscoveryError> {
    let request = http::Request::get(issuer.document_url()).header(http::header::ACCEPT, "application/json");
    let document: Document = transport.get_json(request, deadline).await?;
    Ok(document.metadata(issuer)?)
}

/// A provider's document, kept in memory.
#[derive(Default)]
pub(super) struct Discovery {
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    metadata: Arc<Metadata>,
    fetched_at: Timestamp,
    asked_at: Timestamp,
}

impl Discovery {
    /// The document, fetched anew when it is too old. If that fails, an old one
    /// goes on for a while. A `fetch` that is not needed is never started;
    /// concurrent callers share one.
    pub(super) async fn get(
        &self,
        now: Timestamp,
        fetch: impl Future<Output = Result<Metadata, DiscoveryError>>,
    ) -> Result<Arc<Metadata>, DiscoveryError> {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.is_fresh(now)) {
            return Ok(Arc::clone(&kept.metadata));
        }
        match fetch.await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                *kept = Some(Kept { metadata: Arc::clone(&metadata), fetched_at: now, asked_at: now });
                Ok(metadata)
            }
            Err(error) => {
                let old = kept.as_mut().filter(|kept| is_within(MAX_STALE_AGE, kept.fetched_at, now)).ok_or(error)?;
                old.asked_at = now;
                Ok(Arc::clone(&old.metadata))
            }
        }
    }
}

impl Kept {
    fn is_fresh(&self, now: Timestamp) -> bool {
        let waits = is_within(RETRY_INTERVAL, self.asked_at, now) && is_within(MAX_STALE_AGE, self.fetched_at, now);
        is_within(MAX_AGE, self.fetched_at, now) || waits
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::*;
    use crate::adapters::oauth::token_endpoint::ClientAuthentication;

    #[derive(Default)]
    struct Source {
        fetches: AtomicU32,
        is_down: AtomicBool,
    }

    impl Source {
        async fn fetch(&self) -> Result<Metadata, DiscoveryError> {
            let number = self.fetches.fetch_add(1, Ordering::Relaxed);
            if self.is_down.load(Ordering::Relaxed) {
                return Err(TransportError::Status(500).into());
            }
            Ok(Metadata {
                issuers: vec![number.to_string()],
                authorization_endpoint: String::new(),
                token_endpoint: String::new(),
                jwks_uri: String::new(),
                userinfo_endpoint: None,
                authentication: ClientAuthentication::Basic,
                algorithms: Vec::new(),
                sends_issuer: false,
            })
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000_000_000).plus_seconds(seconds)
    }

    #[tokio::test]
    async fn a_document_is_fetched_once_an_hour() {
        let (source, discovery) = (Source::default(), Discovery::default());
        for (seconds, fetches) in [(0, 1), (1, 1), (3599, 1), (3600, 2), (7199, 2), (0, 3)] {
            discovery.get(at(seconds), source.fetch()).await.unwrap();
            assert_eq!(source.fetches.load(Ordering::Relaxed), fetches, "{seconds}");
        }
    }

    #[tokio::test]
    async fn an_old_document_goes_on_for_a_day_while_the_provider_is_down() {
        let (source, discovery) = (Source::default(), Discovery::default());
        discovery.get(at(0), source.fetch()).await.unwrap();
        source.is_down.store(true, Ordering::Relaxed);
        for (seconds, fetches) in [(3600, 2), (3659, 2), (3660, 3), (86_399, 4)] {
            assert_eq!(discovery.get(at(seconds), source.fetch()).await.unwrap().issuers, ["0"], "{seconds}");
            assert_eq!(source.fetches.load(Ordering::Relaxed), fetches, "{seconds}");
        }
        let gone = discovery.get(at(86_400), source.fetch()).await;
        assert_eq!(gone.unwrap_err(), DiscoveryError::Transport(TransportError::Status(500)));
        source.is_down.store(false, Ordering::Relaxed);
        assert_eq!(discovery.get(at(86_401), source.fetch()).await.unwrap().issuers, ["5"]);
    }

    #[tokio::test]
    async fn a_failed_first_fetch_is_tried_again() {
        let (source, discovery) = (Source::default(), Discovery::default());
        source.is_down.store(true, Ordering::Relaxed);
        assert!(discovery.get(at(0), source.fetch()).await.is_err());
        source.is_down.store(false, Ordering::Relaxed);
        assert!(discovery.get(at(0), source.fetch()).await.is_ok());
    }
}
