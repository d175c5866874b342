//! Callbacks at the same time.

use futures_util::future::{join, join_all};
use serde_json::json;
use tests::{
    Call, PASSWORD,
    fake_provider::{Endpoint, GoogleUser},
};

use super::*;
use crate::{invariants, support::*};

#[tokio::test]
async fn of_many_callbacks_with_one_state_one_redeems_the_code() {
    let app = racing().await;
    let mut browser = app.browser();
    let callback = google_callback(&app, &mut browser, &GoogleUser::new("1", "ann@example.com")).await;
    let answers = join_all((0..50).map(|_| browser.send_only(Call::new("GET", callback.as_str())))).await;
    let signed_in = answers.iter().filter(|answer| answer.header("location") == WELCOME).count();
    assert_eq!(signed_in, 1);
    for answer in answers.iter().filter(|answer| answer.header("location") != WELCOME) {
        assert_eq!(query_of(answer.header("location"))["error"], "state_mismatch");
        assert!(!cookie_names(answer).contains(&"better-auth.session_token".to_owned()));
    }
    assert_eq!(app.provider.requests(Endpoint::GoogleToken), 1);
    assert_eq!(app.rows("SessionsTable").await.len(), 1);
    let query = query_of(&callback);
    invariants::check(&app, &[query["state"].clone(), query["code"].clone()]).await;
}

#[tokio::test]
async fn many_first_sign_ins_of_one_person_make_one_user() {
    let app = racing().await;
    let google = GoogleUser::new("1", "ann@example.com");
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let mut browser = app.browser();
        let callback = google_callback(&app, &mut browser, &google).await;
        waiting.push((browser, callback));
    }
    let answers = waiting.into_iter().map(|(mut browser, callback)| async move {
        let answer = browser.get(&callback).await;
        (browser, answer)
    });
    let answers = join_all(answers).await;
    let mut ids = Vec::new();
    for (mut browser, answer) in answers {
        assert_eq!(answer.status, 302);
        assert!([WELCOME, DONE].contains(&answer.header("location")), "{}", answer.header("location"));
        ids.push(browser.current_user().await.unwrap()["id"].to_string());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!((app.rows("UsersTable").await.len(), app.rows("AccountsTable").await.len()), (1, 2));
    assert_eq!(app.rows("SessionsTable").await.len(), 20);
    invariants::check(&app, &[]).await;
}

/// Whoever comes first has the address; the other is told, in either order.
#[tokio::test]
async fn a_first_sign_in_and_a_sign_up_with_one_address_make_one_user() {
    let app = racing().await;
    for round in 0..15 {
        let email = format!("race-{round}@example.com");
        let google = GoogleUser::new(&round.to_string(), &email);
        let mut by_google = app.browser();
        let callback = google_callback(&app, &mut by_google, &google).await;
        let body = json!({"name": "Ann", "email": email, "password": PASSWORD});
        // The hash takes a while: let the two meet at different points of it.
        let late = std::time::Duration::from_millis(4 * round);
        let (by_password, by_google) = join(async { app.browser().post("/sign-up/email", &body).await }, async {
            tokio::time::sleep(late).await;
            by_google.get(&callback).await
        })
        .await;
        let google_won = by_google.header("location") == WELCOME;
        if google_won {
            assert_error(&by_password, 422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL");
        } else {
            assert_redirect(&by_google, &failed("account_not_linked"));
            assert_eq!(by_password.status, 200);
        }
        assert_eq!(sessions_of(&app, &email).await.len(), 1);
        assert_eq!(password_works(&app, &email, PASSWORD).await, !google_won);
        assert_eq!(account(&app, &format!("google:{round}")).await.is_some(), google_won);
    }
    assert_eq!(app.rows("UsersTable").await.len(), 15);
    invariants::check(&app, &[PASSWORD.to_owned()]).await;
}

/// A linked identity signs in while a reset ends all sessions: what was signed
/// in before the reset is dead after it, what comes later lives.
#[tokio::test]
async fn a_sign_in_by_a_provider_and_a_reset_agree_on_an_order() {
    let app = racing().await;
    let email = "ann@example.com";
    let google = GoogleUser::new("1", email);
    sign_in_with_google(&app, &google).await;
    for round in 0..6 {
        let token = app.reset_token(email).await;
        let mut browser = app.browser();
        let callback = google_callback(&app, &mut browser, &google).await;
        let (answer, reset) = join(browser.get(&callback), reset(&app, &token, &other_password(round))).await;
        assert_redirect(&answer, DONE);
        assert_eq!(reset.status, 200, "{}", reset.text());
        let (mut later, answer) = sign_in_with_google(&app, &google).await;
        assert_redirect(&answer, DONE);
        assert!(later.current_user().await.is_some());
    }
    invariants::check(&app, &[]).await;
}
