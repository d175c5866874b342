//! Signing in by a mailed link.

mod accounts;
mod links;
mod races;
mod targets;

use serde_json::{Value, json};
use tests::{Answer, App, Browser, unique_email};

use crate::{mails, support::*};

const WELCOME: &str = "/welcome";
const DONE: &str = "/done";
const FAILED: &str = "/failed?from=test";

/// Asks for a link and returns what the mail says, below the base path.
pub async fn link_with(app: &App, body: &Value) -> String {
    let email = body["email"].as_str().unwrap();
    let before = mails::count_all(app, email);
    let answer = app.browser().post("/sign-in/magic-link", body).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"status":true}"#));
    assert_eq!(mails::count_all(app, email), before + 1);
    let mail = app.mail_to(email).await;
    let base = format!("{}/api/auth", app.url());
    mail.links[0].strip_prefix(&base).unwrap_or_else(|| panic!("{}", mail.links[0])).to_owned()
}

/// The token of a fresh link to an address.
pub async fn token_for(app: &App, email: &str) -> String {
    query_of(&link_with(app, &json!({"email": email})).await)["token"].clone()
}

/// Follows a link without a target, so that the answer is JSON.
pub async fn verify(app: &App, token: &str) -> (Browser, Answer) {
    let mut browser = app.browser();
    let answer = browser.get(&format!("/magic-link/verify?token={token}")).await;
    (browser, answer)
}

/// Signs in by a fresh link.
pub async fn sign_in_by_link(app: &App, email: &str) -> Browser {
    let (browser, answer) = verify(app, &token_for(app, email).await).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    browser
}

/// Asserts that a link without a target is refused as worthless.
#[track_caller]
fn assert_worthless(app: &App, answer: &Answer) {
    assert_redirect(answer, &format!("{}/?error=INVALID_TOKEN", app.url()));
    assert!(answer.set_cookies().is_empty(), "{:?}", answer.set_cookies());
}
