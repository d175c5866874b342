//! An HTTP client that keeps cookies, sends an `Origin` and follows nothing.

use std::collections::BTreeMap;

use http_body_util::{BodyExt as _, Full};
use hyper::{HeaderMap, Method, Request, body::Bytes};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// A browser on a page of the application.
#[derive(Clone)]
pub struct Browser {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
    /// Value of the `Origin` header of every request but a GET; none sends none.
    pub origin: Option<String>,
    /// Cookies by name, as they would be sent.
    pub cookies: BTreeMap<String, String>,
}

/// A request in the making.
#[derive(Clone, Debug)]
pub struct Call {
    method: Method,
    target: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Call {
    /// A request to a path below the base path, or to an absolute URL.
    pub fn new(method: &str, target: impl Into<String>) -> Self {
        Self {
            method: method.parse().unwrap_or_else(|_| panic!("no method: {method}")),
            target: target.into(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sets the body as it is, without a content type.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a JSON body with its content type.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }
}

/// A response, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub bytes: Bytes,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The body as JSON; `null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }

    /// The `code` of an error.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// A header as text, empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// All `Set-Cookie` headers.
    pub fn set_cookies(&self) -> Vec<String> {
        let values = self.headers.get_all("set-cookie").iter();
        values.filter_map(|value| value.to_str().ok().map(str::to_owned)).collect()
    }
}

impl Browser {
    /// A browser on a page of the service's own origin, without cookies.
    pub fn new(origin: &str) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            base: format!("{origin}/api/auth"),
            origin: Some(origin.to_owned()),
            cookies: BTreeMap::new(),
        }
    }

    /// A GET.
    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Call::new("GET", path)).await
    }

    /// A POST of JSON.
    pub async fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.send(Call::new("POST", path).json(body)).await
    }

    /// Sends a request and keeps the cookies that come back.
    pub async fn send(&mut self, call: Call) -> Answer {
        let answer = self.send_only(call).await;
        for cookie in answer.set_cookies() {
            let Some((name, value)) = cookie.split(';').next().and_then(|pair| pair.split_once('=')) else { continue };
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    /// Sends a request and leaves the cookies as they are, so that one browser
    /// can send many at once.
    pub async fn send_only(&self, call: Call) -> Answer {
        let uri = if call.target.starts_with("http") { call.target } else { format!("{}{}", self.base, call.target) };
        let mut request = Request::builder().method(&call.method).uri(&uri);
        let is_own = |name: &str| call.headers.iter().any(|(header, _)| header.eq_ignore_ascii_case(name));
        if let Some(origin) = self.origin.as_ref().filter(|_| call.method != Method::GET && !is_own("origin")) {
            request = request.header("origin", origin);
        }
        if !self.cookies.is_empty() && !is_own("cookie") {
            let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", cookies.join("; "));
        }
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(call.body)).unwrap_or_else(|error| panic!("{uri}: {error}"));
        let response = self.client.request(request).await.unwrap_or_else(|error| panic!("{uri}: {error:?}"));
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let status = parts.status.as_u16();
        assert!(status != local::COMPLAINT, "{}", String::from_utf8_lossy(&bytes));
        Answer { status, headers: parts.headers, bytes }
    }

    /// The session cookie as it is sent, percent-encoded.
    pub fn session_cookie(&self) -> Option<&str> {
        self.cookies
            .iter()
            .find(|(name, _)| name.ends_with("better-auth.session_token"))
            .map(|(_, value)| value.as_str())
    }

    /// The user of the current session, if there is one.
    pub async fn current_user(&mut self) -> Option<Value> {
        let answer = self.get("/get-session").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        Some(answer.json()["user"].clone()).filter(|user| !user.is_null())
    }
}
