//! `GET /list-accounts`.

use serde_json::json;
use tests::fake_provider::GoogleUser;

use super::*;
use crate::{
    steps::{callback_url, sign_in_with_google},
    support::*,
};

#[tokio::test]
async fn a_password_and_providers_are_listed_in_the_order_in_which_they_came() {
    let app = App::shared();
    let (mut browser, email) = member(app, "listed").await;
    let user = browser.current_user().await.unwrap();
    let listed = accounts(&mut browser).await;
    assert_eq!(listed.len(), 1);
    let password = &listed[0];
    assert_eq!((&password["providerId"], &password["accountId"]), (&json!("credential"), &user["id"]));
    assert_eq!((&password["userId"], &password["scopes"]), (&user["id"], &json!([])));

    assert_redirect(&link_google(app, &mut browser, &google(&email)).await, DONE);
    assert_redirect(&link_github(app, &mut browser, &github(&email)).await, DONE);
    let listed = accounts(&mut browser).await;
    let providers: Vec<_> = listed.iter().map(|account| &account["providerId"]).collect();
    assert_eq!(providers, ["credential", "google", "github"]);
    assert_eq!(listed[1]["accountId"], email);
    assert_eq!(listed[1]["scopes"][0], "openid");
    assert_eq!(listed[2]["scopes"], json!(["read:user", "user:email"]));
    let ids: std::collections::BTreeSet<_> = listed.iter().map(|account| account["id"].to_string()).collect();
    assert_eq!(ids.len(), 3);
    for account in &listed {
        let mut names: Vec<_> = account.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accountId", "createdAt", "id", "providerId", "scopes", "updatedAt", "userId"]);
        assert_eq!(account["userId"], user["id"]);
    }
    assert_eq!(accounts(&mut browser).await, listed, "ids stay the same");
}

#[tokio::test]
async fn a_user_who_came_by_a_provider_has_no_password_to_list() {
    let app = App::shared();
    let mut browser = sign_in_with_google(app, &google(&unique_email("came"))).await;
    assert_eq!(providers(&mut browser).await, ["google"]);
}

#[tokio::test]
async fn neither_hashes_nor_tokens_are_listed() {
    let app = App::shared();
    let (mut browser, email) = linked_member(app, "bare").await;
    let row = google_row(app, &email).await.unwrap();
    let sealed = row["providerTokens"]["S"].as_str().unwrap();
    let text = browser.get("/list-accounts").await.text();
    for secret in ["argon2", "c4n4ry", "eyJ", sealed] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn accounts_are_shown_to_their_user_alone() {
    let app = App::shared();
    assert_error(&app.browser().get("/list-accounts").await, 401, "UNAUTHORIZED");
    let (mut browser, _) = linked_member(app, "shown").await;
    let call = by_access_token(&mut browser, "GET", "/list-accounts").await;
    let answer = app.browser().send(call).await;
    assert_eq!(answer.json(), browser.get("/list-accounts").await.json());
    browser.post("/sign-out", &json!({})).await;
    assert_error(&browser.get("/list-accounts").await, 401, "UNAUTHORIZED");
}

/// A stranger may have made the account before the owner of the address came.
#[tokio::test]
async fn a_link_that_never_proved_the_address_is_no_way_in_after_a_recovery() {
    let app = App::shared();
    let email = unique_email("recovered");
    let stranger = GoogleUser { email_verified: json!(false), ..google(&email) };
    let mut browser = sign_in_with_google(app, &stranger).await;
    assert_eq!(providers(&mut browser).await, ["google"]);
    let foreign = choice(&mut browser, "google").await;

    reset_to(app, &email, tests::PASSWORD).await;
    let (mut browser, _) = sign_in(app, &email, tests::PASSWORD).await;
    assert_eq!(providers(&mut browser).await, ["credential"]);
    let answer = browser.post("/unlink-account", &foreign).await;
    assert_error(&answer, 400, "FAILED_TO_UNLINK_LAST_ACCOUNT");
    assert_error(&browser.post("/get-access-token", &foreign).await, 400, "ACCOUNT_NOT_FOUND");

    let mut stranger_browser = app.browser();
    let url = callback_url(app, &mut stranger_browser, &stranger).await;
    let answer = stranger_browser.send(Call::new("GET", url)).await;
    assert_redirect(&answer, "/failed?error=account_not_linked");

    // Its owner may prove it, and take it over.
    assert_redirect(&link_google(app, &mut browser, &google(&email)).await, DONE);
    assert_eq!(providers(&mut browser).await, ["credential", "google"]);
}
