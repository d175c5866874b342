//! Sign-in with an id token that an app has of Google.

use futures_util::future::join_all;
use local::{Fault, FaultRule, Service, When};
use serde_json::json;
use tests::{
    Call, PASSWORD,
    fake_provider::{Endpoint, Failure, IdTokenFault},
    unique_email,
};

use super::*;
use crate::{
    invariants,
    steps::{Snapshot, present},
    support::*,
};

fn person(name: &str) -> GoogleUser {
    let email = unique_email(name);
    GoogleUser::new(&email, &email)
}

#[tokio::test]
async fn an_id_token_signs_up_and_then_in() {
    let app = App::shared();
    let google = person("id-token");
    let mut ids = Vec::new();
    for nonce in [None, Some("the-nonce")] {
        let mut browser = app.browser();
        let answer = present(&mut browser, &app.provider.google_id_token(&google, nonce), nonce).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(cookie_names(&answer), ["better-auth.session_token"]);
        assert_eq!(answer.header("set-auth-token"), set_cookie(&answer, "better-auth.session_token").unwrap());
        assert_eq!(answer.header("location"), "");
        let body = answer.json();
        let mut names: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["redirect", "token", "user"]);
        assert_eq!((&body["redirect"], &body["user"]["emailVerified"]), (&json!(false), &json!(true)));
        assert_eq!(browser.current_user().await.unwrap(), body["user"]);
        // `token` is the access token, as at the other sign-ins.
        let bearer = Call::new("GET", "/get-session")
            .header("authorization", format!("Bearer {}", body["token"].as_str().unwrap()));
        assert_eq!(app.browser().send(bearer).await.json()["user"], body["user"]);
        ids.push(body["user"]["id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn an_id_token_and_a_redirect_lead_to_the_same_user() {
    let app = App::shared();
    let google = person("both-ways");
    let (mut browser, _) = sign_in_with_google(app, &google).await;
    let answer = present(&mut app.browser(), &app.provider.google_id_token(&google, None), None).await;
    assert_eq!(answer.json()["user"], browser.current_user().await.unwrap());
}

#[tokio::test]
async fn a_wrong_id_token_is_refused_and_nothing_is_stored() {
    let app = App::with_env(&[]).await;
    let google = person("wrong");
    let before = Snapshot::take(&app).await;
    for fault in IdTokenFault::ALL.into_iter().filter(|fault| *fault != IdTokenFault::WrongAuthorizedParty) {
        app.provider.spoil_id_tokens(fault);
        let token = app.provider.google_id_token(&google, Some("n"));
        let answer = present(&mut app.browser(), &token, Some("n")).await;
        assert_eq!(answer.json(), json!({"message": "Invalid token", "code": "INVALID_TOKEN"}), "{fault:?}");
        assert_eq!((answer.status, answer.set_cookies().len()), (401, 0), "{fault:?}");
    }
    app.provider.heal();
    let token = app.provider.google_id_token(&google, Some("n"));
    assert_error(&present(&mut app.browser(), &token, Some("m")).await, 401, "INVALID_TOKEN");
    for garbage in ["", "x", "a.b.c", "not.a.token", &"x".repeat(20_000)] {
        assert_error(&present(&mut app.browser(), garbage, None).await, 401, "INVALID_TOKEN");
    }
    assert_eq!(Snapshot::take(&app).await, before);
    assert_eq!(present(&mut app.browser(), &token, Some("n")).await.status, 200, "a refusal does not spend it");
}

#[tokio::test]
async fn only_openid_providers_have_id_tokens() {
    let app = App::shared();
    let token = app.provider.google_id_token(&person("elsewhere"), None);
    for (provider, code) in
        [("github", "ID_TOKEN_NOT_SUPPORTED"), ("okta", "PROVIDER_NOT_FOUND"), ("GOOGLE", "PROVIDER_NOT_FOUND")]
    {
        let body = json!({"provider": provider, "idToken": {"token": token}});
        assert_error(&app.browser().post("/sign-in/social", &body).await, 404, code);
    }
    for id_token in [json!("x"), json!({}), json!({"token": 1}), json!({"token": token, "nonce": 1})] {
        let body = json!({"provider": "google", "idToken": id_token});
        assert_error(&app.browser().post("/sign-in/social", &body).await, 400, "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn an_identity_that_may_not_sign_in_is_told_so() {
    let app = App::shared();
    let email = unique_email("taken");
    app.sign_up(&email).await;
    let google = GoogleUser::new(&unique_email("subject"), &email);
    let answer = present(&mut app.browser(), &app.provider.google_id_token(&google, None), None).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json(), json!({"message": "account not linked", "code": "OAUTH_LINK_ERROR"}));
    assert!(account(app, &google_identity(&google)).await.is_none());

    verify_email(app, &email).await;
    let answer = present(&mut app.browser(), &app.provider.google_id_token(&google, Some("2")), None).await;
    assert_eq!((answer.status, &answer.json()["user"]["email"]), (200, &json!(email)));
    assert!(password_works(app, &email, PASSWORD).await);

    let mut nameless = person("nameless");
    nameless.email = json!(null);
    let answer = present(&mut app.browser(), &app.provider.google_id_token(&nameless, None), None).await;
    assert_eq!(answer.json(), json!({"message": "User email not found", "code": "USER_EMAIL_NOT_FOUND"}));
    assert_eq!(answer.status, 401);
}

fn google_identity(google: &GoogleUser) -> String {
    format!("google:{}", google.sub.as_str().unwrap())
}

#[tokio::test]
async fn an_id_token_works_once() {
    let app = App::with_env(&[]).await;
    let token = app.provider.google_id_token(&person("once"), None);
    assert_eq!(present(&mut app.browser(), &token, None).await.status, 200);
    assert_error(&present(&mut app.browser(), &token, None).await, 401, "INVALID_TOKEN");

    let row = app.rows("VerificationTokensTable").await.remove(0);
    let life = number(&row, "expiresAt") - now();
    assert!(
        (3590 * SECOND..=3606 * SECOND).contains(&life) && number(&row, "ttl") * SECOND >= number(&row, "expiresAt")
    );
    assert!(!row.to_string().contains(token.rsplit('.').next().unwrap()));
    // Neither an expired row nor another process forgets it.
    set_expiry(&app, "VerificationTokensTable", row, now() - DAY).await;
    app.kill_instances("signin").await;
    assert_error(&present(&mut app.browser(), &token, None).await, 401, "INVALID_TOKEN");
    assert_eq!(app.rows("SessionsTable").await.len(), 1);
}

#[tokio::test]
async fn of_many_that_present_one_id_token_one_signs_in() {
    let app = racing().await;
    let token = app.provider.google_id_token(&person("raced"), None);
    let body = json!({"provider": "google", "idToken": {"token": token}});
    let browser = app.browser();
    let answers = join_all((0..50).map(|_| browser.send_only(Call::new("POST", "/sign-in/social").json(&body)))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_error(answer, 401, "INVALID_TOKEN");
        assert!(answer.set_cookies().is_empty());
    }
    assert_eq!(app.rows("SessionsTable").await.len(), 1);
    invariants::check(&app, &[token]).await;
}

#[tokio::test]
async fn many_id_tokens_of_one_new_person_make_one_user() {
    let app = racing().await;
    let google = person("many");
    let tokens: Vec<String> = (0..20).map(|n| app.provider.google_id_token(&google, Some(&n.to_string()))).collect();
    let answers = join_all(tokens.iter().map(|token| {
        let mut browser = app.browser();
        async move { present(&mut browser, token, None).await }
    }));
    for answer in answers.await {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!((app.rows("UsersTable").await.len(), app.rows("SessionsTable").await.len()), (1, 20));
    invariants::check(&app, &tokens).await;
}

#[tokio::test]
async fn a_fault_of_the_store_is_put_off_and_a_new_token_signs_in() {
    let app = App::with_env(&[]).await;
    for (operation, table) in [
        ("PutItem", "VerificationTokensTable"),
        ("BatchGetItem", "AccountsTable"),
        ("TransactWriteItems", "UsersTable"),
        ("GetItem", "UsersTable"),
    ] {
        let google = person("fault");
        let rule = FaultRule::new(Service::DynamoDb, Fault::InternalError).operation(operation).table(table);
        let fault = app.aws().inject(rule.function("signin"));
        let answer = present(&mut app.browser(), &app.provider.google_id_token(&google, None), None).await;
        assert_error(&answer, 503, "SERVICE_UNAVAILABLE");
        assert!(answer.set_cookies().is_empty() && app.aws().fault_hits(fault) > 0, "{operation}");
        app.aws().clear_faults();
        let token = app.provider.google_id_token(&google, Some("new"));
        assert_eq!(present(&mut app.browser(), &token, None).await.status, 200, "{operation}");
        app.kill_instances("signin").await;
    }
}

#[tokio::test]
async fn a_token_whose_spending_is_answered_late_is_not_taken_for_spent() {
    let app = App::with_env(&[]).await;
    let rule = FaultRule::new(Service::DynamoDb, Fault::DropAfter).operation("PutItem").when(When::Times(1));
    let fault = app.aws().inject(rule.function("signin"));
    let token = app.provider.google_id_token(&person("lost-answer"), None);
    assert_eq!(present(&mut app.browser(), &token, None).await.status, 200);
    assert_eq!(app.aws().fault_hits(fault), 1);
    assert_error(&present(&mut app.browser(), &token, None).await, 401, "INVALID_TOKEN");
}

#[tokio::test]
async fn without_the_keys_nobody_can_tell() {
    let app = App::with_env(&[]).await;
    let token = app.provider.google_id_token(&person("no-keys"), None);
    for failure in [Failure::Status(500), Failure::Html, Failure::Redirect(302), Failure::Hang] {
        app.provider.fail(Endpoint::GoogleCerts, failure);
        assert_error(&present(&mut app.browser(), &token, None).await, 503, "SERVICE_UNAVAILABLE");
    }
    app.provider.heal();
    assert_eq!(present(&mut app.browser(), &token, None).await.status, 200);
}
