//! People in a real browser: Chromium clicks through the front end of
//! `examples/nextjs`, before the whole demo. What they do is in
//! `tests/browser/story-*.mjs`.
//!
//! `STORIES=sign-up,todos` plays only those; `SCREENSHOTS=1` renews the
//! pictures of `docs/screenshots`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test that finds nothing ends the test")]
#![expect(clippy::print_stdout, reason = "what the stories say is the output of these tests")]

mod chromium;

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use local::{Demo, DemoOptions, StackOptions};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
    sync::Mutex,
};

/// Two browsers at once would only wait for each other.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread")]
async fn people_click_through_the_front_end() {
    play("development").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_click_through_the_front_end_of_a_production() {
    play("production").await;
}

/// Plays the stories of a profile, in a demo of their own.
async fn play(profile: &str) {
    let _guard = ONE_AT_A_TIME.lock().await;
    let chromium = chromium::find().await;
    tests::npm::install(&scripts()).await;
    let parameters = vec![("Profile".to_owned(), profile.to_owned())];
    let stack = StackOptions { parameters, ..StackOptions::default() };
    let demo = Demo::start(DemoOptions { stack, ..DemoOptions::default() }).await.unwrap();
    let passed = run(&demo, profile, &chromium).await;
    if !passed {
        for line in demo.stack().logs().into_iter().chain(demo.logs()) {
            println!("{}: {}", line.function, line.text);
        }
    }
    demo.stop().await;
    assert!(passed, "see the stories above; pictures of what was seen are in {}", artefacts().display());
}

/// Whether all stories went well. What they say is printed as they say it.
async fn run(demo: &Demo, profile: &str, chromium: &Path) -> bool {
    let stories = std::env::var("STORIES").unwrap_or_default();
    let mut command = Command::new("node");
    command
        .arg("run.mjs")
        .args(stories.split(',').filter(|story| !story.is_empty()))
        .current_dir(scripts())
        .env("WEB_URL", demo.web_url())
        .env("API_URL", demo.api_url())
        .env("SERVICE_URL", demo.stack().url())
        .env("PROVIDER_URL", demo.provider_url())
        .env("PROFILE", profile)
        .env("CHROMIUM", chromium)
        .env("ARTEFACTS", artefacts())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    if std::env::var("SCREENSHOTS").is_ok_and(|wanted| wanted == "1") {
        command.env("SCREENSHOTS_DIR", local::build::workspace_root().join("docs/screenshots"));
    }
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        println!("{line}");
    }
    child.wait().await.unwrap().success()
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("browser")
}

fn artefacts() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser")
}
