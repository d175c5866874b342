//! One user, from the sign-up on, who asks for everything once.

use serde_json::{Value, json};

use super::{Request, Watch};
use crate::{App, Browser, Call, PASSWORD, enrol, fake_provider::GoogleUser, unique_email};

/// Two days, in milliseconds.
const TWO_DAYS: i64 = 2 * 24 * 60 * 60 * 1000;

/// Sends every kind of request of the cost model once.
pub async fn tell(watch: &mut Watch<'_>) {
    let email = unique_email("cost");
    sign_up(watch, &email).await;
    use_a_session(watch, &email).await;
    reset_the_password(watch, &email).await;
    let mut browser = sign_in_by_link(watch, &email).await;
    sign_in_by_code(watch, &email, &mut browser).await;
    let person = GoogleUser::new(&email, &unique_email("cost-google"));
    for name in ["provider-sign-up", "provider-sign-in"] {
        sign_in_by_provider(watch, name, &person).await;
    }
}

async fn sign_up(watch: &mut Watch<'_>, email: &str) {
    let mut browser = watch.app.browser();
    let body = json!({"name": "Ann Example", "email": email, "password": PASSWORD});
    watch.send(request("sign-up", "signup"), &mut browser, post("/sign-up/email", &body), 200).await;
    let link = mailed_link(watch.app, email).await;
    watch.send(request("verify-email", "verify-email"), &mut browser, Call::new("GET", link), 302).await;
}

async fn use_a_session(watch: &mut Watch<'_>, email: &str) {
    let mut browser = watch.app.browser();
    let wrong = post("/sign-in/email", &json!({"email": email, "password": "not the password"}));
    watch.send(request("sign-in-refused", "signin"), &mut browser, wrong, 401).await;
    let right = post("/sign-in/email", &json!({"email": email, "password": PASSWORD}));
    watch.send(request("sign-in", "signin"), &mut browser, right, 200).await;
    let get = |path| Call::new("GET", path);
    watch.send(request("get-session", "session"), &mut browser, get("/get-session"), 200).await;
    watch.send(request("token", "session"), &mut browser, get("/token"), 200).await;
    age_sessions(watch.app, email).await;
    watch.send(request("get-session-extends", "session"), &mut browser, get("/get-session"), 200).await;
    watch.send(request("sign-out", "signout"), &mut browser, post("/sign-out", &json!({})), 200).await;
}

async fn reset_the_password(watch: &mut Watch<'_>, email: &str) {
    let mut browser = watch.app.browser();
    let body = json!({"email": email, "redirectTo": "/reset"});
    let asked = post("/request-password-reset", &body);
    watch.send(request("reset-request", "reset-request"), &mut browser, asked, 200).await;
    let link = mailed_link(watch.app, email).await;
    let token = link.split('?').next().and_then(|path| path.rsplit('/').next()).unwrap_or_default().to_owned();
    watch.send(request("reset-link", "reset-confirm"), &mut browser, Call::new("GET", link), 302).await;
    let set = post("/reset-password", &json!({"token": token, "newPassword": PASSWORD}));
    watch.send(request("reset-password", "reset-confirm"), &mut browser, set, 200).await;
}

async fn sign_in_by_link(watch: &mut Watch<'_>, email: &str) -> Browser {
    let mut browser = watch.app.browser();
    let asked = post("/sign-in/magic-link", &json!({"email": email, "callbackURL": "/home"}));
    watch.send(request("magic-link-request", "magic-link"), &mut browser, asked, 200).await;
    let link = mailed_link(watch.app, email).await;
    watch.send(request("magic-link", "magic-link"), &mut browser, Call::new("GET", link), 302).await;
    browser
}

async fn sign_in_by_code(watch: &mut Watch<'_>, email: &str, signed_in: &mut Browser) {
    let authenticator = enrol(signed_in).await;
    let mut browser = watch.app.browser();
    let password = post("/sign-in/email", &json!({"email": email, "password": PASSWORD}));
    watch.send(request("sign-in-challenged", "signin"), &mut browser, password, 200).await;
    let code = post("/two-factor/verify-totp", &json!({"code": authenticator.code(watch.app).await}));
    watch.send(request("second-factor", "two-factor"), &mut browser, code, 200).await;
}

async fn sign_in_by_provider(watch: &mut Watch<'_>, name: &'static str, person: &GoogleUser) {
    let mut browser = watch.app.browser();
    let asked = post("/sign-in/social", &json!({"provider": "google", "callbackURL": "/home"}));
    let answer = watch.send(request("provider-start", "signin"), &mut browser, asked, 200).await;
    let url = answer.json()["url"].as_str().unwrap_or_default().to_owned();
    let callback = watch.app.provider.consent_as_google(&url, person.clone());
    let callback = callback.unwrap_or_else(|error| panic!("no consent: {error}"));
    watch.send(request(name, "oauth-callback"), &mut browser, Call::new("GET", callback), 302).await;
    assert!(browser.session_cookie().is_some(), "{name}");
}

const fn request(name: &'static str, function: &'static str) -> Request {
    Request { name, function }
}

fn post(path: &str, body: &Value) -> Call {
    Call::new("POST", path).json(body)
}

/// The link in the newest mail to an address.
async fn mailed_link(app: &App, email: &str) -> String {
    let mail = app.mail_to(email).await;
    mail.links.first().unwrap_or_else(|| panic!("no link in the mail")).clone()
}

/// Makes the sessions of a user look as if they had been extended last two days
/// ago.
async fn age_sessions(app: &App, email: &str) {
    let user = app.row("UsersTable", "email", email).await.unwrap_or_else(|| panic!("there is no such user"));
    for mut row in app.rows("SessionsTable").await.into_iter().filter(|row| row["userId"] == user["id"]) {
        let expiry = row["expiresAt"]["N"].as_str().and_then(|text| text.parse::<i64>().ok());
        let earlier = expiry.unwrap_or_else(|| panic!("a session without an expiry")) - TWO_DAYS;
        row["expiresAt"]["N"] = earlier.to_string().into();
        app.put_row("SessionsTable", &row).await;
    }
}
