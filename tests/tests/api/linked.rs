//! Linked providers: listing, linking and unlinking them, and their tokens.

mod faults;
mod linking;
mod listing;
mod races;
mod refresh;
mod tokens;
mod unlinking;

use serde_json::{Value, json};
use tests::{
    Answer, App, Browser, Call,
    fake_provider::{GithubUser, GoogleUser},
    unique_email,
};

use crate::steps::verify_email;

/// Where the flows of these tests end.
const DONE: &str = "/settings";
const FAILED: &str = "/failed";

/// The redirect target of a failed flow.
fn failed(error: &str) -> String {
    format!("{FAILED}?error={error}")
}

/// A user with a password and a verified address, and their browser.
async fn member(app: &App, name: &str) -> (Browser, String) {
    let email = unique_email(name);
    let browser = app.sign_up(&email).await;
    verify_email(app, &email).await;
    (browser, email)
}

/// A person at Google, of that address.
fn google(email: &str) -> GoogleUser {
    GoogleUser::new(email, email)
}

/// A person at GitHub, of that address.
fn github(email: &str) -> GithubUser {
    let number = email.bytes().fold(7_u64, |number, byte| number.wrapping_mul(31).wrapping_add(byte.into()) >> 1);
    GithubUser::new(number, "grace", email)
}

/// Asks to link a provider, such that Google gives a refresh token too.
async fn start(browser: &mut Browser, provider: &str) -> Answer {
    let mut body = json!({"provider": provider, "callbackURL": DONE, "errorCallbackURL": FAILED});
    if provider == "google" {
        body["additionalParams"] = json!({"access_type": "offline"});
    }
    browser.post("/link-social", &body).await
}

/// The same, and the authorization URL.
async fn started(browser: &mut Browser, provider: &str) -> String {
    let answer = start(browser, provider).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["url"].as_str().unwrap().to_owned()
}

/// Asks to link Google and goes as far as the callback: its URL.
async fn google_callback(app: &App, browser: &mut Browser, person: &GoogleUser) -> String {
    let url = started(browser, "google").await;
    app.provider.consent_as_google(&url, person.clone()).unwrap()
}

/// Links Google, from start to end.
async fn link_google(app: &App, browser: &mut Browser, person: &GoogleUser) -> Answer {
    let url = google_callback(app, browser, person).await;
    browser.send(Call::new("GET", url)).await
}

/// The same with GitHub.
async fn link_github(app: &App, browser: &mut Browser, person: &GithubUser) -> Answer {
    let url = started(browser, "github").await;
    let url = app.provider.consent_as_github(&url, person.clone()).unwrap();
    browser.send(Call::new("GET", url)).await
}

/// A user with a password and Google.
pub async fn linked_member(app: &App, name: &str) -> (Browser, String) {
    let (mut browser, email) = member(app, name).await;
    let answer = link_google(app, &mut browser, &google(&email)).await;
    assert_eq!(answer.header("location"), DONE, "{}", answer.text());
    (browser, email)
}

/// Presents an id token of Google's to link it.
async fn present(browser: &mut Browser, token: &str) -> Answer {
    browser.post("/link-social", &json!({"provider": "google", "idToken": {"token": token}})).await
}

/// The accounts of whoever is signed in.
async fn accounts(browser: &mut Browser) -> Vec<Value> {
    let answer = browser.get("/list-accounts").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json().as_array().unwrap().clone()
}

/// The providers of these accounts.
async fn providers(browser: &mut Browser) -> Vec<String> {
    accounts(browser).await.iter().map(|account| account["providerId"].as_str().unwrap().to_owned()).collect()
}

/// `{accountId}` of the account at a provider.
pub async fn choice(browser: &mut Browser, provider: &str) -> Value {
    let accounts = accounts(browser).await;
    let account = accounts.iter().find(|account| account["providerId"] == provider).unwrap();
    json!({"accountId": account["id"]})
}

/// The row of a person at Google.
async fn google_row(app: &App, email: &str) -> Option<Value> {
    app.row("AccountsTable", "identity", &format!("google:{email}")).await
}

/// A request that carries the access token of a browser's session.
async fn by_access_token(browser: &mut Browser, method: &str, path: &str) -> Call {
    let token = browser.get("/token").await.json()["token"].as_str().unwrap().to_owned();
    Call::new(method, path).header("authorization", format!("Bearer {token}"))
}
