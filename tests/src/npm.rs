//! Packages from npm.

use std::path::Path;

use tokio::{process::Command, sync::Mutex};

/// Installs the packages of a directory as its lock file has them, unless they
/// are there.
pub async fn install(directory: &Path) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());
    let _guard = ONE_AT_A_TIME.lock().await;
    let lock = std::fs::read(directory.join("package-lock.json")).unwrap_or_default();
    assert!(!lock.is_empty(), "{} has no package-lock.json", directory.display());
    let stamp = directory.join("node_modules/.installed");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return;
    }
    let status = Command::new("npm").arg("ci").current_dir(directory).status().await;
    assert!(status.is_ok_and(|status| status.success()), "npm ci failed in {}", directory.display());
    // Without its stamp, they are installed once more next time.
    let _ = std::fs::write(stamp, lock);
}
