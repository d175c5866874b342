//! The Runtime API as one process sees it: one invocation at a time.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use hyper::{Method, Request, StatusCode, body::Incoming, header::HeaderValue};
use serde_json::json;
use tokio::sync::{mpsc, oneshot, watch};

use super::PAYLOAD_LIMIT;
use crate::{
    clock,
    http::{self, Reply, Unread},
    random,
};

const PREFIX: &str = "/2018-06-01/runtime/";

/// One event on its way to the process.
pub(super) struct Work {
    pub(super) event: Bytes,
    pub(super) timeout: Duration,
    pub(super) done: oneshot::Sender<Outcome>,
}

/// What the process made of an event.
pub(super) enum Outcome {
    Answer(Bytes),
    Error(String),
    TooLarge,
}

/// How far the process has come with its initialisation.
#[derive(Debug, Clone)]
pub(super) enum Init {
    Running,
    /// First poll for an event.
    Done(Instant),
    Failed(String),
}

/// State behind the Runtime API of one process.
pub(super) struct Api {
    arn: String,
    work: tokio::sync::Mutex<mpsc::Receiver<Work>>,
    current: Mutex<Option<(String, oneshot::Sender<Outcome>)>>,
    init: watch::Sender<Init>,
}

impl Api {
    pub(super) fn new(arn: String) -> (Arc<Self>, mpsc::Sender<Work>, watch::Receiver<Init>) {
        let (sender, receiver) = mpsc::channel(1);
        let (init, watch) = watch::channel(Init::Running);
        let api = Self { arn, work: tokio::sync::Mutex::new(receiver), current: Mutex::default(), init };
        (Arc::new(api), sender, watch)
    }

    /// Answers one request of the process.
    pub(super) async fn handle(self: Arc<Self>, request: Request<Incoming>) -> Result<Reply, Infallible> {
        let path = request.uri().path().to_owned();
        let Some(path) = path.strip_prefix(PREFIX) else {
            return Ok(refuse(StatusCode::NOT_FOUND, "NotFound"));
        };
        let segments: Vec<&str> = path.split('/').collect();
        Ok(match (request.method(), segments.as_slice()) {
            (&Method::GET, ["invocation", "next"]) => self.next().await,
            (&Method::POST, ["invocation", id, "response"]) => {
                match http::read(request.into_body(), PAYLOAD_LIMIT).await {
                    Ok(body) => self.finish(id, Outcome::Answer(body)),
                    Err(Unread::TooLarge) => {
                        self.finish(id, Outcome::TooLarge);
                        refuse(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge")
                    }
                    Err(Unread::Broken) => refuse(StatusCode::BAD_REQUEST, "TruncatedResponse"),
                }
            }
            (&Method::POST, ["invocation", id, "error"]) => {
                let body = http::read(request.into_body(), PAYLOAD_LIMIT).await;
                self.finish(id, Outcome::Error(text(&body.unwrap_or_default())))
            }
            (&Method::POST, ["init", "error"]) => {
                let body = http::read(request.into_body(), PAYLOAD_LIMIT).await;
                self.init.send_replace(Init::Failed(text(&body.unwrap_or_default())));
                accepted()
            }
            _ => refuse(StatusCode::NOT_FOUND, "NotFound"),
        })
    }

    async fn next(&self) -> Reply {
        let mut work = self.work.lock().await;
        self.init.send_if_modified(|init| match init {
            Init::Running => {
                *init = Init::Done(Instant::now());
                true
            }
            _ => false,
        });
        let Some(work) = work.recv().await else {
            return refuse(StatusCode::GONE, "ShuttingDown");
        };
        let id = random::uuid();
        let deadline = (clock::since_epoch() + work.timeout).as_millis();
        let headers = [
            ("lambda-runtime-aws-request-id", id.clone()),
            ("lambda-runtime-deadline-ms", deadline.to_string()),
            ("lambda-runtime-invoked-function-arn", self.arn.clone()),
            ("lambda-runtime-trace-id", format!("Root={};Sampled=0", trace_id())),
        ];
        let mut reply = http::reply(StatusCode::OK, "application/json", work.event);
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                reply.headers_mut().insert(name, value);
            }
        }
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some((id, work.done));
        reply
    }

    fn finish(&self, id: &str, outcome: Outcome) -> Reply {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match current.take() {
            Some((expected, done)) if expected == id => {
                // Nobody may wait any more, after a timeout: that is no fault of the process.
                let _ = done.send(outcome);
                accepted()
            }
            other => {
                *current = other;
                refuse(StatusCode::BAD_REQUEST, "InvalidRequestID")
            }
        }
    }
}

/// A trace id as X-Ray and the load balancers write it.
pub(crate) fn trace_id() -> String {
    let seconds = clock::since_epoch().as_secs();
    format!("1-{seconds:08x}-{}", random::hex::<12>())
}

fn text(body: &Bytes) -> String {
    String::from_utf8_lossy(body).into_owned()
}

fn accepted() -> Reply {
    http::json(StatusCode::ACCEPTED, &json!({ "status": "OK" }))
}

fn refuse(status: StatusCode, kind: &str) -> Reply {
    http::json(status, &json!({ "errorMessage": kind, "errorType": kind }))
}
