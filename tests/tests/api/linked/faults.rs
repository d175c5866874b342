//! What goes wrong at DynamoDB and Secrets Manager while providers are linked.

use local::{Fault, FaultRule, Service, When};
use serde_json::json;

use super::*;
use crate::{steps::Snapshot, support::*};

/// Method, path, body, and the calls that fail: operation and table.
type Case<'a> = (&'a str, &'a str, Option<&'a Value>, &'a [(&'a str, &'a str)]);

fn rule(operation: &str, table: &str, function: &str) -> FaultRule {
    FaultRule::new(Service::DynamoDb, Fault::InternalError).operation(operation).table(table).function(function)
}

#[tokio::test]
async fn without_the_store_nothing_changes_and_a_retry_succeeds() {
    let app = App::with_env(&[]).await;
    let (mut browser, email) = linked_member(&app, "faults").await;
    let account = choice(&mut browser, "google").await;
    let info = format!("/account-info?accountId={}", account["accountId"].as_str().unwrap());
    let github = json!({"provider": "github"});
    let cases: [Case<'_>; 5] = [
        ("GET", "/list-accounts", None, &[("BatchGetItem", "SessionsTable"), ("BatchGetItem", "AccountsTable")]),
        ("POST", "/get-access-token", Some(&account), &[("BatchGetItem", "AccountsTable")]),
        ("GET", &info, None, &[("BatchGetItem", "AccountsTable")]),
        (
            "POST",
            "/link-social",
            Some(&github),
            &[("BatchGetItem", "UsersTable"), ("PutItem", "VerificationTokensTable")],
        ),
        (
            "POST",
            "/unlink-account",
            Some(&account),
            &[("BatchGetItem", "AccountsTable"), ("TransactWriteItems", "AccountsTable")],
        ),
    ];
    for (method, path, body, faults) in cases {
        let call = || body.map_or_else(|| Call::new(method, path), |body| Call::new(method, path).json(body));
        for (operation, table) in faults {
            let before = Snapshot::take(&app).await;
            let fault = app.aws().inject(rule(operation, table, "account"));
            assert_error(&browser.send(call()).await, 503, "SERVICE_UNAVAILABLE");
            assert!(app.aws().fault_hits(fault) > 0, "{path} {operation} {table}");
            app.aws().clear_faults();
            assert_eq!(Snapshot::take(&app).await, before, "{path} {operation} {table}");
        }
        assert_eq!(browser.send(call()).await.status, 200, "{path}");
    }
    assert!(google_row(&app, &email).await.is_none());
}

#[tokio::test]
async fn a_link_whose_state_cannot_be_spent_can_be_finished_later() {
    let app = App::with_env(&[]).await;
    let (mut browser, email) = member(&app, "later").await;
    let callback = google_callback(&app, &mut browser, &google(&email)).await;
    app.aws().inject(rule("UpdateItem", "VerificationTokensTable", "oauth-callback"));
    let answer = browser.send(Call::new("GET", callback.as_str())).await;
    assert_error(&answer, 503, "SERVICE_UNAVAILABLE");
    app.aws().clear_faults();
    app.kill_instances("oauth-callback").await;

    // Nor without the keys that seal the tokens.
    app.aws().inject(FaultRule::new(Service::SecretsManager, Fault::InternalError).function("oauth-callback"));
    let answer = browser.send(Call::new("GET", callback.as_str())).await;
    assert_error(&answer, 503, "SERVICE_UNAVAILABLE");
    app.aws().clear_faults();
    app.kill_instances("oauth-callback").await;
    assert_redirect(&browser.send(Call::new("GET", callback)).await, DONE);
}

#[tokio::test]
async fn a_link_whose_state_is_spent_is_told_to_try_again() {
    let app = App::with_env(&[]).await;
    let (mut browser, email) = member(&app, "spent").await;
    for (operation, table) in [("BatchGetItem", "UsersTable"), ("TransactWriteItems", "AccountsTable")] {
        let callback = google_callback(&app, &mut browser, &google(&email)).await;
        app.aws().inject(rule(operation, table, "oauth-callback"));
        let answer = browser.send(Call::new("GET", callback)).await;
        assert_redirect(&answer, &failed("temporarily_unavailable"));
        app.aws().clear_faults();
        assert!(google_row(&app, &email).await.is_none());
    }
    assert_redirect(&link_google(&app, &mut browser, &google(&email)).await, DONE);
}

#[tokio::test]
async fn links_whose_writing_is_answered_late_are_made_and_given_up_once() {
    let app = App::with_env(&[]).await;
    let (mut browser, email) = member(&app, "lost-answer").await;
    let late = |function| {
        let rule = FaultRule::new(Service::DynamoDb, Fault::DropAfter).operation("TransactWriteItems");
        rule.function(function).when(When::Times(1))
    };
    let fault = app.aws().inject(late("oauth-callback"));
    assert_redirect(&link_google(&app, &mut browser, &google(&email)).await, DONE);
    assert_eq!(app.aws().fault_hits(fault), 1);
    let account = choice(&mut browser, "google").await;
    let fault = app.aws().inject(late("account"));
    assert_eq!(browser.post("/unlink-account", &account).await.status, 200);
    assert_eq!(app.aws().fault_hits(fault), 1);
}

#[tokio::test]
async fn a_refresh_survives_lost_answers_and_waits_for_secrets() {
    let app = App::with_env(&[]).await;
    app.provider.set_token_life(Some(1));
    let (mut browser, _) = linked_member(&app, "refresh-faults").await;
    app.provider.set_token_life(None);
    let account = choice(&mut browser, "google").await;
    for secret in ["EncryptionSecret", "OAuthClientsSecret"] {
        app.kill_instances("account").await;
        let rule = FaultRule::new(Service::SecretsManager, Fault::InternalError).secret(secret).function("account");
        let fault = app.aws().inject(rule);
        let answer = browser.post("/get-access-token", &account).await;
        assert_error(&answer, 503, "SERVICE_UNAVAILABLE");
        assert!(app.aws().fault_hits(fault) > 0);
        app.aws().clear_faults();
    }
    app.provider.forget_requests();
    let rule = FaultRule::new(Service::DynamoDb, Fault::DropAfter).operation("UpdateItem").table("AccountsTable");
    let fault = app.aws().inject(rule.function("account").when(When::Times(1)));
    assert_eq!(browser.post("/get-access-token", &account).await.status, 200);
    assert_eq!(app.aws().fault_hits(fault), 1);
    assert_eq!(app.provider.requests(tests::fake_provider::Endpoint::GoogleToken), 1);
}
