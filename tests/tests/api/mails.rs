//! Mails, and following the links in them.

use serde_json::{Value, json};
use tests::{Answer, App, Browser, Call};

use crate::support::query_of;

/// How many mails with a subject an address has got.
pub fn count(app: &App, address: &str, subject: &str) -> usize {
    app.mails().iter().filter(|mail| mail.is_to(address) && mail.subject == subject).count()
}

/// How many mails an address has got.
pub fn count_all(app: &App, address: &str) -> usize {
    app.mails().iter().filter(|mail| mail.is_to(address)).count()
}

/// The link in the newest mail to an address, without the service's base.
pub async fn link_to(app: &App, address: &str) -> String {
    let mail = app.mail_to(address).await;
    let base = format!("{}/api/auth", app.url());
    mail.links[0].strip_prefix(&base).unwrap_or_else(|| panic!("{}", mail.links[0])).to_owned()
}

/// The token in a link that verifies or changes an address.
pub fn token_in(link: &str) -> String {
    query_of(link)["token"].clone()
}

/// The code in a mail.
pub fn code_in(text: &str) -> String {
    let mut numbers = text.split(|letter: char| !letter.is_ascii_digit());
    numbers.find(|number| number.len() == 6).unwrap_or_else(|| panic!("no code in {text}")).to_owned()
}

/// Follows a link that verifies or changes an address for JSON, from a browser of a test's own.
pub async fn follow(browser: &mut Browser, token: &str) -> Answer {
    browser.get(&format!("/verify-email?token={token}")).await
}

/// The same without keeping cookies, so that many can follow it at once.
pub async fn follow_only(browser: &Browser, token: &str) -> Answer {
    browser.send_only(Call::new("GET", format!("/verify-email?token={token}"))).await
}

/// Asks for a verification mail, signed out, and returns the token in it.
pub async fn verification_token(app: &App, email: &str) -> String {
    let answer = app.browser().post("/send-verification-email", &json!({"email": email})).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"status": true})), "{}", answer.text());
    token_in(&link_to(app, email).await)
}

/// Asks for a change of address and returns the token of the first link.
pub async fn change_token(app: &App, browser: &mut Browser, mailed_to: &str, new_email: &str) -> String {
    let answer = browser.post("/change-email", &json!({"newEmail": new_email})).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"status": true})), "{}", answer.text());
    token_in(&link_to(app, mailed_to).await)
}

/// What a client sees of an answer that must not tell anything: status, names
/// and lengths of headers and cookies, and the body with what is random in it
/// replaced by its length.
pub fn shape(answer: &Answer, own: &[&str]) -> String {
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .map(|(name, value)| {
            let value = value.to_str().unwrap();
            let cookie = value.split_once(';').map_or("", |(_, attributes)| attributes);
            let name_of_cookie = value.split('=').next().unwrap_or_default();
            match name.as_str() {
                // Percent-encoding the signature adds to its length.
                "set-cookie" => {
                    let value = value.split(';').next().unwrap_or_default();
                    format!("{name}: {name_of_cookie}={};{cookie}", crate::support::decoded(value).len())
                }
                "content-length" | "date" | "apigw-requestid" => name.to_string(),
                _ => format!("{name}: {}", value.len()),
            }
        })
        .collect();
    headers.sort();
    let mut body = answer.json();
    mask(&mut body, own);
    format!("{} {headers:?} {body}", answer.status)
}

fn mask(value: &mut Value, own: &[&str]) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                match field.as_str() {
                    Some(text) if ["id", "createdAt", "updatedAt"].contains(&name.as_str()) => {
                        *field = json!(text.len());
                    }
                    Some(text) if own.contains(&text) => *field = json!("own"),
                    _ => mask(field, own),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, own)),
        _ => {}
    }
}
