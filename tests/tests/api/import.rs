//! Users who are moved in from another system, by the program that does it.

mod formats;
mod hostile;
mod interrupted;
mod refusals;
mod tool;

use std::{
    fs,
    path::PathBuf,
    process::Stdio,
    sync::atomic::{AtomicU32, Ordering},
};

use local::build;
use serde_json::{Value, json};
use tests::{App, PASSWORD, unique_email};
use tokio::process::{Child, Command};

use crate::{invariants, restart::Directory, support::*};

/// [`PASSWORD`] as `better-auth` 1.7.25 has hashed it.
const HASH: &str = "384ad53835a5a922a9e1294fd03d1df1:de0a35369905f33394a2bbf438913047fd20d12897e9e576d6fef61e84a31ba806e6defc7cdde4ef646da5217edc9e92f2a6aa7b88dcf38679c3688b633463e9";

/// What one run came to.
#[derive(Debug)]
struct Run {
    code: Option<i32>,
    /// The refused lines.
    report: Vec<Value>,
    said: String,
}

impl Run {
    fn new(output: std::process::Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let report = text(output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Self { code: output.status.code(), report, said: text(output.stderr) }
    }

    /// New, already there, refused.
    fn counts(&self) -> [u64; 3] {
        let line = self.said.lines().rfind(|line| line.contains(" users: ")).unwrap_or_else(|| panic!("{}", self.said));
        let numbers: Vec<u64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
        assert_eq!(numbers[0], numbers[1..].iter().sum::<u64>(), "{line}");
        numbers[1..].try_into().unwrap()
    }

    /// Line and code of each refusal, by line.
    fn refused(&self) -> Vec<(u64, &str)> {
        let mut refused: Vec<_> = self
            .report
            .iter()
            .map(|entry| (entry["line"].as_u64().unwrap(), entry["code"].as_str().unwrap()))
            .collect();
        refused.sort_unstable();
        refused
    }
}

/// A file of lines, gone with the test.
struct Lines {
    path: PathBuf,
    _directory: Directory,
}

impl Lines {
    fn new(lines: &[Value]) -> Self {
        Self::of_text(lines.iter().map(|line| format!("{line}\n")).collect::<String>())
    }

    fn of_text(text: impl AsRef<[u8]>) -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let directory = Directory::new(&format!("import-{}", COUNTER.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir_all(&directory.0).unwrap();
        let path = directory.0.join("users.jsonl");
        fs::write(&path, text).unwrap();
        Self { path, _directory: directory }
    }
}

/// The program, without anything of the environment that it could find AWS by.
fn program() -> Command {
    let mut command = Command::new(build::binary("import", false));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("RUST_BACKTRACE", "1");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// The program, aimed at the tables of a stack.
fn import(app: &App, from: &str) -> Command {
    let mut command = program();
    command.env("AWS_ACCESS_KEY_ID", "local").env("AWS_SECRET_ACCESS_KEY", "local");
    command.args(["--from", from, "--users-table", "UsersTable", "--accounts-table", "AccountsTable"]);
    command.args(["--region", "us-east-1", "--endpoint-url", app.aws_url()]);
    command
}

async fn run(app: &App, from: &str, lines: &Lines, options: &[&str]) -> Run {
    Run::new(import(app, from).args(options).arg(&lines.path).output().await.unwrap())
}

fn start(app: &App, from: &str, lines: &Lines) -> Child {
    import(app, from).arg(&lines.path).spawn().unwrap()
}

/// A user of Better Auth with a password and a verified address.
fn user(id: &str, email: &str) -> Value {
    let credential = json!({"providerId": "credential", "accountId": id, "password": HASH});
    json!({
        "id": id, "name": "Ann", "email": email, "emailVerified": true, "image": "https://example.com/ann.png",
        "createdAt": "2024-01-01T12:00:00.123Z", "updatedAt": "2024-02-01T12:00:00.456Z", "accounts": [credential],
    })
}

/// Another one with each number, with an id that stays.
fn users(name: &str, count: usize) -> Vec<Value> {
    let prefix = unique_email(name);
    (0..count).map(|number| user(&format!("{number:032}"), &format!("{number}-{prefix}"))).collect()
}

fn link(provider: &str, subject: &str) -> Value {
    json!({"providerId": provider, "accountId": subject})
}

async fn account(app: &App, identity: &str) -> Option<Value> {
    app.row("AccountsTable", "identity", identity).await
}

async fn stored_hash(app: &App, email: &str) -> String {
    account(app, &format!("email:{email}")).await.unwrap()["passwordHash"]["S"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_password_signs_in_and_is_hashed_anew() {
    let app = App::shared();
    let email = unique_email("scrypt");
    let id = format!("{:0>32}", std::process::id());
    let run = run(app, "better-auth", &Lines::new(&[user(&id, &email.to_uppercase())]), &[]).await;
    assert_eq!((run.code, run.counts(), run.report.len()), (Some(0), [1, 0, 0], 0), "{}", run.said);
    assert!(stored_hash(app, &email).await.starts_with("$scrypt$ln=14,r=16,p=1$"));

    assert!(!password_works(app, &email, "not the password").await);
    assert!(stored_hash(app, &email).await.starts_with("$scrypt$"), "a wrong password changes nothing");
    let (mut browser, answer) = sign_in(app, &email, PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let hash = stored_hash(app, &email).await;
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    assert_eq!(
        browser.current_user().await.unwrap(),
        json!({
            "id": id, "name": "Ann", "email": email, "emailVerified": true, "image": "https://example.com/ann.png",
            "createdAt": "2024-01-01T12:00:00.123Z", "updatedAt": "2024-02-01T12:00:00.456Z", "twoFactorEnabled": false,
        })
    );
    assert!(password_works(app, &email, PASSWORD).await);
    assert_eq!(stored_hash(app, &email).await, hash);
    assert!(!password_works(app, &email, "not the password").await);
}

/// Whoever comes in otherwise meets the same password at every other door.
#[tokio::test]
async fn a_password_is_good_wherever_one_is_asked_for() {
    let app = App::shared();
    let lines: Vec<Value> = ["verify", "change", "enrol", "delete"]
        .map(unique_email)
        .into_iter()
        .map(|email| user(&email, &email))
        .collect();
    assert_eq!(run(app, "better-auth", &Lines::new(&lines), &[]).await.code, Some(0));
    let doors = [
        ("/verify-password", json!({"password": PASSWORD})),
        ("/change-password", json!({"currentPassword": PASSWORD, "newPassword": other_password(1)})),
        ("/two-factor/enable", json!({"password": PASSWORD})),
        ("/delete-user", json!({"password": PASSWORD})),
    ];
    for (line, (path, body)) in lines.iter().zip(doors) {
        let email = line["email"].as_str().unwrap();
        let mut browser = crate::magic_link::sign_in_by_link(app, email).await;
        assert!(stored_hash(app, email).await.starts_with("$scrypt$"));
        let mut wrong = body.clone();
        let field = if path == "/change-password" { "currentPassword" } else { "password" };
        wrong[field] = json!("not the password");
        assert_error(&browser.post(path, &wrong).await, 400, "INVALID_PASSWORD");
        let answer = browser.post(path, &body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    let changed = lines[1]["email"].as_str().unwrap();
    assert!(stored_hash(app, changed).await.starts_with("$argon2id$"));
    assert!(password_works(app, changed, &other_password(1)).await);
    assert!(user_row(app, lines[3]["email"].as_str().unwrap()).await.is_none());
}

/// Nobody learns by a stopwatch whose password came along.
#[tokio::test]
async fn a_wrong_password_takes_as_long_for_whomever() {
    let app = App::with_env(&[("AUTH_WRONG_PASSWORD_MS", "700")]).await;
    let (imported, known) = (unique_email("imported"), unique_email("known"));
    assert_eq!(run(&app, "better-auth", &Lines::new(&[user("1", &imported)]), &[]).await.code, Some(0));
    app.sign_up(&known).await;
    for email in [imported.clone(), known, unique_email("unknown")] {
        let started = std::time::Instant::now();
        assert!(!password_works(&app, &email, "not the password").await);
        let taken = started.elapsed().as_millis();
        assert!(taken >= 700, "{email}: {taken}");
    }
    assert!(password_works(&app, &imported, PASSWORD).await);
}

/// As the real package signs them up and hashes.
#[tokio::test]
async fn users_of_the_real_package_sign_in() {
    let app = App::shared();
    tests::npm::install(&build::workspace_root().join("tests/npm")).await;
    let people = [
        (unique_email("npm"), "correct horse"),
        (unique_email("npm"), "cafe\u{301} \u{212b} \u{fb01}sh \u{1f511}"),
        (unique_email("npm"), &"p".repeat(128)),
    ];
    let arguments: Vec<&str> = people.iter().flat_map(|(email, password)| [email.as_str(), password]).collect();
    let export = crate::node::start("export.mjs", &arguments, &[]).wait_with_output().await.unwrap();
    assert!(export.status.success());
    let run = run(app, "better-auth", &Lines::of_text(&export.stdout), &[]).await;
    assert_eq!((run.code, run.counts()), (Some(0), [3, 0, 0]), "{run:?}");
    for (email, password) in &people {
        assert!(!password_works(app, email, &password[1..]).await);
        assert!(password_works(app, email, password).await, "{password}");
        assert!(stored_hash(app, email).await.starts_with("$argon2id$"));
    }
    let ids = String::from_utf8(export.stdout).unwrap();
    let id = serde_json::from_str::<Value>(ids.lines().next().unwrap()).unwrap()["id"].clone();
    assert_eq!(user_row(app, &people[0].0).await.unwrap()["id"]["S"], id, "what refers to it goes on doing so");
}

/// No row differs from one that the service writes itself.
#[tokio::test]
async fn the_rows_are_those_of_a_sign_up() {
    let app = App::with_env(&[]).await;
    let [signed_up, by_google, imported, linked] = ["sign-up", "google", "import", "link"].map(unique_email);
    app.sign_up(&signed_up).await;
    let google = tests::fake_provider::GoogleUser::new(&by_google, &by_google);
    crate::oauth::sign_in_with_google(&app, &google).await;
    let mut lines = [user("1", &imported), user("2", &linked)];
    lines[0].as_object_mut().unwrap().remove("image");
    lines[1]["accounts"] = json!([link("google", &linked)]);
    assert_eq!(run(&app, "better-auth", &Lines::new(&lines), &[]).await.counts(), [2, 0, 0]);

    let shape = |row: Option<Value>| -> Vec<(String, String)> {
        let row = row.unwrap();
        let types = row.as_object().unwrap().iter();
        types.map(|(name, value)| (name.clone(), value.as_object().unwrap().keys().next().unwrap().clone())).collect()
    };
    assert_eq!(shape(user_row(&app, &imported).await), shape(user_row(&app, &signed_up).await));
    assert_eq!(shape(user_row(&app, &linked).await), shape(user_row(&app, &by_google).await));
    for (mine, theirs) in [(&imported, &signed_up), (&linked, &by_google)] {
        let [mine, theirs] = [mine, theirs].map(|email| format!("email:{email}"));
        assert_eq!(shape(account(&app, &mine).await), shape(account(&app, &theirs).await));
    }
    // But for what only the provider can say.
    let mut of_google = shape(account(&app, &format!("google:{by_google}")).await);
    of_google.retain(|(name, _)| !["provenEmail", "providerTokens", "providerScopes"].contains(&name.as_str()));
    assert_eq!(shape(account(&app, &format!("google:{linked}")).await), of_google);
    invariants::check(&app, &[]).await;
}
