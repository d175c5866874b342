//! What must hold of the tables and the log at any time.

use std::collections::BTreeMap;

use serde_json::Value;
use tests::App;

use crate::support::{LIMITS_TABLE, TABLES, encoded};

/// Asserts that accounts, users and sessions belong together, that everybody can
/// sign in, and that neither a table nor the log of a stack at rest holds a secret.
pub async fn check(app: &App, secrets: &[String]) {
    belong_together(app).await;
    have_a_way_in(app).await;
    hold_no_secret(app, secrets).await;
}

/// Asserts that accounts, users and sessions belong together.
pub async fn belong_together(app: &App) {
    let [users, accounts] = users_and_accounts(app).await;
    for (identity, account) in &accounts {
        let user = users.get(&text(account, "userId"));
        let user = user.unwrap_or_else(|| panic!("{identity} belongs to nobody"));
        // A second factor is no way in: it goes by its user's id alone.
        if let Some(id) = identity.strip_prefix("two-factor:") {
            assert_eq!(text(user, "id"), id, "a second factor is its user's");
            assert_eq!(account["enabled"]["BOOL"] == true, user.get("twoFactorSince").is_some(), "of {id}");
            continue;
        }
        let listed = identities(user).into_iter().filter(|entry| entry == identity).count();
        assert_eq!(listed, 1, "{identity} in the list of its user");
        if let Some(address) = identity.strip_prefix("email:") {
            assert_eq!(text(user, "email"), address, "the address of an account is its user's");
            let time = |row: &Value| row["passwordChangedAt"]["N"].clone();
            assert_eq!(time(account), time(user), "the password of {identity}");
        }
    }
    for (id, user) in &users {
        let has_factor = accounts.contains_key(&format!("two-factor:{id}"));
        assert!(has_factor || user.get("twoFactorSince").is_none(), "the second factor of {id} is missing");
        let identities = identities(user);
        assert!(identities.contains(&format!("email:{}", text(user, "email")).as_str()), "{id} owns its address");
        for identity in identities {
            let account = accounts.get(identity).unwrap_or_else(|| panic!("{identity} of {id} is missing"));
            assert_eq!(text(account, "userId"), *id, "{identity} has another owner");
        }
    }
    // Tokens may outlive their user: nobody finds them but by the token, which
    // opens nothing any more.
    for row in app.rows("SessionsTable").await {
        assert!(users.contains_key(&text(&row, "userId")), "a session of a missing user");
    }
}

/// Asserts that every user can sign in: by a password, by a provider, or by mail
/// to an address that has been shown to be theirs.
async fn have_a_way_in(app: &App) {
    let [users, accounts] = users_and_accounts(app).await;
    for (id, user) in &users {
        let is_way_in =
            |identity: &str| !identity.starts_with("email:") || accounts[identity].get("passwordHash").is_some();
        let by_mail = user["emailVerified"]["BOOL"] == true;
        assert!(by_mail || identities(user).into_iter().any(is_way_in), "{id} has no way in");
    }
}

/// The rows by their keys.
async fn users_and_accounts(app: &App) -> [BTreeMap<String, Value>; 2] {
    let rows = async |table: &str, key: &str| {
        app.rows(table).await.into_iter().map(|row| (text(&row, key), row)).collect::<BTreeMap<_, _>>()
    };
    [rows("UsersTable", "id").await, rows("AccountsTable", "identity").await]
}

fn text(row: &Value, name: &str) -> String {
    row[name]["S"].as_str().unwrap_or_default().to_owned()
}

/// The keys of the accounts that a user lists.
fn identities(user: &Value) -> Vec<&str> {
    user["identities"]["L"].as_array().unwrap().iter().map(|entry| entry["S"].as_str().unwrap()).collect()
}

/// Asserts that no table and no line of the log has one of the secrets in it,
/// in any of the usual encodings.
pub async fn hold_no_secret(app: &App, secrets: &[String]) {
    let mut places: Vec<(String, String)> = Vec::new();
    for table in TABLES.into_iter().chain([LIMITS_TABLE]) {
        places.extend(app.rows(table).await.iter().map(|row| (table.to_owned(), row.to_string())));
    }
    places.extend(app.logs().into_iter().map(|line| (format!("log of {}", line.function), line.text)));
    assert!(places.iter().any(|(place, _)| place.starts_with("log")), "nothing was logged");
    for secret in secrets {
        assert!(secret.len() >= 8, "too short to look for: {secret}");
        let escaped = Value::from(secret.as_str()).to_string();
        let forms = [secret.clone(), encoded(secret), escaped.trim_matches('"').to_owned()];
        for (place, text) in &places {
            assert!(!forms.iter().any(|form| text.contains(form.as_str())), "{place} holds {secret}: {text}");
        }
    }
}
