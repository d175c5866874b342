//! Which route a request takes, as HTTP APIs choose it: a literal segment
//! before a parameter before a greedy one, an exact method before `ANY`, and
//! `$default` when nothing else fits.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use crate::template::Route;

/// A route and what its parameters stand for, decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Match<'a> {
    pub(super) route: &'a Route,
    pub(super) parameters: BTreeMap<String, String>,
}

/// Chooses among `routes` for a path that is not decoded yet.
pub(super) fn find<'a>(routes: &'a [Route], method: &str, path: &str) -> Option<Match<'a>> {
    let mut best: Option<(Vec<u8>, Match<'a>)> = None;
    for route in routes {
        if route.method != method && route.method != "ANY" {
            continue;
        }
        let Some((mut rank, parameters)) = fit(&route.path, path) else {
            continue;
        };
        rank.push(u8::from(route.method == "ANY"));
        if best.as_ref().is_none_or(|(other, _)| rank < *other) {
            best = Some((rank, Match { route, parameters }));
        }
    }
    best.map(|(_, found)| found)
}

const LITERAL: u8 = 0;
const PARAMETER: u8 = 1;
const GREEDY: u8 = 2;
const DEFAULT: u8 = 3;

/// How well a route's path fits, a lower rank being better.
fn fit(pattern: &str, path: &str) -> Option<(Vec<u8>, BTreeMap<String, String>)> {
    let mut parameters = BTreeMap::new();
    if pattern == "$default" {
        return Some((vec![DEFAULT], parameters));
    }
    let mut rank = Vec::new();
    let mut rest = Some(path.strip_prefix('/')?);
    for segment in pattern.strip_prefix('/')?.split('/') {
        let remaining = rest?;
        let name = segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}'));
        if let Some(name) = name.and_then(|name| name.strip_suffix('+')) {
            if remaining.is_empty() {
                return None;
            }
            parameters.insert(name.to_owned(), decode(remaining)?);
            rank.push(GREEDY);
            return Some((rank, parameters));
        }
        let (actual, tail) = match remaining.split_once('/') {
            Some((actual, tail)) => (actual, Some(tail)),
            None => (remaining, None),
        };
        rest = tail;
        match name {
            Some(name) if !actual.is_empty() => {
                parameters.insert(name.to_owned(), decode(actual)?);
                rank.push(PARAMETER);
            }
            None if decode(actual)? == segment => rank.push(LITERAL),
            _ => return None,
        }
    }
    rest.is_none().then_some((rank, parameters))
}

/// Percent-decoding; `None` if the result is no text.
pub(super) fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Vec<Route> {
        ["GET /a/b", "ANY /a/{x}", "GET /a/{x}", "GET /a/{x}/c", "POST /g/{rest+}", "GET /"]
            .iter()
            .map(|key| {
                let (method, path) = key.split_once(' ').unwrap();
                Route {
                    method: method.to_owned(),
                    path: path.to_owned(),
                    function: "f".to_owned(),
                    place: String::new(),
                }
            })
            .collect()
    }

    fn key(method: &str, path: &str) -> Option<String> {
        find(&routes(), method, path).map(|found| found.route.key())
    }

    #[test]
    fn the_most_specific_route_wins() {
        assert_eq!(key("GET", "/a/b").as_deref(), Some("GET /a/b"));
        assert_eq!(key("POST", "/a/b").as_deref(), Some("ANY /a/{x}"));
        assert_eq!(key("GET", "/a/z").as_deref(), Some("GET /a/{x}"));
        assert_eq!(key("GET", "/a/b/c").as_deref(), Some("GET /a/{x}/c"));
        assert_eq!(key("POST", "/g/1/2").as_deref(), Some("POST /g/{rest+}"));
        assert_eq!(key("GET", "/").as_deref(), Some("GET /"));
    }

    #[test]
    fn what_is_not_declared_is_not_found() {
        for (method, path) in [
            ("HEAD", "/a/b/c"),
            ("GET", "/A/b/c"),
            ("GET", "/a/b/c/"),
            ("GET", "/a"),
            ("GET", "/a/"),
            ("GET", "//a/b"),
            ("POST", "/g/"),
            ("GET", "/a/%ff"),
            ("OPTIONS", "*"),
        ] {
            assert_eq!(key(method, path), None, "{method} {path}");
        }
    }

    #[test]
    fn parameters_are_decoded() {
        let routes = routes();
        let found = find(&routes, "GET", "/a/x%2Fy%20z+").unwrap();
        assert_eq!(found.parameters["x"], "x/y z+");
        let found = find(&routes, "POST", "/g/1/%32").unwrap();
        assert_eq!(found.parameters["rest"], "1/2");
    }
}
