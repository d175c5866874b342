//! The browser's program.

use std::path::PathBuf;

use tokio::process::Command;

/// Names that Chromium and Chrome go by.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Where it is: what `CHROMIUM` says, else by the `PATH`, else where Debian's
/// package puts it, which is installed if that is possible.
pub async fn find() -> PathBuf {
    if let Some(program) = std::env::var_os("CHROMIUM") {
        return program.into();
    }
    if let Some(program) = installed() {
        return program;
    }
    install().await;
    installed().expect("There is no Chromium: install it, or set CHROMIUM to where it is.")
}

fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let directories: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut places = NAMES.iter().flat_map(|name| directories.iter().map(move |directory| directory.join(name)));
    places.find(|place| place.is_file())
}

/// Installs Debian's, which takes root; without it, or without apt-get, this
/// does nothing.
async fn install() {
    for arguments in [&["update"][..], &["install", "--yes", "--no-install-recommends", "chromium"]] {
        let mut command = Command::new("apt-get");
        let status = command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").status().await;
        if !status.is_ok_and(|status| status.success()) {
            return;
        }
    }
}
