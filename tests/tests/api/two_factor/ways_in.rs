//! Every way in asks for the second factor.

use tests::fake_provider::{GithubUser, GoogleUser};

use super::*;
use crate::{oauth, steps};

/// Where a provider's callback sends whoever has a second factor.
const PAGE: &str = "/two-factor?callbackURL=%2Fdone";

#[tokio::test]
async fn a_password_is_not_enough_even_after_a_reset() {
    let app = App::shared();
    let (email, authenticator, _) = enrolled(app, "reset").await;
    reset_to(app, &email, &other_password(1)).await;
    let (mut browser, answer) = sign_in(app, &email, &other_password(1)).await;
    assert_challenged(&browser, &answer);
    let code = authenticator.code(app).await;
    assert_eq!(verify_totp(&mut browser, &code).await.status, 200);
}

#[tokio::test]
async fn neither_google_nor_github_is_enough() {
    let app = App::shared();
    for provider in ["google", "github"] {
        let (email, authenticator, _) = enrolled(app, provider).await;
        steps::verify_email(app, &email).await;
        // The first sign-in links the identity, the second one finds it linked.
        for _ in 0..2 {
            let before = sessions_of(app, &email).await.len();
            let (mut browser, answer) = if provider == "google" {
                oauth::sign_in_with_google(app, &GoogleUser::new(&email, &email)).await
            } else {
                oauth::sign_in_with_github(app, &GithubUser::new(number_of(&email), "gh", &email)).await
            };
            assert_redirect(&answer, PAGE);
            assert!(browser.cookies.contains_key(TWO_FACTOR));
            assert_eq!(browser.session_cookie(), None);
            assert_eq!(browser.current_user().await, None);
            assert_eq!(sessions_of(app, &email).await.len(), before);
            let code = authenticator.code(app).await;
            let answer = verify_totp(&mut browser, &code).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(browser.current_user().await.unwrap()["email"], email);
        }
    }
}

fn number_of(text: &str) -> u64 {
    text.bytes().fold(7, |number, byte| (number * 31 + u64::from(byte)) % 1_000_000_007)
}

#[tokio::test]
async fn a_trusted_device_is_trusted_whatever_the_way_in() {
    let app = App::shared();
    let (email, authenticator, _) = enrolled(app, "trusted-way").await;
    steps::verify_email(app, &email).await;
    let person = GoogleUser::new(&email, &email);
    let (mut browser, _) = oauth::sign_in_with_google(app, &person).await;
    let code = authenticator.code(app).await;
    let answer = browser.post("/two-factor/verify-totp", &json!({"code": code, "trustDevice": true})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    browser.post("/sign-out", &json!({})).await;
    let url = steps::callback_url(app, &mut browser, &person).await;
    let answer = browser.send(Call::new("GET", url)).await;
    assert_redirect(&answer, "/done");
    assert_eq!(browser.current_user().await.unwrap()["email"], email);
}
