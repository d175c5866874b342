//! The way to the provider.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tests::{Answer, App, Call};

use crate::support::*;

async fn social(body: Value) -> Answer {
    App::shared().browser().post("/sign-in/social", &body).await
}

#[tokio::test]
async fn the_authorization_url_says_what_the_provider_needs() {
    let app = App::shared();
    for (provider, endpoint, scope) in [
        ("google", "/google/authorize", "email profile openid"),
        ("github", "/github/login/oauth/authorize", "read:user user:email"),
    ] {
        let answer = social(json!({"provider": provider})).await;
        let (body, url) = (answer.json(), answer.json()["url"].as_str().unwrap().to_owned());
        assert_eq!((&body["redirect"], answer.header("location")), (&json!(true), url.as_str()));
        assert!(url.starts_with(&format!("{}{endpoint}?", app.provider.url())), "{url}");
        let query = query_of(&url);
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["client_id"], format!("{provider}-client-id"));
        assert_eq!(query["scope"], scope);
        assert_eq!(query["redirect_uri"], format!("{}/api/auth/callback/{provider}", app.url()));
        assert_eq!(query["code_challenge_method"], "S256");
        assert_eq!(URL_SAFE_NO_PAD.decode(&query["code_challenge"]).unwrap().len(), 32);
        assert!(query["state"].len() >= 32);
        assert_eq!(query.get("include_granted_scopes").map(String::as_str), (provider == "google").then_some("true"));
        let cookie = &answer.set_cookies()[0];
        assert_eq!(cookie_names(&answer), ["better-auth.state"]);
        assert!(cookie.ends_with("; Max-Age=300; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
        let signed = set_cookie(&answer, "better-auth.state").unwrap();
        assert_eq!(signed.rsplit_once('.').unwrap().0, query["state"]);
    }
}

#[tokio::test]
async fn two_sign_ins_share_nothing() {
    let (one, two) = (social(json!({"provider": "google"})).await, social(json!({"provider": "google"})).await);
    let (one, two) = (query_of(one.header("location")), query_of(two.header("location")));
    for name in ["state", "code_challenge", "nonce"] {
        assert_ne!(one[name], two[name], "{name}");
    }
}

#[tokio::test]
async fn the_redirect_can_be_left_to_the_client() {
    let answer = social(json!({"provider": "github", "disableRedirect": true})).await;
    assert_eq!((&answer.json()["redirect"], answer.header("location")), (&json!(false), ""));
    assert_eq!(cookie_names(&answer), ["better-auth.state"]);
}

#[tokio::test]
async fn scopes_hint_and_parameters_are_passed_on() {
    let body = json!({
        "provider": "google", "scopes": ["calendar"], "loginHint": "ann@example.com",
        "additionalParams": {"prompt": "consent", "access_type": "offline"},
    });
    let query = query_of(social(body).await.header("location"));
    assert_eq!(query["scope"], "email profile openid calendar");
    assert_eq!((query["login_hint"].as_str(), query["prompt"].as_str()), ("ann@example.com", "consent"));
}

#[tokio::test]
async fn what_ties_the_answer_to_the_request_cannot_be_overridden() {
    for name in [
        "state",
        "client_id",
        "redirect_uri",
        "response_type",
        "code_challenge",
        "code_challenge_method",
        "nonce",
        "scope",
    ] {
        let answer = social(json!({"provider": "google", "additionalParams": {name: "x", "prompt": "none"}})).await;
        assert_error(&answer, 400, "VALIDATION_ERROR");
        let expected = "[body.additionalParams] additionalParams cannot include reserved OAuth parameters: state, client_id, \
                        redirect_uri, response_type, code_challenge, code_challenge_method, nonce, scope";
        assert_eq!(answer.json()["message"], expected);
        assert!(answer.set_cookies().is_empty());
    }
    // Fields of that name in the body are not looked at.
    let plain = query_of(social(json!({"provider": "google"})).await.header("location"));
    let body = json!({"provider": "google", "redirect_uri": "https://evil.example", "client_id": "evil", "state": "x"});
    let query = query_of(social(body).await.header("location"));
    assert_eq!((&query["redirect_uri"], &query["client_id"]), (&plain["redirect_uri"], &plain["client_id"]));
    assert_ne!(query["state"], "x");
}

#[tokio::test]
async fn the_redirect_uri_does_not_depend_on_headers() {
    let app = App::shared();
    for (name, value) in
        [("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example"), ("x-forwarded-proto", "https")]
    {
        let call = tests::Call::new("POST", "/sign-in/social").header(name, value).json(&json!({"provider": "google"}));
        let answer = app.browser().send(call).await;
        assert_eq!(
            query_of(answer.header("location"))["redirect_uri"],
            format!("{}/api/auth/callback/google", app.url())
        );
    }
}

#[tokio::test]
async fn an_unknown_provider_is_not_found() {
    for provider in ["okta", "", "__proto__", "GOOGLE", "google ", "google\u{0}", "constructor", "../google"] {
        let answer = social(json!({"provider": provider})).await;
        assert_error(&answer, 404, "PROVIDER_NOT_FOUND");
        assert!(answer.set_cookies().is_empty());
    }
    for provider in [json!(1), json!(null), json!(["google"]), json!({})] {
        let answer = social(json!({"provider": provider})).await;
        assert_eq!(answer.json(), json!({"message": "[body.provider] Invalid input", "code": "VALIDATION_ERROR"}));
    }
}

#[tokio::test]
async fn a_provider_without_credentials_is_not_found() {
    let app = App::with_env(&[]).await;
    app.aws().put_secret("OAuthClientsSecret", r#"{"google": {"clientId": "", "clientSecret": ""}}"#).unwrap();
    app.kill_instances("signin").await;
    for provider in ["google", "github"] {
        let answer = app.browser().post("/sign-in/social", &json!({"provider": provider})).await;
        assert_error(&answer, 404, "PROVIDER_NOT_FOUND");
    }
    assert!(app.rows("VerificationTokensTable").await.is_empty());
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    for (name, value, message) in [
        ("scopes", json!("a"), "[body.scopes] Invalid input: expected array, received string"),
        ("scopes", json!([1]), "[body.scopes.0] Invalid input: expected string, received number"),
        ("loginHint", json!(1), "[body.loginHint] Invalid input: expected string, received number"),
        ("disableRedirect", json!("true"), "[body.disableRedirect] Invalid input: expected boolean, received string"),
        ("requestSignUp", json!(1), "[body.requestSignUp] Invalid input: expected boolean, received number"),
        ("additionalParams", json!([]), "[body.additionalParams] Invalid input: expected record, received array"),
        (
            "additionalParams",
            json!({"a": 1}),
            "[body.additionalParams.a] Invalid input: expected string, received number",
        ),
    ] {
        let answer = social(json!({"provider": "google", name: value})).await;
        assert_eq!(answer.json(), json!({"message": message, "code": "VALIDATION_ERROR"}), "{name}");
    }
}

#[tokio::test]
async fn the_state_is_stored_without_what_it_opens() {
    let app = App::with_env(&[]).await;
    let mut browser = app.browser();
    let url = super::start(&mut browser, "google").await;
    let query = query_of(&url);
    let rows = app.rows("VerificationTokensTable").await;
    assert_eq!(rows.len(), 1);
    for secret in [&query["state"], &query["code_challenge"], &query["nonce"]] {
        assert!(!rows[0].to_string().contains(secret.as_str()));
    }
    let expiry = number(&rows[0], "expiresAt");
    assert!((now()..=now() + 600 * SECOND).contains(&expiry) && number(&rows[0], "ttl") * SECOND >= expiry);
}

/// What a client writes into the provider's URL comes back in a header, and the
/// gateway's headers have 10 KiB.
#[tokio::test]
async fn no_input_outgrows_the_headers_of_an_answer() {
    let long = "&".repeat(1000);
    let longest = json!({"loginHint": "&".repeat(320), "scopes": [long], "additionalParams": {"prompt": long}});
    let mut body = longest.clone();
    body["provider"] = json!("google");
    let answer = social(body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.header("location").len() < 9000, "{}", answer.header("location").len());
    for (name, value) in [
        ("loginHint", json!("x".repeat(321))),
        ("scopes", json!([long, "x".repeat(99)])),
        ("additionalParams", json!({"prompt": "x".repeat(1025)})),
    ] {
        assert_error(&social(json!({"provider": "google", name: value})).await, 400, "VALIDATION_ERROR");
    }
    for (length, status) in [(2900, 302), (3100, 413)] {
        let form = Call::new("POST", "/callback/google").header("content-type", "application/x-www-form-urlencoded");
        let mut browser = App::shared().browser();
        let answer = browser.send(form.body(format!("state=x&code={}", "%26".repeat(length)))).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.header("location").len() < 9000, "{}", answer.header("location").len());
    }
}
