//! Linking and unlinking at the same time.

use futures_util::future::join_all;
use serde_json::json;

use super::*;
use crate::{invariants, support::*};

/// Two users of one address there cannot be; two who each had the address when
/// the provider said so, there can.
#[tokio::test]
async fn of_two_users_who_link_one_identity_one_gets_it() {
    let app = racing().await;
    let (first, first_email) = member(&app, "first").await;
    let (second, second_email) = member(&app, "second").await;
    let mut requests = Vec::new();
    for number in 0..50 {
        let (browser, email) = if number % 2 == 0 { (&first, &first_email) } else { (&second, &second_email) };
        let token = app.provider.google_id_token(&GoogleUser::new("shared", email), Some(&number.to_string()));
        let body = json!({"provider": "google", "idToken": {"token": token}});
        requests.push(async move { browser.send_only(Call::new("POST", "/link-social").json(&body)).await });
    }
    let answers = join_all(requests).await;
    let owner = app.row("AccountsTable", "identity", "google:shared").await.unwrap()["userId"].clone();
    let first_won = user_row(&app, &first_email).await.unwrap()["id"] == owner;
    for (number, answer) in answers.iter().enumerate() {
        if (number % 2 == 0) == first_won {
            assert_eq!(answer.status, 200, "{}", answer.text());
        } else {
            assert_error(answer, 409, "SOCIAL_ACCOUNT_ALREADY_LINKED");
        }
    }
    let (mut winner, mut loser) = if first_won { (first, second) } else { (second, first) };
    assert_eq!(providers(&mut winner).await, ["credential", "google"]);
    assert_eq!(providers(&mut loser).await, ["credential"]);
    invariants::check(&app, &[]).await;
}

#[tokio::test]
async fn of_many_callbacks_of_one_link_one_redeems_the_code() {
    let app = racing().await;
    let (mut browser, email) = member(&app, "callbacks").await;
    let callback = google_callback(&app, &mut browser, &google(&email)).await;
    app.provider.forget_requests();
    let answers = join_all((0..50).map(|_| browser.send_only(Call::new("GET", callback.as_str())))).await;
    assert_eq!(answers.iter().filter(|answer| answer.header("location") == DONE).count(), 1);
    assert_eq!(app.provider.requests(tests::fake_provider::Endpoint::GoogleToken), 1);
    let query = query_of(&callback);
    invariants::check(&app, &[query["state"].clone(), query["code"].clone()]).await;
}

#[tokio::test]
async fn of_many_who_give_up_the_last_two_ways_in_one_is_left() {
    let app = racing().await;
    for _ in 0..3 {
        let (mut browser, _) = linked_member(&app, "last-two").await;
        let bodies = [choice(&mut browser, "google").await, choice(&mut browser, "credential").await];
        let calls =
            (0..50).map(|number| browser.send_only(Call::new("POST", "/unlink-account").json(&bodies[number % 2])));
        let answers = join_all(calls).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            assert_error(answer, 400, "FAILED_TO_UNLINK_LAST_ACCOUNT");
        }
        assert_eq!(accounts(&mut browser).await.len(), 1);
    }
    invariants::check(&app, &[]).await;
}
