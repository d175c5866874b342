//! All mail, as a page, as JSON, and the HTML part of one.

use hyper::{
    StatusCode,
    header::{self, HeaderValue},
};
use minijinja::context;
use serde_json::json;

use super::{readable, secured};
use crate::{
    aws::Mail,
    gateway::{Gateway, router},
    http::{self, Reply},
};

/// The HTML of a mail is a stranger's: its own styles and pictures within it,
/// and an origin of its own even when it is opened by itself.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; \
                           frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox";

pub(super) fn page(gateway: &Gateway) -> Reply {
    let mails = gateway.aws.mails();
    let count = match mails.len() {
        1 => "1 mail".to_owned(),
        count => format!("{count} mails"),
    };
    let described = mails.into_iter().map(|mail| {
        let when = readable(&mail.at);
        context! {
            id => mail.id, subject => mail.subject, from => mail.from, to => mail.to.join(", "), text => mail.text,
            html => !mail.html.is_empty(), links => mail.links, at => mail.at, when,
        }
    });
    let title = format!("Mail ({count})");
    let values = context! { mails => described.collect::<Vec<_>>(), count };
    super::page(gateway, "mail", &title, include_str!("mail.html"), values)
}

pub(super) fn json(gateway: &Gateway, query: &str) -> Reply {
    let to = query.split('&').find_map(|pair| pair.strip_prefix("to="));
    // A `+` is more likely part of an address here than a space.
    let to = to.and_then(router::decode);
    let mails: Vec<Mail> =
        gateway.aws.mails().into_iter().filter(|mail| to.as_deref().is_none_or(|to| mail.is_to(to))).collect();
    let mut reply = http::json(StatusCode::OK, &json!(mails));
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

/// The HTML part of the mail `ID.html`, whose links open beside it.
pub(super) fn html_part(gateway: &Gateway, name: &str) -> Option<Reply> {
    let id = name.strip_suffix(".html")?;
    let mail = gateway.aws.mails().into_iter().find(|mail| mail.id == id)?;
    let html = format!("<!doctype html><meta charset=\"utf-8\"><base target=\"_blank\">{}", mail.html);
    Some(secured(http::reply(StatusCode::OK, "text/html; charset=utf-8", html), MAIL_POLICY))
}
