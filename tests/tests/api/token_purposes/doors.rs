use serde_json::{Value, json};
use tests::{App, Browser, Call, PASSWORD};

use super::specimens::Specimen;
use crate::{
    mails::{code_in, follow, verification_token},
    steps::{present, set_cookie_signed_as},
    support::*,
};

/// Where somebody may show a token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Door {
    ResetLink,
    ResetPassword,
    MagicLink,
    VerifyEmail,
    DeletionLink,
    DeleteUser,
    IdToken,
    Callback,
    SessionCookie,
    Bearer,
    SendCode,
    VerifyTotp,
    VerifyBackupCode,
    VerifyMailedCode,
    /// A sign-in that is spared the second factor.
    TrustedDevice,
    /// A link that verifies an address and leaves the password alone.
    SignedUp,
    /// A sign-in to an address that strangers have locked.
    KnownDevice,
}

pub const DOORS: [Door; 17] = [
    Door::ResetLink,
    Door::ResetPassword,
    Door::MagicLink,
    Door::VerifyEmail,
    Door::DeletionLink,
    Door::DeleteUser,
    Door::IdToken,
    Door::Callback,
    Door::SessionCookie,
    Door::Bearer,
    Door::SendCode,
    Door::VerifyTotp,
    Door::VerifyBackupCode,
    Door::VerifyMailedCode,
    Door::TrustedDevice,
    Door::SignedUp,
    Door::KnownDevice,
];

impl Door {
    /// The cookie that a token is shown in at this door, if it is in one.
    pub fn cookie(self) -> Option<&'static str> {
        match self {
            Self::Callback => Some("better-auth.state"),
            Self::SessionCookie => Some("better-auth.session_token"),
            Self::SendCode | Self::VerifyTotp | Self::VerifyBackupCode | Self::VerifyMailedCode => {
                Some("better-auth.two_factor")
            }
            Self::TrustedDevice => Some("better-auth.trust_device"),
            Self::SignedUp => Some("better-auth.sign_up"),
            Self::KnownDevice => Some("better-auth.known_device"),
            _ => None,
        }
    }
}

impl Specimen {
    /// Shows the token at a door, in a cookie under a good signature if that is
    /// how it is shown there; whether the door opens.
    pub async fn knock(&self, app: &App, door: Door) -> bool {
        self.show(app, door, door.cookie().unwrap_or_default()).await
    }

    /// The same with the signature that another cookie would have.
    pub async fn show(&self, app: &App, door: Door, signed_as: &str) -> bool {
        let text = encoded(&self.text);
        let mut browser = app.browser();
        if let Some(name) = door.cookie() {
            set_cookie_signed_as(app, &mut browser, name, signed_as, &self.text);
        }
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
            Door::VerifyEmail => {
                let answer = follow(&mut self.own.clone(), &text).await;
                assert!(answer.status == 200 || answer.code() == "INVALID_TOKEN", "{}", answer.text());
                answer.status == 200
            }
            Door::DeletionLink => {
                let answer = self.own.clone().get(&format!("/delete-user/callback?token={text}")).await;
                assert!(answer.status == 200 || answer.code() == "INVALID_TOKEN", "{}", answer.text());
                answer.status == 200
            }
            Door::DeleteUser => {
                let answer = self.own.clone().post("/delete-user", &json!({"token": self.text})).await;
                assert!(answer.status == 200 || answer.code() == "INVALID_TOKEN", "{}", answer.text());
                answer.json()["message"] == "User deleted"
            }
            Door::IdToken => {
                let answer = present(&mut browser, &self.text, None).await;
                assert!(answer.status == 200 || answer.code() == "INVALID_TOKEN", "{}", answer.text());
                answer.status == 200
            }
            Door::Callback => {
                let path = format!("/callback/google?code=x&state={text}");
                let url = self.callback.as_ref().map_or(path, |(_, url)| url.clone());
                let answer = browser.get(&url).await;
                let location = answer.header("location");
                assert!(location == "/done" || location.ends_with("error=state_mismatch"), "{location}");
                location == "/done"
            }
            Door::SessionCookie => browser.current_user().await.is_some(),
            Door::Bearer => {
                let bearer = format!("Bearer {}", self.text);
                let answer = browser.send(Call::new("GET", "/get-session").header("authorization", bearer)).await;
                answer.json()["user"]["email"] == self.email
            }
            Door::SendCode => asks(&mut browser, "send-otp", &json!({})).await,
            Door::VerifyTotp => {
                let code = self.authenticator.code(app).await;
                asks(&mut browser, "verify-totp", &json!({"code": code})).await
            }
            Door::VerifyBackupCode => {
                let code = &self.authenticator.backup_codes[0];
                asks(&mut browser, "verify-backup-code", &json!({"code": code})).await
            }
            Door::VerifyMailedCode => {
                let is_sent = asks(&mut browser, "send-otp", &json!({})).await;
                let code = if is_sent { code_in(&app.mail_to(&self.email).await.text) } else { "123456".to_owned() };
                asks(&mut browser, "verify-otp", &json!({"code": code})).await
            }
            Door::TrustedDevice => {
                let answer = self.sign_in(&mut browser).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                answer.json()["twoFactorRedirect"] != true
            }
            Door::SignedUp => self.keeps_its_password(app, &mut browser).await,
            Door::KnownDevice => self.passes_a_lock(app, &mut browser).await,
        }
    }

    async fn sign_in(&self, browser: &mut Browser) -> tests::Answer {
        browser.post("/sign-in/email", &json!({"email": self.email, "password": PASSWORD})).await
    }

    /// Whether the user's password outlives a link that verifies the address,
    /// followed in this browser. If not, what it did is undone.
    async fn keeps_its_password(&self, app: &App, browser: &mut Browser) -> bool {
        let identity = format!("email:{}", self.email);
        let user = user_row(app, &self.email).await.unwrap();
        let account = app.row("AccountsTable", "identity", &identity).await.unwrap();
        let factor = self.authenticator.row(app).await.unwrap();
        let mut unverified = user.clone();
        unverified["emailVerified"] = json!({"BOOL": false});
        app.put_row("UsersTable", &unverified).await;
        let token = verification_token(app, &self.email).await;
        assert_eq!(follow(browser, &token).await.status, 200);
        let after = app.row("AccountsTable", "identity", &identity).await.unwrap();
        if after["passwordHash"] == account["passwordHash"] {
            return true;
        }
        app.put_row("UsersTable", &user).await;
        app.put_row("AccountsTable", &account).await;
        app.put_row("AccountsTable", &factor).await;
        false
    }

    /// Whether this browser signs in while strangers have locked the address.
    async fn passes_a_lock(&self, app: &App, browser: &mut Browser) -> bool {
        assert_eq!(sign_in(app, &self.email, "not the password").await.1.status, 401);
        let mut row: Value = counter(app, "lockout/account/").await;
        set_number(&mut row, "failures", 1000);
        app.put_row(LIMITS_TABLE, &row).await;
        let answer = self.sign_in(browser).await;
        let key = json!({"TableName": LIMITS_TABLE, "Key": {"scope": row["scope"]}});
        app.aws().dynamodb("DeleteItem", &key).await.unwrap();
        if answer.status != 200 {
            assert_limited(&answer);
        }
        answer.status == 200
    }
}

/// Whether a sign-in that waits for its second factor is found.
async fn asks(browser: &mut Browser, path: &str, body: &Value) -> bool {
    let answer = browser.post(&format!("/two-factor/{path}"), body).await;
    assert!(answer.status == 200 || answer.code() == "INVALID_TWO_FACTOR_COOKIE", "{}", answer.text());
    answer.status == 200
}
