//! The stack's own pages: `/`, `/__mail` and `/__mail.json`.

use std::fmt::Write as _;

use hyper::{
    Method, StatusCode, Uri,
    header::{self, HeaderValue},
};
use serde_json::json;

use super::{Gateway, router};
use crate::{
    aws::Mail,
    http::{self, Reply},
};

const STYLE: &str = include_str!("pages.css");

/// Nothing but the page's own style may load, so that no mail calls home.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// The page at this address, if it is one of the stack's own.
pub(super) fn answer(gateway: &Gateway, method: &Method, uri: &Uri) -> Option<Reply> {
    let own = |reply| match *method {
        Method::GET | Method::HEAD => reply,
        _ => http::empty(StatusCode::METHOD_NOT_ALLOWED),
    };
    match uri.path() {
        "/__mail" => Some(own(mailbox(&gateway.aws.mails()))),
        "/__mail.json" if method == Method::DELETE => {
            gateway.aws.clear_mails();
            Some(http::empty(StatusCode::NO_CONTENT))
        }
        "/__mail.json" => Some(own(mailbox_json(gateway, uri.query().unwrap_or_default()))),
        "/" if router::find(&gateway.routes, method.as_str(), "/").is_none() => Some(own(index(gateway))),
        _ => None,
    }
}

fn mailbox_json(gateway: &Gateway, query: &str) -> Reply {
    let to = query.split('&').find_map(|pair| pair.strip_prefix("to="));
    // A `+` is more likely part of an address here than a space.
    let to = to.and_then(router::decode);
    let mails: Vec<Mail> =
        gateway.aws.mails().into_iter().filter(|mail| to.as_deref().is_none_or(|to| mail.is_to(to))).collect();
    let mut reply = http::json(StatusCode::OK, &json!(mails));
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

fn mailbox(mails: &[Mail]) -> Reply {
    let mut main = String::new();
    if mails.is_empty() {
        main.push_str("<p class=empty>No mail yet. What the functions send lands here, and nowhere else.</p>");
    }
    for (index, mail) in mails.iter().enumerate() {
        let open = if index == 0 { " open" } else { "" };
        let _ = write!(
            main,
            "<details{open}><summary><span class=subject>{}</span><span class=to>{}</span><time>{}</time></summary>",
            escape(&mail.subject),
            escape(&mail.to.join(", ")),
            escape(mail.at.get(..19).unwrap_or(&mail.at).replace('T', " ").as_str()),
        );
        let _ = write!(main, "<p class=from>from {}</p>", escape(&mail.from));
        if !mail.links.is_empty() {
            main.push_str("<ul class=links>");
            for link in &mail.links {
                let link = escape(link);
                let _ = write!(main, "<li><a href=\"{link}\" target=_blank rel=noreferrer>{link}</a></li>");
            }
            main.push_str("</ul>");
        }
        if !mail.text.is_empty() {
            let _ = write!(main, "<pre>{}</pre>", escape(&mail.text));
        }
        if !mail.html.is_empty() {
            // Its own document without scripts; links open in a new tab.
            let document = format!("<!doctype html><base target=_blank>{}", mail.html);
            let _ = write!(
                main,
                "<iframe title=\"HTML part\" sandbox=\"allow-popups allow-popups-to-escape-sandbox\" srcdoc=\"{}\"></iframe>",
                escape(&document),
            );
        }
        main.push_str("</details>");
    }
    let count = match mails.len() {
        1 => "1 mail".to_owned(),
        count => format!("{count} mails"),
    };
    let nav = "<a href=\"/__mail\">Reload</a><a href=\"/__mail.json\">JSON</a><a href=\"/\">Stack</a>";
    page(&format!("Mail · {count}"), &format!("<h1>Mail <small>{count}</small></h1><nav>{nav}</nav>"), &main)
}

fn index(gateway: &Gateway) -> Reply {
    let mut rows = String::new();
    for route in &gateway.routes {
        let _ = write!(
            rows,
            "<tr><td>{}</td><td><code>{}</code></td><td>{}</td></tr>",
            escape(&route.method),
            escape(&route.path),
            escape(&route.function),
        );
    }
    let aws = escape(&gateway.aws_url);
    let main = format!(
        "<table><thead><tr><th>Method<th>Path<th>Function</thead>{rows}</table>\
         <p>DynamoDB, Secrets Manager and SES answer at <code>{aws}</code>: \
         <code>aws --endpoint-url {aws} dynamodb list-tables</code></p>"
    );
    let nav = "<a href=\"/__mail\">Mail</a><a href=\"/__mail.json\">Mail as JSON</a>";
    page("Local stack", &format!("<h1>Local stack</h1><nav>{nav}</nav>"), &main)
}

fn page(title: &str, head: &str, main: &str) -> Reply {
    let html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style><header>{head}</header><main>{main}</main></html>"
    );
    let mut reply = http::reply(StatusCode::OK, "text/html; charset=utf-8", html);
    let headers = reply.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    reply
}

/// For text and for attribute values in double quotes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_mailbox_escapes_everything() {
        let evil = "\"><script>alert(1)</script>";
        let mail = Mail {
            id: String::new(),
            from: evil.to_owned(),
            to: vec![evil.to_owned()],
            subject: evil.to_owned(),
            text: evil.to_owned(),
            html: evil.to_owned(),
            links: vec![format!("http://x/{evil}")],
            at: "2026-01-01T00:00:00Z".to_owned(),
        };
        let reply = mailbox(&[mail]);
        let body = http::read(reply.into_body(), 100_000).await.unwrap();
        let html = String::from_utf8(body.to_vec()).unwrap();
        assert!(!html.contains("<script"), "{html}");
        assert!(html.contains("&lt;script&gt;") && html.contains("1 mail"));
    }
}
