//! One execution environment: a process and the Runtime API it speaks.

use std::{
    fmt, fs,
    net::Ipv4Addr,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::{mpsc, oneshot, watch},
};

use super::{
    InvokeError, PAYLOAD_LIMIT,
    api::{Api, Init, Outcome, Work},
};
use crate::{
    Error,
    http::{self, Task},
};

/// Takes each line that a process writes.
pub type LineSink = Arc<dyn Fn(&str) + Send + Sync>;

/// How to start a process.
#[derive(Clone)]
pub struct Launch {
    /// Name for messages.
    pub name: String,
    /// ARN that the process is told.
    pub arn: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its whole environment; `AWS_LAMBDA_RUNTIME_API` is added.
    pub environment: Vec<(String, String)>,
    /// Its working directory; the program's own when `None`.
    pub directory: Option<PathBuf>,
    /// Where its output goes.
    pub output: LineSink,
}

impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the environment, which may hold credentials.
        f.debug_struct("Launch").field("name", &self.name).field("program", &self.program).finish_non_exhaustive()
    }
}

/// A running process. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    pid: u32,
    started: Instant,
    work: mpsc::Sender<Work>,
    init: watch::Receiver<Init>,
    exit: watch::Receiver<Option<String>>,
    kill: watch::Sender<bool>,
    last_lines: Arc<Mutex<Vec<String>>>,
    _tasks: [Task; 2],
}

impl Process {
    /// Starts a process. It is [`ready`](Self::ready) only later.
    ///
    /// # Errors
    /// When the program cannot be executed.
    pub async fn spawn(launch: &Launch) -> Result<Self, Error> {
        let fault = |problem: String| Error::Function { name: launch.name.clone(), problem };
        let (listener, address) = http::bind((Ipv4Addr::LOCALHOST, 0).into(), "").await?;
        let (api, work, init) = Api::new(launch.arn.clone());
        let server = http::serve(listener, move |request, _| api.clone().handle(request));
        let directory = launch.directory.as_deref().or_else(|| launch.program.parent());
        let mut command = Command::new(&launch.program);
        command
            .args(&launch.arguments)
            .env_clear()
            .envs(launch.environment.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C is for the stack, which then ends its processes itself.
            .process_group(0)
            .kill_on_drop(true);
        if let Some(directory) = directory.filter(|path| path.is_dir()) {
            command.current_dir(directory);
        }
        let started = Instant::now();
        let mut child =
            command.spawn().map_err(|error| fault(format!("{} does not start: {error}", launch.program.display())))?;
        let last_lines = Arc::new(Mutex::new(Vec::new()));
        let output = [
            child.stdout.take().map(|pipe| forward(pipe, launch.output.clone(), last_lines.clone())),
            child.stderr.take().map(|pipe| forward(pipe, launch.output.clone(), last_lines.clone())),
        ];
        let pid = child.id().unwrap_or_default();
        let (kill, killed) = watch::channel(false);
        let (exited, exit) = watch::channel(None);
        let monitor = Task::spawn(monitor(child, output, killed, exited));
        Ok(Self {
            name: launch.name.clone(),
            pid,
            started,
            work,
            init,
            exit,
            kill,
            last_lines,
            _tasks: [server, monitor],
        })
    }

    /// Waits for the first poll; how long after the start it came.
    ///
    /// # Errors
    /// When the process reports a failed initialisation, ends, or takes longer
    /// than `limit`.
    pub async fn ready(&self, limit: Duration) -> Result<Duration, Error> {
        let problem = tokio::select! {
            biased;
            state = self.initialised() => match state {
                Init::Done(at) => return Ok(at.duration_since(self.started)),
                Init::Failed(report) => format!("did not initialise: {report}"),
                Init::Running => "did not initialise".to_owned(),
            },
            status = self.ended() => {
                let lines = self.last_lines.lock().unwrap_or_else(PoisonError::into_inner);
                match lines.is_empty() {
                    true => format!("ended during its initialisation ({status})"),
                    false => format!("ended during its initialisation ({status}): {}", lines.join(" / ")),
                }
            }
            () = tokio::time::sleep(limit) => format!("did not initialise within {limit:?}"),
        };
        Err(Error::Function { name: self.name.clone(), problem })
    }

    /// Hands the process an event and waits for its answer. A process takes
    /// one event at a time; a second one waits.
    ///
    /// # Errors
    /// See [`InvokeError`]. After a timeout the process is dead.
    pub async fn invoke(&self, event: Bytes, timeout: Duration) -> Result<Bytes, InvokeError> {
        if event.len() > PAYLOAD_LIMIT {
            return Err(InvokeError::TooLarge);
        }
        let (done, outcome) = oneshot::channel();
        let work = Work { event, timeout, done };
        let exchange = async {
            if self.work.send(work).await.is_err() {
                return None;
            }
            outcome.await.ok()
        };
        tokio::select! {
            biased;
            Some(outcome) = exchange => match outcome {
                Outcome::Answer(answer) => Ok(answer),
                Outcome::Error(report) => Err(InvokeError::Failed(report)),
                Outcome::TooLarge => Err(InvokeError::TooLarge),
            },
            status = self.ended() => Err(InvokeError::Crashed(status)),
            () = tokio::time::sleep(timeout) => {
                self.kill().await;
                Err(InvokeError::TimedOut(timeout))
            }
        }
    }

    /// Whether the process still runs.
    pub fn is_alive(&self) -> bool {
        self.exit.borrow().is_none() && !*self.kill.borrow()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Peak resident memory in KiB so far (`VmHWM`), where `/proc` tells.
    pub fn peak_rss_kib(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().trim_end_matches("kB").trim().parse().ok()
    }

    /// Kills the process (SIGKILL) and waits until it is gone.
    pub async fn kill(&self) {
        self.start_kill();
        self.ended().await;
    }

    /// What `init` comes to be.
    async fn initialised(&self) -> Init {
        let mut init = self.init.clone();
        let state = init.wait_for(|state| !matches!(state, Init::Running)).await;
        state.map_or(Init::Running, |state| state.clone())
    }

    /// How the process ended, once it has.
    async fn ended(&self) -> String {
        let mut exit = self.exit.clone();
        let status = exit.wait_for(Option::is_some).await;
        status.ok().and_then(|status| status.clone()).unwrap_or_default()
    }

    pub(super) fn start_kill(&self) {
        self.kill.send_replace(true);
    }
}

async fn monitor(
    mut child: Child,
    output: [Option<Task>; 2],
    mut killed: watch::Receiver<bool>,
    exited: watch::Sender<Option<String>>,
) {
    let by_itself = tokio::select! {
        status = child.wait() => Some(status),
        _ = killed.changed() => None,
    };
    let status = match by_itself {
        Some(status) => status,
        None => {
            let _ = child.start_kill();
            child.wait().await
        }
    };
    // What it wrote last is often the reason: let the readers come to the end.
    tokio::time::sleep(Duration::from_millis(20)).await;
    drop(output);
    exited.send_replace(Some(describe(status)));
}

fn describe(status: std::io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    }
}

/// Hands on each line, and keeps the last few.
pub(crate) fn forward(
    pipe: impl AsyncRead + Unpin + Send + 'static,
    sink: LineSink,
    last: Arc<Mutex<Vec<String>>>,
) -> Task {
    Task::spawn(async move {
        let mut reader = BufReader::new(pipe);
        let mut line = Vec::new();
        while matches!(reader.read_until(b'\n', &mut line).await, Ok(1..)) {
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\n', '\r']);
            sink(text);
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.len() == 5 {
                last.remove(0);
            }
            last.push(text.to_owned());
            drop(last);
            line.clear();
        }
    })
}
