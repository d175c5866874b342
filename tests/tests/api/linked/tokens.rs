//! `POST /get-access-token` and `GET /account-info`, and how tokens are kept.

use serde_json::json;
use tests::fake_provider::{Endpoint, Failure};

use super::*;
use crate::{steps::sign_in_with_google, support::*};

#[tokio::test]
async fn no_token_of_a_provider_lies_open_in_a_table() {
    let app = App::with_env(&[]).await;
    app.provider.make_github_an_app();
    let (mut browser, email) = linked_member(&app, "sealed").await;
    link_github(&app, &mut browser, &github(&email)).await;
    sign_in_with_google(&app, &google(&unique_email("sealed-new"))).await;
    let sealed = app.rows("AccountsTable").await.iter().filter(|row| row["providerTokens"]["S"].is_string()).count();
    assert_eq!(sealed, 3);
    for table in TABLES {
        for row in app.rows(table).await {
            let text = row.to_string();
            // All that the stand-in issues is marked so; id tokens begin so.
            assert!(!text.contains("c4n4ry") && !text.contains("eyJ"), "{table}: {text}");
        }
    }
}

#[tokio::test]
async fn the_access_token_of_a_link_opens_the_providers_api() {
    let app = App::shared();
    let (mut browser, email) = linked_member(app, "opens").await;
    let account = choice(&mut browser, "google").await;
    let answer = browser.post("/get-access-token", &account).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let tokens = answer.json();
    assert!(tokens["accessToken"].as_str().unwrap().starts_with("ya29-"), "{tokens}");
    assert!(tokens["idToken"].as_str().unwrap().starts_with("eyJ"), "{tokens}");
    assert_eq!(tokens["scopes"][0], "openid");
    assert!(tokens["accessTokenExpiresAt"].is_string() && tokens.get("refreshToken").is_none(), "{tokens}");
    assert_eq!(browser.post("/get-access-token", &account).await.json(), tokens, "it is kept");

    // A sign-in brings newer ones.
    sign_in_with_google(app, &google(&email)).await;
    let newer = browser.post("/get-access-token", &account).await.json();
    assert_ne!(newer["accessToken"], tokens["accessToken"]);

    link_github(app, &mut browser, &github(&email)).await;
    let account = choice(&mut browser, "github").await;
    let tokens = browser.post("/get-access-token", &account).await.json();
    assert!(tokens["accessToken"].as_str().unwrap().starts_with("gho-"), "{tokens}");
    assert_eq!(tokens["scopes"], json!(["read:user", "user:email"]));
    assert!(tokens.get("accessTokenExpiresAt").is_none() && tokens.get("idToken").is_none(), "{tokens}");
}

#[tokio::test]
async fn tokens_are_for_their_user_alone() {
    let app = App::shared();
    let (mut browser, _) = linked_member(app, "alone").await;
    let (mut other, _) = linked_member(app, "curious").await;
    let account = choice(&mut browser, "google").await;
    let path = format!("/account-info?accountId={}", account["accountId"].as_str().unwrap());
    for route in ["/get-access-token", "/refresh-token"] {
        let mut with_user = account.clone();
        with_user["userId"] = browser.current_user().await.unwrap()["id"].clone();
        for body in [&account, &with_user] {
            assert_error(&other.post(route, body).await, 400, "ACCOUNT_NOT_FOUND");
            let answer = app.browser().post(route, body).await;
            assert_eq!((answer.status, answer.text().as_str()), (401, ""), "{route}");
        }
        let call = by_access_token(&mut browser, "POST", route).await.json(&account);
        let answer = app.browser().send(call).await;
        assert_eq!((answer.status, answer.text().as_str()), (401, ""), "{route}");
    }
    assert_error(&other.get(&path).await, 400, "ACCOUNT_NOT_FOUND");
    let answer = app.browser().get(&path).await;
    assert_eq!((answer.status, answer.text().as_str()), (401, ""));
    let call = by_access_token(&mut browser, "GET", &path).await;
    assert_eq!(app.browser().send(call).await.status, 401);
}

#[tokio::test]
async fn an_account_is_chosen_by_its_id_and_nothing_else() {
    let app = App::shared();
    let (mut browser, _) = linked_member(app, "chosen").await;
    let id = choice(&mut browser, "google").await["accountId"].clone();
    for route in ["/get-access-token", "/refresh-token"] {
        for body in [
            json!({}),
            json!({"providerId": "google"}),
            json!({"accountId": id, "providerId": "google"}),
            json!({"accountId": id, "userId": 1}),
            json!({"accountId": 1}),
            json!({"accountId": null}),
            json!([id]),
        ] {
            assert_error(&browser.post(route, &body).await, 400, "VALIDATION_ERROR");
        }
        let password = choice(&mut browser, "credential").await;
        let answer = browser.post(route, &password).await;
        assert_error(&answer, 400, "PROVIDER_NOT_SUPPORTED");
        assert_eq!(answer.json()["message"], "Provider credential is not supported.");
    }
    let id = id.as_str().unwrap();
    for query in
        ["", "?accountId=a&accountId=b", &format!("?accountId={id}&x=1"), &format!("?accountId={id}&accountId={id}")]
    {
        assert_error(&browser.get(&format!("/account-info{query}")).await, 400, "VALIDATION_ERROR");
    }
}

/// Whoever can write to a table must not get at another user's tokens by it.
#[tokio::test]
async fn tokens_in_another_users_row_cannot_be_opened() {
    let app = App::shared();
    let (mut first, first_email) = linked_member(app, "swap-1").await;
    let (_, second_email) = linked_member(app, "swap-2").await;
    let account = choice(&mut first, "google").await;
    let mut row = google_row(app, &first_email).await.unwrap();
    let own = row.clone();
    row["providerTokens"] = google_row(app, &second_email).await.unwrap()["providerTokens"].clone();
    app.put_row("AccountsTable", &row).await;
    let path = format!("/account-info?accountId={}", account["accountId"].as_str().unwrap());
    assert_error(&first.post("/get-access-token", &account).await, 400, "FAILED_TO_GET_ACCESS_TOKEN");
    assert_error(&first.post("/refresh-token", &account).await, 400, "FAILED_TO_REFRESH_ACCESS_TOKEN");
    assert_eq!(first.get(&path).await.status, 400);
    row["providerTokens"] = json!({"S": "junk"});
    app.put_row("AccountsTable", &row).await;
    assert_error(&first.post("/get-access-token", &account).await, 400, "FAILED_TO_GET_ACCESS_TOKEN");
    app.put_row("AccountsTable", &own).await;
    assert_eq!(first.post("/get-access-token", &account).await.status, 200);
}

#[tokio::test]
async fn the_profile_is_as_the_provider_has_it_now() {
    let app = App::with_env(&[]).await;
    let (mut browser, email) = linked_member(&app, "profile").await;
    link_github(&app, &mut browser, &github(&email)).await;
    for provider in ["google", "github"] {
        let account = choice(&mut browser, provider).await;
        let id = account["accountId"].as_str().unwrap();
        let answer = browser.get(&format!("/account-info?accountId={id}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let info = answer.json();
        assert_eq!((&info["user"]["email"], &info["user"]["emailVerified"]), (&json!(email), &json!(true)));
        assert_eq!(info["account"]["id"], id);
        assert_eq!(info["account"]["providerId"], provider);
        assert!(info["account"]["accountId"].is_string() && info["user"].get("id").is_none(), "{info}");
        assert!(info["data"].is_object() && !answer.text().contains("c4n4ry"), "{info}");
    }
    let account = choice(&mut browser, "github").await;
    let path = format!("/account-info?accountId={}", account["accountId"].as_str().unwrap());
    for failure in [Failure::Status(401), Failure::Status(500), Failure::Html] {
        app.provider.fail(Endpoint::GithubUser, failure);
        let answer = browser.get(&path).await;
        assert_eq!(answer.status, 401, "{}", answer.text());
    }
    app.provider.heal();
    assert_eq!(browser.get(&path).await.status, 200);

    // A profile of somebody else tells nothing about this account.
    app.provider.fail(Endpoint::GithubUser, Failure::Json(json!({"id": 1, "login": "mallory"})));
    assert_eq!(browser.get(&path).await.status, 401);
    let password = choice(&mut browser, "credential").await;
    let path = format!("/account-info?accountId={}", password["accountId"].as_str().unwrap());
    assert_error(&browser.get(&path).await, 400, "PROVIDER_NOT_CONFIGURED");
}
