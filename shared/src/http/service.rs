//! The loop around an endpoint: start, guard, limits, checks, log.

use std::{future::Future, panic::AssertUnwindSafe, time::Duration};

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use futures_util::FutureExt as _;
use http::header::{CONTENT_TYPE, SET_COOKIE};
use lambda_http::{Body, Error, LambdaEvent, Request, Response, service_fn};
use serde_json::value::RawValue;

use super::{
    ApiError, Audit, AuthRequest, ErrorCode, Reply, TrustedOrigins, TrustedProxy, body, csrf, guard,
    metrics::Meter,
    outcome::{Outcome, log_fault},
    rate_limiter::RateLimiter,
    routes::{Function, Route},
};
use crate::{
    adapters::{SystemClock, dynamodb::DynamoDb},
    config::Config,
    crypto::timed_hashing,
    ports::Clock as _,
};

/// Longest time that a request may take. Whatever hangs, the client gets an
/// answer before the function's own timeout and the gateway's.
const DEADLINE: Duration = Duration::from_secs(8);

/// What a function does with the requests of its routes.
pub trait Endpoint: Send + Sync + 'static {
    /// Answers a request whose body is parsed and whose origin is checked.
    fn handle(&self, request: &AuthRequest, audit: &mut Audit) -> impl Future<Output = Result<Reply, ApiError>> + Send;
}

/// A function that has started.
struct Service<E> {
    endpoint: E,
    trusted: TrustedOrigins,
    proxy: Option<TrustedProxy>,
    limiter: Option<RateLimiter<DynamoDb>>,
    meter: Option<Meter>,
}

/// Runs a function: reads the settings, starts the endpoint, and serves events
/// until Lambda stops the process.
///
/// With a bad setting every request is answered 503, and the log says why:
/// a function that fails to start would be started over and over.
///
/// # Errors
/// Only if the Runtime API goes away.
pub async fn serve<E: Endpoint>(function: Function, start: impl AsyncFnOnce(Config) -> E) -> Result<(), Error> {
    let service = match settings(function) {
        Some(config) => {
            let (trusted, proxy) = (config.trusted_origins.clone(), config.trusted_proxy.clone());
            let (limiter, meter) = (RateLimiter::from_config(&config), Meter::from_config(&config));
            Some(Service { endpoint: start(config).await, trusted, proxy, limiter, meter })
        }
        None => None,
    };
    let service = service.as_ref();
    lambda_http::lambda_runtime::run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        Ok::<_, Error>(Box::pin(invoke(function, service, event.payload.get())).await)
    }))
    .await
}

/// The settings; `None` once the log has said what is wrong with them.
pub(super) fn settings(function: Function) -> Option<Config> {
    log_panics(function);
    let config = Config::from_environment();
    config.map_err(|faults| log_fault(function, SystemClock.now(), "invalid settings", &faults.to_string())).ok()
}

async fn invoke<E: Endpoint>(
    function: Function,
    service: Option<&Service<E>>,
    event: &str,
) -> ApiGatewayV2httpResponse {
    let started = SystemClock.now();
    let mut audit = Audit::default();
    let (request, (result, hashing)) = match read(function, event) {
        Ok(mut request) => {
            let answered = match service {
                Some(service) => timed_hashing(answer(service, &mut request, &mut audit)).await,
                None => (Err(ApiError::unavailable("invalid settings")), None),
            };
            (Some(request), answered)
        }
        Err(error) => (None, (Err(error), None)),
    };
    let request_id = request.as_ref().map_or_else(|| guard::request_id(event), |request| request.request_id.clone());
    if let Err(error) = &result
        && let Some(reason) = &error.reason
    {
        audit.reason(reason.clone());
    }
    let code = result.as_ref().err().and_then(|error| error.code);
    let reply = result.unwrap_or_else(|error| Reply::error(&error));
    Outcome {
        started,
        finished: SystemClock.now(),
        function,
        request_id: &request_id,
        info: request.as_ref().map(|request| request.info),
        status: reply.status(),
        code,
        hashing,
        audit: &audit,
    }
    .log(service.and_then(|service| service.meter.as_ref()));
    to_gateway(reply)
}

/// The request in an event. What the guard lets through and `lambda_http`
/// panics on all the same can only be the event's fault.
fn read(function: Function, event: &str) -> Result<AuthRequest, ApiError> {
    let event = guard::parse(event).ok_or(ErrorCode::MALFORMED_REQUEST)?;
    let request = std::panic::catch_unwind(AssertUnwindSafe(|| Request::from(event)))
        .map_err(|_| ErrorCode::MALFORMED_REQUEST)?;
    AuthRequest::from_event(function, request).ok_or_else(|| ErrorCode::NOT_FOUND.into())
}

async fn answer<E: Endpoint>(
    service: &Service<E>,
    request: &mut AuthRequest,
    audit: &mut Audit,
) -> Result<Reply, ApiError> {
    if let Some(client) = service.proxy.as_ref().and_then(|proxy| proxy.client(&request.headers)) {
        request.client_ip = Some(client.to_string());
    }
    let work = async {
        // First of all: what is too much must not cost more than this.
        if let Some(limiter) = &service.limiter {
            limiter.admit(request, audit).await?;
        }
        check(request, &service.trusted)?;
        // Boxed: the types of nested futures would outgrow the compiler's limits.
        Box::pin(service.endpoint.handle(request, audit)).await
    };
    match tokio::time::timeout(DEADLINE, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(ApiError::internal("panic")),
        Err(_) => Err(ApiError::unavailable("deadline exceeded")),
    }
}

/// What holds for every request that is no GET: a body that can be read, and
/// an origin that may ask.
fn check(request: &mut AuthRequest, trusted: &TrustedOrigins) -> Result<(), ApiError> {
    if request.info.method == "GET" {
        return Ok(());
    }
    if request.info.route != Route::PostSession {
        let content_type = request.headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
        request.body = body::parse(&request.raw_body, content_type.as_deref(), request.info.accepts_form)?;
    }
    csrf::check_request(request, trusted)
}

/// A response as the gateway expects it (payload format 2.0): cookies apart.
fn to_gateway(reply: Reply) -> ApiGatewayV2httpResponse {
    let (mut parts, body) = Response::<Body>::from(reply).into_parts();
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = i64::from(parts.status.as_u16());
    response.cookies =
        parts.headers.get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok().map(str::to_owned)).collect();
    parts.headers.remove(SET_COOKIE);
    response.headers = parts.headers;
    response.body = match body {
        Body::Empty => None,
        body => Some(body),
    };
    response
}

/// Says where a panic happened, and nothing that it was about.
fn log_panics(function: Function) {
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        log_fault(function, SystemClock.now(), "panic", &place);
    }));
}
