//! Whose account a link opens, and what it leaves of it.

use tests::{PASSWORD, fake_provider::GoogleUser};

use super::*;
use crate::{
    invariants,
    oauth::sign_in_with_google,
    steps::{enroll, trust_device, verify_email},
};

#[tokio::test]
async fn a_verified_user_keeps_password_and_sessions() {
    let app = App::shared();
    let email = unique_email("verified");
    let mut before = app.sign_up(&email).await;
    verify_email(app, &email).await;
    let row = user_row(app, &email).await;
    let mut browser = sign_in_by_link(app, &email).await;
    assert_eq!(browser.current_user().await, before.current_user().await);
    assert_eq!(user_row(app, &email).await, row, "nothing of the user changed");
    assert!(password_works(app, &email, PASSWORD).await);
}

/// A stranger signs up with the victim's address and waits for the victim.
#[tokio::test]
async fn a_strangers_password_and_sessions_end_when_the_owner_comes() {
    let app = App::with_env(&[]).await;
    let email = unique_email("prepared");
    let mut stranger = app.sign_up(&email).await;
    let reset = app.reset_token(&email).await;
    let (first, second) = (token_for(&app, &email).await, token_for(&app, &email).await);
    let (mut owner, answer) = verify(&app, &first).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["user"]["emailVerified"], true);
    assert_eq!(owner.current_user().await.unwrap()["emailVerified"], true);
    assert!(stranger.current_user().await.is_none(), "the stranger is out");
    assert!(!password_works(&app, &email, PASSWORD).await);
    let account = app.row("AccountsTable", "identity", &format!("email:{email}")).await.unwrap();
    assert!(account.get("passwordHash").is_none());
    let user = user_row(&app, &email).await.unwrap();
    for attribute in ["sessionsValidFrom", "passwordChangedAt", "recoveredAt"] {
        assert_eq!(number(&user, attribute), number(&account, "passwordChangedAt"), "{attribute}");
    }
    // So are all links and tokens of before.
    assert_worthless(&app, &verify(&app, &second).await.1);
    assert_error(&crate::support::reset(&app, &reset, "a brand new password").await, 400, "INVALID_TOKEN");
    // The owner goes on with a password of their own.
    reset_to(&app, &email, "a brand new password").await;
    assert!(password_works(&app, &email, "a brand new password").await);
    invariants::check(&app, &[first, second, reset]).await;
}

/// The stranger has linked a provider that never vouched for the address.
#[tokio::test]
async fn a_strangers_unproven_link_ends_when_the_owner_comes() {
    let app = App::shared();
    let email = unique_email("unproven");
    let mut stranger = GoogleUser::new(&unique_email("subject"), &email);
    stranger.email_verified = json!(false);
    let (mut browser, _) = sign_in_with_google(app, &stranger).await;
    assert_eq!(browser.current_user().await.unwrap()["emailVerified"], false);
    let mut owner = sign_in_by_link(app, &email).await;
    assert!(browser.current_user().await.is_none());
    let (mut browser, answer) = sign_in_with_google(app, &stranger).await;
    assert_eq!(query_of(answer.header("location"))["error"], "account_not_linked");
    assert!(browser.current_user().await.is_none());
    assert!(owner.current_user().await.is_some());
}

#[tokio::test]
async fn a_user_of_a_provider_signs_in_by_link_too() {
    let app = App::shared();
    let email = unique_email("google");
    let google = GoogleUser::new(&unique_email("subject"), &email);
    let (mut by_google, _) = sign_in_with_google(app, &google).await;
    let mut by_link = sign_in_by_link(app, &email).await;
    assert_eq!(by_link.current_user().await, by_google.current_user().await);
    // And the other way round: the address is proven on both sides.
    let email = unique_email("linked-later");
    let mut by_link = sign_in_by_link(app, &email).await;
    let (mut by_google, _) = sign_in_with_google(app, &GoogleUser::new(&unique_email("subject"), &email)).await;
    assert_eq!(by_google.current_user().await, by_link.current_user().await);
}

#[tokio::test]
async fn a_second_factor_is_asked_for_in_json_and_by_redirect() {
    let app = App::shared();
    let email = unique_email("second-factor");
    app.sign_up(&email).await;
    verify_email(app, &email).await;
    enroll(app, &email).await;
    let sessions = sessions_of(app, &email).await.len();
    let token = token_for(app, &email).await;
    let (mut browser, answer) = verify(app, &token).await;
    assert_eq!(answer.json(), json!({"twoFactorRedirect": true, "twoFactorMethods": ["totp"]}));
    assert!(set_cookie(&answer, "better-auth.two_factor").is_some());
    assert!(browser.current_user().await.is_none());
    assert_worthless(app, &verify(app, &token).await.1);

    let link = link_with(app, &json!({"email": email, "callbackURL": "/done?a=1"})).await;
    let answer = app.browser().get(&link).await;
    let target = encoded(&format!("{}/done?a=1", app.url()));
    let location = answer.header("location");
    assert_eq!(answer.status, 302);
    assert!(location.starts_with("/two-factor?callbackURL="), "{location}");
    assert_eq!(query_of(location)["callbackURL"], decoded(&target));
    assert!(set_cookie(&answer, "better-auth.two_factor").is_some());
    assert_eq!(sessions_of(app, &email).await.len(), sessions, "no session came of it");
    let user = user_row(app, &email).await.unwrap();
    assert_eq!(user["emailVerified"]["BOOL"], true);
    assert!(password_hash_exists(app, &email).await);
}

async fn password_hash_exists(app: &App, email: &str) -> bool {
    app.row("AccountsTable", "identity", &format!("email:{email}")).await.unwrap().get("passwordHash").is_some()
}

#[tokio::test]
async fn a_trusted_device_is_spared_the_second_factor_once_per_cookie() {
    let app = App::with_env(&[]).await;
    let email = unique_email("device");
    app.sign_up(&email).await;
    verify_email(&app, &email).await;
    enroll(&app, &email).await;
    let mut browser = app.browser();
    trust_device(&app, &mut browser, &email).await;
    let old = browser.cookies["better-auth.trust_device"].clone();
    let answer = browser.get(&link_with(&app, &json!({"email": email, "callbackURL": DONE})).await).await;
    assert_redirect(&answer, &format!("{}{DONE}", app.url()));
    assert!(browser.current_user().await.is_some());
    assert_ne!(browser.cookies["better-auth.trust_device"], old, "its token is replaced");
    let mut copy = browser_with(&app, "better-auth.trust_device", &old);
    let answer = copy.get(&link_with(&app, &json!({"email": email, "callbackURL": DONE})).await).await;
    assert!(answer.header("location").starts_with("/two-factor"), "{}", answer.header("location"));
}

/// A row that is damaged is that user's trouble and nobody's way in.
#[tokio::test]
async fn a_link_to_a_user_who_is_gone_is_worthless() {
    let app = App::with_env(&[]).await;
    let email = unique_email("gone");
    app.sign_up(&email).await;
    let token = token_for(&app, &email).await;
    let id = user_row(&app, &email).await.unwrap()["id"]["S"].as_str().unwrap().to_owned();
    let key = json!({"TableName": "UsersTable", "Key": {"id": {"S": id}}});
    app.aws().dynamodb("DeleteItem", &key).await.unwrap();
    assert_worthless(&app, &verify(&app, &token).await.1);
    assert!(user_row(&app, &email).await.is_none());
}
