//! From a function's result to an HTTP answer.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Response, StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use serde_json::{Map, Value, json};

use crate::http::{self, Reply};

/// Headers of one connection; those of a function's answer are not passed on.
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::CONTENT_LENGTH,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
];

/// An answer of the gateway itself: `{"message": …}`.
pub(super) fn message(status: StatusCode, message: &str) -> Reply {
    http::json(status, &json!({ "message": message }))
}

/// What is told of anything that goes wrong in a function.
pub(super) fn internal_error() -> Reply {
    message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}

/// The answer that a function's result describes; `None` if it is malformed.
pub(super) fn from_result(result: &[u8]) -> Option<Reply> {
    match serde_json::from_slice(result).ok()? {
        Value::Object(entries) if entries.contains_key("statusCode") => described(&entries),
        // Anything else is the body of a 200, says payload format 2.0.
        Value::String(text) => Some(http::reply(StatusCode::OK, "application/json", text)),
        _ => Some(http::reply(StatusCode::OK, "application/json", result.to_vec())),
    }
}

fn described(entries: &Map<String, Value>) -> Option<Reply> {
    let status = entries.get("statusCode")?.as_u64()?;
    let status = StatusCode::from_u16(u16::try_from(status).ok()?).ok()?;
    if !(200..600).contains(&status.as_u16()) {
        return None;
    }
    let text = match entries.get("body") {
        None | Some(Value::Null) => "",
        Some(Value::String(text)) => text,
        Some(_) => return None,
    };
    let body = match entries.get("isBase64Encoded") {
        Some(Value::Bool(true)) => Bytes::from(STANDARD.decode(text).ok()?),
        None | Some(Value::Null | Value::Bool(false)) => Bytes::from(text.to_owned()),
        Some(_) => return None,
    };
    let has_body = !body.is_empty();
    let mut reply = Response::new(Full::new(body));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    for (name, value) in object(entries.get("headers"))? {
        let name: HeaderName = name.parse().ok()?;
        let value = match value {
            Value::String(value) => value.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return None,
        };
        if !HOP_BY_HOP.contains(&name) {
            headers.append(name, HeaderValue::from_str(&value).ok()?);
        }
    }
    let cookies = match entries.get("cookies") {
        None | Some(Value::Null) => &[],
        Some(Value::Array(cookies)) => cookies.as_slice(),
        Some(_) => return None,
    };
    for cookie in cookies {
        headers.append(header::SET_COOKIE, HeaderValue::from_str(cookie.as_str()?).ok()?);
    }
    if has_body && !headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=UTF-8"));
    }
    Some(reply)
}

fn object(value: Option<&Value>) -> Option<impl Iterator<Item = (&String, &Value)>> {
    match value {
        None | Some(Value::Null) => Some(None.into_iter().flatten()),
        Some(Value::Object(entries)) => Some(Some(entries).into_iter().flatten()),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(reply: Reply) -> (u16, Vec<(String, String)>, String) {
        let status = reply.status().as_u16();
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        let headers = reply.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let body = http::read(reply.into_body(), 1000).await.unwrap();
        (status, headers, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_described_answer_is_given() {
        let result = json!({
            "statusCode": 201,
            "headers": { "Content-Type": "application/json", "connection": "close", "x-n": 1 },
            "cookies": ["a=1", "b=2"],
            "body": "e30=",
            "isBase64Encoded": true,
        });
        let (status, headers, body) = read(from_result(result.to_string().as_bytes()).unwrap()).await;
        assert_eq!((status, body.as_str()), (201, "{}"));
        let expected =
            [("content-type", "application/json"), ("x-n", "1"), ("set-cookie", "a=1"), ("set-cookie", "b=2")];
        assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[tokio::test]
    async fn without_a_status_the_result_is_the_body() {
        let (status, _, body) = read(from_result(br#"{"a": 1}"#).unwrap()).await;
        assert_eq!((status, body.as_str()), (200, r#"{"a": 1}"#));
    }

    #[test]
    fn malformed_results_are_none() {
        for result in [
            "",
            "no json",
            r#"{"statusCode": "200"}"#,
            r#"{"statusCode": 99}"#,
            r#"{"statusCode": 200, "headers": []}"#,
            r#"{"statusCode": 200, "headers": {"a b": "c"}}"#,
            r#"{"statusCode": 200, "headers": {"a": "b\r\nc: d"}}"#,
            r#"{"statusCode": 200, "cookies": "a=1"}"#,
            r#"{"statusCode": 200, "body": {}}"#,
            r#"{"statusCode": 200, "body": "%", "isBase64Encoded": true}"#,
        ] {
            assert!(from_result(result.as_bytes()).is_none(), "{result}");
        }
    }
}
