//! Limits of requests, by client and kind of request.

use super::{ApiError, Audit, AuthRequest};
use crate::{
    adapters::{Aws, SystemClock, dynamodb::DynamoDb},
    config::Config,
    domain::{ClientNetwork, Limit, Limits, Quota, Scope},
    ports::{Clock as _, CountEvents, Counted},
};

/// How many clients may share the counter of requests without an address: no
/// stranger alone can use it up for all.
const UNKNOWN_CLIENTS: u32 = 100;

/// Counts requests, and turns away what is too much.
pub struct RateLimiter<S> {
    store: S,
    limits: Limits,
}

impl RateLimiter<DynamoDb> {
    /// By the settings; none with limits off.
    pub fn from_config(config: &Config) -> Option<Self> {
        let limits = config.limits?;
        let store = DynamoDb::new(Aws::from_environment().dynamodb(), config.tables.clone());
        Some(Self { store, limits })
    }
}

impl<S: CountEvents> RateLimiter<S> {
    /// Counts a request for the limit of its route, by its client.
    ///
    /// When the counter fails, requests are turned away with a 503, but for
    /// those that a session has to vouch for anyway.
    ///
    /// # Errors
    /// 429 beyond the limit.
    pub async fn admit(&self, request: &AuthRequest, audit: &mut Audit) -> Result<(), ApiError> {
        let Some(limit) = request.info.route.limit() else { return Ok(()) };
        let client = request.client_ip.as_deref().and_then(ClientNetwork::parse);
        let mut quota = self.limits.quota(limit);
        if client.is_none() {
            quota = Quota { max: quota.max.saturating_mul(UNKNOWN_CLIENTS), ..quota };
        }
        let now = SystemClock.now();
        match self.store.count(&Scope::requests(limit, client), quota, now).await {
            Ok(Counted::Within) => Ok(()),
            Ok(Counted::Over(until)) => Err(ApiError::too_many_requests(limit.name(), until, now)),
            Err(error) if limit == Limit::General => {
                audit.reason(error.to_string());
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use http::HeaderMap;

    use super::*;
    use crate::{
        domain::Timestamp,
        http::{ROUTES, query::Query},
        ports::StoreResult,
    };

    /// Remembers what it is asked to count.
    #[derive(Default)]
    struct Counter(Mutex<Vec<(String, u32)>>);

    impl CountEvents for Counter {
        async fn count(&self, scope: &Scope, quota: Quota, _: Timestamp) -> StoreResult<Counted> {
            self.0.lock().unwrap().push((scope.as_str().to_owned(), quota.max));
            Ok(Counted::Within)
        }
    }

    #[tokio::test]
    async fn requests_without_an_address_share_a_much_larger_count() {
        let limiter = RateLimiter { store: Counter::default(), limits: Limits::default() };
        let info = ROUTES.iter().find(|info| info.path == "/sign-in/email").unwrap();
        for client_ip in [Some("1.2.3.4"), Some("nonsense"), None] {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", "8.8.8.8".parse().unwrap());
            let request = AuthRequest {
                info,
                parameter: None,
                query: Query::parse(""),
                headers,
                raw_body: Vec::new(),
                body: None,
                client_ip: client_ip.map(str::to_owned),
                request_id: String::new(),
            };
            assert!(limiter.admit(&request, &mut Audit::default()).await.is_ok());
        }
        let counted = limiter.store.0.into_inner().unwrap();
        let unknown = ("requests/sign-in/unknown".to_owned(), 300);
        assert_eq!(counted, [("requests/sign-in/1.2.3.4".to_owned(), 3), unknown.clone(), unknown]);
    }
}
