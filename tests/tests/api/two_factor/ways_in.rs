//! Every way in asks for the second factor.

use std::collections::BTreeSet;

use tests::fake_provider::{GithubUser, GoogleUser};

use super::*;
use crate::{
    magic_link,
    mails::{change_token, follow, link_to, token_in, verification_token},
    oauth::{github_callback, google_callback},
    steps::{present, set_signed_cookie, signed_up_value},
};

/// A way in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Password,
    Google,
    Github,
    IdToken,
    Link,
    LinkWithTarget,
    /// The link that verifies the address, where it signs in.
    Verification,
    VerificationWithTarget,
    /// A password that was set by a mailed link.
    PasswordOfReset,
    /// A password that was changed in another session.
    ChangedPassword,
    /// A password with an address that was changed in another session.
    ChangedAddress,
}

use Way::{
    ChangedAddress, ChangedPassword, Github, Google, IdToken, Link, LinkWithTarget, Password, PasswordOfReset,
    Verification, VerificationWithTarget,
};

const WAYS: [Way; 11] = [
    Password,
    Google,
    Github,
    IdToken,
    Link,
    LinkWithTarget,
    Verification,
    VerificationWithTarget,
    PasswordOfReset,
    ChangedPassword,
    ChangedAddress,
];

/// Somebody with a second factor.
struct Person {
    /// Who they are to the providers.
    subject: String,
    email: String,
    password: String,
    authenticator: Authenticator,
    /// A browser of theirs that is signed in.
    own: Browser,
}

impl Person {
    async fn new(app: &App, way: Way) -> Self {
        let (email, authenticator, own) = enrolled(app, "way").await;
        if ![Verification, VerificationWithTarget].contains(&way) {
            crate::steps::verify_email(app, &email).await;
        }
        Self { subject: email.clone(), email, password: PASSWORD.to_owned(), authenticator, own }
    }

    fn google(&self) -> GoogleUser {
        GoogleUser::new(&self.subject, &self.email)
    }

    fn github(&self) -> GithubUser {
        let id = self.subject.bytes().fold(7, |id: u64, byte| (id * 31 + u64::from(byte)) % 1_000_000_007);
        GithubUser::new(id, "octocat", &self.email)
    }

    async fn sessions(&self, app: &App) -> BTreeSet<String> {
        sessions_of(app, &self.email).await.iter().map(|row| row["tokenHash"].to_string()).collect()
    }
}

impl Way {
    /// Does what comes before the sign-in.
    async fn prepare(self, app: &App, person: &mut Person) {
        let new_password = other_password(1);
        match self {
            PasswordOfReset => {
                reset_to(app, &person.email, &new_password).await;
                person.password = new_password;
            }
            ChangedPassword => {
                let body = json!({"currentPassword": person.password, "newPassword": new_password});
                assert_eq!(person.own.post("/change-password", &body).await.status, 200);
                person.password = new_password;
            }
            ChangedAddress => {
                let new_email = unique_email("way-new");
                let consent = change_token(app, &mut person.own, &person.email, &new_email).await;
                assert_eq!(follow(&mut person.own, &consent).await.status, 200);
                let change = token_in(&link_to(app, &new_email).await);
                assert_eq!(follow(&mut person.own, &change).await.status, 200);
                person.email = new_email;
            }
            _ => {}
        }
    }

    /// Goes this way in a browser, up to the last request.
    async fn take(self, app: &App, browser: &mut Browser, person: &Person) -> Answer {
        let email = person.email.as_str();
        match self {
            Password | PasswordOfReset | ChangedPassword | ChangedAddress => {
                browser.post("/sign-in/email", &json!({"email": email, "password": person.password})).await
            }
            Google => {
                let callback = google_callback(app, browser, &person.google()).await;
                browser.get(&callback).await
            }
            Github => {
                let callback = github_callback(app, browser, &person.github()).await;
                browser.get(&callback).await
            }
            IdToken => {
                let token = app.provider.google_id_token(&person.google(), Some(&unique_email("nonce")));
                present(browser, &token, None).await
            }
            Link => {
                let token = magic_link::token_for(app, email).await;
                browser.get(&format!("/magic-link/verify?token={token}")).await
            }
            LinkWithTarget => {
                let link = magic_link::link_with(app, &json!({"email": email, "callbackURL": "/done"})).await;
                browser.get(&link).await
            }
            Verification | VerificationWithTarget => {
                // Only the browser in which the account was made keeps its password.
                let id = user_row(app, email).await.unwrap()["id"]["S"].as_str().unwrap().to_owned();
                set_signed_cookie(app, browser, "better-auth.sign_up", &signed_up_value(&id));
                let token = verification_token(app, email).await;
                let target = if self == Verification { "" } else { "&callbackURL=%2Fdone" };
                browser.get(&format!("/verify-email?token={token}{target}")).await
            }
        }
    }

    /// How often it is gone: the first time links the identity of a provider,
    /// the second one finds it linked.
    fn times(self) -> usize {
        if [Google, Github, IdToken].contains(&self) { 2 } else { 1 }
    }

    fn is_redirect(self) -> bool {
        [Google, Github, LinkWithTarget, VerificationWithTarget].contains(&self)
    }

    /// Whether it takes nothing but the mailbox.
    fn is_by_mail(self) -> bool {
        [Link, LinkWithTarget, Verification, VerificationWithTarget, PasswordOfReset].contains(&self)
    }

    /// Whether what comes before it ends the trust in devices, as it ends
    /// sessions.
    fn ends_trust(self) -> bool {
        [PasswordOfReset, ChangedPassword, ChangedAddress].contains(&self)
    }

    /// Asserts that the answer asks for the second factor.
    #[track_caller]
    fn assert_asks(self, answer: &Answer) {
        if self.is_redirect() {
            let location = answer.header("location");
            assert!(answer.status == 302 && location.starts_with("/two-factor?callbackURL="), "{self:?}: {location}");
            assert!(query_of(location)["callbackURL"].ends_with("/done"), "{self:?}: {location}");
        } else {
            let methods = if self.is_by_mail() { json!(["totp"]) } else { json!(["totp", "otp"]) };
            let body = json!({"twoFactorRedirect": true, "twoFactorMethods": methods});
            assert_eq!((answer.status, answer.json()), (200, body), "{self:?}: {}", answer.text());
        }
        assert_eq!(answer.header("set-auth-token"), "", "{self:?}");
    }

    /// Asserts that a mailed code is no second factor where the mailbox was the
    /// first, neither by asking for one nor by guessing.
    async fn assert_mailed_code(self, app: &App, browser: &mut Browser, email: &str) {
        let mails = || app.mails().iter().filter(|mail| mail.to == [email] && mail.text.contains("Your code")).count();
        let before = mails();
        let sent = browser.post("/two-factor/send-otp", &json!({})).await;
        if !self.is_by_mail() {
            assert_eq!((sent.status, mails()), (200, before + 1), "{self:?}");
            return;
        }
        assert_error(&sent, 400, "OTP_NOT_ENABLED");
        assert_eq!(mails(), before, "{self:?}");
        let guessed = browser.post("/two-factor/verify-otp", &json!({"code": "123456"})).await;
        assert_error(&guessed, 400, "OTP_NOT_ENABLED");
        // That was no attempt at a code.
        let challenges = challenges_of(app, email).await;
        assert!(challenges.iter().all(|row| row["attempts"].is_null() && row["codeHash"].is_null()), "{challenges:?}");
    }

    /// Asserts that the answer lets in.
    #[track_caller]
    fn assert_lets_in(self, answer: &Answer) {
        if self.is_redirect() {
            let location = answer.header("location");
            let is_done = location.ends_with("/done") && !location.contains("two-factor");
            assert!(answer.status == 302 && is_done, "{self:?}: {location}");
        } else {
            assert_eq!(answer.status, 200, "{self:?}: {}", answer.text());
            assert!(answer.json()["twoFactorRedirect"].is_null(), "{self:?}");
        }
        assert!(!answer.header("set-auth-token").is_empty(), "{self:?}");
    }
}

/// Following the link that verifies an address signs in on this stack.
async fn signing_in() -> App {
    App::with_env(&[("AUTH_SIGN_IN_AFTER_VERIFICATION", "true")]).await
}

#[tokio::test]
async fn no_way_in_gives_a_session_before_the_code() {
    let app = signing_in().await;
    for way in WAYS {
        let mut person = Person::new(&app, way).await;
        way.prepare(&app, &mut person).await;
        for _ in 0..way.times() {
            let before = person.sessions(&app).await;
            let mut browser = app.browser();
            let answer = way.take(&app, &mut browser, &person).await;
            way.assert_asks(&answer);
            assert_eq!(person.sessions(&app).await, before, "{way:?}");
            assert!(browser.cookies.contains_key(TWO_FACTOR) && browser.session_cookie().is_none(), "{way:?}");
            assert_opens_nothing(&app, &mut browser).await;
            way.assert_mailed_code(&app, &mut browser, &person.email).await;

            let code = person.authenticator.code(&app).await;
            let answer = verify_totp(&mut browser, &code).await;
            assert_eq!(answer.status, 200, "{way:?}: {}", answer.text());
            assert_eq!(browser.current_user().await.unwrap()["email"], person.email, "{way:?}");
            assert_eq!(person.sessions(&app).await.difference(&before).count(), 1, "{way:?}");
        }
    }
}

/// Asserts that no cookie of the browser is good for a session, under its own
/// name or that of the session's.
async fn assert_opens_nothing(app: &App, browser: &mut Browser) {
    assert_eq!(browser.current_user().await, None);
    assert_error(&browser.get("/token").await, 401, "UNAUTHORIZED");
    assert_error(&browser.get("/list-sessions").await, 401, "UNAUTHORIZED");
    for (name, value) in &browser.cookies {
        assert_eq!(browser_with(app, "better-auth.session_token", value).current_user().await, None, "{name}");
        let signed = decoded(value);
        for token in [&signed, signed.rsplit_once('.').unwrap().0] {
            let bearer = Call::new("GET", "/get-session").header("authorization", format!("Bearer {token}"));
            assert_eq!(app.browser().send(bearer).await.json(), json!(null), "{name}");
        }
    }
}

/// A stranger who signed up with somebody's address, and enrolled, does not
/// lock its owner out: what proves the address first ends the factor, too.
#[tokio::test]
async fn the_owner_of_an_address_gets_past_the_factor_of_a_stranger() {
    let app = App::shared();
    let (email, stranger, mut strangers) = enrolled(app, "squatter").await;
    let token = magic_link::token_for(app, &email).await;
    let mut owner = app.browser();
    let answer = owner.get(&format!("/magic-link/verify?token={token}")).await;
    assert!(answer.json()["twoFactorRedirect"].is_null(), "{}", answer.text());
    let user = owner.current_user().await.unwrap();
    assert_eq!((&user["emailVerified"], &user["twoFactorEnabled"]), (&json!(true), &json!(false)));
    assert_eq!(stranger.row(app).await, None);
    assert_eq!(strangers.current_user().await, None);

    // By the link that verifies, in a browser that did not sign up.
    let (email, stranger, _) = enrolled(app, "squatter-verified").await;
    let link = verification_token(app, &email).await;
    assert_eq!(follow(&mut app.browser(), &link).await.status, 200);
    assert_eq!(stranger.row(app).await, None);
    assert!(user_row(app, &email).await.unwrap()["twoFactorSince"].is_null());

    // By a reset, the mailbox answers the factor that was enrolled without it.
    let (email, _, _) = enrolled(app, "squatter-reset").await;
    reset_to(app, &email, PASSWORD).await;
    let mut owner = challenged(app, &email).await;
    assert_eq!(owner.post("/two-factor/send-otp", &json!({})).await.status, 200);
    let code = crate::mails::code_in(&app.mail_to(&email).await.text);
    assert_eq!(owner.post("/two-factor/verify-otp", &json!({"code": code})).await.status, 200);
    assert_eq!(owner.post("/two-factor/disable", &json!({"password": PASSWORD})).await.status, 200);
}

/// Who was signed in and changes the password again has shown more than the
/// mailbox; so has who enrols anew.
#[tokio::test]
async fn a_password_that_was_changed_since_takes_mailed_codes_again() {
    let app = App::shared();
    let (email, mut authenticator, _) = enrolled(app, "by-mail").await;
    crate::steps::verify_email(app, &email).await;
    let asks_for = async |password: &str| {
        let (browser, answer) = sign_in(app, &email, password).await;
        (browser, answer.json()["twoFactorMethods"].clone())
    };
    let (first, second) = (other_password(1), other_password(2));
    reset_to(app, &email, &first).await;
    let (mut browser, methods) = asks_for(&first).await;
    assert_eq!(methods, json!(["totp"]));
    let code = authenticator.code(app).await;
    assert_eq!(verify_totp(&mut browser, &code).await.status, 200);
    let body = json!({"currentPassword": first, "newPassword": second});
    assert_eq!(browser.post("/change-password", &body).await.status, 200);
    assert_eq!(asks_for(&second).await.1, json!(["totp", "otp"]));

    reset_to(app, &email, &first).await;
    let (mut browser, methods) = asks_for(&first).await;
    assert_eq!(methods, json!(["totp"]));
    let code = authenticator.code(app).await;
    assert_eq!(verify_totp(&mut browser, &code).await.status, 200);
    assert_eq!(browser.post("/two-factor/disable", &json!({"password": first})).await.status, 200);
    let answer = browser.post("/two-factor/enable", &json!({"password": first})).await;
    let user_id = browser.current_user().await.unwrap()["id"].as_str().unwrap().to_owned();
    authenticator = Authenticator::from_answer(&answer, &user_id);
    assert_eq!(verify_totp(&mut browser, &authenticator.shown()).await.status, 200);
    assert_eq!(asks_for(&first).await.1, json!(["totp", "otp"]));
}

#[tokio::test]
async fn a_trusted_device_is_spared_the_code_whatever_the_way_in() {
    let app = signing_in().await;
    for way in WAYS {
        let mut person = Person::new(&app, way).await;
        let mut browser = challenged(&app, &person.email).await;
        let code = person.authenticator.code(&app).await;
        let body = json!({"code": code, "trustDevice": true});
        assert_eq!(browser.post("/two-factor/verify-totp", &body).await.status, 200);
        assert_eq!(browser.post("/sign-out", &json!({})).await.status, 200);
        let trust = browser.cookies[TRUST_DEVICE].clone();

        way.prepare(&app, &mut person).await;
        let answer = way.take(&app, &mut browser, &person).await;
        if way.ends_trust() {
            way.assert_asks(&answer);
            assert_eq!(browser.current_user().await, None, "{way:?}");
            continue;
        }
        way.assert_lets_in(&answer);
        assert_eq!(browser.current_user().await.unwrap()["email"], person.email, "{way:?}");
        assert!(!browser.cookies.contains_key(TWO_FACTOR), "{way:?}");
        assert_ne!(browser.cookies[TRUST_DEVICE], trust, "{way:?}: its token is replaced");
        // An address is verified once.
        if ![Verification, VerificationWithTarget].contains(&way) {
            let answer = way.take(&app, &mut app.browser(), &person).await;
            way.assert_asks(&answer);
        }
    }
}
