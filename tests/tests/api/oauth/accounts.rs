//! Whose identity is whose.

use serde_json::json;
use tests::{
    App, PASSWORD,
    fake_provider::{GithubEmail, GithubUser, GoogleUser},
    unique_email,
};

use super::*;
use crate::{invariants, support::*};

/// A stranger signs up with the victim's address and waits.
#[tokio::test]
async fn an_unverified_password_account_is_never_joined() {
    let app = App::shared();
    let email = unique_email("prepared");
    let mut attacker = app.sign_up(&email).await;
    let subject = unique_email("subject");
    for attempt in 0..2 {
        let (mut victim, answer) = sign_in_with_google(app, &GoogleUser::new(&subject, &email)).await;
        assert_redirect(&answer, &failed("account_not_linked"));
        assert!(victim.current_user().await.is_none(), "{attempt}");
    }
    let (_, answer) = sign_in_with_github(app, &GithubUser::new(910_001, "victim", &email)).await;
    assert_redirect(&answer, &failed("account_not_linked"));
    assert!(account(app, &format!("google:{subject}")).await.is_none());
    assert!(account(app, "github:910001").await.is_none());
    assert_eq!(attacker.current_user().await.unwrap()["emailVerified"], false);
    assert_eq!(sessions_of(app, &email).await.len(), 1);
}

#[tokio::test]
async fn an_address_that_the_provider_has_not_verified_joins_nothing() {
    let app = App::shared();
    let email = unique_email("verified-here");
    app.sign_up(&email).await;
    verify_email(app, &email).await;
    for claim in [json!(false), json!("true"), json!("false"), json!(1), json!(null)] {
        let mut google = GoogleUser::new(&unique_email("unverified"), &email);
        google.email_verified = claim.clone();
        let (mut browser, answer) = sign_in_with_google(app, &google).await;
        assert_redirect(&answer, &failed("account_not_linked"));
        assert!(browser.current_user().await.is_none(), "{claim}");
    }
    assert_eq!(user_row(app, &email).await.unwrap()["identities"]["L"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn two_verified_sides_become_one_user() {
    let app = App::shared();
    let email = unique_email("joined");
    let mut browser = app.sign_up(&email).await;
    verify_email(app, &email).await;
    let id = browser.current_user().await.unwrap()["id"].clone();
    let google = GoogleUser::new(&unique_email("subject"), &email.to_uppercase());
    let github = GithubUser::new(910_002, "joined", &email);
    for _ in 0..2 {
        let (mut by_google, answer) = sign_in_with_google(app, &google).await;
        assert_redirect(&answer, DONE);
        assert_eq!(by_google.current_user().await.unwrap()["id"], id);
        let (mut by_github, answer) = sign_in_with_github(app, &github).await;
        assert_redirect(&answer, DONE);
        assert_eq!(by_github.current_user().await.unwrap()["id"], id);
    }
    assert_eq!(user_row(app, &email).await.unwrap()["identities"]["L"].as_array().unwrap().len(), 3);
    assert!(password_works(app, &email, PASSWORD).await, "the password goes on");
    assert!(browser.current_user().await.is_some());
}

#[tokio::test]
async fn an_unverified_google_address_makes_an_unverified_user() {
    let app = App::shared();
    for claim in [json!(false), json!("true"), json!(null)] {
        let email = unique_email("unverified-new");
        let mut google = GoogleUser::new(&email, &email);
        google.email_verified = claim.clone();
        let (mut browser, answer) = sign_in_with_google(app, &google).await;
        assert_redirect(&answer, WELCOME);
        assert_eq!(browser.current_user().await.unwrap()["emailVerified"], false, "{claim}");
        // The provider vouches for it later.
        google.email_verified = json!(true);
        let (mut browser, answer) = sign_in_with_google(app, &google).await;
        assert_redirect(&answer, DONE);
        assert_eq!(browser.current_user().await.unwrap()["emailVerified"], true, "{claim}");
    }
}

#[tokio::test]
async fn github_needs_a_verified_primary_address() {
    let app = App::shared();
    let address = |name: &str, primary, verified| GithubEmail::new(&unique_email(name), primary, verified);
    let secondary = unique_email("secondary");
    for (id, emails) in [
        (920_001, vec![]),
        (920_002, vec![address("primary", true, false)]),
        (920_003, vec![address("primary", true, false), GithubEmail::new(&secondary, false, true)]),
        (920_004, vec![GithubEmail::new(&secondary, false, true)]),
        (920_005, vec![GithubEmail::new("not an address", true, true)]),
    ] {
        let mut github = GithubUser::new(id, "nobody", "x@example.com");
        // The public address of a profile proves nothing.
        github.email = json!(secondary);
        github.emails = emails;
        let (mut browser, answer) = sign_in_with_github(app, &github).await;
        assert_redirect(&answer, &failed("email_not_found"));
        assert!(browser.current_user().await.is_none());
        assert!(account(app, &format!("github:{id}")).await.is_none());
    }
    assert!(user_row(app, &secondary).await.is_none());

    let primary = unique_email("primary");
    let mut github = GithubUser::new(920_006, "somebody", &primary);
    github.emails.insert(0, GithubEmail::new(&secondary, false, true));
    let (mut browser, answer) = sign_in_with_github(app, &github).await;
    assert_redirect(&answer, WELCOME);
    assert_eq!(browser.current_user().await.unwrap()["email"], primary);

    let noreply = format!("920007+{}", unique_email("octocat").replace("example.com", "users.noreply.github.com"));
    let (mut browser, _) = sign_in_with_github(app, &GithubUser::new(920_007, "octocat", &noreply)).await;
    assert_eq!(browser.current_user().await.unwrap()["email"], noreply);
}

#[tokio::test]
async fn an_identity_without_a_usable_id_is_refused() {
    let app = App::shared();
    for id in [json!(0), json!(-1), json!(""), json!("0"), json!(null), json!("920100"), json!(1.5)] {
        let email = unique_email("no-id");
        let mut github = GithubUser::new(1, "nobody", &email);
        github.id = id.clone();
        let (_, answer) = sign_in_with_github(app, &github).await;
        assert_redirect(&answer, &failed("unable_to_get_user_info"));
        assert!(user_row(app, &email).await.is_none(), "{id}");
    }
    let long = "1".repeat(300);
    for sub in [json!(""), json!(null), json!(7), json!("a b"), json!("a\nb"), json!("é"), json!(["1"]), json!(long)] {
        let email = unique_email("no-sub");
        let mut google = GoogleUser::new("x", &email);
        google.sub = sub.clone();
        let (_, answer) = sign_in_with_google(app, &google).await;
        assert_redirect(&answer, &failed("unable_to_get_user_info"));
        assert!(user_row(app, &email).await.is_none(), "{sub}");
    }
}

#[tokio::test]
async fn a_subject_cannot_forge_the_key_of_another_account() {
    let app = App::shared();
    let email = unique_email("forged-key");
    let (_, answer) = sign_in_with_google(app, &GoogleUser::new("github:920200", &email)).await;
    assert_redirect(&answer, WELCOME);
    assert!(account(app, "google:github:920200").await.is_some());
    assert!(account(app, "github:920200").await.is_none());
}

#[tokio::test]
async fn the_same_number_at_two_providers_is_two_people() {
    let app = App::shared();
    let (one, two) = (unique_email("number"), unique_email("number"));
    let (mut google, _) = sign_in_with_google(app, &GoogleUser::new("920300", &one)).await;
    let (mut github, _) = sign_in_with_github(app, &GithubUser::new(920_300, "other", &two)).await;
    assert_eq!(google.current_user().await.unwrap()["email"], one);
    assert_eq!(github.current_user().await.unwrap()["email"], two);
}

#[tokio::test]
async fn a_person_whose_address_changes_at_the_provider_stays_the_same_user() {
    let app = App::shared();
    let (old, new) = (unique_email("old"), unique_email("new"));
    let (mut browser, _) = sign_in_with_google(app, &GoogleUser::new(&old, &old)).await;
    let id = browser.current_user().await.unwrap()["id"].clone();
    let (mut browser, answer) = sign_in_with_google(app, &GoogleUser::new(&old, &new)).await;
    assert_redirect(&answer, DONE);
    let user = browser.current_user().await.unwrap();
    assert_eq!((&user["id"], &user["email"]), (&id, &json!(old)));
    assert!(user_row(app, &new).await.is_none());
    // Nor does the new address lead to anybody else's user.
    app.sign_up(&new).await;
    let (mut browser, _) = sign_in_with_google(app, &GoogleUser::new(&old, &new)).await;
    assert_eq!(browser.current_user().await.unwrap()["id"], id);
}

/// A reset ends sessions by a new generation, which later sign-ins by the
/// linked identity must be of.
#[tokio::test]
async fn a_password_reset_ends_sessions_and_the_linked_identity_signs_in_again() {
    let app = App::with_env(&[]).await;
    let email = unique_email("linked");
    let google = GoogleUser::new("930001", &email);
    let (mut browser, _) = sign_in_with_google(&app, &google).await;
    let id = browser.current_user().await.unwrap()["id"].clone();
    for round in 0..2 {
        reset_to(&app, &email, &other_password(round)).await;
        assert!(browser.current_user().await.is_none(), "round {round}");
        // The second time the link knows the new generation.
        for _ in 0..2 {
            let (mut again, answer) = sign_in_with_google(&app, &google).await;
            assert_redirect(&answer, DONE);
            assert_eq!(again.current_user().await.unwrap()["id"], id, "round {round}");
            browser = again;
        }
        assert!(password_works(&app, &email, &other_password(round)).await);
    }
    invariants::check(&app, &[other_password(0), other_password(1)]).await;
}
