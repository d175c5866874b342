//! Links that are followed at the same time.

use std::time::Duration;

use futures_util::future::{join, join_all};
use local::{Fault, FaultRule, Service, When};
use tests::{Call, PASSWORD};

use super::*;
use crate::{
    invariants,
    steps::{Snapshot, enroll, verify_email},
};

#[tokio::test]
async fn of_many_visits_of_one_link_one_signs_in() {
    let app = racing().await;
    for (kind, earlier_sessions) in [("new", 0), ("verified", 1), ("unverified", 1)] {
        let email = unique_email(kind);
        if kind != "new" {
            app.sign_up(&email).await;
        }
        if kind == "verified" {
            verify_email(&app, &email).await;
        }
        let token = token_for(&app, &email).await;
        let browser = app.browser();
        let link = format!("/magic-link/verify?token={token}");
        let answers = join_all((0..50).map(|_| browser.send_only(Call::new("GET", link.as_str())))).await;
        let signed_in: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(signed_in.len(), 1, "{kind}");
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            assert_worthless(&app, answer);
        }
        assert_eq!(sessions_of(&app, &email).await.len(), earlier_sessions + 1, "{kind}");
        let mut winner = app.browser();
        winner.cookies.insert("better-auth.session_token".into(), encoded(signed_in[0].header("set-auth-token")));
        assert_eq!(winner.current_user().await.unwrap()["email"], email, "{kind}");
        invariants::check(&app, &[token]).await;
    }
    assert_eq!(app.rows("UsersTable").await.len(), 3);
}

#[tokio::test]
async fn many_first_links_of_one_address_make_one_user() {
    let app = racing().await;
    let email = "ann@example.com";
    let mut tokens = Vec::new();
    for _ in 0..12 {
        tokens.push(token_for(&app, email).await);
    }
    let visits = join_all(tokens.iter().map(|token| verify(&app, token))).await;
    let mut ids = Vec::new();
    for (mut browser, answer) in visits {
        assert_eq!(answer.status, 200, "{}", answer.text());
        ids.push(browser.current_user().await.unwrap()["id"].to_string());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!((app.rows("UsersTable").await.len(), app.rows("AccountsTable").await.len()), (1, 1));
    assert_eq!(app.rows("SessionsTable").await.len(), 12);
    invariants::check(&app, &tokens).await;
}

/// A first link and a sign-up: one user either way, and no password of a
/// stranger beside the owner's session.
#[tokio::test]
async fn a_first_link_and_a_sign_up_make_one_user() {
    let app = racing().await;
    for round in 0..10 {
        let email = format!("ann-{round}@example.com");
        let token = token_for(&app, &email).await;
        let mut stranger = app.browser();
        let ((mut owner, answer), sign_up) = join(verify(&app, &token), async {
            tokio::time::sleep(Duration::from_millis(round)).await;
            crate::steps::try_sign_up(&mut stranger, &email).await
        })
        .await;
        assert!([200, 422].contains(&sign_up.status), "{}", sign_up.text());
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(owner.current_user().await.unwrap()["emailVerified"], true);
        assert!(stranger.current_user().await.is_none(), "round {round}");
        assert!(!password_works(&app, &email, PASSWORD).await, "round {round}");
    }
    invariants::check(&app, &[]).await;
}

/// Each step of a visit is held up until a reset is done.
#[tokio::test]
async fn a_visit_that_stalls_does_not_outlive_a_reset() {
    let app = racing().await;
    for verified in [true, false] {
        for (operation, table) in [
            ("GetItem", "VerificationTokensTable"),
            ("GetItem", "UsersTable"),
            ("TransactWriteItems", "VerificationTokensTable"),
        ] {
            let email = unique_email("stalls");
            app.sign_up(&email).await;
            if verified {
                verify_email(&app, &email).await;
            }
            let (token, reset_token) = (token_for(&app, &email).await, app.reset_token(&email).await);
            let rule = FaultRule::new(Service::DynamoDb, Fault::Delay(Duration::from_millis(800)));
            let rule =
                app.aws().inject(rule.operation(operation).table(table).function("magic-link").when(When::Times(1)));
            let ((mut browser, answer), reset) = join(verify(&app, &token), async {
                while app.aws().fault_hits(rule) == 0 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                reset(&app, &reset_token, "a brand new password").await
            })
            .await;
            app.aws().clear_faults();
            assert_eq!(reset.status, 200, "{}", reset.text());
            assert_worthless(&app, &answer);
            assert!(browser.current_user().await.is_none(), "{operation} {table}");
            assert!(password_works(&app, &email, "a brand new password").await);
        }
    }
    invariants::check(&app, &[]).await;
}

/// The second factor is enrolled between the read and the write.
#[tokio::test]
async fn a_visit_that_stalls_does_not_slip_past_a_second_factor() {
    let app = racing().await;
    let email = unique_email("enrols");
    app.sign_up(&email).await;
    verify_email(&app, &email).await;
    let token = token_for(&app, &email).await;
    let rule = FaultRule::new(Service::DynamoDb, Fault::Delay(Duration::from_millis(800)));
    let rule = app.aws().inject(rule.operation("TransactWriteItems").function("magic-link").when(When::Times(1)));
    let ((mut browser, answer), ()) = join(verify(&app, &token), async {
        while app.aws().fault_hits(rule) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        enroll(&app, &email).await;
    })
    .await;
    assert_eq!(answer.json()["twoFactorRedirect"], true, "{}", answer.text());
    assert!(browser.current_user().await.is_none());
}

#[tokio::test]
async fn an_outage_of_the_tables_leaves_the_link_good() {
    let app = App::with_env(&[]).await;
    let email = unique_email("outage");
    app.sign_up(&email).await;
    let token = token_for(&app, &email).await;
    let before = Snapshot::take(&app).await;
    for operation in ["GetItem", "TransactWriteItems"] {
        let rule = FaultRule::new(Service::DynamoDb, Fault::AccessDenied).operation(operation).function("magic-link");
        app.aws().inject(rule);
        for target in ["", "&callbackURL=%2Fdone&errorCallbackURL=%2Ffailed"] {
            let answer = app.browser().get(&format!("/magic-link/verify?token={token}{target}")).await;
            assert_error(&answer, 503, "SERVICE_UNAVAILABLE");
            assert_eq!(answer.header("retry-after"), "1");
        }
        app.aws().clear_faults();
        assert_eq!(Snapshot::take(&app).await, before);
    }
    assert_eq!(verify(&app, &token).await.1.status, 200);
}

/// The answer of the transaction is lost: asked again, it is one and the same.
#[tokio::test]
async fn a_lost_answer_is_recognised() {
    let app = App::with_env(&[]).await;
    let email = unique_email("lost");
    for _ in 0..2 {
        let token = token_for(&app, &email).await;
        let sessions = sessions_of(&app, &email).await.len();
        let rule = FaultRule::new(Service::DynamoDb, Fault::DropAfter).operation("TransactWriteItems");
        app.aws().inject(rule.function("magic-link").when(When::Times(1)));
        let (mut browser, answer) = verify(&app, &token).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(browser.current_user().await.is_some());
        assert_eq!(sessions_of(&app, &email).await.len(), sessions + 1);
    }
}
