//! The scripts in `tests/python`, and the interpreters that run Python.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::{io::AsyncWriteExt as _, process::Command, sync::OnceCell};

/// A virtual environment with what the scripts need, made once.
async fn environment() -> &'static Path {
    static ENVIRONMENT: OnceCell<PathBuf> = OnceCell::const_new();
    ENVIRONMENT.get_or_init(|| make_environment("python", &["requirements.txt"])).await
}

/// Makes a virtual environment below the build directory with what some files
/// require, which are named as seen from the scripts.
pub async fn make_environment(name: &str, requirements: &[&str]) -> PathBuf {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let target = venv.to_string_lossy();
    let arguments = [&["bootstrap.py", &target], requirements].concat();
    let (done, output) = run(Path::new("python3"), &scripts(), &arguments, &[], "").await;
    assert!(done, "{output}");
    venv
}

/// Runs a script, and returns whether it succeeded and what it printed.
pub async fn script(name: &str, arguments: &[&str], input: &str) -> (bool, String) {
    script_in(environment().await, name, arguments, input).await
}

/// Runs a script in an environment of one's own.
pub async fn script_in(environment: &Path, name: &str, arguments: &[&str], input: &str) -> (bool, String) {
    let python = environment.join("bin/python");
    run(&python, &scripts(), &[&[name], arguments].concat(), &[], input).await
}

/// Runs a tool that a package of the environment brings.
pub async fn tool(name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> (bool, String) {
    let program = environment().await.join("bin").join(name);
    run(&program, &scripts(), arguments, variables, "").await
}

/// Runs a program in a directory.
pub async fn run(
    program: &Path,
    directory: &Path,
    arguments: &[&str],
    variables: &[(&str, &str)],
    input: &str,
) -> (bool, String) {
    let mut child = Command::new(program)
        .args(arguments)
        .envs(variables.iter().copied())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(directory)
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

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python")
}
