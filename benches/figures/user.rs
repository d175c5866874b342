//! The user that both sides know, and what it asks for.

use serde_json::json;

use crate::event::Request;

/// E-mail address.
pub const EMAIL: &str = "ann@example.com";
/// Password.
pub const PASSWORD: &str = "correct horse battery";

/// Signs the user up.
pub fn sign_up(origin: &str) -> Request<'_> {
    let body = json!({"name": "Ann", "email": EMAIL, "password": PASSWORD});
    Request { method: "POST", path: "/sign-up/email", origin, cookie: None, body: Some(body) }
}

/// Signs the user in.
pub fn sign_in(origin: &str) -> Request<'_> {
    let body = json!({"email": EMAIL, "password": PASSWORD});
    Request { method: "POST", path: "/sign-in/email", origin, cookie: None, body: Some(body) }
}

/// Asks for the session of a cookie.
pub fn get_session<'a>(origin: &'a str, cookie: &'a str) -> Request<'a> {
    Request { method: "GET", path: "/get-session", origin, cookie: Some(cookie), body: None }
}
