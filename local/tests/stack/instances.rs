use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{client::get, options, start};
use local::{
    Error, Stack,
    runtime::{InvokeError, Process},
};

const ERROR: &str = r#"{"message":"Internal Server Error"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_in_a_function_is_a_500_and_no_more() {
    let stack = start().await;
    for path in ["/do/fail", "/do/malformed", "/do/crash", "/do/hang"] {
        let answer = get(&stack.url(), path).await;
        assert_eq!((answer.status, answer.body.as_str()), (500, ERROR), "{path}");
        assert_eq!(get(&stack.url(), "/do/echo").await.status, 200, "after {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invocations_share_the_instances() {
    let stack = start().await;
    let url = stack.url();
    let first = get(&url, "/do/slow").await.json()["pid"].clone();
    assert_eq!(get(&url, "/do/slow").await.json()["pid"], first, "the idle instance is used again");
    let started = Instant::now();
    let slow: Vec<_> = (0..6)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { get(&url, "/do/slow").await.json()["pid"].as_u64().unwrap() })
        })
        .collect();
    let mut pids = BTreeSet::new();
    for answer in slow {
        pids.insert(answer.await.unwrap());
    }
    assert_eq!(pids.len(), 2);
    assert!(started.elapsed() >= Duration::from_millis(900), "one event at a time");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_instances_are_replaced() {
    let stack = start().await;
    let before = get(&stack.url(), "/do/echo").await.json()["pid"].clone();
    let url = stack.url();
    let busy = tokio::spawn(async move { get(&url, "/do/slow").await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    stack.kill_instances("OneFunction").await;
    assert_eq!(busy.await.unwrap().status, 500);
    let after = get(&stack.url(), "/do/echo").await.json()["pid"].clone();
    assert_ne!(before, after);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_can_go_past_the_gateway() {
    let stack = start().await;
    let result = stack.invoke("one", json!({ "rawPath": "/echo", "odd": true })).await.unwrap();
    assert_eq!(result["statusCode"], 200);
    assert!(
        matches!(stack.invoke("one", json!({ "rawPath": "/fail" })).await, Err(InvokeError::Failed(report)) if report.contains("it failed"))
    );
    assert!(matches!(stack.invoke("one", json!({ "rawPath": "/crash" })).await, Err(InvokeError::Crashed(_))));
    assert!(matches!(stack.invoke("one", json!({ "rawPath": "/hang" })).await, Err(InvokeError::TimedOut(_))));
    assert!(matches!(stack.invoke_raw("one", "no json").await, Err(InvokeError::Failed(_) | InvokeError::Crashed(_))));
    assert!(matches!(stack.invoke("three", json!({})).await, Err(InvokeError::Init(_))));
    assert_eq!(stack.invoke("two", json!({})).await.unwrap()["statusCode"], 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_does_not_start_is_one_sentence() {
    let mut options = options();
    options.env.push(("FAIL_INIT".to_owned(), "1".to_owned()));
    let error = Stack::start(options).await.unwrap_err();
    assert!(matches!(error, Error::Function { .. }));
    let text = error.to_string();
    assert!(
        text.contains("ended during its initialisation (exit status: 1)") && text.contains("the setting X is missing"),
        "{text}"
    );

    let mut options = crate::options();
    options.commands.insert("one".to_owned(), vec!["/nowhere".to_owned()]);
    let text = Stack::start(options).await.unwrap_err().to_string();
    assert!(text.starts_with("function one: /nowhere does not start"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outlives_the_stack() {
    let stack = start().await;
    let pids: Vec<_> = ["one", "two"]
        .iter()
        .flat_map(|name| stack.pool(name).unwrap().processes())
        .map(|process| process.pid())
        .collect();
    assert_eq!(pids.len(), 2);
    assert!(pids.iter().all(|pid| runs(*pid)));
    stack.stop().await;
    assert!(!pids.iter().any(|pid| runs(*pid)));

    let stack = start().await;
    let pids: Vec<_> = stack.pool("one").unwrap().processes().iter().map(|process| process.pid()).collect();
    drop(stack);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!pids.iter().any(|pid| runs(*pid)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_can_be_measured() {
    let commands = options().commands;
    let process = Process::spawn(&local::runtime::Launch {
        name: "one".to_owned(),
        arn: String::new(),
        program: commands["one"][0].clone().into(),
        arguments: commands["one"][1..].to_vec(),
        environment: [
            ("AWS_LAMBDA_FUNCTION_NAME", "one"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", ""),
            ("AWS_LAMBDA_LOG_GROUP_NAME", ""),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        directory: None,
        output: std::sync::Arc::new(|_| {}),
    })
    .await
    .unwrap();
    let start = process.ready(Duration::from_secs(5)).await.unwrap();
    assert!(start > Duration::ZERO && start < Duration::from_secs(5));
    let event = json!({ "rawPath": "/echo" }).to_string();
    process.invoke(event.into(), Duration::from_secs(5)).await.unwrap();
    assert!(process.peak_rss_kib().unwrap() > 1000);
    process.kill().await;
    assert!(!process.is_alive());
}

/// Whether a process runs, zombies not counted.
pub fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}
