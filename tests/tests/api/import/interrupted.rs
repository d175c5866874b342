//! Runs that are repeated, killed, stopped, and run beside each other.

use std::time::Duration;

use local::{Fault, FaultRule, Service, StackOptions, When};

use super::*;
use crate::{linked, magic_link};

/// Asserts that each of the users is there, once and with all rows.
async fn assert_all_there(app: &App, lines: &[Value]) {
    let users = app.rows("UsersTable").await;
    assert_eq!(users.len(), lines.len());
    for line in lines {
        let found: Vec<&Value> = users.iter().filter(|row| row["email"]["S"] == line["email"]).collect();
        assert_eq!(found.len(), 1, "{line}");
        assert_eq!(found[0]["id"]["S"], line["id"]);
    }
    invariants::check(app, &[]).await;
}

async fn signal(child: &Child, name: &str) {
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args([name, &pid]).status().await.unwrap().success());
}

/// Waits until some users are there.
async fn some_are_there(app: &App, more_than: usize) -> usize {
    loop {
        let count = app.rows("UsersTable").await.len();
        if count > more_than {
            return count;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A stack whose tables take some time, so that runs can be met at work.
async fn slow() -> App {
    let app = App::with_env(&[]).await;
    // A log for the invariants.
    app.browser().get("/get-session").await;
    app.aws().inject(
        FaultRule::new(Service::DynamoDb, Fault::Delay(Duration::from_millis(30))).operation("TransactWriteItems"),
    );
    app
}

#[tokio::test]
async fn a_second_run_changes_nothing_that_has_changed_since() {
    let app = App::with_env(&[]).await;
    let mut lines = users("again", 4);
    let email_of = |line: &Value| line["email"].as_str().unwrap().to_owned();
    lines[3]["accounts"] = json!([link("google", "109"), link("github", "109")]);
    let file = Lines::new(&lines);
    assert_eq!(run(&app, "better-auth", &file, &[]).await.counts(), [4, 0, 0]);
    // One sets another password, one gets another address, one gives a provider up.
    reset_to(&app, &email_of(&lines[0]), &other_password(1)).await;
    let moved = unique_email("moved");
    let mut row = user_row(&app, &email_of(&lines[1])).await.unwrap();
    let mut address = account(&app, &format!("email:{}", email_of(&lines[1]))).await.unwrap();
    row["email"] = json!({"S": moved});
    row["identities"] = json!({"L": [{"S": format!("email:{moved}")}]});
    app.put_row("UsersTable", &row).await;
    let gone = json!({"TableName": "AccountsTable", "Key": {"identity": address["identity"]}});
    app.aws().dynamodb("DeleteItem", &gone).await.unwrap();
    address["identity"] = json!({"S": format!("email:{moved}")});
    app.put_row("AccountsTable", &address).await;
    let mut browser = magic_link::sign_in_by_link(&app, &email_of(&lines[3])).await;
    let google = linked::choice(&mut browser, "google").await;
    assert_eq!(browser.post("/unlink-account", &google).await.status, 200);

    let before = [app.rows("UsersTable").await, app.rows("AccountsTable").await];
    let again = run(&app, "better-auth", &file, &[]).await;
    assert_eq!((again.code, again.counts()), (Some(0), [0, 4, 0]), "{again:?}");
    assert_eq!([app.rows("UsersTable").await, app.rows("AccountsTable").await], before);
    assert!(password_works(&app, &email_of(&lines[0]), &other_password(1)).await);
    assert!(!password_works(&app, &email_of(&lines[0]), PASSWORD).await);
    invariants::check(&app, &[]).await;
}

#[tokio::test]
async fn a_run_that_is_killed_leaves_no_halves_and_is_made_good_by_another() {
    let app = slow().await;
    let mut lines = users("killed", 600);
    for (number, line) in lines.iter_mut().enumerate() {
        line["accounts"].as_array_mut().unwrap().push(link("github", &(930_000 + number).to_string()));
    }
    let file = Lines::new(&lines);
    let mut there = 0;
    for _ in 0..5 {
        let mut child = start(&app, "better-auth", &file);
        there = some_are_there(&app, there).await;
        child.kill().await.unwrap();
        invariants::check(&app, &[]).await;
    }
    there = app.rows("UsersTable").await.len();
    assert!((5..600).contains(&there), "{there}");
    let last = run(&app, "better-auth", &file, &[]).await;
    let [created, present, refused] = last.counts();
    // What a killed run had under way may have come after it was counted.
    assert!(last.code == Some(0) && created + present == 600 && refused == 0 && present >= there as u64, "{last:?}");
    assert_all_there(&app, &lines).await;
}

#[tokio::test]
async fn an_interrupt_finishes_what_is_begun_and_says_how_far_it_came() {
    let app = slow().await;
    let lines = users("interrupted", 2000);
    let file = Lines::new(&lines);
    let child = start(&app, "better-auth", &file);
    some_are_there(&app, 40).await;
    signal(&child, "-INT").await;
    let stopped = Run::new(child.wait_with_output().await.unwrap());
    let [created, ..] = stopped.counts();
    assert_eq!(stopped.code, Some(2), "{}", stopped.said);
    assert!((40..2000).contains(&created), "{created}");
    assert_eq!(app.rows("UsersTable").await.len() as u64, created, "nothing was left under way");
    let told = format!("interrupted; every line before {} is done", created + 1);
    assert!(stopped.said.contains(&told), "{}", stopped.said);
    app.aws().clear_faults();
    assert_eq!(run(&app, "better-auth", &file, &[]).await.counts(), [2000 - created, created, 0]);
    assert_all_there(&app, &lines).await;
}

#[tokio::test]
async fn runs_beside_each_other_make_one_user_of_a_line() {
    let app = slow().await;
    let lines = users("beside", 300);
    let file = Lines::new(&lines);
    let mut children = Vec::new();
    for _ in 0..3 {
        children.push(start(&app, "better-auth", &file).wait_with_output());
    }
    let runs = futures_util::future::join_all(children).await.into_iter().map(|output| Run::new(output.unwrap()));
    let mut total = [0; 3];
    for run in runs {
        assert_eq!(run.code, Some(0), "{}", run.said);
        total = std::array::from_fn(|at| total[at] + run.counts()[at]);
    }
    assert_eq!(total, [300, 600, 0]);
    assert_all_there(&app, &lines).await;
}

#[tokio::test]
async fn a_table_that_falters_is_asked_again() {
    let app = App::start(StackOptions { instances: 1, ..StackOptions::default() }).await;
    app.browser().get("/get-session").await;
    let lines = users("falters", 100);
    let file = Lines::new(&lines);
    for fault in [Fault::Throttle, Fault::InternalError, Fault::DropBefore, Fault::TransactionConflict] {
        let rule =
            FaultRule::new(Service::DynamoDb, fault).operation("TransactWriteItems").when(When::Probability(0.15));
        app.aws().inject(rule);
    }
    let run = run(&app, "better-auth", &file, &[]).await;
    assert_eq!((run.code, run.counts()[2]), (Some(0), 0), "{}", run.said);
    app.aws().clear_faults();
    assert_all_there(&app, &lines).await;
}

#[tokio::test]
async fn without_leave_to_write_it_stops_at_once_and_says_why() {
    let app = App::start(StackOptions { instances: 1, ..StackOptions::default() }).await;
    let lines = Lines::new(&users("forbidden", 500));
    let rule = FaultRule::new(Service::DynamoDb, Fault::AccessDenied).operation("TransactWriteItems");
    let id = app.aws().inject(rule);
    let run = run(&app, "better-auth", &lines, &[]).await;
    assert_eq!((run.code, run.counts()), (Some(2), [0, 0, 0]), "{}", run.said);
    assert!(run.said.contains("import user: AccessDeniedException; every line before 1 is done"), "{}", run.said);
    assert!(app.aws().fault_hits(id) < 100, "it goes on without end");
}
