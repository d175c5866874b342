//! An authenticator: what a person's telephone does.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use totp_rs::{Builder, Secret, Totp};

use crate::{Answer, App, Browser, PASSWORD};

/// Seconds of a step.
const STEP: i64 = 30;

/// An authenticator that has taken a secret over, with the backup codes that
/// came with it.
#[derive(Clone, Debug)]
pub struct Authenticator {
    totp: Totp,
    /// The secret, as the authenticator was given it.
    pub base32: String,
    /// The backup codes.
    pub backup_codes: Vec<String>,
    user_id: String,
}

impl Authenticator {
    /// From the answer to `POST /two-factor/enable`.
    pub fn from_answer(answer: &Answer, user_id: &str) -> Self {
        let body = answer.json();
        let uri = body["totpURI"].as_str().unwrap_or_else(|| panic!("no secret: {}", answer.text()));
        let query = url::Url::parse(uri).unwrap_or_else(|error| panic!("{uri}: {error}"));
        let secret = query.query_pairs().find(|(name, _)| name == "secret");
        let base32 = secret.unwrap_or_else(|| panic!("no secret: {uri}")).1.into_owned();
        let bytes = Secret::try_from_base32(&base32).unwrap_or_else(|_| panic!("no base 32: {base32}"));
        let codes = body["backupCodes"].as_array().cloned().unwrap_or_default();
        Self {
            totp: Builder::new().with_secret(bytes).build_noncompliant(),
            base32,
            backup_codes: codes.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            user_id: user_id.to_owned(),
        }
    }

    /// The current code, used before or not.
    pub fn shown(&self) -> String {
        self.shown_at(0)
    }

    /// The code of some steps from now.
    pub fn shown_at(&self, steps: i64) -> String {
        let seconds = u64::try_from(now() + steps * STEP).unwrap_or_default();
        self.totp.generate(seconds).to_string()
    }

    /// A code that is no code of these minutes.
    pub fn wrong(&self) -> String {
        let near: Vec<String> = (-3..=3).map(|steps| self.shown_at(steps)).collect();
        let codes = ["000000", "111111", "222222", "333333", "444444", "555555", "666666", "777777"];
        let wrong = codes.into_iter().find(|code| !near.iter().any(|near| near == code));
        wrong.unwrap_or_default().to_owned()
    }

    /// A code that counts: the service is made to forget which it has seen, as
    /// if time had passed.
    pub async fn code(&self, app: &App) -> String {
        self.set_last_step(app, 0).await;
        self.shown()
    }

    /// Overwrites the step of the last code that counted.
    pub async fn set_last_step(&self, app: &App, step: i64) {
        let request = json!({
            "TableName": "AccountsTable",
            "Key": {"identity": {"S": self.identity()}},
            "UpdateExpression": "SET lastUsedStep = :step",
            "ConditionExpression": "attribute_exists(userId)",
            "ExpressionAttributeValues": {":step": {"N": step.to_string()}},
        });
        app.aws().dynamodb("UpdateItem", &request).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// The current step.
    pub fn step() -> i64 {
        now() / STEP
    }

    /// Key of the factor's row.
    pub fn identity(&self) -> String {
        format!("two-factor:{}", self.user_id)
    }

    /// The factor's row.
    pub async fn row(&self, app: &App) -> Option<Value> {
        app.row("AccountsTable", "identity", &self.identity()).await
    }
}

/// Starts an enrolment for whoever the browser is signed in as.
pub async fn start_enrolment(browser: &mut Browser) -> Authenticator {
    let user = browser.current_user().await.unwrap_or_else(|| panic!("nobody is signed in"));
    let answer = browser.post("/two-factor/enable", &json!({"password": PASSWORD})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    Authenticator::from_answer(&answer, user["id"].as_str().unwrap_or_default())
}

/// Enrols a second factor for whoever the browser is signed in as, who has the
/// usual password. The code that did it is spent: ask for [`Authenticator::code`].
pub async fn enrol(browser: &mut Browser) -> Authenticator {
    let authenticator = start_enrolment(browser).await;
    let answer = browser.post("/two-factor/verify-totp", &json!({"code": authenticator.shown()})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    authenticator
}

#[expect(clippy::disallowed_methods, reason = "an authenticator goes by the clock")]
fn now() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX)
}
