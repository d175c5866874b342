//! Callbacks at the same time.

use std::time::Duration;

use futures_util::future::{join, join_all};
use local::{Fault, FaultRule, Service, When};
use serde_json::json;
use tests::{
    Call, PASSWORD,
    fake_provider::{Endpoint, GoogleUser},
    unique_email,
};

use super::*;
use crate::{
    invariants,
    mails::{change_token, follow, link_to},
    support::*,
};

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

/// Holds the transaction of a callback up until the owner of its address has
/// moved to another one: where it leads then, and who is signed in.
async fn callback_that_meets_a_move(
    app: &App,
    owner: &mut Browser,
    google: &GoogleUser,
    link: &str,
) -> (String, Value) {
    let mut browser = app.browser();
    let callback = google_callback(app, &mut browser, google).await;
    let delay = Fault::Delay(Duration::from_millis(1500));
    let rule = FaultRule::new(Service::DynamoDb, delay).operation("TransactWriteItems").function("oauth-callback");
    let fault = app.aws().inject(rule.when(When::Times(1)));
    let (answer, moved) = join(browser.get(&callback), async {
        wait_until(|| app.aws().fault_hits(fault) > 0).await;
        owner.get(link).await
    })
    .await;
    assert_redirect(&moved, "/");
    app.aws().clear_faults();
    (answer.header("location").to_owned(), browser.current_user().await.unwrap())
}

/// What a provider vouches for is the address that was given up.
#[tokio::test]
async fn an_address_that_is_given_up_meanwhile_joins_nobody() {
    let app = App::with_env(&[]).await;
    let (email, new_email) = (unique_email("gives-up"), unique_email("gives-up-new"));
    let mut owner = app.sign_up(&email).await;
    verify_email(&app, &email).await;
    let consent = change_token(&app, &mut owner, &email, &new_email).await;
    assert_eq!(follow(&mut owner, &consent).await.status, 200);
    let link = link_to(&app, &new_email).await;
    let google = GoogleUser::new(&email, &email);
    let (location, user) = callback_that_meets_a_move(&app, &mut owner, &google, &link).await;
    assert_eq!((location.as_str(), &user["email"]), (WELCOME, &json!(email)), "the address is free again");
    let moved = user_row(&app, &new_email).await.unwrap();
    assert_eq!(moved["identities"]["L"].as_array().unwrap().len(), 1);
    invariants::check(&app, &[]).await;
}

#[tokio::test]
async fn an_address_that_is_new_meanwhile_is_not_verified_by_what_was_said_of_the_old_one() {
    let app = App::with_env(&[]).await;
    let (email, new_email) = (unique_email("claims"), unique_email("claims-new"));
    let google = GoogleUser::new(&email, &email);
    let claim = GoogleUser { email_verified: json!(false), ..google.clone() };
    let (mut owner, _) = sign_in_with_google(&app, &claim).await;
    change_token(&app, &mut owner, &new_email, &new_email).await;
    let link = link_to(&app, &new_email).await;
    let (location, user) = callback_that_meets_a_move(&app, &mut owner, &google, &link).await;
    assert_eq!((location.as_str(), &user["email"]), (DONE, &json!(new_email)));
    assert_eq!(user["emailVerified"], false);
    assert!(account(&app, &format!("google:{email}")).await.unwrap().get("provenEmail").is_none());
}
