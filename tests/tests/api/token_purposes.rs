//! Every kind of token at every door: only its own lets it in, and no other
//! uses it up.
//!
//! A new kind of token is a line in [`KINDS`] and an arm of `Specimen::of`; a
//! new door is a variant of [`Door`] and an arm of `Specimen::knock`.

use serde_json::{Value, json};
use shared::domain::{Purpose, VerificationToken};
use tests::{App, Browser, Call, PASSWORD, fake_provider::GoogleUser, unique_email};

use crate::{
    magic_link,
    steps::{callback_url, enroll, set_signed_cookie, trust_device, verify_email},
    support::*,
};

/// What somebody may hold.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    OAuthState,
    ResetToken,
    MagicLink,
    SessionToken,
    /// The session token with its signature, as bearer clients keep it.
    SignedSession,
    /// The name of a session, which opens nothing.
    SessionHandle,
    AccessToken,
    /// A sign-in that waits for its second factor.
    Challenge,
    TrustedDevice,
}

/// Where somebody may show it. Cookies are shown under a good signature.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Door {
    ResetLink,
    ResetPassword,
    MagicLink,
    Callback,
    SessionCookie,
    Bearer,
    TrustedDevice,
}

const DOORS: [Door; 7] = [
    Door::ResetLink,
    Door::ResetPassword,
    Door::MagicLink,
    Door::Callback,
    Door::SessionCookie,
    Door::Bearer,
    Door::TrustedDevice,
];

/// The kinds and the doors that they open, in an order in which they can.
const KINDS: [(Kind, &[Door]); 9] = [
    (Kind::OAuthState, &[Door::Callback]),
    (Kind::ResetToken, &[Door::ResetLink, Door::ResetPassword]),
    (Kind::MagicLink, &[Door::MagicLink]),
    (Kind::SessionToken, &[Door::SessionCookie, Door::Bearer]),
    (Kind::SignedSession, &[Door::Bearer]),
    (Kind::SessionHandle, &[]),
    (Kind::AccessToken, &[Door::Bearer]),
    (Kind::Challenge, &[]),
    (Kind::TrustedDevice, &[Door::TrustedDevice]),
];

/// A token of a kind, of a user with a password and a second factor.
struct Specimen {
    email: String,
    text: String,
    /// Where the provider sends the browser that holds a state.
    callback: Option<(Browser, String)>,
}

impl Specimen {
    async fn of(kind: Kind, app: &App) -> Self {
        let email = unique_email("kind");
        let browser = app.sign_up(&email).await;
        verify_email(app, &email).await;
        let jwt = browser.clone().get("/token").await.json()["token"].as_str().unwrap().to_owned();
        let handle = only_session(app, &email).await["tokenHash"]["S"].as_str().unwrap().to_owned();
        enroll(app, &email).await;
        let mut callback = None;
        let text = match kind {
            Kind::OAuthState => {
                let mut browser = app.browser();
                let person = GoogleUser::new(&unique_email("subject"), &unique_email("google"));
                let url = callback_url(app, &mut browser, &person).await;
                let state = query_of(&url)["state"].clone();
                callback = Some((browser, url));
                state
            }
            Kind::ResetToken => app.reset_token(&email).await,
            Kind::MagicLink => magic_link::token_for(app, &email).await,
            Kind::SessionToken => raw_token(&browser),
            Kind::SignedSession => decoded(browser.session_cookie().unwrap()),
            Kind::SessionHandle => handle,
            Kind::AccessToken => jwt,
            Kind::Challenge => {
                let (_, answer) = sign_in(app, &email, PASSWORD).await;
                let signed = set_cookie(&answer, "better-auth.two_factor").unwrap();
                signed.rsplit_once('.').unwrap().0.to_owned()
            }
            Kind::TrustedDevice => trust_device(app, &mut app.browser(), &email).await,
        };
        Self { email, text, callback }
    }

    /// Shows the token at a door; whether it opens.
    async fn knock(&self, app: &App, door: Door) -> bool {
        let (mut browser, text) = (app.browser(), encoded(&self.text));
        match door {
            Door::ResetLink => {
                let answer = browser.get(&format!("/reset-password/{text}?callbackURL=%2Freset")).await;
                assert_eq!(answer.status, 302, "{}", answer.text());
                query_of(answer.header("location")).contains_key("token")
            }
            Door::ResetPassword => {
                let answer = reset(app, &self.text, PASSWORD).await;
                assert!(answer.status == 200 || answer.code() == "INVALID_TOKEN", "{}", answer.text());
                answer.status == 200
            }
            Door::MagicLink => {
                let answer = browser.get(&format!("/magic-link/verify?token={text}")).await;
                assert!(answer.status == 200 || answer.header("location").ends_with("?error=INVALID_TOKEN"));
                answer.status == 200
            }
            Door::Callback => {
                let answer = match &self.callback {
                    Some((browser, url)) => browser.send_only(Call::new("GET", url.as_str())).await,
                    None => {
                        set_signed_cookie(app, &mut browser, "better-auth.state", &self.text);
                        browser.get(&format!("/callback/google?code=x&state={text}")).await
                    }
                };
                let location = answer.header("location");
                assert!(location == "/done" || location.ends_with("error=state_mismatch"), "{location}");
                location == "/done"
            }
            Door::SessionCookie => {
                set_signed_cookie(app, &mut browser, "better-auth.session_token", &self.text);
                browser.current_user().await.is_some()
            }
            Door::Bearer => {
                let bearer = format!("Bearer {}", self.text);
                let answer = browser.send(Call::new("GET", "/get-session").header("authorization", bearer)).await;
                answer.json()["user"]["email"] == self.email
            }
            Door::TrustedDevice => {
                set_signed_cookie(app, &mut browser, "better-auth.trust_device", &self.text);
                let body = json!({"email": self.email, "password": PASSWORD});
                let answer = browser.post("/sign-in/email", &body).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                answer.json()["twoFactorRedirect"] != true
            }
        }
    }
}

#[tokio::test]
async fn a_token_opens_its_own_doors_and_no_other_uses_it_up() {
    let app = App::with_env(&[]).await;
    for (kind, own) in KINDS {
        let specimen = Specimen::of(kind, &app).await;
        let row = token_row(&app, kind, &specimen.text).await;
        for door in DOORS.into_iter().filter(|door| !own.contains(door)) {
            assert!(!specimen.knock(&app, door).await, "{kind:?} at {door:?}");
        }
        assert_eq!(token_row(&app, kind, &specimen.text).await, row, "{kind:?} was used up");
        for door in own {
            assert!(specimen.knock(&app, *door).await, "{kind:?} at {door:?}, its own");
        }
    }
}

/// The row of a token that has one.
async fn token_row(app: &App, kind: Kind, text: &str) -> Option<Value> {
    let purpose = match kind {
        Kind::OAuthState => Purpose::OAuthState,
        Kind::ResetToken => Purpose::PasswordReset,
        Kind::MagicLink => Purpose::MagicLink,
        Kind::Challenge => Purpose::TwoFactorChallenge,
        Kind::TrustedDevice => Purpose::TrustedDevice,
        Kind::SessionToken | Kind::SignedSession | Kind::SessionHandle | Kind::AccessToken => return None,
    };
    let hash = VerificationToken::parse(purpose, text).unwrap().hash();
    Some(app.row("VerificationTokensTable", "tokenHash", &hash).await.unwrap_or_else(|| panic!("{kind:?} has no row")))
}
