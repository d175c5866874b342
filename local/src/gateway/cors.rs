//! CORS as an HTTP API does it: the gateway answers preflights by itself, and
//! its configuration, not the function, decides on the headers of every answer.

use hyper::{
    HeaderMap, Method, StatusCode,
    header::{self, HeaderName, HeaderValue},
};

use crate::{
    http::{self, Reply},
    template::Cors,
};

/// The answer to a preflight; `None` if the request is none.
pub(super) fn preflight(cors: &Cors, method: &Method, headers: &HeaderMap) -> Option<Reply> {
    let is_preflight = method == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if !is_preflight {
        return None;
    }
    let mut reply = http::empty(StatusCode::NO_CONTENT);
    let out = reply.headers_mut();
    vary(out);
    if allow(cors, headers, out) {
        list(out, header::ACCESS_CONTROL_ALLOW_METHODS, &cors.allow_methods);
        list(out, header::ACCESS_CONTROL_ALLOW_HEADERS, &cors.allow_headers);
        if let Some(seconds) = cors.max_age {
            out.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(seconds));
        }
    }
    Some(reply)
}

/// Replaces the CORS headers of an answer by the configured ones.
pub(super) fn apply(cors: &Cors, request: &HeaderMap, answer: &mut HeaderMap) {
    let foreign: Vec<HeaderName> =
        answer.keys().filter(|name| name.as_str().starts_with("access-control-")).cloned().collect();
    for name in foreign {
        answer.remove(name);
    }
    vary(answer);
    if allow(cors, request, answer) {
        list(answer, header::ACCESS_CONTROL_EXPOSE_HEADERS, &cors.expose_headers);
    }
}

/// Sets the headers that allow the request's origin, if it is allowed.
fn allow(cors: &Cors, request: &HeaderMap, out: &mut HeaderMap) -> bool {
    let Some(origin) = request.get(header::ORIGIN) else {
        return false;
    };
    let Ok(text) = origin.to_str() else {
        return false;
    };
    let any = cors.allow_origins.iter().any(|allowed| allowed == "*");
    let allowed = any
        || cors.allow_origins.iter().any(|allowed| match allowed.strip_suffix("://*") {
            // Besides exact origins, HTTP APIs know these two patterns.
            Some(scheme @ ("http" | "https")) => text.split_once("://").is_some_and(|(actual, _)| actual == scheme),
            _ => allowed == text,
        });
    if !allowed {
        return false;
    }
    let value = if any { HeaderValue::from_static("*") } else { origin.clone() };
    out.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, value);
    if cors.allow_credentials {
        out.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    true
}

/// Answers differ by origin, so that caches must know.
fn vary(headers: &mut HeaderMap) {
    let has = headers.get_all(header::VARY).iter().any(|value| {
        value.to_str().is_ok_and(|value| value.split(',').any(|name| name.trim().eq_ignore_ascii_case("origin")))
    });
    if !has {
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
}

fn list(headers: &mut HeaderMap, name: HeaderName, values: &[String]) {
    if let Ok(value) = HeaderValue::from_str(&values.join(","))
        && !values.is_empty()
    {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cors() -> Cors {
        Cors {
            allow_origins: vec!["http://a.example".to_owned(), "https://*".to_owned()],
            allow_methods: vec!["GET".to_owned(), "POST".to_owned()],
            allow_headers: vec!["content-type".to_owned()],
            expose_headers: vec!["set-auth-token".to_owned()],
            allow_credentials: true,
            max_age: Some(600),
        }
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    fn sorted(map: &HeaderMap) -> Vec<String> {
        let mut lines: Vec<_> =
            map.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        lines.sort();
        lines
    }

    #[test]
    fn preflights_are_answered_for_allowed_origins_only() {
        let ask = |origin| {
            let request = headers(&[("origin", origin), ("access-control-request-method", "POST")]);
            let reply = preflight(&cors(), &Method::OPTIONS, &request).unwrap();
            assert_eq!(reply.status(), 204);
            sorted(reply.headers())
        };
        let expected = [
            "access-control-allow-credentials: true",
            "access-control-allow-headers: content-type",
            "access-control-allow-methods: GET,POST",
            "access-control-allow-origin: http://a.example",
            "access-control-max-age: 600",
            "vary: origin",
        ];
        assert_eq!(ask("http://a.example"), expected);
        assert_eq!(ask("https://any.example").len(), 6);
        for origin in ["http://a.example.evil", "http://A.example", "null", "http://a.example:80"] {
            assert_eq!(ask(origin), ["vary: origin"], "{origin}");
        }
    }

    #[test]
    fn other_requests_are_no_preflights() {
        let plain = headers(&[("origin", "http://a.example")]);
        assert!(preflight(&cors(), &Method::OPTIONS, &plain).is_none());
        let full = headers(&[("origin", "http://a.example"), ("access-control-request-method", "POST")]);
        assert!(preflight(&cors(), &Method::POST, &full).is_none());
    }

    #[test]
    fn the_functions_own_cors_headers_do_not_count() {
        let own = [("access-control-allow-origin", "*"), ("access-control-max-age", "1"), ("vary", "accept, Origin")];
        let mut answer = headers(&own);
        apply(&cors(), &headers(&[("origin", "http://evil.example")]), &mut answer);
        assert_eq!(sorted(&answer), ["vary: accept, Origin"]);
        let mut answer = headers(&own);
        apply(&cors(), &headers(&[("origin", "http://a.example")]), &mut answer);
        let expected = [
            "access-control-allow-credentials: true",
            "access-control-allow-origin: http://a.example",
            "access-control-expose-headers: set-auth-token",
            "vary: accept, Origin",
        ];
        assert_eq!(sorted(&answer), expected);
    }
}
