//! Steps that the tests of faults, budgets and restarts have in common.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use shared::{
    adapters::OsRandom,
    crypto::{Keyring, SigningSecret, sign},
    domain::{Purpose, VerificationToken},
};
use tests::{Answer, App, Browser, Call, PASSWORD, fake_provider::GoogleUser, unique_email};

use crate::support::{DAY, SECOND, TABLES, encoded, now, number, sessions_of, set_expiry, set_number, user_row};

/// All rows of all tables.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot(BTreeMap<&'static str, BTreeSet<String>>);

impl Snapshot {
    /// The rows as they are now.
    pub async fn take(app: &App) -> Self {
        let mut tables = BTreeMap::new();
        for table in TABLES {
            tables.insert(table, app.rows(table).await.iter().map(Value::to_string).collect());
        }
        Self(tables)
    }

    /// The same without the verification tokens, which are spent or made by
    /// requests that go wrong later.
    pub fn without_tokens(&self) -> Self {
        self.without("VerificationTokensTable")
    }

    /// The same without a table that requests change which go wrong later.
    pub fn without(&self, table: &str) -> Self {
        let mut tables = self.0.clone();
        tables.remove(table);
        Self(tables)
    }

    /// How many rows each table gained and lost (a changed row is both), in
    /// the order of [`TABLES`].
    pub fn difference(&self, later: &Self) -> [(usize, usize); 4] {
        TABLES.map(|table| {
            let (before, after) = (&self.0[table], &later.0[table]);
            (after.difference(before).count(), before.difference(after).count())
        })
    }
}

/// Asks to sign in with Google as the given person and consents: the URL that
/// the provider sends the browser back to.
pub async fn callback_url(app: &App, browser: &mut Browser, person: &GoogleUser) -> String {
    callback_url_of(app, browser, "/sign-in/social", person).await
}

/// The same for what a route starts: a sign-in, or a link.
pub async fn callback_url_of(app: &App, browser: &mut Browser, path: &str, person: &GoogleUser) -> String {
    let body = json!({"provider": "google", "callbackURL": "/done", "errorCallbackURL": "/failed"});
    let answer = browser.post(path, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    app.provider.set_google_user(person.clone());
    app.provider.consent(answer.json()["url"].as_str().unwrap()).unwrap()
}

/// Signs in with Google as the given person.
pub async fn sign_in_with_google(app: &App, person: &GoogleUser) -> Browser {
    let mut browser = app.browser();
    let url = callback_url(app, &mut browser, person).await;
    let answer = browser.send(Call::new("GET", url)).await;
    assert_eq!(answer.header("location"), "/done", "{}", answer.text());
    browser
}

/// Signs in with an id token that Google gave to an app of the given person,
/// another one each time.
pub async fn sign_in_with_id_token(app: &App, person: &GoogleUser) -> Browser {
    let mut browser = app.browser();
    let nonce = unique_email("nonce");
    let answer = present(&mut browser, &app.provider.google_id_token(person, Some(&nonce)), None).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    browser
}

/// Presents an id token of Google's.
pub async fn present(browser: &mut Browser, token: &str, nonce: Option<&str>) -> Answer {
    let mut id_token = json!({"token": token});
    if let Some(nonce) = nonce {
        id_token["nonce"] = json!(nonce);
    }
    browser.post("/sign-in/social", &json!({"provider": "google", "idToken": id_token})).await
}

/// Signs up without an expectation.
pub async fn try_sign_up(browser: &mut Browser, email: &str) -> Answer {
    browser.post("/sign-up/email", &json!({"name": "Ann", "email": email, "password": PASSWORD})).await
}

/// Marks the address of a user as verified.
pub async fn verify_email(app: &App, email: &str) {
    let mut row = user_row(app, email).await.unwrap();
    row["emailVerified"] = json!({"BOOL": true});
    app.put_row("UsersTable", &row).await;
}

/// Gives the user of an address another one.
pub async fn change_address(app: &App, old: &str, new: &str) {
    let (old_key, new_key) = (format!("email:{old}"), format!("email:{new}"));
    let mut account = app.row("AccountsTable", "identity", &old_key).await.unwrap();
    account["identity"] = json!({"S": new_key});
    app.put_row("AccountsTable", &account).await;
    let mut user = user_row(app, old).await.unwrap();
    user["email"] = json!({"S": new});
    user["identities"] = json!({"L": [{"S": new_key}]});
    app.put_row("UsersTable", &user).await;
    let key = json!({"TableName": "AccountsTable", "Key": {"identity": {"S": old_key}}});
    app.aws().dynamodb("DeleteItem", &key).await.unwrap();
}

/// Gives a user a second factor, as far as a sign-in looks at it.
pub async fn enroll(app: &App, email: &str) {
    let mut row = user_row(app, email).await.unwrap();
    set_number(&mut row, "twoFactorSince", now());
    app.put_row("UsersTable", &row).await;
}

/// Makes a browser a trusted device of a user who has a second factor; the
/// token in its cookie.
pub async fn trust_device(app: &App, browser: &mut Browser, email: &str) -> String {
    let user = user_row(app, email).await.unwrap();
    let token = VerificationToken::generate(Purpose::TrustedDevice, &OsRandom);
    let at = now() + DAY;
    let row = json!({
        "tokenHash": {"S": token.hash()}, "purpose": {"S": Purpose::TrustedDevice.name()}, "userId": user["id"],
        "validFrom": user["sessionsValidFrom"], "twoFactorSince": user["twoFactorSince"],
        "expiresAt": {"N": at.to_string()}, "ttl": {"N": (at / SECOND).to_string()},
    });
    app.put_row("VerificationTokensTable", &row).await;
    set_signed_cookie(app, browser, "better-auth.trust_device", token.expose());
    token.expose().to_owned()
}

/// Gives a browser a cookie that the service itself has signed.
pub fn set_signed_cookie(app: &App, browser: &mut Browser, name: &str, value: &str) {
    set_cookie_signed_as(app, browser, name, name, value);
}

/// What the cookie says that a browser keeps of whom it signed up.
pub fn signed_up_value(user_id: &str) -> String {
    format!("{user_id}-{}", now() + DAY)
}

/// The same with the signature that the service gives to another cookie.
pub fn set_cookie_signed_as(app: &App, browser: &mut Browser, name: &str, signed_as: &str, value: &str) {
    let secret = app.aws().secret("SigningSecret").unwrap();
    let keys = Keyring { current: SigningSecret::new(String::new(), &secret).unwrap(), previous: None };
    let signed = sign(&keys, &format!("cookie/{signed_as}"), value);
    browser.cookies.insert(name.to_owned(), encoded(&signed));
}

/// Makes all sessions of a user look as if they had been extended last some
/// days ago.
pub async fn age_sessions(app: &App, email: &str, days: i64) {
    for row in sessions_of(app, email).await {
        let at = number(&row, "expiresAt") - days * DAY;
        set_expiry(app, "SessionsTable", row, at).await;
    }
}

/// Gives a user further sessions, as so many sign-ins would.
pub async fn add_sessions(app: &App, email: &str, count: usize) {
    let model = sessions_of(app, email).await.swap_remove(0);
    let rows: Vec<Value> = (0..count)
        .map(|number| {
            let mut row = model.clone();
            row["tokenHash"] = json!({"S": format!("{number:043}")});
            json!({"PutRequest": {"Item": row}})
        })
        .collect();
    for batch in rows.chunks(25) {
        let request = json!({"RequestItems": {"SessionsTable": batch}});
        app.aws().dynamodb("BatchWriteItem", &request).await.unwrap();
    }
}

/// Makes all sessions of a user look as if they had been started a day ago.
pub async fn make_stale(app: &App, email: &str) {
    for mut row in sessions_of(app, email).await {
        set_number(&mut row, "createdAt", now() - DAY);
        app.put_row("SessionsTable", &row).await;
    }
}
