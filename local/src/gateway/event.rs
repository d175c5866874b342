//! The event of payload format 2.0, as HTTP APIs build it.
//!
//! Two things surprise there, and are reproduced here: `rawPath` is decoded
//! (and cut at a decoded `?`) although `rawQueryString` is not, and a body is
//! text only for `text/*` and for JSON, XML and JavaScript; anything else is in
//! base64, forms and bodies without a content type included.

use std::{collections::BTreeMap, net::IpAddr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::{HeaderMap, Method, Uri, header};
use serde::Serialize;
use serde_json::Value;
use time::macros::format_description;

use super::router::{self, Match};
use crate::{clock, runtime, template::ACCOUNT};

/// What the event is made of.
pub(super) struct Source<'a> {
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
    pub(super) source_ip: IpAddr,
    pub(super) port: u16,
    pub(super) request_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    version: &'static str,
    route_key: &'a str,
    raw_path: &'a str,
    raw_query_string: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<String>,
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query_string_parameters: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    path_parameters: &'a BTreeMap<String, String>,
    request_context: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    is_base64_encoded: bool,
}

/// The event in JSON; `None` for a path that is no text once decoded.
pub(super) fn event(source: &Source<'_>, found: &Match<'_>) -> Option<Vec<u8>> {
    let decoded = router::decode(source.uri.path())?;
    let raw_path = decoded.split('?').next().unwrap_or_default();
    let route_key = found.route.key();
    let query = source.uri.query().unwrap_or_default();
    let (body, is_base64_encoded) = body(source);
    let event = Event {
        version: "2.0",
        route_key: &route_key,
        raw_path,
        raw_query_string: query,
        cookies: cookies(source.headers),
        headers: headers(source),
        query_string_parameters: query_parameters(query),
        path_parameters: &found.parameters,
        request_context: context(source, raw_path, &route_key),
        body,
        is_base64_encoded,
    };
    serde_json::to_vec(&event).ok()
}

fn context(source: &Source<'_>, path: &str, route_key: &str) -> Value {
    let host = text(source.headers, header::HOST.as_str()).unwrap_or_default();
    let domain = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => &host,
    };
    let now = clock::now();
    let format = format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
    serde_json::json!({
        "accountId": ACCOUNT,
        "apiId": "local",
        "domainName": domain,
        "domainPrefix": domain.split('.').next(),
        "http": {
            "method": source.method.as_str(),
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": source.source_ip.to_string(),
            "userAgent": text(source.headers, header::USER_AGENT.as_str()).unwrap_or_default(),
        },
        "requestId": source.request_id,
        "routeKey": route_key,
        "stage": "$default",
        "time": now.format(format).unwrap_or_default(),
        "timeEpoch": now.unix_timestamp() * 1000 + i64::from(now.millisecond()),
    })
}

/// Names in lower case, repeated ones joined by commas, cookies left out, and
/// what a load balancer adds.
fn headers(source: &Source<'_>) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    for name in source.headers.keys() {
        if name != header::COOKIE
            && name != header::CONNECTION
            && let Some(value) = text(source.headers, name.as_str())
        {
            headers.insert(name.as_str().to_owned(), value);
        }
    }
    let forwarded = match headers.get("x-forwarded-for") {
        Some(before) => format!("{before}, {}", source.source_ip),
        None => source.source_ip.to_string(),
    };
    headers.insert("x-forwarded-for".to_owned(), forwarded);
    headers.insert("x-forwarded-proto".to_owned(), "http".to_owned());
    headers.insert("x-forwarded-port".to_owned(), source.port.to_string());
    headers.entry("x-amzn-trace-id".to_owned()).or_insert_with(|| format!("Root={}", runtime::trace_id()));
    headers.entry("content-length".to_owned()).or_insert_with(|| source.body.len().to_string());
    headers
}

/// All values of a header; bytes beyond ASCII are read as Latin-1.
fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<String> = headers
        .get_all(name)
        .iter()
        .map(|value| value.as_bytes().iter().map(|byte| char::from(*byte)).collect())
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let mut cookies = Vec::new();
    for header in headers.get_all(header::COOKIE) {
        let header: String = header.as_bytes().iter().map(|byte| char::from(*byte)).collect();
        let parts = header.split(';').map(str::trim).filter(|part| !part.is_empty());
        cookies.extend(parts.map(str::to_owned));
    }
    cookies
}

fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decode(value);
        parameters
            .entry(decode(name))
            .and_modify(|values| {
                values.push(',');
                values.push_str(&value);
            })
            .or_insert(value);
    }
    parameters
}

fn body(source: &Source<'_>) -> (Option<String>, bool) {
    if source.body.is_empty() {
        return (None, false);
    }
    let content_type = text(source.headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    if is_text(&content_type)
        && let Ok(body) = std::str::from_utf8(source.body)
    {
        return (Some(body.to_owned()), false);
    }
    (Some(STANDARD.encode(source.body)), true)
}

fn is_text(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.starts_with("text/")
        || matches!(essence.as_str(), "application/json" | "application/xml" | "application/javascript")
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;
    use serde_json::json;

    use super::*;
    use crate::template::Route;

    fn build(method: &str, target: &str, headers: &[(&'static str, &'static str)], body: &[u8]) -> Value {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        let routes = [Route {
            method: method.to_owned(),
            path: "/r/{id}".to_owned(),
            function: "f".to_owned(),
            place: String::new(),
        }];
        let uri: Uri = target.parse().unwrap();
        let source = Source {
            method: &method.parse().unwrap(),
            uri: &uri,
            headers: &map,
            body,
            source_ip: [192, 0, 2, 1].into(),
            port: 3000,
            request_id: "id",
        };
        let found = router::find(&routes, method, uri.path()).unwrap();
        serde_json::from_slice(&event(&source, &found).unwrap()).unwrap()
    }

    #[test]
    fn paths_are_decoded_and_queries_kept() {
        let event = build("GET", "/r/a%20b%3Fc?x=1&x=%262&y=a+b&z", &[], b"");
        assert_eq!(event["rawPath"], "/r/a b");
        assert_eq!(event["requestContext"]["http"]["path"], "/r/a b");
        assert_eq!(event["pathParameters"], json!({"id": "a b?c"}));
        assert_eq!(event["rawQueryString"], "x=1&x=%262&y=a+b&z");
        assert_eq!(event["queryStringParameters"], json!({"x": "1,&2", "y": "a b", "z": ""}));
        assert_eq!(event["routeKey"], "GET /r/{id}");
        assert!(event.get("body").is_none() && event.get("cookies").is_none());
        assert_eq!(event["isBase64Encoded"], false);
    }

    #[test]
    fn headers_are_joined_and_cookies_split() {
        let headers = [
            ("host", "Api.example.com:3000"),
            ("cookie", "a=1; b=2"),
            ("cookie", "c=3"),
            ("x-many", "1"),
            ("x-many", "2"),
            ("x-forwarded-for", "198.51.100.7"),
            ("x-forwarded-proto", "https"),
            ("user-agent", "test"),
        ];
        let event = build("GET", "/r/1", &headers, b"");
        assert_eq!(event["cookies"], json!(["a=1", "b=2", "c=3"]));
        assert_eq!(event["headers"]["x-many"], "1,2");
        assert!(event["headers"].get("cookie").is_none());
        assert_eq!(event["headers"]["x-forwarded-for"], "198.51.100.7, 192.0.2.1");
        assert_eq!(event["headers"]["x-forwarded-proto"], "http");
        let context = &event["requestContext"];
        assert_eq!(context["http"]["sourceIp"], "192.0.2.1");
        assert_eq!(context["http"]["userAgent"], "test");
        assert_eq!((&context["domainName"], &context["domainPrefix"]), (&json!("Api.example.com"), &json!("Api")));
        assert_eq!(context["stage"], "$default");
    }

    #[test]
    fn bodies_are_text_only_for_text_types() {
        let with = |content_type: &'static str, body: &[u8]| {
            let event = build("POST", "/r/1", &[("content-type", content_type)], body);
            (event["body"].as_str().unwrap().to_owned(), event["isBase64Encoded"] == true)
        };
        assert_eq!(with("application/json; charset=utf-8", b"{}"), ("{}".to_owned(), false));
        assert_eq!(with("TEXT/plain", b"x"), ("x".to_owned(), false));
        assert_eq!(with("application/x-www-form-urlencoded", b"a=b"), ("YT1i".to_owned(), true));
        assert_eq!(with("application/json", b"\xff"), ("/w==".to_owned(), true));
        assert_eq!(build("POST", "/r/1", &[], b"x")["isBase64Encoded"], true);
    }
}
