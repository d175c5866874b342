//! The scripts in `tests/python`, and the interpreter that runs them.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::{io::AsyncWriteExt as _, process::Command, sync::OnceCell};

/// A virtual environment with what the scripts need, made once.
pub async fn environment() -> &'static Path {
    static ENVIRONMENT: OnceCell<PathBuf> = OnceCell::const_new();
    ENVIRONMENT
        .get_or_init(|| async {
            let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python");
            let (done, output) = run(Path::new("python3"), &["bootstrap.py", &venv.to_string_lossy()], &[], "").await;
            assert!(done, "{output}");
            venv
        })
        .await
}

/// Runs a script, and returns whether it succeeded and what it printed.
pub async fn script(name: &str, arguments: &[&str], input: &str) -> (bool, String) {
    let python = environment().await.join("bin/python");
    run(&python, &[&[name], arguments].concat(), &[], input).await
}

/// Runs a tool that a package of the environment brings.
pub async fn tool(name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> (bool, String) {
    let program = environment().await.join("bin").join(name);
    run(&program, arguments, variables, "").await
}

async fn run(program: &Path, arguments: &[&str], variables: &[(&str, &str)], input: &str) -> (bool, String) {
    let mut child = Command::new(program)
        .args(arguments)
        .envs(variables.iter().copied())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("python"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let write = tokio::spawn(async move { stdin.write_all(input.as_bytes()).await });
    let output = child.wait_with_output().await.unwrap();
    let _ = write.await;
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}
