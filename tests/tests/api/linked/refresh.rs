//! Tokens that have expired, and `POST /refresh-token`.

use futures_util::future::join_all;
use serde_json::json;
use tests::fake_provider::{Endpoint, Failure};

use super::*;
use crate::support::*;

/// A user whose access token at Google has expired, and the account.
async fn expired(app: &App) -> (Browser, Value) {
    app.provider.set_token_life(Some(1));
    let (mut browser, _) = linked_member(app, "expired").await;
    app.provider.set_token_life(None);
    let account = choice(&mut browser, "google").await;
    app.provider.forget_requests();
    (browser, account)
}

#[tokio::test]
async fn an_expired_access_token_is_refreshed_and_kept() {
    let app = App::with_env(&[]).await;
    let (mut browser, account) = expired(&app).await;
    let answer = browser.post("/get-access-token", &account).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let tokens = answer.json();
    assert!(tokens["idToken"].is_string() && tokens["scopes"][0] == "openid", "{tokens}");
    assert_eq!(app.provider.requests(Endpoint::GoogleToken), 1);
    assert_eq!(browser.post("/get-access-token", &account).await.json(), tokens);
    assert_eq!(app.provider.requests(Endpoint::GoogleToken), 1);
}

#[tokio::test]
async fn an_expired_access_token_without_a_refresh_token_is_handed_out_as_it_is() {
    let app = App::with_env(&[]).await;
    app.provider.set_token_life(Some(1));
    let email = unique_email("no-refresh");
    let mut browser = crate::steps::sign_in_with_google(&app, &google(&email)).await;
    let account = choice(&mut browser, "google").await;
    app.provider.forget_requests();
    assert_eq!(browser.post("/get-access-token", &account).await.status, 200);
    assert_error(&browser.post("/refresh-token", &account).await, 400, "REFRESH_TOKEN_NOT_FOUND");
    assert_eq!(app.provider.requests(Endpoint::GoogleToken), 0);
}

/// A provider may take a refresh token that comes twice for stolen.
#[tokio::test]
async fn of_many_requests_for_an_expired_token_one_asks_the_provider() {
    let app = racing().await;
    let (browser, account) = expired(&app).await;
    let calls = (0..50).map(|_| browser.send_only(Call::new("POST", "/get-access-token").json(&account)));
    let answers = join_all(calls).await;
    assert_eq!(app.provider.requests(Endpoint::GoogleToken), 1);
    for answer in &answers {
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json(), answers[0].json());
    }
}

#[tokio::test]
async fn a_refused_refresh_leaves_the_account_usable() {
    let app = App::with_env(&[]).await;
    let (mut browser, account) = expired(&app).await;
    let refusal = json!({"error": "invalid_grant"});
    for failure in [Failure::Json(refusal), Failure::Status(500), Failure::Html, Failure::Truncated] {
        app.provider.fail(Endpoint::GoogleToken, failure);
        assert_error(&browser.post("/get-access-token", &account).await, 400, "FAILED_TO_GET_ACCESS_TOKEN");
        assert_error(&browser.post("/refresh-token", &account).await, 400, "FAILED_TO_REFRESH_ACCESS_TOKEN");
    }
    app.provider.heal();
    assert_eq!(providers(&mut browser).await, ["credential", "google"]);
    assert_eq!(browser.post("/get-access-token", &account).await.status, 200);
}

#[tokio::test]
async fn a_refresh_rotates_the_tokens_where_the_provider_does() {
    let app = App::with_env(&[]).await;
    app.provider.make_github_an_app();
    let (mut browser, email) = member(&app, "rotates").await;
    assert_redirect(&link_github(&app, &mut browser, &github(&email)).await, DONE);
    let account = choice(&mut browser, "github").await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let answer = browser.post("/refresh-token", &account).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let tokens = answer.json();
        assert_eq!((&tokens["providerId"], &tokens["accountId"]), (&json!("github"), &account["accountId"]));
        assert!(tokens["accessTokenExpiresAt"].is_string() && tokens["refreshTokenExpiresAt"].is_string(), "{tokens}");
        assert_eq!(tokens["scope"], "read:user,user:email");
        assert!(seen.insert(tokens["refreshToken"].to_string()), "the stand-in takes each refresh token once");
        let kept = browser.post("/get-access-token", &account).await.json();
        assert_eq!(kept["accessToken"], tokens["accessToken"]);
    }
}

#[tokio::test]
async fn where_the_provider_does_not_the_refresh_token_stays() {
    let app = App::with_env(&[]).await;
    let (mut browser, account) = expired(&app).await;
    let first = browser.post("/refresh-token", &account).await.json();
    let second = browser.post("/refresh-token", &account).await.json();
    assert!(first["refreshToken"].as_str().unwrap().starts_with("1//"), "{first}");
    assert_eq!(first["refreshToken"], second["refreshToken"]);
    assert_ne!(first["accessToken"], second["accessToken"]);
}

/// The process that reserved the refresh may have died.
#[tokio::test]
async fn a_reservation_that_nobody_ends_ends_by_itself() {
    let app = App::with_env(&[]).await;
    let (mut browser, account) = expired(&app).await;
    let mut row =
        app.rows("AccountsTable").await.into_iter().find(|row| row["providerTokens"]["S"].is_string()).unwrap();
    set_number(&mut row, "refreshingUntil", now() + 800);
    row["refreshingBy"] = json!({"S": "somebody"});
    app.put_row("AccountsTable", &row).await;
    assert_eq!(browser.post("/get-access-token", &account).await.status, 200);
    assert_eq!(app.provider.requests(Endpoint::GoogleToken), 1);
    set_number(&mut row, "refreshingUntil", now() + 60_000);
    app.put_row("AccountsTable", &row).await;
    assert_error(&browser.post("/get-access-token", &account).await, 503, "SERVICE_UNAVAILABLE");
}
