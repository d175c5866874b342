//! The stack's own pages: the start page at `/`, the mailbox at `/__mail`, and
//! what they load, below `/__stack/`.
//!
//! Texts of users and mails come into them by templates that escape. Nothing
//! is loaded from elsewhere, and no script or style but the pages' own files.

mod mailbox;
mod start;

use hyper::{
    Method, StatusCode, Uri,
    header::{self, HeaderValue},
};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};

use super::{Gateway, router};
use crate::http::{self, Reply};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

const LAYOUT: &str = include_str!("pages/layout.html");
const STYLE: &str = concat!(include_str!("pages/base.css"), include_str!("pages/pages.css"));

/// The page at this address, if it is one of the stack's own.
pub(super) fn answer(gateway: &Gateway, method: &Method, uri: &Uri) -> Option<Reply> {
    let path = uri.path();
    if path == "/__mail.json" && method == Method::DELETE {
        gateway.aws.clear_mails();
        return Some(http::empty(StatusCode::NO_CONTENT));
    }
    let reply = match path {
        "/" if router::find(&gateway.routes, method.as_str(), "/").is_none() => start::page(gateway),
        "/__mail" => mailbox::page(gateway),
        "/__mail.json" => mailbox::json(gateway, uri.query().unwrap_or_default()),
        _ => match path.strip_prefix("/__mail/") {
            Some(name) => mailbox::html_part(gateway, name)?,
            None => file(path)?,
        },
    };
    Some(match *method {
        Method::GET | Method::HEAD => reply,
        _ => http::empty(StatusCode::METHOD_NOT_ALLOWED),
    })
}

/// What the pages load.
fn file(path: &str) -> Option<Reply> {
    let script = "text/javascript; charset=utf-8";
    let (content_type, content) = match path.strip_prefix("/__stack/")? {
        "style.css" => ("text/css; charset=utf-8", STYLE),
        "start.js" => (script, include_str!("pages/start.js")),
        "mail.js" => (script, include_str!("pages/mail.js")),
        "times.js" => (script, include_str!("pages/times.js")),
        "icon.svg" => ("image/svg+xml", include_str!("pages/icon.svg")),
        _ => return None,
    };
    Some(secured(http::reply(StatusCode::OK, content_type, content), POLICY))
}

/// A page: its template filled in, within what all pages have.
fn page(gateway: &Gateway, name: &str, title: &str, template: &str, values: Value) -> Reply {
    let main = fill(template, values).map(Value::from_safe_string);
    let html = main.and_then(|main| {
        let script = format!("{name}.js");
        let front_end = front_end(gateway);
        fill(LAYOUT, context! { title, page => name, script, front_end, main })
    });
    match html {
        Ok(html) => secured(http::reply(StatusCode::OK, "text/html; charset=utf-8", html), POLICY),
        // A fault of the templates, which the tests would have found.
        Err(error) => http::reply(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", format!("{error:#}")),
    }
}

/// Address of the front end, if one runs.
fn front_end(gateway: &Gateway) -> Option<&str> {
    let companions = gateway.companions.get()?;
    companions.all.first().map(|companion| companion.url.as_str())
}

fn fill(template: &str, values: Value) -> Result<String, minijinja::Error> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.render_str(template, values)
}

/// Adds what keeps a page to itself.
fn secured(mut reply: Reply, policy: &'static str) -> Reply {
    let headers = reply.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    reply
}

/// A time of a mail, as people read it.
fn readable(at: &str) -> String {
    format!("{} UTC", at.get(..19).unwrap_or(at).replace('T', " "))
}
