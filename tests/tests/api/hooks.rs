//! What a hook refuses stays out, by whatever way it comes.

mod later;

use local::{Data, StackOptions};
use serde_json::{Value, json};
use tests::{
    Answer, App, Browser, Call, PASSWORD,
    fake_provider::{GithubUser, GoogleUser},
    unique_email,
};

use crate::{
    invariants,
    magic_link::{link_with, token_for, verify},
    oauth::{sign_in_with_github, sign_in_with_google},
    restart::Directory,
    steps::{Snapshot, present, try_sign_up, verify_email},
    support::*,
};

/// Lets addresses of this domain in, and no others.
const ALLOWED: [(&str, &str); 1] = [("AUTH_ALLOWED_EMAIL_DOMAINS", "allowed.example")];

/// An address that the hook lets in.
fn allowed(name: &str) -> String {
    unique_email(name).replace("@example.com", "@allowed.example")
}

/// A way in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    SignUp,
    Password,
    Google,
    Github,
    IdToken,
    Link,
    LinkWithTarget,
}

use Way::{Github, Google, IdToken, Link, LinkWithTarget, Password, SignUp};

/// Those by which somebody new comes in.
const FIRST: [Way; 6] = [SignUp, Google, Github, IdToken, Link, LinkWithTarget];
/// Those by which a user comes back.
const NEXT: [Way; 6] = [Password, Google, Github, IdToken, Link, LinkWithTarget];

impl Way {
    /// Goes this way as the owner of an address, up to the last request.
    async fn take(self, app: &App, email: &str) -> (Browser, Answer) {
        let mut browser = app.browser();
        match self {
            SignUp => {
                let answer = try_sign_up(&mut browser, email).await;
                (browser, answer)
            }
            Password => sign_in(app, email, PASSWORD).await,
            Google => sign_in_with_google(app, &google(email)).await,
            Github => sign_in_with_github(app, &github(email)).await,
            IdToken => {
                let token = app.provider.google_id_token(&google(email), Some(&unique_email("nonce")));
                let answer = present(&mut browser, &token, None).await;
                (browser, answer)
            }
            Link => verify(app, &token_for(app, email).await).await,
            LinkWithTarget => {
                let body = json!({"email": email, "callbackURL": "/done", "errorCallbackURL": "/failed?from=test"});
                let answer = browser.get(&link_with(app, &body).await).await;
                (browser, answer)
            }
        }
    }

    /// Asserts that the answer says that the user may not come in.
    #[track_caller]
    fn assert_refused(self, app: &App, answer: &Answer) {
        match self {
            SignUp | Password | IdToken | Link => {
                assert_error(answer, 403, "SIGN_IN_REFUSED");
                assert_eq!(answer.json()["message"], "This account may not sign in here");
            }
            Google | Github => assert_redirect(answer, "/failed?from=test&error=sign_in_refused"),
            LinkWithTarget => {
                assert_redirect(answer, &format!("{}/failed?from=test&error=sign_in_refused", app.url()));
            }
        }
        let cookies = cookie_names(answer);
        assert!(cookies.iter().all(|name| name == "better-auth.state"), "{self:?}: {cookies:?}");
        assert!(answer.header("set-auth-token").is_empty());
    }
}

fn google(email: &str) -> GoogleUser {
    GoogleUser::new(&format!("subject-of-{}", email.replace('@', "-at-")), email)
}

fn github(email: &str) -> GithubUser {
    let id = email.bytes().fold(7, |id: u64, byte| (id * 31 + u64::from(byte)) % 1_000_000_007);
    GithubUser::new(id, "octocat", email)
}

#[tokio::test]
async fn newcomers_who_are_refused_become_nobody() {
    let app = App::with_env(&ALLOWED).await;
    let before = Snapshot::take(&app).await;
    for way in FIRST {
        let (mut browser, answer) = way.take(&app, &unique_email("stranger")).await;
        way.assert_refused(&app, &answer);
        assert!(browser.current_user().await.is_none(), "{way:?}");
        assert_eq!(Snapshot::take(&app).await.without_tokens(), before.without_tokens(), "{way:?}");
    }
}

#[tokio::test]
async fn newcomers_who_are_allowed_come_in_and_come_back() {
    let app = App::with_env(&ALLOWED).await;
    for way in FIRST {
        let email = allowed("newcomer");
        let (mut browser, answer) = way.take(&app, &email).await;
        assert!([200, 302].contains(&answer.status), "{way:?}: {}", answer.text());
        assert_eq!(browser.current_user().await.unwrap()["email"], email, "{way:?}");
        let again = if way == SignUp { Password } else { way };
        let (mut browser, answer) = again.take(&app, &email).await;
        assert_eq!(browser.current_user().await.unwrap()["email"], email, "{again:?}: {}", answer.text());
    }
    invariants::check(&app, &[]).await;
}

/// Anybody may name an address of the domain at a provider that does not verify it.
#[tokio::test]
async fn an_address_that_no_provider_has_verified_lets_nobody_in() {
    let app = App::with_env(&ALLOWED).await;
    let email = allowed("claimed");
    let claim = GoogleUser { email_verified: json!(false), ..google(&email) };
    let before = Snapshot::take(&app).await;
    let (mut browser, answer) = sign_in_with_google(&app, &claim).await;
    Google.assert_refused(&app, &answer);
    assert!(browser.current_user().await.is_none());
    let token = app.provider.google_id_token(&claim, Some(&unique_email("nonce")));
    IdToken.assert_refused(&app, &present(&mut browser, &token, None).await);
    assert_eq!(Snapshot::take(&app).await.without_tokens(), before.without_tokens());

    // Nor one of a time when it was let in, until the provider vouches for it.
    let (_, answer) = Google.take(&app, &email).await;
    assert_eq!(answer.header("location"), "/welcome");
    let mut row = user_row(&app, &email).await.unwrap();
    row["emailVerified"] = json!({"BOOL": false});
    app.put_row("UsersTable", &row).await;
    Google.assert_refused(&app, &sign_in_with_google(&app, &claim).await.1);
    let (mut browser, _) = Google.take(&app, &email).await;
    assert_eq!(browser.current_user().await.unwrap()["emailVerified"], true);
}

/// Users of a time before the hook: with an account at the provider, with a
/// verified address that a provider would be linked to, and with an unverified
/// one.
#[tokio::test]
async fn users_of_before_are_refused_by_every_way_in() {
    let directory = Directory::new("hooks");
    let options = StackOptions { data: Data::Path(directory.0.clone()), instances: 1, ..StackOptions::default() };
    let app = App::start(options.clone()).await;
    let (linked, verified, unverified) = (unique_email("linked"), unique_email("verified"), unique_email("unverified"));
    let friend = allowed("friend");
    for email in [&linked, &verified, &unverified, &friend] {
        app.sign_up(email).await;
    }
    for email in [&linked, &verified, &friend] {
        verify_email(&app, email).await;
    }
    for email in [&linked, &friend] {
        for way in [Google, Github] {
            let (mut browser, _) = way.take(&app, email).await;
            assert_eq!(browser.current_user().await.unwrap()["email"], *email, "{way:?}");
        }
    }
    let reset_token = app.reset_token(&verified).await;
    drop(app);

    let env = ALLOWED.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let app = App::start(StackOptions { env, ..options }).await;
    let before = Snapshot::take(&app).await;
    for email in [&linked, &verified, &unverified] {
        for way in NEXT {
            // Before it comes to the hook, an unverified address is not linked.
            if email == &unverified && [Google, Github, IdToken].contains(&way) {
                continue;
            }
            let (mut browser, answer) = way.take(&app, email).await;
            way.assert_refused(&app, &answer);
            assert!(browser.current_user().await.is_none(), "{way:?}");
            assert_eq!(Snapshot::take(&app).await.without_tokens(), before.without_tokens(), "{way:?} {email}");
        }
        // Who has not proven who they are learns nothing of it.
        let answer = sign_in(&app, email, "not the password").await.1;
        assert_error(&answer, 401, "INVALID_EMAIL_OR_PASSWORD");
    }
    assert_eq!(reset(&app, &reset_token, PASSWORD).await.status, 200, "a reset lets nobody in");
    Password.assert_refused(&app, &Password.take(&app, &verified).await.1);
    for way in NEXT {
        let (mut browser, answer) = way.take(&app, &friend).await;
        assert_eq!(browser.current_user().await.unwrap()["email"], friend, "{way:?}: {}", answer.text());
    }
    invariants::check(&app, &[]).await;
}

/// A refusal writes nothing, so that the link is as good as before once the
/// hook lets its owner in.
#[tokio::test]
async fn a_refusal_does_not_spend_a_link() {
    let directory = Directory::new("hooks-link");
    let options = StackOptions { data: Data::Path(directory.0.clone()), instances: 1, ..StackOptions::default() };
    let env = ALLOWED.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let app = App::start(StackOptions { env, ..options.clone() }).await;
    let email = unique_email("later");
    let token = token_for(&app, &email).await;
    for _ in 0..2 {
        Link.assert_refused(&app, &verify(&app, &token).await.1);
    }
    let events: Vec<Value> = app.logs().iter().filter_map(|line| serde_json::from_str(&line.text).ok()).collect();
    assert!(
        events.iter().any(|line: &Value| line["event"] == "magic_link.failed" && line["code"] == "SIGN_IN_REFUSED")
    );
    drop(app);

    let app = App::start(options).await;
    let (mut browser, answer) = verify(&app, &token).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(browser.current_user().await.unwrap()["email"], email);
}

/// A session of before goes on: a hook decides over ways in.
#[tokio::test]
async fn a_session_of_before_the_hook_goes_on() {
    let directory = Directory::new("hooks-session");
    let options = StackOptions { data: Data::Path(directory.0.clone()), instances: 1, ..StackOptions::default() };
    let app = App::start(options.clone()).await;
    let email = unique_email("session");
    let browser = app.sign_up(&email).await;
    let cookie = browser.session_cookie().unwrap().to_owned();
    drop(app);
    let env = ALLOWED.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let app = App::start(StackOptions { env, ..options }).await;
    let call = Call::new("GET", "/get-session").header("cookie", format!("better-auth.session_token={cookie}"));
    assert_eq!(app.browser().send(call).await.json()["user"]["email"], email);
}
