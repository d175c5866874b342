//! Builds the functions with cargo.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::{process::Command, sync::OnceCell};

use crate::Error;

/// Root of the workspace that this crate was compiled in.
pub fn workspace_root() -> PathBuf {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_root.parent().unwrap_or(crate_root).to_owned()
}

/// Where cargo puts what it builds.
pub fn target_directory() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(directory) => workspace_root().join(directory),
        None => workspace_root().join("target"),
    }
}

/// Path of a binary of the workspace, built or not.
pub fn binary(name: &str, release: bool) -> PathBuf {
    let profile = if release { "release" } else { "debug" };
    target_directory().join(profile).join(name)
}

/// Builds the functions, once a process: in release exactly these packages, in
/// development every binary of the workspace, so that features unify as they
/// do under `cargo test --workspace` and nothing is compiled twice.
///
/// # Errors
/// [`Error::Build`]; cargo's own messages are on standard error by then.
pub async fn build(packages: &[String], release: bool) -> Result<(), Error> {
    static DEVELOPMENT: OnceCell<()> = OnceCell::const_new();
    static RELEASE: OnceCell<()> = OnceCell::const_new();
    let once = if release { &RELEASE } else { &DEVELOPMENT };
    once.get_or_try_init(|| run_cargo(packages, release)).await.copied()
}

async fn run_cargo(packages: &[String], release: bool) -> Result<(), Error> {
    let _lock = lock("local-build.lock").await?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.arg("build").current_dir(workspace_root());
    if release {
        command.arg("--release");
        for package in packages {
            command.args(["--package", package]);
        }
    } else {
        command.args(["--workspace", "--bins"]);
    }
    // What the cargo around us said of its own package is not for the one
    // within, and would make it compile anew.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let inherited = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
        if inherited.iter().any(|prefix| text.starts_with(prefix))
            || ["CARGO_PRIMARY_PACKAGE", "CARGO_TARGET_TMPDIR", "OUT_DIR"].contains(&text.as_ref())
        {
            command.env_remove(&name);
        }
    }
    let status = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await
        .map_err(|error| Error::Build(format!("cargo does not start: {error}")))?;
    match status.success() {
        true => Ok(()),
        false => Err(Error::Build(format!("cargo build ended with {status}"))),
    }
}

/// Keeps parallel processes from building the same side by side. Two cargos
/// would each print that they wait for the other.
pub(crate) async fn lock(name: &str) -> Result<File, Error> {
    let directory = target_directory();
    let path = directory.join(name);
    let open = move || {
        fs::create_dir_all(&directory)?;
        let file = File::create(&path)?;
        file.lock()?;
        Ok(file)
    };
    let file = tokio::task::spawn_blocking(open).await;
    match file {
        Ok(file) => file.map_err(Error::io("locking the build")),
        Err(error) => Err(Error::Build(error.to_string())),
    }
}
