//! What must hold of the tables and the log at any time.

use std::collections::BTreeMap;

use serde_json::Value;
use tests::App;

use crate::support::{LIMITS_TABLE, TABLES, encoded};

/// Asserts that accounts, users and sessions belong together, and that neither
/// a table nor the log of a stack at rest holds a secret.
pub async fn check(app: &App, secrets: &[String]) {
    belong_together(app).await;
    hold_no_secret(app, secrets).await;
}

async fn belong_together(app: &App) {
    let text = |row: &Value, name: &str| row[name]["S"].as_str().unwrap_or_default().to_owned();
    let users: BTreeMap<String, Value> =
        app.rows("UsersTable").await.into_iter().map(|row| (text(&row, "id"), row)).collect();
    let accounts: BTreeMap<String, Value> =
        app.rows("AccountsTable").await.into_iter().map(|row| (text(&row, "identity"), row)).collect();
    for (identity, account) in &accounts {
        let user = users.get(&text(account, "userId"));
        let user = user.unwrap_or_else(|| panic!("{identity} belongs to nobody"));
        // A second factor is no way in: it goes by its user's id alone.
        if let Some(id) = identity.strip_prefix("two-factor:") {
            assert_eq!(text(user, "id"), id, "a second factor is its user's");
            assert_eq!(account["enabled"]["BOOL"] == true, user.get("twoFactorSince").is_some(), "of {id}");
            continue;
        }
        let listed = user["identities"]["L"].as_array().unwrap().iter().filter(|entry| entry["S"] == *identity).count();
        assert_eq!(listed, 1, "{identity} in the list of its user");
        if let Some(address) = identity.strip_prefix("email:") {
            assert_eq!(text(user, "email"), address, "the address of an account is its user's");
        }
    }
    for (id, user) in &users {
        let has_factor = accounts.contains_key(&format!("two-factor:{id}"));
        assert!(has_factor || user.get("twoFactorSince").is_none(), "the second factor of {id} is missing");
        let identities: Vec<&str> =
            user["identities"]["L"].as_array().unwrap().iter().map(|entry| entry["S"].as_str().unwrap()).collect();
        assert!(identities.contains(&format!("email:{}", text(user, "email")).as_str()), "{id} owns its address");
        // Whoever has a verified address signs in by a link to it.
        let mut ways_in = usize::from(user["emailVerified"]["BOOL"] == true);
        for identity in identities {
            let account = accounts.get(identity).unwrap_or_else(|| panic!("{identity} of {id} is missing"));
            assert_eq!(text(account, "userId"), *id, "{identity} has another owner");
            // Whoever has shown an address to be theirs can set a password by mail.
            let by_mail = user["emailVerified"]["BOOL"] == true;
            ways_in += usize::from(by_mail || account.get("passwordHash").is_some() || !identity.starts_with("email:"));
        }
        assert!(ways_in > 0, "{id} has no way in");
    }
    // Tokens may outlive their user: nobody finds them but by the token, which
    // opens nothing any more.
    for row in app.rows("SessionsTable").await {
        assert!(users.contains_key(&text(&row, "userId")), "a session of a missing user");
    }
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
