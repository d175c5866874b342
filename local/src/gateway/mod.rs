//! An API Gateway HTTP API, payload format 2.0, in front of the functions, and
//! the stack's own pages beside it.

mod answer;
mod cors;
mod event;
mod pages;
mod router;

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    fmt,
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use hyper::{HeaderMap, Request, StatusCode, body::Incoming, header::HeaderValue, http::request::Parts as Head};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::{
    DemoUser,
    aws::Aws,
    http::{self, Reply, Task, Unread},
    random,
    runtime::{InvokeError, PAYLOAD_LIMIT, Pool},
    template::{Cors, Route},
};
use answer::{internal_error, message};
use event::Source;

/// Request line and header values together.
const HEADER_LIMIT: usize = 10_240;
const BODY_LIMIT: usize = 10 * 1024 * 1024;
/// How long an integration may take.
const INTEGRATION_LIMIT: Duration = Duration::from_secs(30);
/// Names the client's address when the stack was told to believe it.
const SOURCE_IP: &str = "x-test-source-ip";

/// The gateway of one stack.
pub(crate) struct Gateway {
    pub(crate) routes: Vec<Route>,
    pub(crate) cors: Option<Cors>,
    pub(crate) pools: HashMap<String, Arc<Pool>>,
    pub(crate) aws: Aws,
    pub(crate) aws_url: String,
    pub(crate) port: u16,
    pub(crate) trust_source_ip: bool,
    /// Of the template, with their values.
    pub(crate) parameters: BTreeMap<String, Value>,
    /// Where data are kept, in words.
    pub(crate) data: String,
    pub(crate) companions: OnceLock<Companions>,
}

/// What runs beside the stack.
#[derive(Debug)]
pub(crate) struct Companions {
    pub(crate) all: Vec<Companion>,
    /// Who can sign in.
    pub(crate) user: DemoUser,
}

/// A server beside the stack.
#[derive(Debug)]
pub(crate) struct Companion {
    pub(crate) name: String,
    pub(crate) url: String,
    /// What it is.
    pub(crate) what: String,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("port", &self.port).finish_non_exhaustive()
    }
}

/// Serves the gateway on a listener until the task is dropped.
pub(crate) fn serve(gateway: &Arc<Gateway>, listener: TcpListener) -> Task {
    let gateway = gateway.clone();
    http::serve(listener, move |request, peer| {
        let gateway = gateway.clone();
        async move { Ok::<_, Infallible>(gateway.handle(request, peer).await) }
    })
}

impl Gateway {
    async fn handle(&self, mut request: Request<Incoming>, peer: SocketAddr) -> Reply {
        if let Some(page) = pages::answer(self, request.method(), request.uri()) {
            return page;
        }
        let request_id = request_id();
        let source_ip = self.source_ip(request.headers_mut(), peer);
        let mut reply = self.api(request, source_ip, &request_id).await;
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            reply.headers_mut().insert("apigw-requestid", id);
        }
        reply
    }

    async fn api(&self, request: Request<Incoming>, source_ip: IpAddr, request_id: &str) -> Reply {
        let (head, body) = request.into_parts();
        if header_size(&head) > HEADER_LIMIT {
            return message(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large");
        }
        let Some(cors) = &self.cors else {
            return self.route(&head, body, source_ip, request_id).await;
        };
        if let Some(reply) = cors::preflight(cors, &head.method, &head.headers) {
            return reply;
        }
        let mut reply = self.route(&head, body, source_ip, request_id).await;
        cors::apply(cors, &head.headers, reply.headers_mut());
        reply
    }

    async fn route(&self, head: &Head, body: Incoming, source_ip: IpAddr, request_id: &str) -> Reply {
        let Some(found) = router::find(&self.routes, head.method.as_str(), head.uri.path()) else {
            return message(StatusCode::NOT_FOUND, "Not Found");
        };
        let body = match http::read(body, BODY_LIMIT).await {
            Ok(body) => body,
            Err(Unread::TooLarge) => return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            Err(Unread::Broken) => return message(StatusCode::BAD_REQUEST, "Bad Request"),
        };
        let source = Source {
            method: &head.method,
            uri: &head.uri,
            headers: &head.headers,
            body: &body,
            source_ip,
            port: self.port,
            request_id,
        };
        let Some(event) = event::event(&source, &found) else {
            return message(StatusCode::BAD_REQUEST, "Bad Request");
        };
        if event.len() > PAYLOAD_LIMIT {
            return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        }
        match self.pools.get(&found.route.function) {
            Some(pool) => integrate(pool, event.into()).await,
            None => internal_error(),
        }
    }

    fn source_ip(&self, headers: &mut HeaderMap, peer: SocketAddr) -> IpAddr {
        let peer = peer.ip().to_canonical();
        if !self.trust_source_ip {
            return peer;
        }
        let claimed = headers.remove(SOURCE_IP);
        claimed.and_then(|claimed| claimed.to_str().ok()?.parse().ok()).unwrap_or(peer)
    }
}

async fn integrate(pool: &Arc<Pool>, event: Bytes) -> Reply {
    let unavailable = || message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable");
    let Ok(result) = tokio::time::timeout(INTEGRATION_LIMIT, pool.invoke(event)).await else {
        return unavailable();
    };
    match result {
        Ok(result) => answer::from_result(&result).unwrap_or_else(internal_error),
        Err(InvokeError::Throttled) => unavailable(),
        Err(_) => internal_error(),
    }
}

fn header_size(head: &Head) -> usize {
    let line = head.method.as_str().len() + head.uri.to_string().len() + "  HTTP/1.1".len();
    head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>() + line
}

/// As API Gateway's: 15 characters of base64 and an equals sign.
fn request_id() -> String {
    let alphabet: Vec<char> = ('a'..='z').chain('A'..='Z').chain('0'..='9').collect();
    random::text(&alphabet, 15) + "="
}
