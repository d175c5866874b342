//! How many codes are looked at.

use futures_util::future::join_all;

use super::*;

const TOO_MANY: &str = "TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE";
const LOCKED: &str = "ACCOUNT_TEMPORARILY_LOCKED";

fn failures(row: &serde_json::Value) -> usize {
    row["failures"]["SS"].as_array().map_or(0, Vec::len)
}

/// Moves all failures of a user back in time.
async fn age_failures(app: &App, authenticator: &Authenticator, seconds: i64) {
    let mut row = authenticator.row(app).await.unwrap();
    for id in row["failures"]["SS"].as_array_mut().unwrap() {
        let (at, rest) = id.as_str().unwrap().split_once('.').unwrap();
        *id = json!(format!("{}.{rest}", at.parse::<i64>().unwrap() - seconds * SECOND));
    }
    app.put_row("AccountsTable", &row).await;
}

/// Seconds after which another code may be tried, which a script may read.
#[track_caller]
fn wait_of(answer: &Answer) -> i64 {
    assert_eq!(answer.header("retry-after"), answer.header("x-retry-after"));
    assert!(!answer.header("access-control-allow-origin").is_empty());
    answer.header("retry-after").parse().unwrap()
}

#[tokio::test]
async fn a_challenge_takes_five_codes_of_whatever_kind() {
    let app = App::shared();
    let (email, authenticator, _) = enrolled(app, "five").await;
    let mut browser = challenged(app, &email).await;
    assert_eq!(browser.post("/two-factor/send-otp", &json!({})).await.status, 200);
    let wrong = authenticator.wrong();
    for (path, code, error) in [
        ("verify-totp", wrong.as_str(), "INVALID_CODE"),
        ("verify-backup-code", "aaaaa-aaaaa", "INVALID_BACKUP_CODE"),
        ("verify-otp", "x", "INVALID_CODE"),
        ("verify-totp", "", "INVALID_CODE"),
        ("verify-totp", &wrong, "INVALID_CODE"),
    ] {
        let answer = browser.post(&format!("/two-factor/{path}"), &json!({"code": code})).await;
        assert_error(&answer, 401, error);
    }
    let code = authenticator.code(app).await;
    let spent = browser.clone();
    let answer = verify_totp(&mut browser, &code).await;
    assert_error(&answer, 400, TOO_MANY);
    assert_eq!(answer.set_cookies(), [format!("{TWO_FACTOR}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax")]);
    assert!(browser.cookies.is_empty());
    for call in [totp_call(&code), backup_call(&authenticator.backup_codes[0])] {
        assert_error(&spent.send_only(call).await, 400, TOO_MANY);
    }
    // A new sign-in has five of its own, and a right code forgets the failures.
    assert_eq!(failures(&authenticator.row(app).await.unwrap()), 5);
    assert_eq!(verify_totp(&mut challenged(app, &email).await, &code).await.status, 200);
    assert_eq!(failures(&authenticator.row(app).await.unwrap()), 0);
}

#[tokio::test]
async fn ten_failures_in_a_row_lock_the_user_out_for_a_while() {
    let app = App::shared();
    let (email, authenticator, mut signed_in) = enrolled(app, "locked").await;
    for at in 0..10 {
        let mut browser = challenged(app, &email).await;
        let answer = if at % 2 == 0 {
            verify_totp(&mut browser, &authenticator.wrong()).await
        } else {
            browser.send(backup_call("zzzzz-zzzzz")).await
        };
        assert_eq!(answer.status, 401, "{at}: {}", answer.text());
    }
    let code = authenticator.code(app).await;
    let mut browser = challenged(app, &email).await;
    // No attempt of the challenge is spent: all are told the same.
    for _ in 0..7 {
        let answer = verify_totp(&mut browser, &code).await;
        assert_error(&answer, 429, LOCKED);
        assert!((800..=900).contains(&wait_of(&answer)), "{}", wait_of(&answer));
    }
    age_failures(app, &authenticator, 600).await;
    let answer = verify_totp(&mut browser, &code).await;
    assert_error(&answer, 429, LOCKED);
    assert!((200..=300).contains(&wait_of(&answer)), "{}", wait_of(&answer));
    assert_error(&browser.send(backup_call(&authenticator.backup_codes[0])).await, 429, LOCKED);
    assert_eq!(browser.post("/two-factor/send-otp", &json!({})).await.status, 200);
    let mail = app.mail_to(&email).await;
    let mailed = crate::mails::code_in(&mail.text);
    assert_error(&browser.post("/two-factor/verify-otp", &json!({"code": mailed})).await, 429, LOCKED);
    assert_error(&verify_totp(&mut signed_in, &code).await, 429, LOCKED);
    // Whoever is signed in already stays so.
    assert!(signed_in.current_user().await.is_some());

    age_failures(app, &authenticator, 300 - 5).await;
    assert_error(&verify_totp(&mut browser, &code).await, 429, LOCKED);
    age_failures(app, &authenticator, 6).await;
    let answer = verify_totp(&mut browser, &code).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(failures(&authenticator.row(app).await.unwrap()), 0);
}

#[tokio::test]
async fn failures_before_a_quiet_spell_are_forgotten() {
    let app = App::shared();
    let (email, authenticator, mut signed_in) = enrolled(app, "forgotten").await;
    let wrong = authenticator.wrong();
    for _ in 0..9 {
        assert_error(&verify_totp(&mut signed_in, &wrong).await, 401, "INVALID_CODE");
    }
    age_failures(app, &authenticator, 15 * 60 + 1).await;
    for at in 0..10 {
        assert_eq!(verify_totp(&mut signed_in, &wrong).await.status, 401, "{at}");
    }
    assert_error(&verify_totp(&mut challenged(app, &email).await, &wrong).await, 429, LOCKED);
}

#[tokio::test]
async fn five_hundred_at_once_on_one_challenge_are_five() {
    let app = racing().await;
    let (email, authenticator, _) = enrolled(&app, "storm").await;
    let browser = challenged(&app, &email).await;
    let wrong = authenticator.wrong();
    let answers = join_all((0..500).map(|_| browser.send_only(totp_call(&wrong)))).await;
    assert_eq!((count(&answers, 401), count(&answers, 400)), (5, 495));
    assert_eq!(failures(&authenticator.row(&app).await.unwrap()), 5);
    app.stop().await;
}

#[tokio::test]
async fn five_hundred_at_once_on_fifty_challenges_are_ten() {
    let app = racing().await;
    let (email, authenticator, _) = enrolled(&app, "storms").await;
    let browsers = replay::challenges(&app, &email, 50).await;
    for browser in &browsers {
        let call = Call::new("POST", "/two-factor/send-otp").json(&json!({}));
        assert_eq!(browser.send_only(call).await.status, 200);
    }
    let before = sessions_of(&app, &email).await.len();
    let mailed = Call::new("POST", "/two-factor/verify-otp").json(&json!({"code": "x"}));
    let calls = [totp_call(&authenticator.wrong()), backup_call("zzzzz-zzzzz"), mailed];
    let requests = (0..500).map(|at| browsers[at % 50].send_only(calls[at % 3].clone()));
    let answers = join_all(requests).await;
    let codes: std::collections::BTreeMap<String, usize> =
        answers.iter().fold(std::collections::BTreeMap::new(), |mut codes, answer| {
            *codes.entry(answer.code()).or_default() += 1;
            codes
        });
    assert_eq!(count(&answers, 401), 10, "{codes:?}");
    assert!(answers.iter().all(|answer| [400, 401, 429].contains(&answer.status)), "{codes:?}");
    assert_eq!(sessions_of(&app, &email).await.len(), before);
    // Even the right code is not looked at now.
    let code = authenticator.code(&app).await;
    assert_error(&verify_totp(&mut challenged(&app, &email).await, &code).await, 429, LOCKED);
    app.stop().await;
}
