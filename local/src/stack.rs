//! The whole stack: options in, a running gateway out.

use std::{
    collections::HashMap,
    fs::{self, File, TryLockError},
    path::Path,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::{
    Data, Error, FrontEnd, LogLine, StackOptions,
    aws::{Aws, Mail},
    functions,
    gateway::{self, Companions, Gateway},
    http::{self, Task},
    logs::Logs,
    runtime::{InvokeError, Pool},
    template::{Route, Template},
};

/// A running stack. Everything it started ends when this is dropped.
#[derive(Debug)]
pub struct Stack {
    port: u16,
    aws_url: String,
    template: Template,
    aws: Aws,
    logs: Logs,
    pools: HashMap<String, Arc<Pool>>,
    gateway: Arc<Gateway>,
    _tasks: Vec<Task>,
    _lock: Option<File>,
}

impl Stack {
    /// Builds the functions, starts everything, and waits until one instance
    /// of each function polls for events.
    ///
    /// # Errors
    /// One clear sentence; see [`Error`].
    pub async fn start(options: StackOptions) -> Result<Self, Error> {
        let doors = Doors::open(&options).await?;
        Self::start_behind(doors, options).await
    }

    /// The same behind doors that are open already.
    pub(crate) async fn start_behind(doors: Doors, options: StackOptions) -> Result<Self, Error> {
        let Doors { gateway: (gateway_listeners, port), aws: (aws_listeners, aws_port) } = doors;
        let aws_url = format!("http://127.0.0.1:{aws_port}");
        let template = Template::read_with(
            &options.template,
            &options.parameters,
            &own_parameters(port, options.front_end.as_ref()),
        )?;
        let data = match &options.data {
            Data::Memory => "in memory".to_owned(),
            Data::Path(directory) => directory.display().to_string(),
        };
        let lock = match &options.data {
            Data::Memory => None,
            Data::Path(directory) => Some(lock(directory)?),
        };
        let directory = match &options.data {
            Data::Memory => None,
            Data::Path(directory) => Some(directory.as_path()),
        };
        let commands = functions::commands(&options, &template).await?;
        let aws = Aws::open(directory, &template).await?;
        let mut tasks: Vec<Task> = aws_listeners.into_iter().map(|listener| aws.serve(listener)).collect();
        let logs = Logs::default();
        let pools = functions::pools(&options, &template, &commands, &aws_url, &logs);
        aws.connect(functions::by_arn(&template, &pools));
        functions::warm(&pools).await?;
        let gateway = Arc::new(Gateway {
            routes: template.routes.clone(),
            cors: template.cors.clone(),
            pools: pools.clone(),
            aws: aws.clone(),
            aws_url: aws_url.clone(),
            port,
            trust_source_ip: options.trust_source_ip_header,
            parameters: template.parameters.clone(),
            data,
            companions: OnceLock::new(),
        });
        tasks.extend(gateway_listeners.into_iter().map(|listener| gateway::serve(&gateway, listener)));
        Ok(Self { port, aws_url, template, aws, logs, pools, gateway, _tasks: tasks, _lock: lock })
    }

    /// Tells the start page what runs beside the stack.
    pub(crate) fn introduce(&self, companions: Companions) {
        let _ = self.gateway.companions.set(companions);
    }

    /// Address of the gateway, `http://localhost:PORT`.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Address of the AWS endpoint, `http://127.0.0.1:PORT`.
    pub fn aws_url(&self) -> &str {
        &self.aws_url
    }

    /// The AWS services.
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// All mail, newest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.aws.mails()
    }

    /// Throws all mail away.
    pub fn clear_mails(&self) {
        self.aws.clear_mails();
    }

    /// What the functions have written.
    pub fn logs(&self) -> Vec<LogLine> {
        self.logs.all()
    }

    /// Forgets what the functions have written.
    pub fn clear_logs(&self) {
        self.logs.clear();
    }

    /// The template that runs.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// The routes, sorted by path.
    pub fn routes(&self) -> &[Route] {
        &self.template.routes
    }

    /// Kills all instances of a function (SIGKILL), busy ones too. New ones
    /// start with the next event.
    pub async fn kill_instances(&self, function: &str) {
        if let Some(pool) = self.pool(function) {
            pool.kill().await;
        }
    }

    /// Hands a function an event as it is, past the gateway, and gives its
    /// result as it is.
    ///
    /// # Errors
    /// See [`InvokeError`].
    pub async fn invoke(&self, function: &str, event: Value) -> Result<Value, InvokeError> {
        let answer = self.invoke_raw(function, event.to_string()).await?;
        serde_json::from_slice(&answer).map_err(|error| InvokeError::Failed(format!("no JSON: {error}")))
    }

    /// The same for any bytes, JSON or not.
    ///
    /// # Errors
    /// See [`InvokeError`].
    pub async fn invoke_raw(&self, function: &str, event: impl Into<Bytes>) -> Result<Bytes, InvokeError> {
        match self.pool(function) {
            Some(pool) => pool.invoke(event.into()).await,
            None => Err(InvokeError::Init(Error::Function {
                name: function.to_owned(),
                problem: "is not in the template".to_owned(),
            })),
        }
    }

    /// The instances of a function, by its name or logical id.
    pub fn pool(&self, function: &str) -> Option<&Arc<Pool>> {
        self.pools.get(&self.template.function(function)?.name)
    }

    /// Stops everything and waits until the functions are gone.
    pub async fn stop(self) {
        for pool in self.pools.values() {
            pool.close();
        }
        for pool in self.pools.values() {
            pool.kill().await;
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        for pool in self.pools.values() {
            pool.close();
        }
    }
}

/// The listeners of a stack, which is not there yet.
pub(crate) struct Doors {
    gateway: (Vec<TcpListener>, u16),
    aws: (Vec<TcpListener>, u16),
}

impl Doors {
    /// Listens at the ports of the options.
    pub(crate) async fn open(options: &StackOptions) -> Result<Self, Error> {
        Ok(Self {
            gateway: http::listen(options.port, "--port").await?,
            aws: http::listen(options.aws_port, "--aws-port").await?,
        })
    }

    /// The port of the gateway.
    pub(crate) fn port(&self) -> u16 {
        self.gateway.1
    }
}

/// Values of parameters that only a running stack knows, the origins at which
/// front ends are usually developed, and a rotation that waits to be tried.
fn own_parameters(port: u16, front_end: Option<&FrontEnd>) -> Vec<(String, String)> {
    let own = format!("http://localhost:{port}");
    let (base_url, origins) = match front_end {
        Some(FrontEnd { origin, .. }) => (origin.clone(), format!("{origin},{own}")),
        None => (own.clone(), format!("{own},http://localhost:3001,http://localhost:5173")),
    };
    let mut parameters =
        vec![("BaseUrl", base_url), ("TrustedOrigins", origins), ("SecretRotationDays", "365".to_owned())];
    parameters.extend(front_end.and_then(|front_end| Some(("ProxySecret", front_end.proxy_secret.clone()?))));
    parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Two stacks on the same data would each think it is their own.
fn lock(directory: &Path) -> Result<File, Error> {
    let fault = |problem: String| Error::Data { path: directory.to_owned(), problem };
    fs::create_dir_all(directory).map_err(|error| fault(error.to_string()))?;
    let file = File::create(directory.join("lock")).map_err(|error| fault(error.to_string()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(fault("another stack uses it; choose another with --data".to_owned())),
        Err(TryLockError::Error(error)) => Err(fault(error.to_string())),
    }
}
