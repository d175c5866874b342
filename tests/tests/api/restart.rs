//! Restarts of the whole stack, and functions killed at work.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use local::{Data, StackOptions};
use serde_json::json;
use tests::{App, Call, PASSWORD, unique_email};

use crate::{
    invariants,
    steps::try_sign_up,
    support::{TABLES, password_works, user_row},
};

/// A directory that is gone with the test.
pub struct Directory(pub PathBuf);

impl Directory {
    /// A directory of a test's own.
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lambda-auth-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_restart_loses_nothing() {
    let directory = Directory::new("restart");
    let options = StackOptions { data: Data::Path(directory.0.clone()), instances: 1, ..StackOptions::default() };
    let email = unique_email("restart");

    let app = App::start(options.clone()).await;
    let mut browser = app.sign_up(&email).await;
    let user = browser.current_user().await.unwrap();
    let reset_token = app.reset_token(&email).await;
    let secret = app.aws().secret("SigningSecret").unwrap();
    drop(app);

    let app = App::start(options.clone()).await;
    assert_eq!(app.aws().secret("SigningSecret").unwrap(), secret);
    let mut after = app.browser();
    after.cookies = browser.cookies.clone();
    assert_eq!(after.current_user().await.unwrap(), user);
    assert!(password_works(&app, &email, PASSWORD).await);
    let taken = try_sign_up(&mut app.browser(), &email).await;
    assert_eq!((taken.status, taken.code().as_str()), (422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL"));
    let body = json!({"token": reset_token, "newPassword": "after the restart"});
    assert_eq!(app.browser().post("/reset-password", &body).await.status, 200);
    assert_eq!(after.current_user().await, None);
    drop(app);

    // What ended stays ended.
    let app = App::start(options).await;
    let mut later = app.browser();
    later.cookies = browser.cookies.clone();
    assert_eq!(later.current_user().await, None);
    assert_eq!(app.browser().post("/reset-password", &body).await.status, 400);
    assert!(password_works(&app, &email, "after the restart").await);
    invariants::check(&app, &[]).await;
}

/// Kills all instances of a function again and again, after every few answers,
/// until all clients have theirs; how often.
pub async fn storm(app: &App, function: &str, answers: &AtomicUsize, clients: usize) -> usize {
    let mut kills = 0;
    loop {
        let next = answers.load(Ordering::SeqCst) + 6;
        while answers.load(Ordering::SeqCst) < next.min(clients) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if next >= clients {
            return kills;
        }
        // Unequal pauses, so that every step of a request gets its share.
        tokio::time::sleep(Duration::from_millis(5 * (kills as u64 % 8))).await;
        app.kill_instances(function).await;
        kills += 1;
    }
}

/// Sends a request until it is answered by anything but a 5xx: the status, and
/// how often it had to be sent.
async fn persist(app: &App, path: &str, body: &serde_json::Value) -> (u16, usize) {
    for attempt in 1..=200 {
        let answer = app.browser().send_only(Call::new("POST", path).json(body)).await;
        if answer.status < 500 {
            return (answer.status, attempt);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{path} never got an answer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_killed_at_work_leave_no_halves() {
    let app = App::start(StackOptions { instances: 4, ..StackOptions::default() }).await;

    let emails: Vec<String> = (0..200).map(|_| unique_email("kill")).collect();
    let answers = AtomicUsize::new(0);
    let again = AtomicUsize::new(0);
    let sign_ups = async {
        let all = emails.iter().map(async |email| {
            let body = json!({"name": "Ann", "email": email, "password": PASSWORD});
            let (status, attempts) = persist(&app, "/sign-up/email", &body).await;
            answers.fetch_add(1, Ordering::SeqCst);
            again.fetch_add(attempts - 1, Ordering::SeqCst);
            // "Taken" is the client's own earlier success, whose answer it
            // never saw; nobody else uses the address.
            assert!(status == 200 || (status == 422 && attempts > 1), "{email}: {status} at attempt {attempts}");
        });
        join_all(all).await;
    };
    let (kills, ()) = futures_util::join!(storm(&app, "signup", &answers, emails.len()), sign_ups);
    let again = again.load(Ordering::SeqCst);
    assert!(kills >= 5 && again > 0, "nothing was disturbed: {kills} kills, {again} more attempts");
    let mut counts = Vec::new();
    for table in TABLES {
        counts.push(app.rows(table).await.len());
    }
    assert_eq!(counts, [200, 200, 200, 0], "{TABLES:?}");
    invariants::check(&app, &[]).await;

    // Password resets of some of them, in the same weather.
    let emails = &emails[..60];
    let tokens = join_all(emails.iter().map(|email| app.reset_token(email))).await;
    let answers = AtomicUsize::new(0);
    let again = AtomicUsize::new(0);
    let resets = async {
        let all = tokens.iter().map(async |token| {
            let body = json!({"token": token, "newPassword": "after the storm"});
            let (status, attempts) = persist(&app, "/reset-password", &body).await;
            answers.fetch_add(1, Ordering::SeqCst);
            again.fetch_add(attempts - 1, Ordering::SeqCst);
            assert!(status == 200 || (status == 400 && attempts > 1), "{status} at attempt {attempts}");
        });
        join_all(all).await;
    };
    let (kills, ()) = futures_util::join!(storm(&app, "reset-confirm", &answers, emails.len()), resets);
    let again = again.load(Ordering::SeqCst);
    assert!(kills >= 2 && again > 0, "nothing was disturbed: {kills} kills, {again} more attempts");
    assert!(app.rows("VerificationTokensTable").await.is_empty());
    for email in emails {
        assert!(password_works(&app, email, "after the storm").await, "{email}");
        let user = user_row(&app, email).await.unwrap();
        assert_ne!(user["sessionsValidFrom"], user["createdAt"], "{email}: the sessions live");
    }
    assert!(!password_works(&app, &emails[0], PASSWORD).await);
    invariants::check(&app, &[]).await;
}
