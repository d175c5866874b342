//! Providers that lie or fail. Each test has a stand-in of its own.

use std::time::{Duration, Instant};

use futures_util::future::join;
use serde_json::json;
use tests::{
    App,
    fake_provider::{Endpoint, Failure, GithubUser, GoogleUser, IdTokenFault},
};

use super::*;
use crate::support::*;

async fn assert_nobody(app: &App) {
    for table in ["UsersTable", "AccountsTable", "SessionsTable"] {
        assert!(app.rows(table).await.is_empty(), "{table}");
    }
}

#[tokio::test]
async fn every_wrong_id_token_is_refused() {
    let app = App::with_env(&[]).await;
    let google = GoogleUser::new("1", "victim@example.com");
    for fault in IdTokenFault::ALL {
        app.provider.spoil_id_tokens(fault);
        let (mut browser, answer) = sign_in_with_google(&app, &google).await;
        assert_eq!(answer.header("location"), failed("unable_to_get_user_info"), "{fault:?}");
        assert_eq!(cookie_names(&answer), ["better-auth.state"]);
        assert!(browser.current_user().await.is_none());
    }
    assert_nobody(&app).await;
    // Unknown keys have the published ones read again, but not every time.
    assert!(app.provider.requests(Endpoint::GoogleCerts) <= 4);
    app.provider.heal();
    assert_redirect(&sign_in_with_google(&app, &google).await.1, WELCOME);
}

#[tokio::test]
async fn a_token_endpoint_that_fails_ends_at_the_error_target() {
    let app = App::with_env(&[]).await;
    let (google, github) = (GoogleUser::new("1", "ann@example.com"), GithubUser::new(1, "ann", "ann@example.com"));
    for failure in [
        Failure::Status(500),
        Failure::Status(429),
        Failure::Status(204),
        Failure::Html,
        Failure::Json(json!({"error": "bad_verification_code", "error_description": "<b>no"})),
        Failure::Json(json!({})),
        Failure::Json(json!([])),
        Failure::Json(json!({"access_token": "", "token_type": "bearer"})),
        Failure::Json(json!({"access_token": 7, "token_type": "bearer"})),
        Failure::Truncated,
        Failure::Huge,
        Failure::Redirect(302),
        Failure::Redirect(307),
        Failure::RedirectToMetadata,
    ] {
        app.provider.fail(Endpoint::GoogleToken, failure.clone());
        app.provider.fail(Endpoint::GithubToken, failure.clone());
        for (_, answer) in [sign_in_with_google(&app, &google).await, sign_in_with_github(&app, &github).await] {
            assert_eq!(answer.header("location"), failed("invalid_code"), "{failure:?}");
            assert_eq!(cookie_names(&answer), ["better-auth.state"]);
        }
    }
    assert_eq!(app.provider.redirects_followed(), 0);
    assert!(app.provider.endless_bytes() < 50_000_000, "{}", app.provider.endless_bytes());
    assert_nobody(&app).await;
    assert!(
        app.rows("VerificationTokensTable").await.iter().all(|row| row.get("consumedBy").is_some()),
        "each is spent"
    );
    app.provider.heal();
    assert_redirect(&sign_in_with_google(&app, &google).await.1, WELCOME);
}

#[tokio::test]
async fn a_provider_that_hangs_costs_a_few_seconds() {
    let app = App::with_env(&[]).await;
    app.provider.fail(Endpoint::GoogleToken, Failure::Hang);
    app.provider.fail(Endpoint::GithubToken, Failure::Drip);
    let started = Instant::now();
    let (ann, bob) = (GoogleUser::new("1", "ann@example.com"), GithubUser::new(1, "bob", "bob@example.com"));
    let ((_, google), (_, github)) = join(sign_in_with_google(&app, &ann), sign_in_with_github(&app, &bob)).await;
    assert!(started.elapsed() < Duration::from_secs(7), "{:?}", started.elapsed());
    assert_redirect(&google, &failed("invalid_code"));
    assert_redirect(&github, &failed("invalid_code"));
    assert_nobody(&app).await;
}

#[tokio::test]
async fn an_api_of_github_that_fails_signs_nobody_in() {
    let app = App::with_env(&[]).await;
    let github = GithubUser::new(1, "ann", "ann@example.com");
    for endpoint in [Endpoint::GithubUser, Endpoint::GithubEmails] {
        for failure in [
            Failure::Status(500),
            Failure::Status(403),
            Failure::Html,
            Failure::Json(json!({"message": "no"})),
            Failure::Json(json!(null)),
            Failure::Truncated,
            Failure::Redirect(302),
        ] {
            app.provider.fail(endpoint, failure.clone());
            let (_, answer) = sign_in_with_github(&app, &github).await;
            assert_eq!(answer.header("location"), failed("unable_to_get_user_info"), "{endpoint:?} {failure:?}");
        }
        app.provider.heal();
    }
    assert_eq!(app.provider.redirects_followed(), 0);
    assert_nobody(&app).await;
    assert_redirect(&sign_in_with_github(&app, &github).await.1, WELCOME);
}

#[tokio::test]
async fn keys_of_google_that_cannot_be_read_sign_nobody_in() {
    let app = App::with_env(&[]).await;
    let google = GoogleUser::new("1", "ann@example.com");
    for failure in [Failure::Status(500), Failure::Html, Failure::Json(json!({"keys": []})), Failure::Redirect(302)] {
        app.provider.fail(Endpoint::GoogleCerts, failure.clone());
        let (_, answer) = sign_in_with_google(&app, &google).await;
        assert_eq!(answer.header("location"), failed("unable_to_get_user_info"), "{failure:?}");
    }
    assert_nobody(&app).await;
}

#[tokio::test]
async fn a_callback_with_the_wrong_verifier_is_refused() {
    let app = App::with_env(&[]).await;
    let google = GoogleUser::new("1", "ann@example.com");
    let mut browser = app.browser();
    let url = start(&mut browser, "google").await;
    let challenge = query_of(&url)["code_challenge"].clone();
    let callback = app.provider.consent_as_google(&url.replace(&challenge, &"A".repeat(43)), google).unwrap();
    assert_redirect(&browser.get(path_of(&app, &callback)).await, &failed("invalid_code"));
    assert_eq!(app.provider.requests(Endpoint::GoogleToken), 1);
    assert_nobody(&app).await;
}
