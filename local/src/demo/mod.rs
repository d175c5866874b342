//! `--demo`: the stack with all that shows it in a browser. A front end and a
//! back end from `examples/`, and stand-ins for the providers.

mod child;
mod client;
mod parts;
mod seed;
mod stamp;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::net::TcpListener;

use crate::{
    Data, Error, FrontEnd, Stack, StackOptions, build,
    gateway::{Companion, Companions},
    http,
    logs::{LogLine, Logs},
    random,
    stack::Doors,
};
use child::Child;
use parts::{Clients, Parts, Tools};

/// How long a program may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(120);

/// How to run the demo. The default is what tests want: free ports, data in
/// memory, quiet.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// The stack. Its `front_end` is the demo's, whatever it says.
    pub stack: StackOptions,
    /// Port of the front end; 0 takes a free one.
    pub web_port: u16,
    /// Port of the todo API; 0 takes a free one.
    pub api_port: u16,
    /// Port of the providers; 0 takes a free one.
    pub provider_port: u16,
    /// The front end's sources.
    pub web: PathBuf,
    /// The todo API's sources.
    pub api: PathBuf,
}

impl Default for DemoOptions {
    fn default() -> Self {
        let examples = build::workspace_root().join("examples");
        Self {
            stack: StackOptions::default(),
            web_port: 0,
            api_port: 0,
            provider_port: 0,
            web: examples.join("nextjs"),
            api: examples.join("fastapi"),
        }
    }
}

/// Somebody who can sign in from the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoUser {
    /// Name.
    pub name: String,
    /// Address, which is verified.
    pub email: String,
    /// First password.
    pub password: String,
}

impl DemoUser {
    fn new() -> Self {
        Self {
            name: "Ada Demo".to_owned(),
            email: "ada@example.com".to_owned(),
            password: "correct horse battery staple".to_owned(),
        }
    }
}

/// A running demo. Everything it started ends when this is dropped.
#[derive(Debug)]
pub struct Demo {
    stack: Stack,
    places: Places,
    user: DemoUser,
    children: Vec<Child>,
    logs: Logs,
    _scratch: Scratch,
}

impl Demo {
    /// Installs, builds and starts everything, and waits until it answers.
    ///
    /// # Errors
    /// One clear sentence; see [`Error`].
    pub async fn start(options: DemoOptions) -> Result<Self, Error> {
        let tools = Tools::find()?;
        for directory in [&options.web, &options.api] {
            if !directory.is_dir() {
                return Err(Error::Usage(format!("{} is not there", directory.display())));
            }
        }
        let doors = Doors::open(&options.stack).await?;
        let reserved = Reserved::new(&options).await?;
        let places = reserved.places(doors.port());
        let parts = Parts {
            tools,
            places: places.clone(),
            web: options.web,
            api: options.api,
            clients: Clients::new(),
            user: DemoUser::new(),
            proxy_secret: random::hex::<24>(),
            logs: Logs::default(),
            quiet: options.stack.quiet,
        };
        let directory = match &options.stack.data {
            Data::Memory => None,
            Data::Path(directory) => Some(directory.clone()),
        };
        let stack = Stack::start_behind(doors, stack_options(options.stack, &parts));
        let (stack, ()) = tokio::try_join!(stack, parts.prepare())?;
        stack.aws().put_secret("OAuthClientsSecret", &parts.clients.secret(&places.provider_url()))?;
        drop(reserved);
        let scratch = Scratch::new(places.api)?;
        let database = std::path::absolute(directory.as_deref().unwrap_or(&scratch.0).join("todos.db"))
            .map_err(Error::io("looking for the data directory"))?;
        let children = vec![
            parts.start_provider()?,
            parts.start_todo_api(stack.template(), stack.aws_url(), &database)?,
            parts.start_front_end()?,
        ];
        let demo = Self { stack, places, user: parts.user, children, logs: parts.logs, _scratch: scratch };
        demo.ready().await?;
        demo.seed(directory.as_deref()).await?;
        demo.stack.introduce(demo.companions());
        Ok(demo)
    }

    /// Waits until all programs answer.
    async fn ready(&self) -> Result<(), Error> {
        let ports = [self.places.provider, self.places.api, self.places.web];
        let answers = async {
            for port in ports {
                while client::send(port, "GET", "/", &[], "").await.is_none() {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        };
        tokio::select! {
            () = answers => Ok(()),
            error = self.failed() => Err(error),
            () = tokio::time::sleep(START_LIMIT) => {
                let problem = format!("not every part answered within {START_LIMIT:?}");
                Err(Error::Program { name: "the demo", problem })
            }
        }
    }

    async fn seed(&self, directory: Option<&Path>) -> Result<(), Error> {
        let can_sign_up = self.stack.routes().iter().any(|route| route.key() == "POST /api/auth/sign-up/email");
        if !can_sign_up {
            return Ok(());
        }
        seed::seed(&self.stack, &self.places, &self.user, directory).await
    }

    /// What the start page says of the demo.
    fn companions(&self) -> Companions {
        let companion =
            |name: &str, url: String, what: &str| Companion { name: name.to_owned(), url, what: what.to_owned() };
        Companions {
            all: vec![
                companion("Front end", self.web_url(), "Next.js, examples/nextjs"),
                companion("Todo API", self.api_url(), "FastAPI, examples/fastapi"),
                companion("Providers", self.provider_url(), "stand-ins for Google and GitHub, and Acme"),
            ],
            user: self.user.clone(),
        }
    }

    /// The stack.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// Address of the front end, the one to open: `http://localhost:PORT`.
    pub fn web_url(&self) -> String {
        self.places.web_url()
    }

    /// Address of the todo API.
    pub fn api_url(&self) -> String {
        self.places.api_url()
    }

    /// Address of the stand-ins for the providers.
    pub fn provider_url(&self) -> String {
        self.places.provider_url()
    }

    /// Who can sign in from the start.
    pub fn user(&self) -> &DemoUser {
        &self.user
    }

    /// What the programs beside the stack have written, by their names.
    pub fn logs(&self) -> Vec<LogLine> {
        self.logs.all()
    }

    /// The process ids of the programs beside the stack. Each leads a process
    /// group, in which is all that it has started.
    pub fn pids(&self) -> Vec<u32> {
        self.children.iter().map(Child::pid).collect()
    }

    /// Waits until a program ends by itself, which none should.
    pub async fn failed(&self) -> Error {
        let mut waiting = tokio::task::JoinSet::new();
        for child in &self.children {
            let (name, ended) = (child.name(), child.exit());
            waiting.spawn(async move { (name, child::ended(ended).await) });
        }
        match waiting.join_next().await {
            Some(Ok((name, status))) => {
                let lines = self.logs.all();
                let own = lines.iter().filter(|line| line.function == name && !line.text.trim().is_empty());
                let mut last: Vec<&str> = own.rev().take(5).map(|line| line.text.trim()).collect();
                last.reverse();
                let last = if last.is_empty() { String::new() } else { format!(": {}", last.join(" / ")) };
                Error::Program { name, problem: format!("ended ({status}){last}") }
            }
            // There is always a child.
            _ => std::future::pending().await,
        }
    }

    /// Stops everything and waits until it is gone.
    pub async fn stop(mut self) {
        for child in &mut self.children {
            child.kill().await;
        }
        self.stack.stop().await;
    }
}

fn stack_options(mut options: StackOptions, parts: &Parts) -> StackOptions {
    let mut environment = parts::provider_settings(&parts.places.provider_url());
    environment.append(&mut options.env);
    options.env = environment;
    options.front_end =
        Some(FrontEnd { origin: parts.places.web_url(), proxy_secret: Some(parts.proxy_secret.clone()) });
    options
}

/// Where everything listens.
#[derive(Debug, Clone)]
struct Places {
    gateway: u16,
    web: u16,
    api: u16,
    provider: u16,
}

impl Places {
    fn gateway_url(&self) -> String {
        format!("http://localhost:{}", self.gateway)
    }

    fn web_url(&self) -> String {
        format!("http://localhost:{}", self.web)
    }

    fn api_url(&self) -> String {
        format!("http://localhost:{}", self.api)
    }

    /// By its number: under the name of the front end, it would get the front
    /// end's cookies.
    fn provider_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.provider)
    }
}

/// Ports that are kept until the programs that listen there are started.
struct Reserved {
    ports: [u16; 3],
    _listeners: Vec<TcpListener>,
}

impl Reserved {
    async fn new(options: &DemoOptions) -> Result<Self, Error> {
        let mut kept = Vec::new();
        let mut ports = [0; 3];
        let wanted = [
            (options.web_port, "--web-port"),
            (options.api_port, "--api-port"),
            (options.provider_port, "--provider-port"),
        ];
        for (port, (wanted, option)) in ports.iter_mut().zip(wanted) {
            let (listeners, taken) = http::listen(wanted, option).await?;
            kept.extend(listeners);
            *port = taken;
        }
        Ok(Self { ports, _listeners: kept })
    }

    fn places(&self, gateway: u16) -> Places {
        let [web, api, provider] = self.ports;
        Places { gateway, web, api, provider }
    }
}

/// A directory for the todos of a demo that keeps nothing.
#[derive(Debug)]
struct Scratch(PathBuf);

impl Scratch {
    fn new(port: u16) -> Result<Self, Error> {
        let path = std::env::temp_dir().join(format!("lambda-auth-demo-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(Error::io(format!("making {}", path.display())))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
