use std::path::PathBuf;

use serde_json::json;

use crate::{
    client::{Answer, get, send},
    options, start,
};
use local::{Stack, StackOptions};

const EVIL: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>";

async fn receive(stack: &Stack) {
    let mail = json!({
        "FromEmailAddress": format!("{EVIL} <no-reply@example.com>"),
        "Destination": { "ToAddresses": [format!("{EVIL} <ann@example.com>")] },
        "Content": { "Simple": {
            "Subject": { "Data": EVIL },
            "Body": {
                "Text": { "Data": format!("{EVIL} http://x.example/?a=1&b=2") },
                "Html": { "Data": format!("<b>{EVIL}</b>") },
            },
        } },
    });
    let path = "POST /v2/email/outbound-emails";
    let sent = send(stack.aws_url(), path, &[("content-type", "application/json")], &mail.to_string()).await;
    assert_eq!(sent.status, 200, "{sent:?}");
}

/// What holds for both pages.
fn assert_guarded(page: &Answer) {
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let policy = page.header("content-security-policy").unwrap();
    let directives: Vec<&str> = policy.split("; ").collect();
    for expected in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(directives.contains(&expected), "{expected}: {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    // The only script is a file of the stack's own.
    assert_eq!(page.body.matches("<script").count(), 1, "{}", page.body);
    assert!(page.body.contains("<script type=\"module\" src=\"/__stack/"));
    assert!(!page.body.contains("<img src=x") && !page.body.contains("<style"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_start_page_lists_every_route() {
    let stack = start().await;
    let page = get(&stack.url(), "/").await;
    assert_guarded(&page);
    assert!(!stack.routes().is_empty());
    for route in stack.routes() {
        let row = format!(
            "<span class=\"method {0}\">{0}</span></td><td><code>{1}</code></td><td>{2}</td>",
            route.method,
            route.path.replace('/', "&#x2f;"),
            route.function
        );
        assert!(page.body.contains(&row), "{row}: {}", page.body);
    }
    assert!(page.body.contains(&stack.aws_url().replace('/', "&#x2f;")) && page.body.contains("in memory"));
    assert!(!page.body.contains("data-path"), "no form for a route that is not there");
    assert_eq!(send(&stack.url(), "POST /", &[], "").await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_mails_say_is_escaped() {
    let stack = start().await;
    receive(&stack).await;
    for path in ["/", "/__mail"] {
        let page = get(&stack.url(), path).await;
        assert_guarded(&page);
        assert!(page.body.contains("&lt;script&gt;alert(1)"), "{}", page.body);
        assert!(page.body.contains("href=\"http:&#x2f;&#x2f;x.example&#x2f;?a=1&amp;b=2\""), "{}", page.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_html_of_a_mail_is_shut_in() {
    let stack = start().await;
    receive(&stack).await;
    let path = format!("/__mail/{}.html", stack.mails()[0].id);
    let page = get(&stack.url(), "/__mail").await.body;
    let frame = page.split("<iframe").nth(1).unwrap().split('>').next().unwrap();
    assert!(frame.contains(&format!("src=\"{path}\"")), "{frame}");
    assert!(frame.contains("sandbox=\"allow-popups allow-popups-to-escape-sandbox\""), "{frame}");

    let part = get(&stack.url(), &path).await;
    assert!(part.status == 200 && part.body.ends_with(&format!("<b>{EVIL}</b>")), "{part:?}");
    let policy = part.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("script"), "{policy}");
    assert!(policy.contains("sandbox allow-popups") && !policy.contains("allow-same-origin"), "{policy}");
    assert_eq!(get(&stack.url(), "/__mail/other.html").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_have_their_files_and_no_others() {
    let stack = start().await;
    let mut files = Vec::new();
    for path in ["/", "/__mail"] {
        let page = get(&stack.url(), path).await.body;
        let named = page.split('"').filter(|text| text.starts_with("/__stack/")).map(str::to_owned);
        files.extend(named);
    }
    files.push("/__stack/times.js".to_owned());
    assert!(files.len() > 6, "{files:?}");
    for file in files {
        let answer = get(&stack.url(), &file).await;
        assert!(answer.status == 200 && !answer.body.is_empty(), "{file}");
        let expected = match file.rsplit('.').next().unwrap() {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!(answer.header("content-type"), Some(expected), "{file}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{file}");
        assert!(!answer.body.contains("https://"), "{file} loads from elsewhere");
    }
    assert_eq!(get(&stack.url(), "/__stack/pages.rs").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_of_the_template_has_the_root() {
    let options = options();
    let text = std::fs::read_to_string(&options.template).unwrap();
    let template = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("root.yaml");
    std::fs::write(&template, text.replace("\"/two/{rest+}\"", "/")).unwrap();
    let stack = Stack::start(StackOptions { template, ..options }).await.unwrap();
    assert_eq!(get(&stack.url(), "/").await.json()["event"]["routeKey"], "GET /");
}
