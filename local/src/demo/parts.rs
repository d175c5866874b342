//! The programs beside the stack: the front end, the todo API and the
//! providers. Each is installed, built and started here.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{
    DemoUser, Places,
    child::{self, Child, Launch},
    stamp::{self, Stamp},
};
use crate::{
    Error, build,
    logs::{self, Logs},
    random,
    template::{REGION, Template},
};

pub(super) const FRONT_END: &str = "front end";
pub(super) const TODO_API: &str = "todo API";
pub(super) const PROVIDER: &str = "provider";

/// The tools of the machine that the parts need.
pub(super) struct Tools {
    node: PathBuf,
    npm: PathBuf,
    python: PathBuf,
}

impl Tools {
    /// Finds them.
    ///
    /// # Errors
    /// [`Error::Missing`] names the first that is not there.
    pub(super) fn find() -> Result<Self, Error> {
        let find = |program, needed| child::find(program).ok_or(Error::Missing { program, needed });
        Ok(Self {
            node: find("node", "Node 20 or newer")?,
            npm: find("npm", "Node 20 or newer with npm")?,
            python: find("python3", "Python 3.11 or newer")?,
        })
    }
}

/// All that the parts are started with.
pub(super) struct Parts {
    pub(super) tools: Tools,
    pub(super) places: Places,
    /// Sources of the front end.
    pub(super) web: PathBuf,
    /// Sources of the todo API.
    pub(super) api: PathBuf,
    pub(super) clients: Clients,
    pub(super) user: DemoUser,
    /// What the front end and the service know each other by.
    pub(super) proxy_secret: String,
    pub(super) logs: Logs,
    pub(super) quiet: bool,
}

impl Parts {
    /// Installs and builds what is not installed and built.
    ///
    /// # Errors
    /// When a tool fails; what it said is on standard error by then.
    pub(super) async fn prepare(&self) -> Result<(), Error> {
        let _lock = build::lock("demo.lock").await?;
        self.install_packages(PROVIDER, &provider_directory()).await?;
        self.install_requirements().await?;
        self.install_packages(FRONT_END, &self.web).await?;
        self.build_front_end().await
    }

    async fn install_packages(&self, name: &'static str, directory: &Path) -> Result<(), Error> {
        let lock = [PathBuf::from("package-lock.json")];
        let stamp = Stamp::new(directory.join("node_modules/.demo-stamp"), directory, &lock, "")?;
        if stamp.holds() {
            return Ok(());
        }
        self.step(name, &self.tools.npm, &["ci", "--no-fund", "--no-audit"], directory, Vec::new()).await?;
        stamp.set()
    }

    async fn install_requirements(&self) -> Result<(), Error> {
        let venv = self.venv()?;
        let stamp = self.requirements(venv.join(".demo-stamp"))?;
        if stamp.holds() {
            return Ok(());
        }
        let path = venv.display().to_string();
        self.step(TODO_API, &self.tools.python, &["-m", "venv", "--clear", &path], &self.api, Vec::new()).await?;
        let install = ["-m", "pip", "install", "--disable-pip-version-check", "--quiet", "-r", "requirements.txt"];
        self.step(TODO_API, &venv.join("bin/python"), &install, &self.api, Vec::new()).await?;
        stamp.set()
    }

    /// The virtual environment, another one for other requirements.
    fn venv(&self) -> Result<PathBuf, Error> {
        let name = format!("venv-{}", self.requirements(PathBuf::new())?.name());
        Ok(build::target_directory().join("demo").join(name))
    }

    fn requirements(&self, stamp: PathBuf) -> Result<Stamp, Error> {
        let python = self.tools.python.display().to_string();
        Stamp::new(stamp, &self.api, &["requirements.txt".into()], &python)
    }

    async fn build_front_end(&self) -> Result<(), Error> {
        // Addresses and secrets are no part of it: the front end reads them
        // when it runs.
        let stamp = Stamp::new(self.web.join(".next/.demo-stamp"), &self.web, &stamp::sources(&self.web)?, "")?;
        if stamp.holds() {
            return Ok(());
        }
        self.step(FRONT_END, &self.tools.npm, &["run", "build"], &self.web, self.front_end_environment()).await?;
        stamp.set()
    }

    /// One step of the installation, which says nothing unless it fails.
    async fn step(
        &self,
        name: &'static str,
        program: &Path,
        arguments: &[&str],
        directory: &Path,
        environment: Vec<(String, String)>,
    ) -> Result<(), Error> {
        let shown = program.file_name().unwrap_or_default().to_string_lossy();
        logs::progress(&format!("{name}: {shown} {}", arguments.join(" ")));
        let logs = Logs::default();
        let launch = Launch {
            name,
            program: program.to_owned(),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            environment,
            directory: directory.to_owned(),
            output: logs.sink(name, false),
        };
        let result = child::run(&launch).await;
        if result.is_err() {
            for line in logs.all() {
                logs::progress(&format!("{name}: {}", line.text));
            }
        }
        result
    }

    /// Starts the providers.
    pub(super) fn start_provider(&self) -> Result<Child, Error> {
        let options = json!({
            "port": self.places.provider,
            "app": self.places.web_url(),
            "user": { "name": self.user.name, "email": self.user.email },
            "clients": self.clients.0,
        });
        let environment = vec![("PROVIDER_OPTIONS".to_owned(), options.to_string())];
        self.start(PROVIDER, &self.tools.node, &["main.mjs"], &provider_directory(), environment)
    }

    /// Starts the todo API, which keeps its data in `database`.
    pub(super) fn start_todo_api(&self, template: &Template, aws_url: &str, database: &Path) -> Result<Child, Error> {
        let secret = template.functions.iter().find_map(|function| function.environment.get("AUTH_SECRET_ID"));
        let environment = [
            ("BETTER_AUTH_SECRET_ARN", secret.cloned().unwrap_or_default()),
            ("BETTER_AUTH_URL", self.places.web_url()),
            ("AUTH_API_URL", self.places.gateway_url()),
            ("CORS_ORIGINS", self.places.web_url()),
            ("DATABASE", database.display().to_string()),
            ("AWS_ENDPOINT_URL", aws_url.to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_DEFAULT_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", "local-todo-api".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("PYTHONUNBUFFERED", "1".to_owned()),
            ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ];
        let port = self.places.api.to_string();
        let arguments = ["-m", "uvicorn", "app.main:app", "--host", "localhost", "--port", &port, "--no-access-log"];
        self.start(TODO_API, &self.venv()?.join("bin/python"), &arguments, &self.api, owned(environment))
    }

    /// Starts the front end.
    pub(super) fn start_front_end(&self) -> Result<Child, Error> {
        let arguments = ["run", "--silent", "start", "--", "--hostname", "localhost"];
        self.start(FRONT_END, &self.tools.npm, &arguments, &self.web, self.front_end_environment())
    }

    fn start(
        &self,
        name: &'static str,
        program: &Path,
        arguments: &[&str],
        directory: &Path,
        mut environment: Vec<(String, String)>,
    ) -> Result<Child, Error> {
        // A proxy on the way to the registries is none on the way to here.
        environment.push(("NO_PROXY".to_owned(), "localhost,127.0.0.1,::1".to_owned()));
        Child::start(&Launch {
            name,
            program: program.to_owned(),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            environment,
            directory: directory.to_owned(),
            output: self.logs.sink(name, !self.quiet),
        })
    }

    fn front_end_environment(&self) -> Vec<(String, String)> {
        owned([
            ("AUTH_API_URL", self.places.gateway_url()),
            ("NEXT_PUBLIC_API_URL", self.places.api_url()),
            ("AUTH_PROXY_SECRET", self.proxy_secret.clone()),
            ("PORT", self.places.web.to_string()),
            ("NEXT_TELEMETRY_DISABLED", "1".to_owned()),
        ])
    }
}

fn owned<const N: usize>(pairs: [(&str, String); N]) -> Vec<(String, String)> {
    pairs.map(|(name, value)| (name.to_owned(), value)).into()
}

fn provider_directory() -> PathBuf {
    build::workspace_root().join("local/provider")
}

/// What the service is known by at the providers: other secrets at each start.
#[derive(Clone)]
pub(super) struct Clients(Value);

impl Clients {
    pub(super) fn new() -> Self {
        let client = |id: &str| json!({ "clientId": format!("demo-{id}"), "clientSecret": random::hex::<24>() });
        Self(json!({ "google": client("google"), "github": client("github"), "acme": client("acme") }))
    }

    /// The secret that the functions read.
    pub(super) fn secret(&self, provider_url: &str) -> String {
        let mut clients = self.0.clone();
        if let Some(Value::Object(acme)) = clients.get_mut("acme") {
            acme.insert("issuer".to_owned(), format!("{provider_url}/acme").into());
        }
        clients.to_string()
    }
}

/// The settings of the functions that lead to the stand-ins.
pub(super) fn provider_settings(url: &str) -> Vec<(String, String)> {
    owned([
        ("AUTH_GOOGLE_ISSUER", format!("{url}/google")),
        ("AUTH_GOOGLE_AUTHORIZATION_URL", format!("{url}/google/auth")),
        ("AUTH_GOOGLE_TOKEN_URL", format!("{url}/google/token")),
        ("AUTH_GOOGLE_JWKS_URL", format!("{url}/google/jwks")),
        ("AUTH_GITHUB_AUTHORIZATION_URL", format!("{url}/github/login/oauth/authorize")),
        ("AUTH_GITHUB_TOKEN_URL", format!("{url}/github/login/oauth/access_token")),
        ("AUTH_GITHUB_API_URL", format!("{url}/github/api")),
    ])
}
