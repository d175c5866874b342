//! Keeps events that `lambda_http` panics on away from it.
//!
//! The crate builds a URL out of the `Host` and `X-Forwarded-Proto` headers,
//! the path and the query, and unwraps the result; it also unwraps the base64
//! of the body. All of that is the client's to choose. The same steps are
//! tried here first, and what does not pass is answered with a 400.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{
    HeaderValue,
    header::{COOKIE, HOST},
};
use lambda_http::request::LambdaRequest;
use url::Url;

/// Longest path with its query, in bytes: what `http::Uri` can hold, and more
/// than the gateway lets through.
const MAX_URI_LENGTH: usize = 16 * 1024;

/// The event as `lambda_http` wants it. `None` for what is no request, or one
/// that it would panic on.
pub fn parse(event: &str) -> Option<LambdaRequest> {
    let mut event: ApiGatewayV2httpRequest = serde_json::from_str(event).ok()?;
    let uri_fits = uri(&event)?.parse::<http::Uri>().is_ok();
    if !uri_fits || !body_decodes(&event) {
        return None;
    }
    // One cookie with a control byte would make the crate drop them all.
    if let Some(cookies) = &mut event.cookies {
        cookies.retain(|cookie| HeaderValue::from_str(cookie).is_ok());
        if cookies.is_empty() {
            event.cookies = None;
        }
    }
    // The crate replaces this header by the cookies array, if there is one.
    if event.cookies.is_some() {
        event.headers.remove(COOKIE);
    }
    Some(LambdaRequest::ApiGatewayV2(event))
}

/// The gateway's id of a request, wherever in a broken event it still stands.
pub fn request_id(event: &str) -> String {
    serde_json::from_str::<serde_json::Value>(event)
        .ok()
        .and_then(|event| event.pointer("/requestContext/requestId")?.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// The URI that the crate will build, built by the same steps.
fn uri(event: &ApiGatewayV2httpRequest) -> Option<String> {
    let host =
        event.headers.get(HOST).and_then(|host| host.to_str().ok()).or(event.request_context.domain_name.as_deref());
    let stage = event.request_context.stage.as_deref().filter(|stage| *stage != "$default");
    let raw_path = event.raw_path.as_deref().unwrap_or_default();
    let path = match stage {
        Some(stage) if !raw_path.starts_with(&format!("/{stage}/")) => format!("/{stage}{raw_path}"),
        _ => raw_path.to_owned(),
    };
    let scheme = event.headers.get("x-forwarded-proto").and_then(|scheme| scheme.to_str().ok()).unwrap_or("https");
    let url = Url::parse(&format!("{scheme}://{}{path}", host.unwrap_or("localhost"))).ok()?;
    let mut uri = url.to_string();
    if let Some(query) = event.raw_query_string.as_deref().filter(|query| !query.is_empty()) {
        uri.push('?');
        uri.push_str(query);
    }
    (uri.len() <= MAX_URI_LENGTH).then_some(uri)
}

fn body_decodes(event: &ApiGatewayV2httpRequest) -> bool {
    match event.body.as_deref() {
        Some(body) if event.is_base64_encoded => STANDARD.decode(body).is_ok(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn event(change: impl FnOnce(&mut Value)) -> String {
        let mut event = json!({
            "version": "2.0",
            "routeKey": "POST /api/auth/sign-in/email",
            "rawPath": "/api/auth/sign-in/email",
            "rawQueryString": "a=1&b=%20",
            "cookies": ["a=1"],
            "headers": {"host": "auth.example.com", "x-forwarded-proto": "https", "content-type": "application/json"},
            "requestContext": {
                "accountId": "1", "apiId": "x", "domainName": "auth.example.com", "requestId": "id-1", "stage": "$default",
                "routeKey": "POST /api/auth/sign-in/email",
                "http": {"method": "POST", "path": "/api/auth/sign-in/email", "protocol": "HTTP/1.1", "sourceIp": "1.2.3.4", "userAgent": "x"},
                "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 1_767_225_600_000_u64
            },
            "body": "{}",
            "isBase64Encoded": false
        });
        change(&mut event);
        event.to_string()
    }

    fn survives(event: &str) -> Option<lambda_http::Request> {
        let request = parse(event)?;
        Some(catch_unwind(|| lambda_http::Request::from(request)).expect("lambda_http panicked"))
    }

    #[test]
    fn an_honest_event_passes_unchanged() {
        let request = survives(&event(|_| ())).unwrap();
        assert_eq!(request.uri().query(), Some("a=1&b=%20"));
        assert_eq!(request.headers().get(COOKIE).unwrap(), "a=1");
    }

    #[test]
    fn events_that_would_panic_are_refused() {
        for host in ["x:99999", "a b", "[", "", "\u{7f}", "a/b?c#d", "@"] {
            survives(&event(|e| e["headers"]["host"] = json!(host)));
        }
        for (pointer, value) in [
            ("/headers/host", json!("x:99999")),
            ("/headers/host", json!("a b")),
            ("/headers/host", json!("[")),
            ("/headers/x-forwarded-proto", json!("https,http")),
            ("/headers/x-forwarded-proto", json!("")),
            ("/headers/x-forwarded-proto", json!("1x")),
            ("/rawQueryString", json!("a=<")),
            ("/rawQueryString", json!("a=\"")),
            ("/rawQueryString", json!("a= b")),
            ("/rawQueryString", json!("x".repeat(70_000))),
            ("/headers/content-type", json!("a\u{1}b")),
        ] {
            let event = event(|e| *e.pointer_mut(pointer).unwrap() = value.clone());
            assert!(survives(&event).is_none(), "{pointer} {value}");
        }
        for body in ["%%%", "e30", "e30==", "e3\n0="] {
            let event = event(|e| {
                e["isBase64Encoded"] = json!(true);
                e["body"] = json!(body);
            });
            assert!(survives(&event).is_none(), "{body}");
        }
        for text in ["", "null", "[]", "{}", "{\"requestContext\":{}}", "1"] {
            assert!(survives(text).is_none(), "{text}");
        }
    }

    #[test]
    fn one_bad_cookie_does_not_take_the_others_along() {
        let request = survives(&event(|e| e["cookies"] = json!(["a=1", "b=\r\n", "c=3"]))).unwrap();
        assert_eq!(request.headers().get(COOKIE).unwrap(), "a=1; c=3");
        let request = survives(&event(|e| e["cookies"] = json!(["b=\u{0}"]))).unwrap();
        assert!(request.headers().get(COOKIE).is_none());
    }

    #[test]
    fn the_request_id_is_found_in_a_broken_event() {
        assert_eq!(request_id(&event(|e| e["headers"]["host"] = json!("["))), "id-1");
        assert_eq!(request_id("nonsense"), "");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn no_event_makes_the_crate_panic(
            host in ".{0,20}", proto in "[a-z,1 ]{0,8}", path in ".{0,20}", query in ".{0,20}", cookie in ".{0,20}",
            body in ".{0,20}", base64 in any::<bool>(), stage in ".{0,5}",
        ) {
            survives(&event(|e| {
                e["headers"]["host"] = json!(host);
                e["headers"]["x-forwarded-proto"] = json!(proto);
                e["rawPath"] = json!(path);
                e["rawQueryString"] = json!(query);
                e["cookies"] = json!([cookie]);
                e["body"] = json!(body);
                e["isBase64Encoded"] = json!(base64);
                e["requestContext"]["stage"] = json!(stage);
            }));
        }
    }
}
