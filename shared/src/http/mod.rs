//! The gateway's side: events to requests, requests to flows, results to
//! responses. No other module knows `lambda_http`. The functions that have no
//! route are served here, too: the one that Secrets Manager calls, and the one
//! that API Gateway asks for other APIs.

mod authorizer;
mod body;
mod cookies;
mod csrf;
pub mod endpoints;
mod error;
mod error_page;
mod guard;
mod metrics;
mod outcome;
mod query;
mod rate_limiter;
mod redirect;
mod request;
mod response;
mod rotation;
mod routes;
mod service;
mod trusted_origins;
mod trusted_proxy;

pub use authorizer::{Authorizer, serve_authorizer};
pub use cookies::CookieJar;
pub use error::{ApiError, ErrorCode};
/// Why the Lambda runtime stopped.
pub use lambda_http::Error;
pub use outcome::{Audit, fingerprint};
pub use request::AuthRequest;
pub use response::Reply;
pub use rotation::serve_rotation;
pub use routes::{Function, ROUTES, Route, RouteInfo};
pub use service::{Endpoint, serve};
pub use trusted_origins::TrustedOrigins;
pub use trusted_proxy::TrustedProxy;
