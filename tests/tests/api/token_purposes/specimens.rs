use serde_json::{Value, json};
use shared::{
    adapters::OsRandom,
    domain::{Email, KnownDevice, Purpose, Timestamp, User, UserId, VerificationToken},
};
use tests::{App, Authenticator, Browser, Call, PASSWORD, enrol, fake_provider::GoogleUser, unique_email};

use super::Kind;
use crate::{
    magic_link,
    mails::{change_token, link_to, token_in, verification_token},
    steps::{callback_url, callback_url_of, present, trust_device, verify_email},
    support::*,
};

/// A token of a kind, of a user with a password and a second factor.
pub struct Specimen {
    kind: Kind,
    pub email: String,
    pub text: String,
    pub authenticator: Authenticator,
    /// The user's own browser, signed in.
    pub own: Browser,
    /// Where the provider sends the browser that holds a state.
    pub callback: Option<(Browser, String)>,
}

impl Specimen {
    pub async fn of(kind: Kind, app: &App) -> Self {
        let email = unique_email("kind");
        let mut own = app.sign_up(&email).await;
        let authenticator = enrol(&mut own).await;
        if ![Kind::Verification, Kind::EmailChange, Kind::SignedUp].contains(&kind) {
            verify_email(app, &email).await;
        }
        let mut callback = None;
        let text = match kind {
            Kind::OAuthState => {
                let mut browser = app.browser();
                let url = callback_url(app, &mut browser, &somebody()).await;
                let state = query_of(&url)["state"].clone();
                callback = Some((browser, url));
                state
            }
            Kind::LinkState => {
                let person = GoogleUser::new(&unique_email("link-subject"), &email);
                let url = callback_url_of(app, &mut own, "/link-social", &person).await;
                let state = query_of(&url)["state"].clone();
                callback = Some((own.clone(), url));
                state
            }
            Kind::ResetToken => app.reset_token(&email).await,
            Kind::MagicLink => magic_link::token_for(app, &email).await,
            Kind::Verification => verification_token(app, &email).await,
            Kind::ChangeConsent => change_token(app, &mut own, &email, &unique_email("new")).await,
            Kind::EmailChange => {
                let new_email = unique_email("new");
                change_token(app, &mut own, &new_email, &new_email).await
            }
            Kind::Deletion => {
                let answer = own.post("/delete-user", &json!({})).await;
                assert_eq!(answer.json()["message"], "Verification email sent", "{}", answer.text());
                token_in(&link_to(app, &email).await)
            }
            Kind::IdToken => app.provider.google_id_token(&somebody(), None),
            Kind::IdTokenRow => {
                let token = app.provider.google_id_token(&somebody(), None);
                let answer = present(&mut app.browser(), &token, None).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                Purpose::IdToken.key_of(token.rsplit_once('.').unwrap().0)
            }
            Kind::SessionToken => raw_token(&own),
            Kind::SignedSession => decoded(own.session_cookie().unwrap()),
            Kind::SessionHandle => only_session(app, &email).await["tokenHash"]["S"].as_str().unwrap().to_owned(),
            Kind::AccessToken => own.clone().get("/token").await.json()["token"].as_str().unwrap().to_owned(),
            Kind::Challenge => {
                let (_, answer) = sign_in(app, &email, PASSWORD).await;
                let signed = set_cookie(&answer, "better-auth.two_factor").unwrap();
                signed.rsplit_once('.').unwrap().0.to_owned()
            }
            Kind::TrustedDevice => trust_device(app, &mut app.browser(), &email).await,
            Kind::TotpCode => authenticator.shown(),
            Kind::BackupCode => authenticator.backup_codes[1].clone(),
            Kind::ProviderToken => {
                let person = GoogleUser::new(&unique_email("token-subject"), &email);
                let url = callback_url_of(app, &mut own, "/link-social", &person).await;
                assert_eq!(own.send(Call::new("GET", url)).await.header("location"), "/done");
                let accounts = own.get("/list-accounts").await.json();
                let google = accounts.as_array().unwrap().iter().find(|account| account["providerId"] == "google");
                let account = json!({"accountId": google.unwrap()["id"]});
                own.post("/get-access-token", &account).await.json()["accessToken"].as_str().unwrap().to_owned()
            }
            Kind::SignedUp => {
                crate::steps::signed_up_value(user_row(app, &email).await.unwrap()["id"]["S"].as_str().unwrap())
            }
            Kind::KnownDevice => {
                let row = user_row(app, &email).await.unwrap();
                let changed_at = Timestamp::from_millis(number(&row, "passwordChangedAt"));
                let (id, email) = (UserId::generate(&OsRandom), Email::parse(&email).unwrap());
                let user = User::new(id, "Ann".to_owned(), email, false, None, changed_at);
                KnownDevice::generate(&user, &OsRandom).as_str().to_owned()
            }
        };
        Self { kind, email, text, authenticator, own, callback }
    }

    /// The row of a token that has one.
    pub async fn row(&self, app: &App) -> Option<Value> {
        let purpose = match self.kind {
            Kind::OAuthState | Kind::LinkState => Purpose::OAuthState,
            Kind::ResetToken => Purpose::PasswordReset,
            Kind::MagicLink => Purpose::MagicLink,
            Kind::Verification => Purpose::EmailVerification,
            Kind::ChangeConsent => Purpose::EmailChangeConsent,
            Kind::EmailChange => Purpose::EmailChange,
            Kind::Deletion => Purpose::UserDeletion,
            Kind::Challenge => Purpose::TwoFactorChallenge,
            Kind::TrustedDevice => Purpose::TrustedDevice,
            Kind::IdTokenRow => return self.row_of(app, &self.text).await,
            Kind::IdToken
            | Kind::SessionToken
            | Kind::SignedSession
            | Kind::SessionHandle
            | Kind::AccessToken
            | Kind::TotpCode
            | Kind::BackupCode
            | Kind::ProviderToken
            | Kind::SignedUp
            | Kind::KnownDevice => return None,
        };
        self.row_of(app, &VerificationToken::parse(purpose, &self.text).unwrap().hash()).await
    }

    async fn row_of(&self, app: &App, key: &str) -> Option<Value> {
        let row = app.row("VerificationTokensTable", "tokenHash", key).await;
        assert!(row.is_some(), "{:?} has no row", self.kind);
        row
    }
}

/// Somebody whom the provider knows and the service does not.
fn somebody() -> GoogleUser {
    GoogleUser::new(&unique_email("subject"), &unique_email("google"))
}
