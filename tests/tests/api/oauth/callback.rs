//! The provider's answer and the state that it belongs to.

use serde_json::json;
use tests::{
    App, Browser, Call,
    fake_provider::{Endpoint, Failure, GithubUser, GoogleUser},
    unique_email,
};

use super::*;
use crate::support::*;

fn error_page(app: &App, error: &str) -> String {
    format!("{}/api/auth/error?error={error}", app.url())
}

fn google_user(name: &str) -> (String, GoogleUser) {
    let email = unique_email(name);
    let user = GoogleUser::new(&email, &email);
    (email, user)
}

#[tokio::test]
async fn a_new_google_user_is_signed_up_and_then_signed_in() {
    let app = App::shared();
    let (email, google) = google_user("google");
    let (mut browser, answer) = sign_in_with_google(app, &google).await;
    assert_redirect(&answer, WELCOME);
    assert_eq!(cookie_names(&answer), ["better-auth.session_token", "better-auth.state"]);
    assert!(answer.set_cookies()[0].contains("; Max-Age=604800; "));
    assert!(answer.set_cookies()[1].starts_with("better-auth.state=; Max-Age=0; "));
    assert_eq!(answer.header("set-auth-token"), set_cookie(&answer, "better-auth.session_token").unwrap());
    let user = browser.current_user().await.unwrap();
    assert_eq!(
        (&user["email"], &user["emailVerified"], &user["name"]),
        (&json!(email), &json!(true), &json!("Ada Lovelace"))
    );
    assert_eq!(user["image"], "https://lh3.googleusercontent.com/a/ada");

    let (mut again, answer) = sign_in_with_google(app, &google).await;
    assert_redirect(&answer, DONE);
    assert_eq!(again.current_user().await.unwrap()["id"], user["id"]);
    assert!(browser.current_user().await.is_some(), "the first session goes on");
}

#[tokio::test]
async fn a_new_github_user_is_signed_up_and_then_signed_in() {
    let app = App::shared();
    let email = unique_email("github");
    let github = GithubUser::new(900_001, "grace", &email);
    let (mut browser, answer) = sign_in_with_github(app, &github).await;
    assert_redirect(&answer, WELCOME);
    let user = browser.current_user().await.unwrap();
    assert_eq!(
        (&user["email"], &user["emailVerified"], &user["name"]),
        (&json!(email), &json!(true), &json!("Grace Hopper"))
    );
    let (mut again, answer) = sign_in_with_github(app, &github).await;
    assert_redirect(&answer, DONE);
    assert_eq!(again.current_user().await.unwrap()["id"], user["id"]);
}

#[tokio::test]
async fn without_targets_the_flow_ends_at_the_service_itself() {
    let app = App::shared();
    let (_, google) = google_user("plain");
    for _ in 0..2 {
        let mut browser = app.browser();
        let answer = browser.post("/sign-in/social", &json!({"provider": "google"})).await;
        let callback = app.provider.consent_as_google(answer.header("location"), google.clone()).unwrap();
        assert_redirect(&browser.get(path_of(app, &callback)).await, &app.url());
        assert!(browser.current_user().await.is_some());
    }
}

/// A real redirect through the provider's own page.
#[tokio::test]
async fn a_browser_is_led_through_the_provider_and_back() {
    let app = App::with_env(&[]).await;
    app.provider.set_google_user(GoogleUser::new("1", "led@example.com"));
    let mut browser = app.browser();
    let url = start(&mut browser, "google").await;
    let answer = app.browser().get(&url).await;
    assert_eq!(answer.status, 302, "{}", answer.text());
    let answer = browser.get(answer.header("location")).await;
    assert_redirect(&answer, WELCOME);
    assert_eq!(browser.current_user().await.unwrap()["email"], "led@example.com");
}

#[tokio::test]
async fn a_state_is_unknown_missing_or_repeated() {
    let app = App::shared();
    for (query, error) in [
        ("", "state_not_found"),
        ("?code=x", "state_not_found"),
        ("?state=", "state_not_found"),
        ("?error=access_denied", "state_not_found"),
        ("?state=unknown", "state_mismatch"),
        ("?state=unknown&code=x", "state_mismatch"),
        ("?state=%00&code=x", "state_mismatch"),
        ("?state=..%2F..%2Fx&code=x", "state_mismatch"),
    ] {
        for provider in ["google", "github", "okta", "__proto__", "GOOGLE"] {
            let answer = app.browser().get(&format!("/callback/{provider}{query}")).await;
            assert_redirect(&answer, &error_page(app, error));
            assert!(answer.set_cookies().is_empty());
        }
    }
    let long = "A".repeat(4000);
    assert_redirect(
        &app.browser().get(&format!("/callback/google?state={long}")).await,
        &error_page(app, "state_mismatch"),
    );
    for query in ["?state=a&state=b", "?state=a&code=b&code=c"] {
        assert_error(&app.browser().get(&format!("/callback/google{query}")).await, 400, "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn a_state_belongs_to_the_browser_that_asked() {
    let app = App::shared();
    let (email, google) = google_user("bound");
    let mut browser = app.browser();
    let callback = google_callback(app, &mut browser, &google).await;
    let mut other = app.browser();
    let other_callback = google_callback(app, &mut other, &google_user("bound").1).await;
    let cookie = browser.cookies["better-auth.state"].clone();
    let state = query_of(&callback)["state"].clone();
    let unsigned = format!("{state}.{}%3D", "A".repeat(43));
    let without = app.browser();
    let mut thieves = vec![without, other.clone()];
    thieves
        .extend([state.as_str(), &unsigned, "garbage", ""].map(|value| browser_with(app, "better-auth.state", value)));
    // A session cookie carries a signature too, but not for this.
    let session = app.sign_up(&unique_email("bound-session")).await;
    thieves.push(browser_with(app, "better-auth.state", session.session_cookie().unwrap()));
    for mut thief in thieves {
        let answer = thief.get(&callback).await;
        assert_redirect(&answer, &failed("state_mismatch"));
        assert!(thief.current_user().await.is_none());
        assert!(!cookie_names(&answer).contains(&"better-auth.session_token".to_owned()));
    }
    assert!(user_row(app, &email).await.is_none());
    // None of this used it up.
    assert_eq!(browser.cookies["better-auth.state"], cookie);
    assert_redirect(&browser.get(&callback).await, WELCOME);
    assert_redirect(&other.get(&other_callback).await, WELCOME);
}

#[tokio::test]
async fn a_state_works_once() {
    let app = App::shared();
    let (email, google) = google_user("once");
    let mut browser = app.browser();
    let callback = google_callback(app, &mut browser, &google).await;
    let copy = browser.clone();
    assert_redirect(&browser.get(&callback).await, WELCOME);
    for _ in 0..2 {
        let answer = copy.clone().get(&callback).await;
        assert_redirect(&answer, &error_page(app, "state_mismatch"));
        assert!(answer.set_cookies().is_empty());
    }
    assert_eq!(sessions_of(app, &email).await.len(), 1);
}

#[tokio::test]
async fn an_expired_state_is_refused_though_its_row_is_there() {
    let app = App::with_env(&[]).await;
    let google = GoogleUser::new("1", "late@example.com");
    for age in [0, SECOND, 2 * DAY] {
        let mut browser = app.browser();
        let callback = google_callback(&app, &mut browser, &google).await;
        let rows = app.rows("VerificationTokensTable").await;
        let row = rows.into_iter().find(|row| row.get("consumedBy").is_none()).unwrap();
        set_expiry(&app, "VerificationTokensTable", row, now() - age).await;
        let answer = browser.get(&callback).await;
        assert_eq!(query_of(answer.header("location"))["error"], "state_mismatch");
        assert!(browser.current_user().await.is_none());
    }
    assert_eq!(app.provider.requests(Endpoint::GoogleToken), 0);
    assert!(app.rows("UsersTable").await.is_empty());
}

#[tokio::test]
async fn a_state_belongs_to_its_provider() {
    let app = App::with_env(&[]).await;
    for (from, to) in
        [("google", "github"), ("github", "google"), ("google", "okta"), ("google", "GOOGLE"), ("google", "google%00")]
    {
        let mut browser = app.browser();
        let url = start(&mut browser, from).await;
        let callback = app.provider.consent(&url).unwrap();
        let path = path_of(&app, &callback).replace(&format!("/callback/{from}"), &format!("/callback/{to}"));
        assert_redirect(&browser.get(&path).await, &failed("state_mismatch"));
        assert!(browser.current_user().await.is_none());
    }
    assert_eq!(app.provider.requests(Endpoint::GoogleToken) + app.provider.requests(Endpoint::GithubToken), 0);
    assert!(app.rows("UsersTable").await.is_empty());
}

/// A callback whose query is made up, with a state that is good.
async fn with_query(app: &App, query: &str) -> (Browser, tests::Answer) {
    let mut browser = app.browser();
    let state = query_of(&start(&mut browser, "google").await)["state"].clone();
    let answer = browser.get(&format!("/callback/google?state={state}{query}")).await;
    (browser, answer)
}

#[tokio::test]
async fn errors_of_the_provider_pass_through_a_list() {
    let app = App::shared();
    for error in ["access_denied", "server_error", "temporarily_unavailable", "invalid_scope", "application_suspended"]
    {
        let (_, answer) = with_query(app, &format!("&error={error}&error_description=No+way")).await;
        assert_redirect(&answer, &failed(error));
        assert_eq!(cookie_names(&answer), ["better-auth.state"]);
    }
    let long = "A".repeat(7000);
    for error in
        ["%3Cscript%3Ealert(1)%3C%2Fscript%3E", "x%0D%0ASet-Cookie:a=b", "ACCESS_DENIED", "unheard_of", "%00", &long]
    {
        let (_, answer) = with_query(app, &format!("&error={error}&error_description=%3Cb%3Ehi")).await;
        assert_redirect(&answer, &failed("oauth_provider_error"));
    }
    // An error beats a code.
    let (mut browser, answer) = with_query(app, "&error=access_denied&code=x").await;
    assert_redirect(&answer, &failed("access_denied"));
    assert!(browser.current_user().await.is_none());
}

#[tokio::test]
async fn a_user_who_says_no_is_led_back() {
    let app = App::with_env(&[]).await;
    app.provider.fail(Endpoint::GoogleAuthorize, Failure::Denied);
    let mut browser = app.browser();
    let url = start(&mut browser, "google").await;
    let callback = app.provider.consent(&url).unwrap();
    assert_redirect(&browser.get(path_of(&app, &callback)).await, &failed("access_denied"));
}

#[tokio::test]
async fn a_callback_without_a_code_is_refused() {
    let app = App::shared();
    for query in ["", "&code="] {
        assert_redirect(&with_query(app, query).await.1, &failed("no_code"));
    }
}

#[tokio::test]
async fn a_made_up_code_is_refused() {
    let app = App::shared();
    for code in ["x", "%3Cscript%3E", "%00", "a%0d%0ab"] {
        let (mut browser, answer) = with_query(app, &format!("&code={code}")).await;
        assert_redirect(&answer, &failed("invalid_code"));
        assert!(browser.current_user().await.is_none());
    }
}

#[tokio::test]
async fn a_code_of_another_sign_in_is_refused() {
    let app = App::shared();
    let (email, google) = google_user("injected");
    let mut attacker = app.browser();
    let code = query_of(&google_callback(app, &mut attacker, &google).await)["code"].clone();
    let (mut victim, answer) = with_query(app, &format!("&code={}", encoded(&code))).await;
    assert_redirect(&answer, &failed("invalid_code"));
    assert!(victim.current_user().await.is_none() && user_row(app, &email).await.is_none());
}

#[tokio::test]
async fn another_issuer_is_refused() {
    let app = App::shared();
    for issuer in ["https://evil.example", "", "https://accounts.google.com"] {
        let (_, google) = google_user("issuer");
        let mut browser = app.browser();
        let callback = google_callback(app, &mut browser, &google).await;
        let right = encoded(app.provider.url());
        let named =
            format!("iss={}", url::form_urlencoded::byte_serialize(app.provider.url().as_bytes()).collect::<String>());
        assert!(callback.contains(&named) || callback.contains(&right), "{callback}");
        let callback = callback.replace(&named, &format!("iss={}", encoded(issuer)));
        let answer = browser.get(&callback).await;
        // An empty parameter is as good as none, and none is allowed.
        assert_redirect(&answer, &if issuer.is_empty() { WELCOME.to_owned() } else { failed("issuer_mismatch") });
        assert_eq!(browser.current_user().await.is_some(), issuer.is_empty());
    }
}

#[tokio::test]
async fn a_form_post_is_passed_on_as_a_get() {
    let app = App::shared();
    let (email, google) = google_user("form");
    let mut browser = app.browser();
    let callback = google_callback(app, &mut browser, &google).await;
    let (path, query) = callback.split_once('?').unwrap();
    let mut provider = app.browser();
    provider.origin = Some(app.provider.url().to_owned());
    let form =
        Call::new("POST", path).header("content-type", "application/x-www-form-urlencoded").body(query.to_owned());
    let answer = provider.send(form).await;
    assert_eq!(answer.status, 302, "{}", answer.text());
    assert!(answer.set_cookies().is_empty() && user_row(app, &email).await.is_none(), "nothing happens before the GET");
    let target = path_of(app, answer.header("location"));
    assert_eq!(query_of(target)["code"], query_of(&callback)["code"]);
    assert_redirect(&browser.get(target).await, WELCOME);
}

#[tokio::test]
async fn in_a_form_post_the_query_wins_and_strange_fields_stay_behind() {
    let app = App::shared();
    let base = format!("{}/api/auth/callback", app.url());
    let post = async |path: &str, media: &str, body: &str| {
        let call = Call::new("POST", path).header("content-type", media).body(body.to_owned());
        app.browser().send(call).await
    };
    let form = "application/x-www-form-urlencoded";
    let answer = post("/callback/google?state=q", form, "code=x&state=y&evil=1&error=a+b").await;
    assert_redirect(&answer, &format!("{base}/google?code=x&error=a+b&state=q"));
    let answer = post("/callback/google", "application/json", r#"{"code":"x\r\ny","state":"<>"}"#).await;
    assert_redirect(&answer, &format!("{base}/google?code=x%0D%0Ay&state=%3C%3E"));
    let answer = post("/callback/a%3Fb%23c", form, "code=x").await;
    assert_eq!(answer.status, 302);
    assert!(answer.header("location").starts_with(&format!("{base}/a")), "{}", answer.header("location"));
    assert_error(&post("/callback/google", "text/plain", "code=x").await, 415, "UNSUPPORTED_MEDIA_TYPE");
    assert_error(&post("/callback/google", "application/json", r#"{"code":1}"#).await, 400, "VALIDATION_ERROR");
}

#[tokio::test]
async fn head_and_options_use_nothing_up() {
    let app = App::shared();
    let (_, google) = google_user("head");
    let mut browser = app.browser();
    let callback = google_callback(app, &mut browser, &google).await;
    for method in ["HEAD", "OPTIONS", "PUT", "DELETE"] {
        let answer = browser.clone().send(Call::new(method, callback.as_str())).await;
        assert_eq!(answer.status, 404, "{method}");
        assert!(answer.set_cookies().is_empty());
    }
    assert_redirect(&browser.get(&callback).await, WELCOME);
}

#[tokio::test]
async fn the_error_page_repeats_no_markup() {
    let app = App::shared();
    let answer = app.browser().get("/error?error=state_mismatch").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(answer.text().contains("state_mismatch"));
    assert!(answer.header("content-security-policy").contains("default-src 'none'"));
    let long = "a".repeat(5000);
    for evil in
        ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "javascript:alert(1)", "a b", "'", &long]
    {
        let path = format!("/error?error={0}&error_description={0}", encoded(evil));
        let answer = app.browser().get(&path).await;
        assert_eq!(answer.status, 200);
        assert!(!answer.text().contains(evil) || evil == "'", "{evil}");
        assert!(answer.text().contains("UNKNOWN"), "{evil}");
        assert!(!answer.text().contains("<script") && !answer.text().contains("<img"));
    }
    assert!(app.browser().get("/error").await.text().contains("UNKNOWN"));
}

#[tokio::test]
async fn a_sign_in_replaces_the_session_of_the_browser() {
    let app = App::shared();
    let mut browser = app.sign_up(&unique_email("before")).await;
    let before = browser.session_cookie().unwrap().to_owned();
    let (email, google) = google_user("after");
    let callback = google_callback(app, &mut browser, &google).await;
    assert_redirect(&browser.get(&callback).await, WELCOME);
    assert_ne!(browser.session_cookie().unwrap(), before);
    assert_eq!(browser.current_user().await.unwrap()["email"], email);
}
