//! The little HTTP that the gateway, the AWS endpoint and the Runtime API share.

use std::{
    convert::Infallible,
    future::Future,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::pin,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode, body::Body, body::Incoming, header, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use crate::Error;

/// An answer, complete in memory.
pub(crate) type Reply = Response<Full<Bytes>>;

/// Instead of an answer: closes the connection without a word.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped on purpose")]
pub(crate) struct Dropped;

impl From<Infallible> for Dropped {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Listens on one port of this machine only. Port 0 takes a free one.
pub(crate) async fn bind(address: SocketAddr, option: &'static str) -> Result<(TcpListener, SocketAddr), Error> {
    let listener = TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => Error::PortInUse { port: address.port(), option },
        _ => Error::io(format!("listening on {address}"))(error),
    })?;
    let bound = listener.local_addr().map_err(Error::io(format!("listening on {address}")))?;
    Ok((listener, bound))
}

/// Listens on 127.0.0.1 and, where there is IPv6, on ::1 too: `localhost` may
/// mean either. Port 0 takes one that is free on both.
pub(crate) async fn listen(port: u16, option: &'static str) -> Result<(Vec<TcpListener>, u16), Error> {
    loop {
        let (v4, address) = bind((Ipv4Addr::LOCALHOST, port).into(), option).await?;
        match bind((Ipv6Addr::LOCALHOST, address.port()).into(), option).await {
            Ok((v6, _)) => return Ok((vec![v4, v6], address.port())),
            Err(Error::PortInUse { .. }) if port == 0 => {}
            Err(error @ Error::PortInUse { .. }) => return Err(error),
            Err(_) => return Ok((vec![v4], address.port())),
        }
    }
}

/// A task that ends, with all it started, when this is dropped.
#[derive(Debug)]
pub(crate) struct Task(JoinHandle<()>);

impl Task {
    pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Serves HTTP/1.1 with keep-alive until the task is dropped, which closes
/// every connection too.
pub(crate) fn serve<H, F, E>(listener: TcpListener, handler: H) -> Task
where
    H: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Reply, E>> + Send + 'static,
    E: Into<Dropped> + Send + 'static,
{
    Task::spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        connections.spawn(connection(stream, peer, handler.clone()));
                    }
                    // Out of file descriptors, most likely: let some close.
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    })
}

async fn connection<H, F, E>(stream: TcpStream, peer: SocketAddr, handler: H)
where
    H: Fn(Request<Incoming>, SocketAddr) -> F,
    F: Future<Output = Result<Reply, E>>,
    E: Into<Dropped>,
{
    // Without it, small answers on a kept-alive connection may wait 40 ms.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let answer = handler(request, peer);
        async move { answer.await.map_err(Into::into) }
    });
    // An error is the other side's hurry, or a `Dropped`: both end here.
    let _ = http1::Builder::new()
        // Kept-alive connections may rest as long as they like: the functions'
        // would otherwise find theirs closed after each pause.
        .header_read_timeout(None)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Why a body was not read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is longer than the limit.
    TooLarge,
    /// The sender went away, or broke the framing.
    Broken,
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read<B>(body: B, limit: usize) -> Result<Bytes, Unread>
where
    B: Body<Data = Bytes>,
{
    if body.size_hint().lower() > limit as u64 {
        return Err(Unread::TooLarge);
    }
    let mut body = pin!(body);
    let mut first = Bytes::new();
    let mut more = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else {
            continue;
        };
        if first.len() + more.len() + data.len() > limit {
            return Err(Unread::TooLarge);
        }
        if first.is_empty() && more.is_empty() {
            first = data;
        } else {
            if more.is_empty() {
                more.extend_from_slice(&first);
                first = Bytes::new();
            }
            more.extend_from_slice(&data);
        }
    }
    Ok(if more.is_empty() { first } else { more.freeze() })
}

/// An answer of any type.
pub(crate) fn reply(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    reply
}

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, body: &Value) -> Reply {
    reply(status, "application/json", body.to_string())
}

/// An answer with nothing in it.
pub(crate) fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = status;
    reply
}
