//! What the tests of this binary share.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use local::StackOptions;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use shared::{adapters::SystemClock, ports::Clock as _};
use tests::{Answer, App, Browser, PASSWORD};

/// A second and a day, in milliseconds.
pub const SECOND: i64 = 1000;
pub const DAY: i64 = 86_400 * SECOND;

/// The tables of the service that hold people's data.
pub const TABLES: [&str; 4] = ["UsersTable", "AccountsTable", "SessionsTable", "VerificationTokensTable"];

/// The table of counters.
pub const LIMITS_TABLE: &str = "RateLimitsTable";

/// Milliseconds since the epoch.
pub fn now() -> i64 {
    SystemClock.now().millis()
}

/// A stack of a test's own with as many instances as a race needs.
pub async fn racing() -> App {
    App::start(StackOptions { instances: 10, ..StackOptions::default() }).await
}

/// A stack with limits on, and some of them changed: `name=times/seconds`.
pub async fn limited(instances: usize, rules: &str) -> App {
    let env = [("AUTH_RATE_LIMITS", "true"), ("AUTH_RATE_LIMIT_RULES", rules)];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    App::start(StackOptions { instances, env, ..StackOptions::default() }).await
}

/// The rows of counters whose key starts so.
pub async fn counters(app: &App, prefix: &str) -> Vec<Value> {
    let mut rows = app.rows(LIMITS_TABLE).await;
    rows.retain(|row| row["scope"]["S"].as_str().unwrap().starts_with(prefix));
    rows
}

/// The only row of a counter whose key starts so.
pub async fn counter(app: &App, prefix: &str) -> Value {
    let mut rows = counters(app, prefix).await;
    assert_eq!(rows.len(), 1, "{prefix}: {rows:?}");
    rows.remove(0)
}

/// Asserts that an answer says to wait, and returns for how many seconds.
#[track_caller]
pub fn assert_limited(answer: &Answer) -> i64 {
    assert_eq!(answer.status, 429, "{}", answer.text());
    assert_eq!(answer.text(), r#"{"message":"Too many requests. Please try again later."}"#);
    assert_eq!(answer.header("retry-after"), answer.header("x-retry-after"));
    let seconds = answer.header("retry-after").parse().unwrap();
    assert!(seconds >= 1, "{seconds}");
    seconds
}

/// The `kid` of an access token.
pub fn kid(jwt: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(jwt.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

/// Asserts status and `code` of an error.
#[track_caller]
pub fn assert_error(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.text());
    assert!(answer.json()["message"].is_string(), "{}", answer.text());
}

/// Asserts a 302 to exactly this target.
#[track_caller]
pub fn assert_redirect(answer: &Answer, target: &str) {
    assert_eq!((answer.status, answer.header("location")), (302, target), "{}", answer.text());
}

/// Asserts that the cookies of a session, and no others, are cleared.
#[track_caller]
pub fn assert_clears_session(answer: &Answer) {
    let cleared = ["session_token", "session_data", "dont_remember"]
        .map(|name| format!("better-auth.{name}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"));
    assert_eq!(answer.set_cookies(), cleared, "{}", answer.text());
}

/// The names of the cookies that an answer sets or clears.
pub fn cookie_names(answer: &Answer) -> Vec<String> {
    answer.set_cookies().iter().map(|cookie| cookie.split('=').next().unwrap_or_default().to_owned()).collect()
}

/// The value of a cookie that an answer sets, percent-decoded.
pub fn set_cookie(answer: &Answer, name: &str) -> Option<String> {
    let prefix = format!("{name}=");
    let cookie = answer.set_cookies().into_iter().find(|cookie| cookie.starts_with(&prefix))?;
    Some(decoded(cookie[prefix.len()..].split(';').next()?))
}

/// Percent-decodes.
pub fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

/// Percent-encodes for a query.
pub fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// The session token in a browser's cookie, without its signature.
pub fn raw_token(browser: &Browser) -> String {
    let signed = decoded(browser.session_cookie().unwrap());
    signed.rsplit_once('.').unwrap().0.to_owned()
}

/// A browser that holds one cookie, as it stands.
pub fn browser_with(app: &App, name: &str, value: &str) -> Browser {
    let mut browser = app.browser();
    browser.cookies.insert(name.to_owned(), value.to_owned());
    browser
}

/// Signs in with a password, from a browser of its own.
pub async fn sign_in(app: &App, email: &str, password: &str) -> (Browser, Answer) {
    let mut browser = app.browser();
    let answer = browser.post("/sign-in/email", &json!({"email": email, "password": password})).await;
    (browser, answer)
}

/// Whether a password signs a user in.
pub async fn password_works(app: &App, email: &str, password: &str) -> bool {
    match sign_in(app, email, password).await.1 {
        answer if answer.status == 200 => true,
        answer => {
            assert_error(&answer, 401, "INVALID_EMAIL_OR_PASSWORD");
            false
        }
    }
}

/// Sets a new password by a reset token.
pub async fn reset(app: &App, token: &str, password: &str) -> Answer {
    app.browser().post("/reset-password", &json!({"token": token, "newPassword": password})).await
}

/// Makes a reset token for a user and sets a new password by it.
pub async fn reset_to(app: &App, email: &str, password: &str) {
    let token = app.reset_token(email).await;
    let answer = reset(app, &token, password).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Another password than the usual one.
pub fn other_password(number: usize) -> String {
    format!("{PASSWORD} no. {number}")
}

/// The row of the user with an address.
pub async fn user_row(app: &App, email: &str) -> Option<Value> {
    app.row("UsersTable", "email", email).await
}

/// The rows of all sessions of the user with an address.
pub async fn sessions_of(app: &App, email: &str) -> Vec<Value> {
    let Some(user) = user_row(app, email).await else { return Vec::new() };
    let mut rows = app.rows("SessionsTable").await;
    rows.retain(|row| row["userId"] == user["id"]);
    rows
}

/// The row of a user's only session.
pub async fn only_session(app: &App, email: &str) -> Value {
    let mut rows = sessions_of(app, email).await;
    assert_eq!(rows.len(), 1, "sessions of {email}");
    rows.remove(0)
}

/// A number in a row.
pub fn number(row: &Value, attribute: &str) -> i64 {
    row[attribute]["N"].as_str().unwrap().parse().unwrap()
}

/// Sets a number in a row.
pub fn set_number(row: &mut Value, attribute: &str, value: i64) {
    row[attribute] = json!({"N": value.to_string()});
}

/// Moves the expiry of a row, with its TTL left far in the future, as it is
/// when DynamoDB has not collected the row yet.
pub async fn set_expiry(app: &App, table: &str, mut row: Value, at: i64) {
    set_number(&mut row, "expiresAt", at);
    app.put_row(table, &row).await;
}

/// The query parameters of a URL, absolute or not.
pub fn query_of(url: &str) -> std::collections::BTreeMap<String, String> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// Waits for something to happen in another task.
pub async fn wait_until(condition: impl Fn() -> bool) {
    for _ in 0..500 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never happened");
}
