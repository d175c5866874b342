use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse as _, Response},
};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::state::{Endpoint, Recorded, Shared};

const HUGE: usize = 100 * 1024 * 1024;
const CHUNK: usize = 64 * 1024;

/// How an endpoint misbehaves.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// This status, with a JSON body.
    Status(u16),
    /// No answer at all.
    Hang,
    /// One byte after the other, for ever.
    Drip,
    /// 200 with a page.
    Html,
    /// 200 with this JSON body, such as `{"error": …}`.
    Json(Value),
    /// 200 with half a JSON body and then a broken connection.
    Truncated,
    /// 200 with a JSON body of 100 MB.
    Huge,
    /// A redirect (302 or another) to a listener that counts who follows.
    Redirect(u16),
    /// A redirect to the metadata service of a cloud machine.
    RedirectToMetadata,
    /// At an authorization endpoint: the person says no.
    Denied,
}

impl Shared {
    /// Notes a request and, where an endpoint is to fail, fails.
    pub(super) async fn receive(
        self: &Arc<Self>,
        endpoint: Endpoint,
        parameters: impl IntoIterator<Item = (String, String)>,
        headers: &HeaderMap,
    ) -> Option<Response> {
        let headers = headers
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect();
        let failure = {
            let mut state = self.lock();
            state.recorded.push(Recorded { endpoint, parameters: parameters.into_iter().collect(), headers });
            state.failures.get(&endpoint).cloned()
        };
        match failure? {
            Failure::Status(status) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                Some((status, Json(json!({"message": "no"}))).into_response())
            }
            Failure::Hang => std::future::pending().await,
            Failure::Drip => Some(json_stream(drip())),
            Failure::Html => Some(Html("<!doctype html><title>Sign in</title>").into_response()),
            Failure::Json(body) => Some(Json(body).into_response()),
            Failure::Truncated => Some(json_stream(truncated())),
            Failure::Huge => Some(json_stream(huge(Arc::clone(self)))),
            Failure::Redirect(status) => Some(redirect(status, &self.trap_url)),
            Failure::RedirectToMetadata => {
                Some(redirect(302, "http://169.254.169.254/latest/meta-data/iam/security-credentials/"))
            }
            Failure::Denied => None,
        }
    }

    /// Whether the person says no.
    pub(super) fn is_denied(&self, endpoint: Endpoint) -> bool {
        self.lock().failures.get(&endpoint) == Some(&Failure::Denied)
    }
}

fn redirect(status: u16, to: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FOUND);
    (status, [(header::LOCATION, to.to_owned())]).into_response()
}

fn json_stream(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn drip() -> Body {
    let drops = stream::unfold(0_u64, |n| async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let byte: &[u8] = if n == 0 { b"{" } else { b" " };
        Some((Ok::<_, std::io::Error>(Bytes::from_static(byte)), n + 1))
    });
    Body::from_stream(drops)
}

fn truncated() -> Body {
    let start = stream::iter([Ok(Bytes::from_static(b"{\"access_token\": \"half-of-a-to"))]);
    // The pause makes sure that the first half is on its way.
    let end = stream::once(async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Err(std::io::Error::other("broken on purpose"))
    });
    Body::from_stream(start.chain(end))
}

fn huge(shared: Arc<Shared>) -> Body {
    let start = stream::iter([Bytes::from_static(b"{\"access_token\": \"")]);
    let filler = stream::iter(std::iter::repeat_n(Bytes::from(vec![b'x'; CHUNK]), HUGE / CHUNK));
    let end = stream::iter([Bytes::from_static(b"\"}")]);
    let chunks = start.chain(filler).chain(end).map(move |chunk| {
        shared.count_endless(chunk.len());
        Ok::<_, std::io::Error>(chunk)
    });
    Body::from_stream(chunks)
}
