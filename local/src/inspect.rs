//! Somebody who looks at every answer of the API before it leaves.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use hyper::{HeaderMap, Method, StatusCode, Uri};

use crate::{
    http::{self, Reply},
    template::Route,
};

/// The status of an answer that was complained of. No other answer has it.
pub const COMPLAINT: u16 = 599;

/// An answer on its way out.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// Method of the request.
    pub method: &'a Method,
    /// Path and query of the request.
    pub uri: &'a Uri,
    /// The route that the request took; none if there is none for it.
    pub route: Option<&'a Route>,
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: &'a HeaderMap,
    /// Body.
    pub body: &'a Bytes,
}

type Inspect = dyn Fn(&Exchange<'_>) -> Result<(), String> + Send + Sync;

/// Looks at every answer of the API. One that it complains of never arrives:
/// the client gets [`COMPLAINT`], with the complaint as text.
#[derive(Clone)]
pub struct Inspector(Arc<Inspect>);

impl Inspector {
    /// Of a function that returns its complaint.
    pub fn new(inspect: impl Fn(&Exchange<'_>) -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(inspect))
    }

    pub(crate) async fn pass(&self, method: &Method, uri: &Uri, route: Option<&Route>, reply: Reply) -> Reply {
        let (head, body) = reply.into_parts();
        // It is in memory.
        let body = http::read(body, usize::MAX).await.unwrap_or_default();
        let (status, headers) = (head.status.as_u16(), &head.headers);
        match (self.0)(&Exchange { method, uri, route, status, headers, body: &body }) {
            Ok(()) => Reply::from_parts(head, body.into()),
            Err(complaint) => {
                let status = StatusCode::from_u16(COMPLAINT).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                http::reply(status, "text/plain", complaint)
            }
        }
    }
}

impl fmt::Debug for Inspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inspector")
    }
}
