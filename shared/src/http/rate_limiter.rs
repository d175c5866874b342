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
    /// Counts a request for the limit of its route. The client is whom the
    /// gateway saw; no header has a say in it.
    ///
    /// When the counter fails, requests are turned away with a 503, but for
    /// those that a session has to vouch for anyway.
    ///
    /// # Errors
    /// 429 beyond the limit.
    pub async fn admit(&self, request: &AuthRequest, audit: &mut Audit) -> Result<(), ApiError> {
        let Some(limit) = request.info.route.limit() else { return Ok(()) };
        let client = request.source_ip.as_deref().and_then(ClientNetwork::parse);
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
