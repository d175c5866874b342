//! What is left after the stack was killed without warning.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{instances::runs, options};
use local::{Data, Stack, StackOptions};

const DATA: &str = "STACK_TEST_DATA";

/// No test, but a stack in a process of its own.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it is the stack that a test kills"]
async fn doomed() {
    let Some(directory) = std::env::var_os(DATA) else {
        return;
    };
    let stack = on(Path::new(&directory)).await;
    let item = json!({ "TableName": "ThingsTable", "Item": { "id": { "S": "kept" } } });
    stack.aws().dynamodb("PutItem", &item).await.unwrap();
    stack.aws().put_secret("Other", "kept too").unwrap();
    let pid = stack.pool("one").unwrap().processes()[0].pid();
    println!("\npid {pid} {}", stack.aws().secret("Secret").unwrap());
    std::future::pending::<()>().await;
}

async fn on(directory: &Path) -> Stack {
    Stack::start(StackOptions { data: Data::Path(directory.to_owned()), ..options() }).await.unwrap()
}

fn start_doomed(directory: &Path) -> (Child, u32, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["survival::doomed", "--exact", "--ignored", "--nocapture"])
        .env(DATA, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.map(Result::unwrap).find(|line| line.starts_with("pid ")).unwrap();
    let words: Vec<&str> = line.split(' ').collect();
    (child, words[1].parse().unwrap(), words[2].to_owned())
}

fn directory() -> PathBuf {
    std::env::temp_dir().join(format!("local-stack-{}-{:?}", std::process::id(), std::thread::current().id()))
}

#[tokio::test(flavor = "multi_thread")]
async fn data_survive_and_functions_do_not() {
    let directory = directory();
    let (mut child, function, secret) = start_doomed(&directory);
    assert!(runs(function));

    let second = Stack::start(StackOptions { data: Data::Path(directory.clone()), ..options() });
    let error = second.await.unwrap_err().to_string();
    assert!(error.contains("another stack uses it"), "{error}");

    child.kill().unwrap();
    child.wait().unwrap();
    let killed = Instant::now();
    while runs(function) {
        assert!(killed.elapsed() < Duration::from_secs(5), "the function outlives its stack");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    let stack = on(&directory).await;
    let key = json!({ "TableName": "ThingsTable", "Key": { "id": { "S": "kept" } } });
    let item = stack.aws().dynamodb("GetItem", &key).await.unwrap();
    assert_eq!(item["Item"]["id"]["S"], "kept");
    assert_eq!(stack.aws().secret("Other").as_deref(), Some("kept too"));
    assert_eq!(stack.aws().secret("Secret"), Some(secret));
    stack.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}
