//! `POST /link-social`, and the callback that follows it.

use serde_json::json;
use tests::fake_provider::IdTokenFault;

use super::*;
use crate::{
    steps::{make_stale, sign_in_with_google},
    support::*,
};

#[tokio::test]
async fn a_provider_is_linked_by_redirect_and_signs_in_from_then_on() {
    let app = App::shared();
    let (mut browser, email) = member(app, "by-redirect").await;
    let user = browser.current_user().await.unwrap();
    let answer = start(&mut browser, "google").await;
    let url = answer.json()["url"].as_str().unwrap().to_owned();
    assert_eq!((answer.header("location"), &answer.json()["redirect"]), (url.as_str(), &json!(true)));
    assert_eq!(cookie_names(&answer), ["better-auth.state"]);
    let before = sessions_of(app, &email).await.len();

    let callback = app.provider.consent_as_google(&url, google(&email)).unwrap();
    let answer = browser.send(Call::new("GET", callback)).await;
    assert_redirect(&answer, DONE);
    // Nobody is signed in by it.
    assert_eq!(cookie_names(&answer), ["better-auth.state"]);
    assert_eq!(sessions_of(app, &email).await.len(), before);
    let mut by_google = sign_in_with_google(app, &google(&email)).await;
    assert_eq!(by_google.current_user().await.unwrap()["id"], user["id"]);
    assert_eq!(providers(&mut by_google).await, ["credential", "google"]);
}

#[tokio::test]
async fn linking_again_renews_the_link() {
    let app = App::shared();
    let (mut browser, email) = linked_member(app, "again").await;
    let before = google_row(app, &email).await.unwrap();
    assert_redirect(&link_google(app, &mut browser, &google(&email)).await, DONE);
    let after = google_row(app, &email).await.unwrap();
    assert_eq!(before["createdAt"], after["createdAt"]);
    assert_ne!(before["providerTokens"], after["providerTokens"]);
    assert_eq!(providers(&mut browser).await, ["credential", "google"]);
}

#[tokio::test]
async fn without_a_redirect_the_answer_has_no_location() {
    let app = App::shared();
    let (mut browser, _) = member(app, "no-redirect").await;
    let answer = browser.post("/link-social", &json!({"provider": "github", "disableRedirect": true})).await;
    assert_eq!((answer.status, answer.header("location")), (200, ""));
    assert_eq!(answer.json()["redirect"], false);
}

#[tokio::test]
async fn the_state_of_a_link_works_in_its_browser_alone() {
    let app = App::shared();
    let (mut browser, email) = member(app, "own-browser").await;
    let (mut other, _) = member(app, "other-browser").await;
    let callback = google_callback(app, &mut browser, &google(&email)).await;
    for stranger in [&mut other, &mut app.browser()] {
        let answer = stranger.send(Call::new("GET", callback.as_str())).await;
        assert_redirect(&answer, &failed("state_mismatch"));
    }
    assert_eq!(providers(&mut other).await, ["credential"]);
    assert_redirect(&browser.send(Call::new("GET", callback.as_str())).await, DONE);
    let answer = browser.send(Call::new("GET", callback)).await;
    assert_eq!(query_of(answer.header("location"))["error"], "state_mismatch");
}

/// The row is still there, as it is until DynamoDB collects it.
#[tokio::test]
async fn the_state_of_a_link_expires() {
    let app = App::shared();
    let (mut browser, email) = member(app, "late").await;
    let user = browser.current_user().await.unwrap();
    let callback = google_callback(app, &mut browser, &google(&email)).await;
    let rows = app.rows("VerificationTokensTable").await;
    let id = user["id"].as_str().unwrap();
    let mut rows = rows.into_iter().filter(|row| row.to_string().contains(id));
    let row = rows.next().unwrap();
    assert!(rows.next().is_none());
    set_expiry(app, "VerificationTokensTable", row, now() - SECOND).await;
    assert_redirect(&browser.send(Call::new("GET", callback)).await, &failed("state_mismatch"));
    assert!(google_row(app, &email).await.is_none());
}

#[tokio::test]
async fn a_link_is_made_only_while_the_session_lives_that_asked_for_it() {
    let app = App::shared();
    for ending in ["/sign-out", "/revoke-sessions", "reset"] {
        let (mut browser, email) = member(app, "ended").await;
        let callback = google_callback(app, &mut browser, &google(&email)).await;
        if ending == "reset" {
            reset_to(app, &email, tests::PASSWORD).await;
        } else {
            assert_eq!(browser.post(ending, &json!({})).await.status, 200, "{ending}");
        }
        assert_redirect(&browser.send(Call::new("GET", callback)).await, &failed("unable_to_link_account"));
        assert!(google_row(app, &email).await.is_none(), "{ending}");
    }
}

/// Another user of the same browser must not get the link either.
#[tokio::test]
async fn a_link_goes_to_the_user_who_asked_and_not_to_who_is_signed_in_now() {
    let app = App::shared();
    let (mut browser, email) = member(app, "first").await;
    let (second, second_email) = member(app, "second").await;
    let callback = google_callback(app, &mut browser, &google(&second_email)).await;
    let cookie = second.session_cookie().unwrap().to_owned();
    browser.cookies.insert("better-auth.session_token".to_owned(), cookie);
    assert_redirect(&browser.send(Call::new("GET", callback)).await, &failed("email_does_not_match"));
    assert!(google_row(app, &email).await.is_none() && google_row(app, &second_email).await.is_none());
}

#[tokio::test]
async fn an_identity_that_may_not_be_linked_is_refused() {
    let app = App::shared();
    let (mut browser, email) = member(app, "strict").await;
    let sub = unique_email("strict-sub");
    let mut unverified = google(&email);
    unverified.email_verified = json!(false);
    let mut nameless = google(&email);
    nameless.email = json!(null);
    for (person, error) in [
        (GoogleUser::new(&sub, &unique_email("elsewhere")), "email_does_not_match"),
        (unverified, "unable_to_link_account"),
        (nameless, "unable_to_link_account"),
    ] {
        assert_redirect(&link_google(app, &mut browser, &person).await, &failed(error));
        let token = app.provider.google_id_token(&person, Some(&unique_email("nonce")));
        let code = match error {
            "email_does_not_match" => "LINKING_DIFFERENT_EMAILS_NOT_ALLOWED",
            _ if person.email.is_null() => "USER_EMAIL_NOT_FOUND",
            _ => "LINKING_NOT_ALLOWED",
        };
        assert_error(&present(&mut browser, &token).await, 401, code);
    }
    let mut unverified = github(&email);
    unverified.emails[0].verified = false;
    assert_redirect(&link_github(app, &mut browser, &unverified).await, &failed("unable_to_link_account"));
    assert_eq!(providers(&mut browser).await, ["credential"]);
}

#[tokio::test]
async fn an_identity_of_another_user_stays_theirs() {
    let app = App::shared();
    let (mut owner, owner_email) = linked_member(app, "owner").await;
    let (mut browser, email) = member(app, "taker").await;
    // Its address at the provider is another one by now.
    let person = GoogleUser::new(&owner_email, &email);
    let answer = link_google(app, &mut browser, &person).await;
    assert_redirect(&answer, &failed("account_already_linked_to_different_user"));
    let token = app.provider.google_id_token(&person, None);
    assert_error(&present(&mut browser, &token).await, 409, "SOCIAL_ACCOUNT_ALREADY_LINKED");
    assert_eq!(providers(&mut browser).await, ["credential"]);
    assert_eq!(providers(&mut owner).await, ["credential", "google"]);
}

#[tokio::test]
async fn a_provider_is_linked_at_once_by_an_id_token_which_works_once() {
    let app = App::shared();
    let (mut browser, email) = member(app, "at-once").await;
    let token = app.provider.google_id_token(&google(&email), None);
    let answer = present(&mut browser, &token).await;
    assert_eq!(answer.json(), json!({"url": "", "status": true, "redirect": false}), "{}", answer.text());
    assert!(answer.set_cookies().is_empty());
    assert_eq!(providers(&mut browser).await, ["credential", "google"]);
    assert_error(&present(&mut browser, &token).await, 401, "INVALID_TOKEN");
    let answer = browser.post("/get-access-token", &choice(&mut browser.clone(), "google").await).await;
    assert_eq!(answer.json(), json!({"accessToken": "", "scopes": []}), "{}", answer.text());
}

#[tokio::test]
async fn a_wrong_id_token_links_nothing() {
    let app = App::with_env(&[]).await;
    let (mut browser, email) = member(&app, "wrong").await;
    for fault in [IdTokenFault::WrongSignature, IdTokenFault::WrongAudience, IdTokenFault::Expired] {
        app.provider.spoil_id_tokens(fault);
        let token = app.provider.google_id_token(&google(&email), None);
        assert_error(&present(&mut browser, &token).await, 401, "INVALID_TOKEN");
    }
    let token = json!({"token": "not.a.token"});
    for (provider, code) in [("github", "ID_TOKEN_NOT_SUPPORTED"), ("okta", "PROVIDER_NOT_FOUND")] {
        let answer = browser.post("/link-social", &json!({"provider": provider, "idToken": token})).await;
        assert_error(&answer, 404, code);
    }
    assert_eq!(providers(&mut browser).await, ["credential"]);
}

#[tokio::test]
async fn a_link_takes_a_fresh_session_of_the_users_own() {
    let app = App::shared();
    let (mut browser, email) = linked_member(app, "fresh").await;
    let account = choice(&mut browser, "google").await;
    let link = json!({"provider": "github"});
    for (path, body) in [("/link-social", &link), ("/unlink-account", &account)] {
        assert_error(&app.browser().post(path, body).await, 401, "UNAUTHORIZED");
        let call = by_access_token(&mut browser, "POST", path).await.json(body);
        assert_error(&app.browser().send(call).await, 401, "UNAUTHORIZED");
    }
    make_stale(app, &email).await;
    for (path, body) in [("/link-social", &link), ("/unlink-account", &account)] {
        assert_error(&browser.post(path, body).await, 403, "SESSION_NOT_FRESH");
    }
    assert_eq!(providers(&mut browser).await, ["credential", "google"]);
}

#[tokio::test]
async fn there_is_an_end_to_how_many_providers_a_user_links() {
    let app = App::shared();
    let (mut browser, email) = member(app, "many").await;
    let mut user = user_row(app, &email).await.unwrap();
    let own = user["identities"]["L"][0].clone();
    let mut all = vec![own];
    all.extend((1..50).map(|number| json!({"S": format!("gone:{number} of {email}")})));
    user["identities"] = json!({"L": all});
    app.put_row("UsersTable", &user).await;
    assert_redirect(&link_google(app, &mut browser, &google(&email)).await, &failed("unable_to_link_account"));
    let token = app.provider.google_id_token(&google(&email), None);
    assert_error(&present(&mut browser, &token).await, 401, "LINKING_NOT_ALLOWED");
}
