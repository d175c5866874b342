//! What was begun before the hook, and is completed with it.

use tests::{Authenticator, enrol};

use super::*;
use crate::{
    mails::{change_token, code_in, count_all, follow, link_to, token_in, verification_token},
    steps::{set_signed_cookie, signed_up_value},
};

/// One deployment, with and without the hook.
struct Deployment {
    _directory: Directory,
    options: StackOptions,
}

impl Deployment {
    fn new(name: &str) -> Self {
        let directory = Directory::new(name);
        let options = StackOptions { data: Data::Path(directory.0.clone()), instances: 1, ..StackOptions::default() };
        Self { _directory: directory, options }
    }

    async fn without_hook(&self) -> App {
        App::start(self.options.clone()).await
    }

    /// Where the link that verifies an address signs in, too.
    async fn with_hook(&self) -> App {
        let env = ALLOWED.into_iter().chain([("AUTH_SIGN_IN_AFTER_VERIFICATION", "true")]);
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        App::start(StackOptions { env, ..self.options.clone() }).await
    }
}

/// A browser with the cookies of another one, which an earlier stack has set.
fn again(app: &App, browser: &Browser) -> Browser {
    let mut again = app.browser();
    again.cookies = browser.cookies.clone();
    again
}

#[tokio::test]
async fn a_link_that_verifies_an_address_signs_nobody_in_who_is_refused() {
    let deployment = Deployment::new("hooks-verification");
    let app = deployment.without_hook().await;
    let (stranger, friend) = (unique_email("stranger"), allowed("friend"));
    let mut links = Vec::new();
    for email in [&stranger, &friend] {
        let own = app.sign_up(email).await;
        let id = user_row(&app, email).await.unwrap()["id"]["S"].as_str().unwrap().to_owned();
        links.push((own, id, verification_token(&app, email).await));
    }
    app.stop().await;

    let app = deployment.with_hook().await;
    let made_here = |id: &str| {
        let mut browser = app.browser();
        set_signed_cookie(&app, &mut browser, "better-auth.sign_up", &signed_up_value(id));
        browser
    };
    let (own, id, token) = &links[0];
    let before = Snapshot::take(&app).await;
    let refused = follow(&mut made_here(id), token).await;
    assert_error(&refused, 403, "SIGN_IN_REFUSED");
    let redirected = made_here(id).get(&format!("/verify-email?token={token}&callbackURL=%2Fin%3Fa%3D1")).await;
    assert_redirect(&redirected, "/in?a=1&error=SIGN_IN_REFUSED");
    for answer in [refused, redirected] {
        assert!(answer.set_cookies().is_empty() && answer.header("set-auth-token").is_empty());
    }
    assert_eq!(Snapshot::take(&app).await, before, "the link is as good as before");
    // Who is signed in already goes on, and is signed in to nothing new.
    let mut own = again(&app, own);
    assert_eq!(follow(&mut own, token).await.status, 200);
    assert_eq!(own.current_user().await.unwrap()["emailVerified"], true);
    only_session(&app, &stranger).await;

    let (_, id, token) = &links[1];
    let mut browser = made_here(id);
    assert_eq!(follow(&mut browser, token).await.status, 200);
    assert_eq!(browser.current_user().await.unwrap()["email"], friend);
}

#[tokio::test]
async fn no_code_completes_the_sign_in_of_who_is_refused() {
    let deployment = Deployment::new("hooks-second-factor");
    let app = deployment.without_hook().await;
    let email = unique_email("challenged");
    let authenticator: Authenticator = enrol(&mut app.sign_up(&email).await).await;
    let (mut pending, _) = sign_in(&app, &email, PASSWORD).await;
    assert_eq!(pending.post("/two-factor/send-otp", &json!({})).await.status, 200);
    let mailed = code_in(&app.mail_to(&email).await.text);
    app.stop().await;

    let app = deployment.with_hook().await;
    Password.assert_refused(&app, &Password.take(&app, &email).await.1);
    let shown = authenticator.code(&app).await;
    let before = Snapshot::take(&app).await;
    // More often than a challenge takes wrong codes.
    for _ in 0..3 {
        for (path, code) in [("totp", &shown), ("backup-code", &authenticator.backup_codes[0]), ("otp", &mailed)] {
            let mut browser = again(&app, &pending);
            let body = json!({"code": code, "trustDevice": true});
            let answer = browser.post(&format!("/two-factor/verify-{path}"), &body).await;
            Password.assert_refused(&app, &answer);
            assert!(browser.current_user().await.is_none());
        }
    }
    assert_eq!(Snapshot::take(&app).await, before, "neither codes nor attempts are spent");
    app.stop().await;

    let app = deployment.without_hook().await;
    let mut browser = again(&app, &pending);
    let answer = browser.post("/two-factor/verify-otp", &json!({"code": mailed})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(browser.current_user().await.unwrap()["email"], email);
}

#[tokio::test]
async fn nobody_changes_to_an_address_that_is_refused() {
    let deployment = Deployment::new("hooks-address");
    let app = deployment.without_hook().await;
    let (email, newcomer) = (allowed("verified"), allowed("unverified"));
    let (mut own, mut newcomers) = (app.sign_up(&email).await, app.sign_up(&newcomer).await);
    verify_email(&app, &email).await;
    let (stranger, other) = (unique_email("stranger"), unique_email("other"));
    let consent = change_token(&app, &mut own, &email, &stranger).await;
    let change = change_token(&app, &mut newcomers, &other, &other).await;
    app.stop().await;

    // The links of before lead nowhere.
    let app = deployment.with_hook().await;
    let (mut own, mut newcomers) = (again(&app, &own), again(&app, &newcomers));
    let (before, mails) = (Snapshot::take(&app).await, app.mails().len());
    for (browser, token) in [(&mut own, &consent), (&mut newcomers, &change)] {
        assert_error(&follow(browser, token).await, 403, "SIGN_IN_REFUSED");
        let answer = browser.get(&format!("/verify-email?token={token}&callbackURL=%2Fin")).await;
        assert_redirect(&answer, "/in?error=SIGN_IN_REFUSED");
    }
    // And there are no new ones.
    for browser in [&mut own, &mut newcomers] {
        let answer = browser.post("/change-email", &json!({"newEmail": unique_email("new")})).await;
        assert_error(&answer, 403, "SIGN_IN_REFUSED");
    }
    assert_eq!(Snapshot::take(&app).await, before);
    assert_eq!(app.mails().len(), mails, "and nobody is told");
    assert_eq!(own.current_user().await.unwrap()["email"], email, "the session goes on");

    // Within the domain it is as ever.
    let new_email = allowed("new");
    let consent = change_token(&app, &mut own, &email, &new_email).await;
    assert_eq!(follow(&mut own, &consent).await.status, 200);
    assert_eq!(count_all(&app, &new_email), 1);
    let change = token_in(&link_to(&app, &new_email).await);
    assert_eq!(follow(&mut own, &change).await.json()["user"]["email"], new_email);
}
