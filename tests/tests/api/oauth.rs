//! Sign-in with Google and GitHub.

mod accounts;
mod callback;
mod faults;
mod id_token;
mod races;
mod start;

use serde_json::{Value, json};
use tests::{
    Answer, App, Browser,
    fake_provider::{GithubUser, GoogleUser},
};

/// Where the flows of these tests end.
const DONE: &str = "/done";
const WELCOME: &str = "/welcome";
const FAILED: &str = "/failed?from=test";

/// The redirect target of a failed flow.
fn failed(error: &str) -> String {
    format!("{FAILED}&error={error}")
}

/// The path and query of a URL of the service, below its base path.
fn path_of<'a>(app: &App, url: &'a str) -> &'a str {
    let base = format!("{}/api/auth", app.url());
    url.strip_prefix(&base).unwrap_or_else(|| panic!("{url} is not of the service"))
}

/// Asks for a sign-in and gives the authorization URL.
async fn start(browser: &mut Browser, provider: &str) -> String {
    let body = json!({
        "provider": provider, "callbackURL": DONE, "newUserCallbackURL": WELCOME, "errorCallbackURL": FAILED,
    });
    let answer = browser.post("/sign-in/social", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["url"].as_str().unwrap().to_owned()
}

/// Starts a sign-in with Google and goes as far as the callback: its path.
pub async fn google_callback(app: &App, browser: &mut Browser, user: &GoogleUser) -> String {
    let url = start(browser, "google").await;
    let callback = app.provider.consent_as_google(&url, user.clone()).unwrap();
    path_of(app, &callback).to_owned()
}

/// The same with GitHub.
pub async fn github_callback(app: &App, browser: &mut Browser, user: &GithubUser) -> String {
    let url = start(browser, "github").await;
    let callback = app.provider.consent_as_github(&url, user.clone()).unwrap();
    path_of(app, &callback).to_owned()
}

/// A whole sign-in with Google from a browser of its own.
pub async fn sign_in_with_google(app: &App, user: &GoogleUser) -> (Browser, Answer) {
    let mut browser = app.browser();
    let callback = google_callback(app, &mut browser, user).await;
    let answer = browser.get(&callback).await;
    (browser, answer)
}

/// A whole sign-in with Google, and the callback that it came by.
pub async fn sign_in_and_tell(app: &App, user: &GoogleUser) -> (Browser, String) {
    let mut browser = app.browser();
    let callback = google_callback(app, &mut browser, user).await;
    browser.get(&callback).await;
    (browser, callback)
}

/// The same with GitHub.
pub async fn sign_in_with_github(app: &App, user: &GithubUser) -> (Browser, Answer) {
    let mut browser = app.browser();
    let callback = github_callback(app, &mut browser, user).await;
    let answer = browser.get(&callback).await;
    (browser, answer)
}

/// Marks the address of a user as verified.
async fn verify_email(app: &App, email: &str) {
    let mut row = crate::support::user_row(app, email).await.unwrap();
    row["emailVerified"] = json!({"BOOL": true});
    app.put_row("UsersTable", &row).await;
}

/// The account of an identity.
async fn account(app: &App, identity: &str) -> Option<Value> {
    app.row("AccountsTable", "identity", identity).await
}
