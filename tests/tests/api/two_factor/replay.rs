//! A code works once.

use futures_util::future::join_all;

use super::*;

#[tokio::test]
async fn a_code_works_once_wherever_it_is_shown() {
    let app = App::shared();
    let (email, authenticator, mut signed_in) = enrolled(app, "replay").await;
    let invalid = "INVALID_CODE";
    // The code that enrolled is spent for signing in, too.
    let step = number(&authenticator.row(app).await.unwrap(), "lastUsedStep");
    assert!((Authenticator::step() - step) < 2);
    let spent = authenticator.shown_at(step - Authenticator::step());
    let mut pending = challenged(app, &email).await;
    assert_error(&verify_totp(&mut pending, &spent).await, 401, invalid);

    // At a sign-in, and then on the same challenge's twin, another one and a step-up.
    let code = authenticator.code(app).await;
    let twin = pending.clone();
    assert_eq!(verify_totp(&mut pending, &code).await.status, 200);
    assert_error(&verify_totp(&mut twin.clone(), &code).await, 401, "INVALID_TWO_FACTOR_COOKIE");
    assert_error(&verify_totp(&mut challenged(app, &email).await, &code).await, 401, invalid);
    assert_error(&verify_totp(&mut signed_in, &code).await, 401, invalid);

    // At a step-up, and then at a sign-in.
    let code = authenticator.code(app).await;
    let answer = verify_totp(&mut signed_in, &code).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["user"]["twoFactorEnabled"], true);
    assert!(answer.set_cookies().is_empty(), "a step-up keeps its session");
    assert_error(&verify_totp(&mut signed_in, &code).await, 401, invalid);
    assert_error(&verify_totp(&mut challenged(app, &email).await, &code).await, 401, invalid);
}

#[tokio::test]
async fn clocks_may_differ_by_a_step_and_no_more() {
    let app = App::shared();
    let (email, authenticator, _) = enrolled(app, "clock").await;
    for (steps, status) in [(-2, 401), (2, 401), (-1, 200), (1, 200)] {
        authenticator.set_last_step(app, 0).await;
        let mut browser = challenged(app, &email).await;
        // A step may end between the two clocks: then the code is asked for anew.
        let before = Authenticator::step();
        let mut answer = verify_totp(&mut browser, &authenticator.shown_at(steps)).await;
        if Authenticator::step() != before {
            authenticator.set_last_step(app, 0).await;
            answer = verify_totp(&mut challenged(app, &email).await, &authenticator.shown_at(steps)).await;
        }
        assert_eq!(answer.status, status, "{steps}: {}", answer.text());
    }
}

#[tokio::test]
async fn an_older_code_does_not_count_after_a_newer_one() {
    let app = App::shared();
    let (email, authenticator, _) = enrolled(app, "older").await;
    authenticator.set_last_step(app, 0).await;
    let (now, next) = (authenticator.shown(), authenticator.shown_at(1));
    assert_eq!(verify_totp(&mut challenged(app, &email).await, &next).await.status, 200);
    assert_error(&verify_totp(&mut challenged(app, &email).await, &now).await, 401, "INVALID_CODE");
    assert_error(&verify_totp(&mut challenged(app, &email).await, &next).await, 401, "INVALID_CODE");
}

#[tokio::test]
async fn one_code_on_a_hundred_challenges_signs_in_once() {
    let app = racing().await;
    let (email, authenticator, _) = enrolled(&app, "hundred").await;
    let browsers = challenges(&app, &email, 100).await;
    let before = sessions_of(&app, &email).await.len();
    let code = authenticator.code(&app).await;
    let answers = join_all(browsers.iter().map(|browser| browser.send_only(totp_call(&code)))).await;
    assert_eq!(count(&answers, 200), 1, "{:?}", answers.iter().map(Answer::code).collect::<Vec<_>>());
    assert!(answers.iter().all(|answer| [200, 401, 429].contains(&answer.status)));
    assert_eq!(sessions_of(&app, &email).await.len(), before + 1);
    app.stop().await;
}

/// Browsers whose sign-ins wait for the second factor.
pub(super) async fn challenges(app: &App, email: &str, number: usize) -> Vec<Browser> {
    let mut browsers = Vec::new();
    for _ in 0..number {
        browsers.push(challenged(app, email).await);
    }
    browsers
}
