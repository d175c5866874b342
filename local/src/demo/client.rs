//! A client for the few requests that the demo makes itself.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::http::Task;

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    /// What a browser would send back, for a `Cookie` header.
    pub(super) cookies: String,
    pub(super) body: Value,
}

/// Sends a request to a port of this machine; `None` if nobody answers.
pub(super) async fn send(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Option<Answer> {
    let stream = TcpStream::connect(("localhost", port)).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    let _connection = Task::spawn(async move {
        let _ = connection.await;
    });
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, format!("localhost:{port}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).ok()?;
    let answer = sender.send_request(request).await.ok()?;
    let cookies = answer.headers().get_all(header::SET_COOKIE).iter();
    let cookies = cookies.filter_map(|value| value.to_str().ok()?.split(';').next().map(str::to_owned));
    let (status, cookies) = (answer.status().as_u16(), cookies.collect::<Vec<_>>().join("; "));
    let body = answer.into_body().collect().await.ok()?.to_bytes();
    Some(Answer { status, cookies, body: serde_json::from_slice(&body).unwrap_or_default() })
}
