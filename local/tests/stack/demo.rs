//! The demo around small stand-ins for its front end and its todo API, in
//! `tests/demo`. The providers are the real ones.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
    sync::Once,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{client::get, options};
use local::{Demo, DemoOptions, StackOptions};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/demo");
const DOOMED: &str = "DEMO_TEST_DOOMED";

fn demo_options() -> DemoOptions {
    DemoOptions {
        stack: options(),
        web: front_end(),
        api: PathBuf::from(SOURCES).join("api"),
        ..DemoOptions::default()
    }
}

/// A copy of the front end: what is built lies beside its sources.
fn front_end() -> PathBuf {
    static COPIED: Once = Once::new();
    let copy = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("demo-web");
    COPIED.call_once(|| {
        // The process that a test kills runs beside that test.
        if std::env::var_os(DOOMED).is_some() {
            return;
        }
        let _ = std::fs::remove_dir_all(&copy);
        std::fs::create_dir_all(&copy).unwrap();
        for file in std::fs::read_dir(PathBuf::from(SOURCES).join("web")).unwrap().flatten() {
            std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
        }
    });
    copy
}

async fn start() -> Demo {
    Demo::start(demo_options()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parts_are_told_of_each_other() {
    let demo = start().await;
    let (gateway, web, api) = (demo.stack().url(), demo.web_url(), demo.api_url());
    let told = get(&web, "/").await.json();
    assert_eq!(told["AUTH_API_URL"], gateway);
    assert_eq!(told["NEXT_PUBLIC_API_URL"], api);
    let secret = told["secret"].clone();
    assert!(secret.as_str().is_some_and(|secret| secret.len() >= 32));
    let told = get(&api, "/").await.json();
    assert_eq!(told["BETTER_AUTH_URL"], web);
    assert_eq!(told["CORS_ORIGINS"], web);
    assert_eq!(told["AUTH_API_URL"], gateway);
    assert_eq!(told["AWS_ENDPOINT_URL"], demo.stack().aws_url());
    let database = PathBuf::from(told["DATABASE"].as_str().unwrap());
    assert!(database.parent().unwrap().is_dir() && database.is_absolute(), "{database:?}");

    let env = get(&gateway, "/do/echo").await.json()["env"].clone();
    assert_eq!(env["BASE"], web);
    assert_eq!(env["PROXY"], secret);
    let providers = demo.provider_url();
    assert_eq!(env["AUTH_GOOGLE_ISSUER"], format!("{providers}/google"));
    for id in ["google", "acme"] {
        let document = get(&providers, &format!("/{id}/.well-known/openid-configuration")).await.json();
        assert_eq!(document["issuer"], format!("{providers}/{id}"));
        assert_eq!(document["jwks_uri"], format!("{providers}/{id}/jwks"));
    }
    let clients: Value = serde_json::from_str(&demo.stack().aws().secret("OAuthClientsSecret").unwrap()).unwrap();
    assert_eq!(clients["acme"]["issuer"], format!("{providers}/acme"));
    demo.stop().await;
    assert!(!database.parent().unwrap().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_built_twice() {
    let builds = || std::fs::read_to_string(front_end().join(".next/builds")).unwrap();
    start().await.stop().await;
    assert_eq!(builds(), "built\n");
    start().await.stop().await;
    assert_eq!(builds(), "built\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_part_outlives_the_demo() {
    let demo = start().await;
    let groups = demo.pids();
    assert_eq!(groups.len(), 3);
    assert!(groups.iter().all(|group| !members(*group).is_empty()));
    let idle = get(&demo.web_url(), "/").await.json()["idle"].as_u64().unwrap();
    assert!(members(groups[2]).contains(&u32::try_from(idle).unwrap()), "what a part has started is watched too");
    drop(demo);
    wait_for_the_end_of(&groups).await;
}

/// No test, but a demo in a process of its own.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it is the demo that a test kills"]
async fn doomed() {
    if std::env::var_os(DOOMED).is_none() {
        return;
    }
    let demo = start().await;
    println!("\npids {:?}", demo.pids());
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_part_outlives_a_demo_that_is_killed() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["demo::doomed", "--exact", "--ignored", "--nocapture"])
        .env(DOOMED, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let groups = lines.find_map(|line| line.strip_prefix("pids ").map(str::to_owned)).unwrap();
    let groups: Vec<u32> = serde_json::from_str(&groups).unwrap();
    assert!(groups.len() == 3 && groups.iter().all(|group| !members(*group).is_empty()));
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for_the_end_of(&groups).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_ends_ends_the_demo_with_one_sentence() {
    let demo = start().await;
    let web = demo.web_url();
    let (error, _) = tokio::join!(demo.failed(), crate::client::try_send(&web, "GET /end", &[], ""));
    assert_eq!(error.to_string(), "front end: ended (exit status: 3)");
    let groups = demo.pids();
    demo.stop().await;
    wait_for_the_end_of(&groups).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_does_not_start_is_one_sentence() {
    let empty = std::env::temp_dir().join(format!("local-demo-{}", std::process::id()));
    std::fs::create_dir_all(&empty).unwrap();
    std::fs::write(empty.join("requirements.txt"), "").unwrap();
    let options = DemoOptions { api: empty.clone(), ..demo_options() };
    let error = Demo::start(options).await.unwrap_err().to_string();
    assert!(error.starts_with("todo API: ended (exit status: 1): ") && error.contains("uvicorn"), "{error}");
    std::fs::remove_dir_all(empty).unwrap();

    let options = DemoOptions { web: "/nowhere".into(), ..demo_options() };
    assert_eq!(Demo::start(options).await.unwrap_err().to_string(), "/nowhere is not there; see --help");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_one_sentence() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let web = DemoOptions { web_port: port, ..demo_options() };
    let api = DemoOptions { api_port: port, ..demo_options() };
    let provider = DemoOptions { provider_port: port, ..demo_options() };
    let gateway = DemoOptions { stack: StackOptions { port, ..options() }, ..demo_options() };
    for (options, option) in
        [(web, "--web-port"), (api, "--api-port"), (provider, "--provider-port"), (gateway, "--port")]
    {
        let error = Demo::start(options).await.unwrap_err().to_string();
        assert_eq!(error, format!("port {port} is in use: choose another with {option}"));
    }
}

#[test]
fn a_missing_program_is_one_sentence() {
    for (present, missing, needed) in [
        (&["python3"][..], "node", "Node 20 or newer"),
        (&["python3", "node"], "npm", "Node 20 or newer with npm"),
        (&["node", "npm"], "python3", "Python 3.11 or newer"),
    ] {
        let directory = std::env::temp_dir().join(format!("local-path-{}-{missing}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        for name in present {
            std::os::unix::fs::symlink("/bin/sh", directory.join(name)).unwrap();
        }
        let output = Command::new(env!("CARGO_BIN_EXE_local")).arg("--demo").env("PATH", &directory).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let expected = format!("error: the demo needs {needed}: there is no {missing} on the PATH\n");
        assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
        std::fs::remove_dir_all(directory).unwrap();
    }
}

/// The processes of a group, zombies not counted.
fn members(group: u32) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let in_group = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ').collect()).unwrap_or_default();
        fields.first() != Some(&"Z") && fields.get(2) == Some(&group.to_string().as_str())
    };
    pids.filter(in_group).collect()
}

async fn wait_for_the_end_of(groups: &[u32]) {
    let begun = Instant::now();
    loop {
        let left: HashMap<u32, Vec<u32>> =
            groups.iter().map(|group| (*group, members(*group))).filter(|(_, members)| !members.is_empty()).collect();
        if left.is_empty() {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "still there: {left:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
