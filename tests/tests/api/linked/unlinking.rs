//! `POST /unlink-account`.

use serde_json::json;

use super::*;
use crate::{
    steps::{callback_url, sign_in_with_google},
    support::*,
};

#[tokio::test]
async fn a_provider_is_given_up_and_may_be_linked_again() {
    let app = App::shared();
    let (mut browser, email) = linked_member(app, "given-up").await;
    let google_account = choice(&mut browser, "google").await;
    let answer = browser.post("/unlink-account", &google_account).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"status": true})));
    assert_eq!(providers(&mut browser).await, ["credential"]);
    assert!(google_row(app, &email).await.is_none());
    assert!(!user_row(app, &email).await.unwrap()["identities"].to_string().contains("google"));
    assert_error(&browser.post("/get-access-token", &google_account).await, 400, "ACCOUNT_NOT_FOUND");

    // Both sides have verified the address: a sign-in links it anew.
    let user = browser.current_user().await.unwrap();
    let mut again = sign_in_with_google(app, &google(&email)).await;
    assert_eq!(again.current_user().await.unwrap()["id"], user["id"]);
    assert_eq!(providers(&mut browser).await, ["credential", "google"]);
}

#[tokio::test]
async fn a_provider_that_was_given_up_signs_nobody_in_whose_address_is_unverified() {
    let app = App::shared();
    let (mut browser, email) = linked_member(app, "unverified").await;
    let mut user = user_row(app, &email).await.unwrap();
    user["emailVerified"] = json!({"BOOL": false});
    app.put_row("UsersTable", &user).await;
    let account = choice(&mut browser, "google").await;
    assert_eq!(browser.post("/unlink-account", &account).await.status, 200);
    let mut stranger = app.browser();
    let url = callback_url(app, &mut stranger, &google(&email)).await;
    let answer = stranger.send(Call::new("GET", url)).await;
    assert_redirect(&answer, "/failed?error=account_not_linked");
    assert!(stranger.session_cookie().is_none());
}

#[tokio::test]
async fn a_password_is_given_up_and_the_address_stays_taken() {
    let app = App::shared();
    let (mut browser, email) = linked_member(app, "no-password").await;
    let token = app.reset_token(&email).await;
    let account = choice(&mut browser, "credential").await;
    assert_eq!(browser.post("/unlink-account", &account).await.status, 200);
    assert_eq!(app.mail_to(&email).await.subject, "Your password was removed");
    assert_eq!(providers(&mut browser).await, ["google"]);
    assert!(!password_works(app, &email, tests::PASSWORD).await);
    assert_error(
        &crate::steps::try_sign_up(&mut app.browser(), &email).await,
        422,
        "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL",
    );
    assert_error(&reset(app, &token, &other_password(1)).await, 400, "INVALID_TOKEN");
    assert!(browser.current_user().await.is_some());
    sign_in_with_google(app, &google(&email)).await;
    // A reset sets a password again.
    reset_to(app, &email, &other_password(2)).await;
    assert!(password_works(app, &email, &other_password(2)).await);
}

#[tokio::test]
async fn the_last_way_in_stays() {
    let app = App::shared();
    let (mut browser, email) = member(app, "last").await;
    let account = choice(&mut browser, "credential").await;
    for body in [&account, &json!({"accountId": "unknown"})] {
        assert_error(&browser.post("/unlink-account", body).await, 400, "FAILED_TO_UNLINK_LAST_ACCOUNT");
    }
    assert!(password_works(app, &email, tests::PASSWORD).await);
    let mut browser = sign_in_with_google(app, &google(&unique_email("last-google"))).await;
    let account = choice(&mut browser, "google").await;
    assert_error(&browser.post("/unlink-account", &account).await, 400, "FAILED_TO_UNLINK_LAST_ACCOUNT");
    assert_eq!(providers(&mut browser).await, ["google"]);
}

#[tokio::test]
async fn accounts_of_others_and_of_nobody_are_not_found() {
    let app = App::shared();
    let (mut browser, _) = linked_member(app, "seeker").await;
    let (mut other, _) = linked_member(app, "sought").await;
    let foreign = choice(&mut other, "google").await;
    let sub = accounts(&mut browser).await[1]["accountId"].clone();
    for body in [foreign, json!({"accountId": ""}), json!({"accountId": "x".repeat(3000)}), json!({"accountId": sub})] {
        assert_error(&browser.post("/unlink-account", &body).await, 400, "ACCOUNT_NOT_FOUND");
    }
    for body in [json!({}), json!({"accountId": 1}), json!({"accountId": null}), json!({"providerId": "google"})] {
        assert_error(&browser.post("/unlink-account", &body).await, 400, "VALIDATION_ERROR");
    }
    assert_eq!(providers(&mut browser).await, ["credential", "google"]);
    assert_eq!(providers(&mut other).await, ["credential", "google"]);
}
