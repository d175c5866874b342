//! Events of payload format 2.0, as an HTTP API hands them to both sides, and
//! the answers to them.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::Error;

/// A request of a browser.
pub struct Request<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// Path below the base path.
    pub path: &'a str,
    /// Origin of the page and of the service.
    pub origin: &'a str,
    /// A cookie, as `name=value`.
    pub cookie: Option<&'a str>,
    /// JSON to send.
    pub body: Option<Value>,
}

impl Request<'_> {
    /// The event of the request.
    pub fn event(&self) -> Bytes {
        let path = format!("/api/auth{}", self.path);
        let host = self.origin.trim_start_matches("http://");
        let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        let body = self.body.as_ref().map(Value::to_string);
        let mut event = json!({
            "version": "2.0",
            "routeKey": format!("{} {path}", self.method),
            "rawPath": path,
            "rawQueryString": "",
            "headers": {
                "accept": "*/*",
                "accept-encoding": "gzip, deflate, br, zstd",
                "accept-language": "en-US,en;q=0.5",
                "content-length": body.as_ref().map_or(0, String::len).to_string(),
                "content-type": "application/json",
                "host": host,
                "origin": self.origin,
                "referer": format!("{}/", self.origin),
                "user-agent": agent,
                "x-amzn-trace-id": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e",
                "x-forwarded-for": "203.0.113.7",
                "x-forwarded-port": "443",
                "x-forwarded-proto": "https",
            },
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "r3pmxmplak",
                "domainName": host,
                "domainPrefix": "r3pmxmplak",
                "http": {
                    "method": self.method,
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "203.0.113.7",
                    "userAgent": agent,
                },
                "requestId": "JKJaXmPLvHcESHA=",
                "routeKey": format!("{} {path}", self.method),
                "stage": "$default",
                "time": "10/Mar/2020:05:16:23 +0000",
                "timeEpoch": 1_583_817_383_220_u64,
            },
            "isBase64Encoded": false,
        });
        if let Some(fields) = event.as_object_mut() {
            fields.extend(self.cookie.map(|cookie| ("cookies".to_owned(), json!([cookie]))));
            fields.extend(body.map(|body| ("body".to_owned(), Value::String(body))));
        }
        event.to_string().into()
    }
}

/// An answer to an event.
pub struct Answer {
    /// HTTP status.
    pub status: u64,
    /// Body, as JSON.
    pub body: Value,
    cookies: Vec<String>,
}

impl Answer {
    /// Reads an answer of payload format 2.0.
    pub fn parse(answer: &[u8]) -> Result<Self, Error> {
        let answer: Value = serde_json::from_slice(answer)?;
        let text = |name| answer.get(name).and_then(Value::as_str).unwrap_or_default();
        let cookies = answer.get("cookies").and_then(Value::as_array);
        Ok(Self {
            status: answer.get("statusCode").and_then(Value::as_u64).unwrap_or_default(),
            body: serde_json::from_str(text("body")).unwrap_or_default(),
            cookies: cookies.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
        })
    }

    /// The session cookie that it sets, as a browser sends it back.
    pub fn session_cookie(&self) -> Result<String, Error> {
        let cookie = self.cookies.iter().find(|cookie| cookie.contains("session_token="));
        let pair = cookie.and_then(|cookie| cookie.split(';').next());
        let refused = || format!("no session cookie in an answer {} {}", self.status, self.body);
        Ok(pair.ok_or_else(refused)?.to_owned())
    }
}
