//! Programs of the demo, which do not outlive it.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    process::{ChildStdin, Command},
    sync::watch,
};

use crate::{
    Error,
    http::Task,
    runtime::{self, LineSink},
};

/// Becomes the program, and leaves beside it a shell that reads the lifeline:
/// when the other end is closed, by this process or by its death, the shell
/// kills its process group, which is the program and all that it has started.
/// Nothing else would end after a `kill -9`, and all else that does is not
/// portable.
const GUARD: &str = r#"exec 3<&0 </dev/null; { read -r _ <&3; kill -KILL 0; } >/dev/null 2>&1 & exec "$@" 3<&-"#;

/// How to start a program.
pub(super) struct Launch {
    /// Name for messages.
    pub(super) name: &'static str,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    /// Environment, over what is inherited.
    pub(super) environment: Vec<(String, String)>,
    pub(super) directory: PathBuf,
    /// Where its output goes.
    pub(super) output: LineSink,
}

/// A running program. It is killed, with all it has started, when this is
/// dropped.
#[derive(Debug)]
pub(super) struct Child {
    name: &'static str,
    pid: u32,
    lifeline: Option<ChildStdin>,
    exit: watch::Receiver<Option<String>>,
    _monitor: Task,
}

impl Child {
    /// Starts a program.
    ///
    /// # Errors
    /// When there is no shell.
    pub(super) fn start(launch: &Launch) -> Result<Self, Error> {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", GUARD, "sh"])
            .arg(&launch.program)
            .args(&launch.arguments)
            .current_dir(&launch.directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_ours(name)) {
            command.env_remove(name);
        }
        command.envs(launch.environment.iter().map(|(name, value)| (name, value)));
        let mut child = command.spawn().map_err(Error::io(format!("starting {}", launch.program.display())))?;
        let last = Arc::new(Mutex::new(Vec::new()));
        let output = [
            child.stdout.take().map(|pipe| runtime::forward(pipe, launch.output.clone(), last.clone())),
            child.stderr.take().map(|pipe| runtime::forward(pipe, launch.output.clone(), last)),
        ];
        let (pid, lifeline) = (child.id().unwrap_or_default(), child.stdin.take());
        let (exited, exit) = watch::channel(None);
        let monitor = Task::spawn(async move {
            let status = child.wait().await;
            // What it wrote last is often the reason: let it be read.
            tokio::time::sleep(Duration::from_millis(50)).await;
            drop(output);
            exited.send_replace(Some(status.map_or_else(|error| error.to_string(), |status| status.to_string())));
        });
        Ok(Self { name: launch.name, pid, lifeline, exit, _monitor: monitor })
    }

    /// Its process id, and that of its process group.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Its name in messages.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Tells how it ended, once it has.
    pub(super) fn exit(&self) -> watch::Receiver<Option<String>> {
        self.exit.clone()
    }

    /// Kills it with all it has started, and waits until it is gone.
    pub(super) async fn kill(&mut self) {
        self.lifeline = None;
        // A guard that somebody has killed is made up for by the drop.
        let _ = tokio::time::timeout(Duration::from_secs(2), ended(self.exit())).await;
    }
}

/// Waits for the end of a program.
pub(super) async fn ended(mut exit: watch::Receiver<Option<String>>) -> String {
    let status = exit.wait_for(Option::is_some).await;
    status.ok().and_then(|status| status.clone()).unwrap_or_default()
}

/// Runs a program to its end.
///
/// # Errors
/// When it does not succeed.
pub(super) async fn run(launch: &Launch) -> Result<(), Error> {
    let child = Child::start(launch)?;
    let status = ended(child.exit()).await;
    if status == "exit status: 0" {
        return Ok(());
    }
    let program = launch.program.file_name().unwrap_or_default().to_string_lossy();
    let command = [&[program.into_owned()], launch.arguments.as_slice()].concat().join(" ");
    Err(Error::Program { name: launch.name, problem: format!("`{command}` ended with {status}") })
}

/// Where a program is, by the `PATH`.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// What belongs to this process, cargo or the developer's own AWS account, and
/// would lead a program of the demo astray.
fn is_ours(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    ["AWS_", "CARGO", "NEXT_", "AUTH_", "BETTER_AUTH_"].iter().any(|prefix| name.starts_with(prefix))
        || ["NODE_ENV", "PORT", "HOSTNAME", "DATABASE", "CORS_ORIGINS", "VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"]
            .contains(&name.as_ref())
}
