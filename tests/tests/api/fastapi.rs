//! The example of a back end, `examples/fastapi`, beside the real service.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use local::{Fault, FaultRule, Service, StackOptions, build::workspace_root};
use serde_json::{Value, json};
use tests::{Answer, App, Browser, Call, unique_email};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    sync::OnceCell,
    time::timeout,
};

use crate::{
    python::{make_environment, run, script},
    rotation::rotate,
    secrets::kill_all,
    support::{kid, raw_token},
};

const SECRET: &str = "SigningSecret";

/// A virtual environment with what the example needs and is tested with.
pub async fn environment() -> &'static Path {
    static ENVIRONMENT: OnceCell<PathBuf> = OnceCell::const_new();
    let files = ["../../examples/fastapi/requirements.txt", "../../examples/fastapi/requirements-dev.txt"];
    ENVIRONMENT.get_or_init(|| async move { make_environment("fastapi", &files).await }).await
}

#[tokio::test]
async fn its_types_style_and_tests_are_in_order() {
    for command in ["ruff check", "ruff format --check", "mypy", "pytest --quiet -p no:cacheprovider"] {
        let mut words = command.split(' ');
        let program = environment().await.join("bin").join(words.next().unwrap());
        let caches = [("RUFF_NO_CACHE", "true"), ("MYPY_CACHE_DIR", "/dev/null")];
        let (passed, output) = run(&program, &directory(), &words.collect::<Vec<_>>(), &caches, "").await;
        assert!(passed && !output.contains("skipped"), "{command}: {output}");
    }
}

#[tokio::test]
async fn whoever_signed_up_has_todos_and_nobody_else_does() {
    let app = start().await;
    let api = Api::start(&app, &by_secrets_manager(&app)).await;
    let (ann, bob) = (Person::sign_up(&app).await, Person::sign_up(&app).await);
    let added = api.send("POST", "", &ann.token, Some(json!({"title": "Buy milk"}))).await;
    assert_eq!(added.status, 201, "{}", added.text());
    assert_eq!(api.todos(&ann.token).await, json!([added.json()]));
    assert_eq!(api.todos(&bob.token).await, json!([]));
    let path = format!("/{}", added.json()["id"]);
    let done = api.send("PATCH", &path, &ann.token, Some(json!({"completed": true}))).await;
    assert_eq!((done.status, &done.json()["completed"]), (200, &json!(true)));
    for method in ["GET", "DELETE"] {
        assert_eq!(api.send(method, &path, &bob.token, None).await.status, 404);
    }
    assert_eq!(api.send("DELETE", &path, &ann.token, None).await.status, 204);
    // Without a session of one's own there is nothing.
    assert_eq!(api.status("nonsense").await, 401);
    assert_eq!(api.status(&raw_token(&ann.browser)).await, 401);
    api.assert_log_is_clean(&app);
}

/// Through HTTP, with uvicorn and everything around the verifier.
#[tokio::test]
async fn the_service_and_the_api_agree_on_every_token() {
    let app = start().await;
    let first = app.aws().secret(SECRET).unwrap();
    let previous = Person::sign_up(&app).await.token;
    rotate(&app).await;
    kill_all(&app).await;
    let current = Person::sign_up(&app).await.token;
    let api = Api::start(&app, &by_secrets_manager(&app)).await;

    let keys = [(&current, app.aws().secret(SECRET).unwrap()), (&previous, first)];
    let keys = keys.map(|(token, secret)| format!("--secret={}={secret}", kid(token)));
    let url = app.url();
    let arguments = [keys[0].as_str(), &keys[1], "--issuer", &url, "--audience", &url, "--token", &current];
    let (made, vectors) = script("make_vectors.py", &arguments, "").await;
    let vectors: Vec<Value> = serde_json::from_str(&vectors).unwrap();
    assert!(made && vectors.len() >= 80, "{} vectors", vectors.len());
    for vector in vectors.iter().filter(|vector| vector["header"] != false) {
        let expected = if vector["valid"] == true { 200 } else { 401 };
        assert_eq!(api.status(vector["token"].as_str().unwrap()).await, expected, "{}", vector["name"]);
    }
    api.assert_log_is_clean(&app);
}

#[tokio::test]
async fn a_rotation_and_an_outage_refuse_nobody() {
    let app = start().await;
    let api = Api::start(&app, &by_secrets_manager(&app)).await;
    let mut tokens = vec![Person::sign_up(&app).await.token];
    assert_eq!(api.status(&tokens[0]).await, 200);

    for _ in 0..2 {
        rotate(&app).await;
        kill_all(&app).await;
        tokens.push(Person::sign_up(&app).await.token);
        let [.., old, new] = tokens.as_slice() else { panic!("two tokens") };
        assert_ne!(kid(old), kid(new));
        assert_eq!((api.status(new).await, api.status(old).await), (200, 200));
    }
    assert_eq!(api.status(&tokens[0]).await, 401, "two rotations end what was signed before them");

    for fault in [Fault::DropBefore, Fault::AccessDenied, Fault::InternalError, Fault::Malformed, Fault::Hang] {
        let fault = app.aws().inject(FaultRule::new(Service::SecretsManager, fault));
        assert_eq!(api.status(&tokens[0]).await, 401);
        assert_eq!((api.status(&tokens[1]).await, api.status(&tokens[2]).await), (200, 200));
        app.aws().remove_fault(fault);
    }
    api.assert_log_is_clean(&app);
}

#[tokio::test]
async fn secrets_of_the_environment_serve_a_rotation_too() {
    let app = start().await;
    let person = Person::sign_up(&app).await;
    let old = app.aws().secret(SECRET).unwrap();
    rotate(&app).await;
    kill_all(&app).await;
    let (token, new) = (person.new_token().await, app.aws().secret(SECRET).unwrap());

    let before = Api::start(&app, &[("BETTER_AUTH_SECRET", &old)]).await;
    assert_eq!((before.status(&person.token).await, before.status(&token).await), (200, 401));
    let during = Api::start(&app, &[("BETTER_AUTH_SECRET", &new), ("BETTER_AUTH_SECRET_PREVIOUS", &old)]).await;
    assert_eq!((during.status(&person.token).await, during.status(&token).await), (200, 200));
    let after = Api::start(&app, &[("BETTER_AUTH_SECRET", &new)]).await;
    assert_eq!((after.status(&person.token).await, after.status(&token).await), (401, 200));
}

#[tokio::test]
async fn a_session_that_ended_is_refused_where_the_service_is_asked() {
    let app = start().await;
    let api = Api::start(&app, &by_secrets_manager(&app)).await;
    let mut person = Person::sign_up(&app).await;
    let add = async |token: &str| api.send("POST", "", token, Some(json!({"title": "-"}))).await.status;
    assert_eq!(add(&person.token).await, 201);
    assert_eq!(api.send("DELETE", "", &person.token, None).await.status, 204);
    assert_eq!(api.todos(&person.token).await, json!([]));

    assert_eq!(add(&person.token).await, 201);
    let fault = app.aws().inject(FaultRule::new(Service::DynamoDb, Fault::AccessDenied));
    let put_off = api.send("DELETE", "", &person.token, None).await;
    assert_eq!((put_off.status, put_off.json()), (503, json!({"detail": "Try again later"})));
    assert_eq!(put_off.header("retry-after"), "5");
    app.aws().remove_fault(fault);

    let answer = person.browser.post("/sign-out", &json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(api.send("DELETE", "", &person.token, None).await.status, 401);
    // Who looks at the token alone does not know, until it expires.
    assert_eq!(api.todos(&person.token).await.as_array().unwrap().len(), 1);
    api.assert_log_is_clean(&app);
}

async fn start() -> App {
    App::start(StackOptions { instances: 1, ..StackOptions::default() }).await
}

fn by_secrets_manager(app: &App) -> [(&str, &str); 5] {
    [
        ("BETTER_AUTH_SECRET_ARN", SECRET),
        ("AWS_ENDPOINT_URL", app.aws_url()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
    ]
}

fn directory() -> PathBuf {
    workspace_root().join("examples/fastapi")
}

/// Somebody who is signed in, with the token of the sign-up.
struct Person {
    browser: Browser,
    token: String,
}

impl Person {
    async fn sign_up(app: &App) -> Self {
        let mut person = Self { browser: app.sign_up(&unique_email("todos")).await, token: String::new() };
        person.token = person.new_token().await;
        person
    }

    async fn new_token(&self) -> String {
        let answer = self.browser.send_only(Call::new("GET", "/token")).await;
        answer.json()["token"].as_str().unwrap().to_owned()
    }
}

/// The example, served by uvicorn, with a database of its own.
struct Api {
    url: String,
    log: Arc<Mutex<String>>,
    database: PathBuf,
    _process: Child,
}

impl Api {
    async fn start(app: &App, environment_variables: &[(&str, &str)]) -> Self {
        let uvicorn = environment().await.join("bin/uvicorn");
        let database = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.db", unique_email("todos")));
        let mut process = Command::new(uvicorn)
            .args(["app.main:app", "--port", "0"])
            .envs(environment_variables.iter().copied())
            .env("BETTER_AUTH_URL", app.url())
            .env("DATABASE", &database)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .current_dir(directory())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let url = address(&mut process, Arc::clone(&log)).await;
        Self { url, log, database, _process: process }
    }

    async fn send(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> Answer {
        let call = Call::new(method, format!("{}/api/v1/todos{path}", self.url));
        let call = call.header("authorization", format!("Bearer {token}"));
        let call = if let Some(body) = body { call.json(&body) } else { call };
        Browser::new(&self.url).send_only(call).await
    }

    async fn todos(&self, token: &str) -> Value {
        let answer = self.send("GET", "", token, None).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// What a token is answered where the token alone decides.
    async fn status(&self, token: &str) -> u16 {
        self.send("GET", "", token, None).await.status
    }

    fn assert_log_is_clean(&self, app: &App) {
        let log = self.log.lock().unwrap();
        let secret = app.aws().secret(SECRET).unwrap();
        assert!(log.contains("GET /api/v1/todos") && !log.contains("Traceback"), "{log}");
        assert!(!log.contains("eyJ") && !log.contains(&secret), "{log}");
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        for suffix in ["", "-shm", "-wal"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", self.database.display()));
        }
    }
}

/// Waits for the address that uvicorn says it listens at, and keeps what it
/// writes: of itself on one pipe, of requests on the other.
async fn address(process: &mut Child, log: Arc<Mutex<String>>) -> String {
    let keep = |log: &Mutex<String>, line: &str| log.lock().unwrap().extend([line, "\n"]);
    let (requests, log_of_requests) = (process.stdout.take().unwrap(), Arc::clone(&log));
    tokio::spawn(async move {
        let mut lines = BufReader::new(requests).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            keep(&log_of_requests, &line);
        }
    });
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let wait = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some((_, rest)) = line.split_once("Uvicorn running on ") {
                return rest.split(' ').next().unwrap().to_owned();
            }
            keep(&log, &line);
        }
        panic!("the API ended: {}", log.lock().unwrap());
    };
    let url = timeout(Duration::from_secs(180), wait).await.unwrap();
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            keep(&log, &line);
        }
    });
    url
}
