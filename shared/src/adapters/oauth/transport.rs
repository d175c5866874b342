use std::{sync::OnceLock, time::Duration};

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, HttpConnectorSettings},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use http::header;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

/// Longest time to wait for a connection, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest answer that is read, in bytes. Real ones have a few thousand.
const MAX_BODY: usize = 256 * 1024;

/// HTTP for the few calls of a sign-in, on the stack that the AWS SDK links
/// anyway. It follows no redirects, reads no proxy settings and gives up on
/// large and slow answers.
#[derive(Default)]
pub(super) struct Transport {
    connector: OnceLock<Connector>,
}

/// A call that brought no usable answer. The kind of failure, never data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TransportError {
    #[error("invalid request")]
    InvalidRequest,
    #[error("no answer in time")]
    TimedOut,
    #[error("connection failed")]
    Unreachable,
    #[error("answer longer than {MAX_BODY} bytes")]
    TooLong,
    #[error("status {0}")]
    Status(u16),
    #[error("answer is not JSON")]
    NotJson,
    #[error("answer has an unexpected form")]
    Malformed,
}

impl Transport {
    /// Sends one request, once, and reads the answer to its end. Every status
    /// is an answer; a redirect is one that the callers do not accept.
    ///
    /// # Errors
    /// [`TransportError`].
    pub(super) async fn send(
        &self,
        request: http::Request<Vec<u8>>,
        deadline: Instant,
    ) -> Result<http::Response<Vec<u8>>, TransportError> {
        if !matches!(request.uri().scheme_str(), Some("https" | "http")) {
            return Err(TransportError::InvalidRequest);
        }
        let request = HttpRequest::try_from(request.map(SdkBody::from)).map_err(|_| TransportError::InvalidRequest)?;
        timeout_at(deadline, async { read(self.connector().call(request).await.map_err(unreachable)?).await })
            .await
            .unwrap_or(Err(TransportError::TimedOut))
    }

    /// Gets a JSON document. `headers` go along with `Accept` and `User-Agent`.
    pub(super) async fn get_json<T: DeserializeOwned>(
        &self,
        mut request: http::request::Builder,
        deadline: Instant,
    ) -> Result<T, TransportError> {
        request = request.method(http::Method::GET).header(header::USER_AGENT, "lambda-auth");
        let request = request.body(Vec::new()).map_err(|_| TransportError::InvalidRequest)?;
        let response = self.send(request, deadline).await?;
        if response.status() != http::StatusCode::OK {
            return Err(TransportError::Status(response.status().as_u16()));
        }
        require_json(&response)?;
        serde_json::from_slice(response.body()).map_err(|_| TransportError::Malformed)
    }

    /// Built on first use, since reading the system's certificates takes
    /// milliseconds that most execution environments never need to spend.
    fn connector(&self) -> &Connector {
        self.connector.get_or_init(|| {
            Connector::builder()
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .connector_settings(HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build())
                .sleep_impl(TokioSleep::new())
                // The provider closes idle connections while the execution
                // environment is frozen; a code sent into a dead one is lost.
                .pool_max_idle_per_host(0)
                .build()
        })
    }
}

/// Whether the answer says that it is JSON (`application/json` or, as in
/// RFC 6839, `application/…+json`).
pub(super) fn require_json<B>(response: &http::Response<B>) -> Result<(), TransportError> {
    let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|text| text.split(';').next()).unwrap_or("").trim().to_ascii_lowercase();
    let subtype = essence.strip_prefix("application/").unwrap_or("");
    if subtype == "json" || subtype.ends_with("+json") { Ok(()) } else { Err(TransportError::NotJson) }
}

async fn read(response: HttpResponse) -> Result<http::Response<Vec<u8>>, TransportError> {
    let response = response.try_into_http1x().map_err(|_| TransportError::Malformed)?;
    let (parts, body) = response.into_parts();
    let mut body = ByteStream::new(body);
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| TransportError::Unreachable)?;
        if bytes.len() + chunk.len() > MAX_BODY {
            return Err(TransportError::TooLong);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(http::Response::from_parts(parts, bytes))
}

fn unreachable(error: ConnectorError) -> TransportError {
    if error.is_timeout() {
        TransportError::TimedOut
    } else if error.is_user() {
        TransportError::InvalidRequest
    } else {
        TransportError::Unreachable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_is_json() {
        for (content_type, json) in [
            ("application/json", true),
            ("application/json; charset=utf-8", true),
            ("Application/JSON ;x", true),
            ("application/vnd.github+json", true),
            ("application/jsonp", false),
            ("text/html", false),
            ("text/json", false),
            ("", false),
        ] {
            let response = http::Response::builder().header("content-type", content_type).body(()).unwrap();
            assert_eq!(require_json(&response).is_ok(), json, "{content_type:?}");
        }
        assert!(require_json(&http::Response::new(())).is_err());
    }

    #[tokio::test]
    async fn other_schemes_are_refused() {
        let deadline = Instant::now() + Duration::from_secs(1);
        for uri in ["ftp://127.0.0.1/", "/relative", "file://localhost/etc/passwd"] {
            let request = http::Request::get(uri).body(Vec::new()).unwrap();
            let answer = Transport::default().send(request, deadline).await;
            assert_eq!(answer.unwrap_err(), TransportError::InvalidRequest, "{uri}");
        }
    }
}
