//! Codes that stand in for the authenticator once.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::*;

async fn verify(browser: &mut Browser, code: &str) -> Answer {
    browser.send(backup_call(code)).await
}

async fn left(app: &App, authenticator: &Authenticator) -> usize {
    let row = authenticator.row(app).await.unwrap();
    row["backupCodes"]["SS"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn each_code_signs_in_once_however_it_is_typed() {
    let app = App::shared();
    let (email, authenticator, mut signed_in) = enrolled(app, "backup").await;
    let codes = authenticator.backup_codes.clone();
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), 10);
    let is_code = |code: &String| {
        let (start, end) = code.split_once('-').unwrap();
        let is_half =
            |half: &str| half.len() == 5 && half.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        is_half(start) && is_half(end)
    };
    assert!(codes.iter().all(is_code), "{codes:?}");
    let row = authenticator.row(app).await.unwrap().to_string();
    assert!(codes.iter().all(|code| !row.contains(code) && !row.contains(&code.replace('-', ""))));

    let typed = [
        codes[0].clone(),
        codes[1].to_uppercase(),
        codes[2].replace('-', ""),
        format!(" {} ", codes[3].replace('-', " - ")),
    ];
    for (at, code) in typed.iter().enumerate() {
        let mut browser = challenged(app, &email).await;
        let answer = verify(&mut browser, code).await;
        assert_eq!(answer.status, 200, "{code}: {}", answer.text());
        assert_eq!(browser.current_user().await.unwrap()["email"], email);
        assert_eq!(left(app, &authenticator).await, 9 - at);
        assert_error(&verify(&mut challenged(app, &email).await, code).await, 401, "INVALID_BACKUP_CODE");
    }
    // A step-up spends one too, and a bare check lets nobody in.
    assert_eq!(verify(&mut signed_in, &codes[4]).await.status, 200);
    assert_error(&verify(&mut signed_in, &codes[4]).await, 401, "INVALID_BACKUP_CODE");
    let mut browser = challenged(app, &email).await;
    let call = Call::new("POST", "/two-factor/verify-backup-code");
    let answer = browser.send(call.json(&json!({"code": codes[5], "disableSession": true}))).await;
    assert_eq!((answer.status, answer.set_cookies().len()), (200, 0), "{}", answer.text());
    assert_eq!(answer.json()["user"]["email"], email);
    assert!(answer.json().get("token").is_none());
    assert_eq!(browser.current_user().await, None);
    assert_error(&verify(&mut browser, &codes[5]).await, 401, "INVALID_BACKUP_CODE");
    assert_eq!(left(app, &authenticator).await, 4);
    // The last one, after which the set is gone from the row.
    for code in &codes[6..] {
        assert_eq!(verify(&mut challenged(app, &email).await, code).await.status, 200);
    }
    assert_eq!(left(app, &authenticator).await, 0);
    assert_error(&verify(&mut challenged(app, &email).await, &codes[9]).await, 401, "INVALID_BACKUP_CODE");
}

#[tokio::test]
async fn one_code_on_many_challenges_signs_in_once() {
    let app = racing().await;
    let (email, authenticator, _) = enrolled(&app, "backup-race").await;
    let browsers = replay::challenges(&app, &email, 60).await;
    let call = backup_call(&authenticator.backup_codes[0]);
    let answers = join_all(browsers.iter().map(|browser| browser.send_only(call.clone()))).await;
    assert_eq!(count(&answers, 200), 1, "{:?}", answers.iter().map(Answer::code).collect::<Vec<_>>());
    assert_eq!(left(&app, &authenticator).await, 9);
    app.stop().await;
}

#[tokio::test]
async fn different_codes_at_once_all_sign_in() {
    let app = racing().await;
    let (email, authenticator, _) = enrolled(&app, "backup-many").await;
    let browsers = replay::challenges(&app, &email, 10).await;
    let calls = browsers.iter().zip(&authenticator.backup_codes);
    let answers = join_all(calls.map(|(browser, code)| browser.send_only(backup_call(code)))).await;
    assert_eq!(count(&answers, 200), 10, "{:?}", answers.iter().map(Answer::code).collect::<Vec<_>>());
    assert_eq!(left(&app, &authenticator).await, 0);
    app.stop().await;
}

#[tokio::test]
async fn new_codes_kill_the_old_ones_even_in_a_race() {
    let app = racing().await;
    let (email, authenticator, browser) = enrolled(&app, "regenerate").await;
    let mut old = authenticator.backup_codes.clone();
    for _ in 0..5 {
        let pending = replay::challenges(&app, &email, 8).await;
        let generate = Call::new("POST", "/two-factor/generate-backup-codes").json(&json!({"password": PASSWORD}));
        let (answer, used) = futures_util::join!(
            browser.send_only(generate),
            join_all(pending.iter().zip(&old).map(|(browser, code)| browser.send_only(backup_call(code))))
        );
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["status"], true);
        assert!(used.iter().all(|answer| [200, 401].contains(&answer.status)));
        let new: Vec<String> = serde_json::from_value(answer.json()["backupCodes"].clone()).unwrap();
        // Whatever was used before: now all ten new ones are there, and no old one.
        assert_eq!(left(&app, &authenticator).await, 10);
        assert_error(&verify(&mut challenged(&app, &email).await, &old[9]).await, 401, "INVALID_BACKUP_CODE");
        assert_eq!(verify(&mut challenged(&app, &email).await, &new[9]).await.status, 200);
        old = new;
        old.rotate_right(1);
    }
    app.stop().await;
}
