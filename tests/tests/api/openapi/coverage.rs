//! What the document promises is seen: every success of every operation, and
//! 429 of every operation that is counted. All answers of the tests are held
//! against the document (`tests::Document`); here are those that it would
//! otherwise be chance to see.

use shared::domain::Limit;
use tests::{PASSWORD, enrol, fake_provider::GoogleUser, unique_email};

use super::*;
use crate::{
    linked::{choice, linked_member},
    magic_link::{link_with, sign_in_by_link},
    mails::{code_in, follow, link_to, token_in, verification_token},
    steps::{callback_url, sign_in_with_google},
    support::{limited, other_password, sign_in},
};

const TRUSTED_PAGE: &str = "/done";

/// What all operations of the document answer with such a status.
fn documented(is_meant: impl Fn(u16) -> bool) -> Seen {
    let mut all = Seen::new();
    for info in ROUTES {
        let responses = operation(Document::shared().json(), info)["responses"].as_object().unwrap();
        let statuses = responses.keys().map(|status| status.parse().unwrap());
        all.extend(statuses.filter(|status| is_meant(*status)).map(|status| (key(info), status)));
    }
    all
}

fn key(info: &RouteInfo) -> String {
    format!("{} {BASE_PATH}{}", info.method, info.path)
}

#[track_caller]
fn done(answer: &Answer) -> Value {
    assert!((200..400).contains(&answer.status), "{} {}", answer.status, answer.text());
    answer.json()
}

#[tokio::test]
async fn every_success_of_the_document_is_an_answer_of_the_service() {
    let app = App::with_env(&[("AUTH_CONFIRM_DELETION", "true")]).await;
    sessions(&app).await;
    passwords(&app).await;
    addresses(&app).await;
    magic_links(&app).await;
    providers(&app).await;
    second_factor(&app).await;
    deletions(&app).await;
    let missing: Vec<_> = documented(|status| status < 400).difference(&app.seen()).cloned().collect();
    assert!(missing.is_empty(), "never answered: {missing:?}");
}

async fn sessions(app: &App) {
    let email = unique_email("sessions");
    let mut browser = app.sign_up(&email).await;
    let (mut other, answer) = sign_in(app, &email, PASSWORD).await;
    done(&answer);
    for path in ["/ok", "/error?error=state_mismatch", "/get-session", "/token"] {
        done(&browser.get(path).await);
    }
    let listed = done(&other.get("/list-sessions").await);
    for path in ["/revoke-session", "/revoke-other-sessions", "/revoke-sessions", "/sign-out"] {
        done(&browser.post(path, &json!({"token": listed[0]["token"]})).await);
        browser = sign_in(app, &email, PASSWORD).await.0;
    }
}

async fn passwords(app: &App) {
    let email = unique_email("passwords");
    let mut browser = app.sign_up(&email).await;
    for (number, path) in ["/reset-password", "/password-reset/confirm"].into_iter().enumerate() {
        let token = app.reset_token(&email).await;
        done(&browser.get(&format!("/reset-password/{token}?callbackURL={TRUSTED_PAGE}")).await);
        done(&browser.post(path, &json!({"token": token, "newPassword": other_password(number)})).await);
    }
    done(&browser.post("/password-reset/request", &json!({"email": email})).await);
    let (mut browser, _) = sign_in(app, &email, &other_password(1)).await;
    done(&browser.post("/verify-password", &json!({"password": other_password(1)})).await);
    let change = json!({"currentPassword": other_password(1), "newPassword": PASSWORD});
    done(&browser.post("/change-password", &change).await);
}

async fn addresses(app: &App) {
    let email = unique_email("addresses");
    let mut browser = app.sign_up(&email).await;
    let token = verification_token(app, &email).await;
    done(&browser.get(&format!("/verify-email?token={token}&callbackURL={TRUSTED_PAGE}")).await);
    let new_email = unique_email("new-address");
    done(&browser.post("/change-email", &json!({"newEmail": new_email})).await);
    let consent = token_in(&link_to(app, &email).await);
    done(&follow(&mut browser, &consent).await);
    let changed = done(&follow(&mut browser, &token_in(&link_to(app, &new_email).await)).await);
    assert_eq!(changed["user"]["email"], new_email);
    done(&browser.post("/update-user", &json!({"name": "Ann Other"})).await);
}

async fn magic_links(app: &App) {
    let email = unique_email("links");
    sign_in_by_link(app, &email).await;
    let link = link_with(app, &json!({"email": email, "callbackURL": TRUSTED_PAGE})).await;
    done(&app.browser().get(&link).await);
}

async fn providers(app: &App) {
    let person = GoogleUser::new(&unique_email("sub"), &unique_email("person"));
    sign_in_with_google(app, &person).await;
    let mut browser = app.browser();
    let callback = callback_url(app, &mut browser, &person).await;
    let (url, form) = callback.split_once('?').unwrap();
    done(&browser.send(Call::new("POST", url).header("content-type", FORM).body(form.to_owned())).await);

    let (mut browser, _) = linked_member(app, "linked").await;
    let account = choice(&mut browser, "google").await;
    let id = account["accountId"].as_str().unwrap();
    done(&browser.get(&format!("/account-info?accountId={id}")).await);
    for path in ["/get-access-token", "/refresh-token", "/unlink-account"] {
        done(&browser.post(path, &account).await);
    }
}

async fn second_factor(app: &App) {
    let email = unique_email("factor");
    let mut browser = app.sign_up(&email).await;
    let authenticator = enrol(&mut browser).await;
    for path in ["/two-factor/get-totp-uri", "/two-factor/generate-backup-codes"] {
        done(&browser.post(path, &json!({"password": PASSWORD})).await);
    }
    let code = authenticator.code(app).await;
    let (mut challenged, answer) = sign_in(app, &email, PASSWORD).await;
    assert_eq!(done(&answer)["twoFactorRedirect"], true);
    done(&challenged.post("/two-factor/verify-totp", &json!({"code": code, "trustDevice": true})).await);
    let (mut challenged, _) = sign_in(app, &email, PASSWORD).await;
    done(&challenged.post("/two-factor/send-otp", &json!({})).await);
    let code = code_in(&app.mail_to(&email).await.text);
    done(&challenged.post("/two-factor/verify-otp", &json!({"code": code})).await);
    let codes = done(&browser.post("/two-factor/generate-backup-codes", &json!({"password": PASSWORD})).await);
    let (mut challenged, _) = sign_in(app, &email, PASSWORD).await;
    let code = json!({"code": codes["backupCodes"][0]});
    done(&challenged.post("/two-factor/verify-backup-code", &code).await);
    done(&browser.post("/two-factor/disable", &json!({"password": PASSWORD})).await);
}

async fn deletions(app: &App) {
    for target in ["", TRUSTED_PAGE] {
        let email = unique_email("leaving");
        let mut browser = app.sign_up(&email).await;
        done(&browser.post("/delete-user", &json!({"password": PASSWORD})).await);
        let token = token_in(&link_to(app, &email).await);
        done(&browser.get(&format!("/delete-user/callback?token={token}&callbackURL={target}")).await);
    }
}

/// One request of each kind is let through, and then none.
#[tokio::test]
async fn every_operation_that_is_counted_answers_429() {
    let rules: Vec<String> = Limit::ALL.iter().map(|limit| format!("{}=1/600", limit.name())).collect();
    let app = limited(1, &rules.join(",")).await;
    let counted: Vec<&RouteInfo> = ROUTES.iter().filter(|info| info.route.limit().is_some()).collect();
    for info in counted.iter().chain(&counted) {
        let path = info.path.replace("{token}", "x").replace("{provider}", "google");
        let call = Call::new(info.method, path);
        app.browser().send(if info.method == "POST" { call.json(&json!({})) } else { call }).await;
    }
    let too_many: Seen = app.seen().into_iter().filter(|(_, status)| *status == 429).collect();
    let counted: Seen = counted.into_iter().map(|info| (key(info), 429)).collect();
    assert_eq!(too_many, counted);
    assert!(counted.is_subset(&documented(|status| status == 429)));
}
