//! Passwords that are refused although they are long enough.

use serde_json::json;
use shared::{
    adapters::OsRandom,
    crypto::{Argon2Hasher, HashPolicy},
    domain::Password,
    ports::HashPassword as _,
};
use tests::{Answer, App, PASSWORD, unique_email};

use crate::support::{assert_error, other_password, password_works, reset, sign_in, user_row};

async fn start() -> App {
    App::with_env(&[("AUTH_REFUSE_COMMON_PASSWORDS", "true")]).await
}

async fn sign_up(app: &App, email: &str, password: &str) -> Answer {
    let body = json!({"name": "Ann", "email": email, "password": password});
    app.browser().post("/sign-up/email", &body).await
}

/// What an address makes guessable, and common passwords in some spellings.
fn guessable(email: &str) -> Vec<String> {
    let local = email.split('@').next().unwrap();
    ["password", "Password1", "12345678", "QWERTYUIOP", "iloveyou1", "passw0rd", email, local]
        .into_iter()
        .map(str::to_owned)
        .chain([email.to_uppercase(), local.to_uppercase(), format!("{local}2024"), format!("{email}1")])
        .collect()
}

#[tokio::test]
async fn nobody_signs_up_with_what_anybody_would_try_first() {
    let app = start().await;
    let email = unique_email("maria.gonzalez");
    app.aws().clear_calls();
    for password in guessable(&email) {
        let answer = sign_up(&app, &email, &password).await;
        assert_error(&answer, 400, "PASSWORD_COMPROMISED");
        assert!(answer.set_cookies().is_empty());
        assert!(!answer.text().contains(&email));
    }
    assert!(app.aws().calls().iter().all(|call| call.tables.is_empty()), "{:?}", app.aws().calls());
    assert!(user_row(&app, &email).await.is_none());
    // A taken address is no different.
    let taken = unique_email("taken");
    assert_eq!(sign_up(&app, &taken, PASSWORD).await.status, 200);
    assert_error(&sign_up(&app, &taken, "password").await, 400, "PASSWORD_COMPROMISED");
    assert_error(&sign_up(&app, &taken, "short").await, 400, "PASSWORD_TOO_SHORT");
    // Somebody else's address, or one with more to it, is as good as any.
    for password in [taken.clone(), format!("{email}!"), format!("my {email}")] {
        assert_eq!(sign_up(&app, &unique_email("fine"), &password).await.status, 200, "{password}");
    }
}

#[tokio::test]
async fn a_refused_reset_leaves_the_token_and_the_password() {
    let app = start().await;
    let email = unique_email("maria.gonzalez");
    app.sign_up(&email).await;
    let token = app.reset_token(&email).await;
    for password in guessable(&email) {
        assert_error(&reset(&app, &token, &password).await, 400, "PASSWORD_COMPROMISED");
    }
    assert!(password_works(&app, &email, PASSWORD).await);
    let new = other_password(1);
    assert_eq!(reset(&app, &token, &new).await.status, 200);
    assert!(password_works(&app, &email, &new).await);
    assert_error(&reset(&app, &token, "password").await, 400, "INVALID_TOKEN");
}

#[tokio::test]
async fn a_refused_change_leaves_the_password_and_the_sessions() {
    let app = start().await;
    let email = unique_email("maria.gonzalez");
    let mut browser = app.sign_up(&email).await;
    let (mut elsewhere, _) = sign_in(&app, &email, PASSWORD).await;
    let change = |new: &str| json!({"currentPassword": PASSWORD, "newPassword": new});
    for password in guessable(&email) {
        assert_error(&browser.post("/change-password", &change(&password)).await, 400, "PASSWORD_COMPROMISED");
    }
    assert!(elsewhere.current_user().await.is_some());
    assert!(password_works(&app, &email, PASSWORD).await);
    assert_eq!(browser.post("/change-password", &change(&other_password(1))).await.status, 200);
    assert!(password_works(&app, &email, &other_password(1)).await);
}

/// Where they are refused they are still the passwords of those who have them.
#[tokio::test]
async fn who_has_such_a_password_already_gets_in() {
    let app = start().await;
    let email = unique_email("relaxed");
    app.sign_up(&email).await;
    let hash = Argon2Hasher::new(HashPolicy { memory_kib: 19_456, iterations: 2, wrong_millis: 0 }, OsRandom)
        .hash(Password::new("password").unwrap())
        .await
        .unwrap();
    let mut account = app.row("AccountsTable", "identity", &format!("email:{email}")).await.unwrap();
    account["passwordHash"] = json!({"S": hash});
    app.put_row("AccountsTable", &account).await;
    assert!(password_works(&app, &email, "password").await);
    let (mut browser, _) = sign_in(&app, &email, "password").await;
    let change = json!({"currentPassword": "password", "newPassword": other_password(1)});
    assert_eq!(browser.post("/change-password", &change).await.status, 200);
}
