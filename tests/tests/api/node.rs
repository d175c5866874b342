//! Node, with the packages of `tests/npm`.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// Starts a server and waits for the address that it says it is ready at. It
/// ends when the child is dropped.
pub async fn serve(script: &str, arguments: &[&str], env: &[(&str, &str)]) -> (Child, String) {
    tests::npm::install(&directory()).await;
    let mut child = start(script, arguments, env);
    let url = ready(&mut child).await;
    (child, url)
}

/// Starts a script.
pub fn start(script: &str, arguments: &[&str], env: &[(&str, &str)]) -> Child {
    let mut command = Command::new("node");
    command.arg(script).args(arguments).envs(env.iter().copied());
    command.current_dir(directory()).stdout(Stdio::piped()).kill_on_drop(true);
    command.spawn().unwrap()
}

/// Lints the API's document; what the linter says.
pub async fn lint_document() -> (bool, String) {
    tests::npm::install(&directory()).await;
    let mut command = Command::new("node_modules/.bin/redocly");
    command.args(["lint", "../../infra/openapi.yaml", "--config", "redocly.yaml"]).current_dir(directory());
    command.env("REDOCLY_TELEMETRY", "off").env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true").env("NO_COLOR", "1");
    let output = command.output().await.unwrap();
    let report = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.success(), report.concat())
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("npm")
}

async fn ready(child: &mut Child) -> String {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let wait = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some(url) = line.strip_prefix("ready ") {
                return url.to_owned();
            }
        }
        panic!("the server ended");
    };
    let url = timeout(Duration::from_secs(60), wait).await.unwrap();
    // What it writes later must not fill the pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    url
}
