//! How to run the stack.

use std::{collections::HashMap, fmt, path::PathBuf};

use crate::build;

/// Where users, sessions, secrets and mail are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// Nowhere: gone with the stack.
    Memory,
    /// In the files of this directory, which is made if it is not there.
    Path(PathBuf),
}

/// A front end that rewrites `/api/auth/*` to the gateway.
#[derive(Clone, PartialEq, Eq)]
pub struct FrontEnd {
    /// Its origin.
    pub origin: String,
    /// Value of the parameter `ProxySecret`, if the template has it and it is
    /// not given: by it the service knows the front end.
    pub proxy_secret: Option<String>,
}

impl fmt::Debug for FrontEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrontEnd").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// How to run the stack. The default is what tests want: free ports, data in
/// memory, quiet.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// The SAM template.
    pub template: PathBuf,
    /// Values of template parameters. `BaseUrl` and `TrustedOrigins`, if the
    /// template has them and they are not given, are the front end's address
    /// and both; without a front end the gateway's own, and that with the usual
    /// addresses of front ends in development;
    /// `SecretRotationDays` is 365, so that secrets can be rotated by hand.
    pub parameters: Vec<(String, String)>,
    /// The front end that browsers reach the gateway through.
    pub front_end: Option<FrontEnd>,
    /// Port of the gateway; 0 takes a free one.
    pub port: u16,
    /// Port of the AWS endpoint; 0 takes a free one.
    pub aws_port: u16,
    /// Instances of each function, at most; they start when they are needed.
    pub instances: usize,
    /// Whether to run (and build) release binaries.
    pub release: bool,
    /// Whether to build the functions first. Once a process is enough: later
    /// stacks of the same process do not build again.
    pub build: bool,
    /// Where data is kept.
    pub data: Data,
    /// Environment of the functions, over all that the template and Lambda set.
    pub env: Vec<(String, String)>,
    /// Whether what the functions write is kept from the console.
    pub quiet: bool,
    /// Whether the header `x-test-source-ip` of a request sets the address
    /// that the functions see. Only for tests.
    pub trust_source_ip_header: bool,
    /// Commands (a program and its arguments) to run instead of the built
    /// binaries, by function name.
    pub commands: HashMap<String, Vec<String>>,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            template: build::workspace_root().join("template.yaml"),
            parameters: Vec::new(),
            front_end: None,
            port: 0,
            aws_port: 0,
            instances: 2,
            release: false,
            build: true,
            data: Data::Memory,
            env: Vec::new(),
            quiet: true,
            trust_source_ip_header: false,
            commands: HashMap::new(),
        }
    }
}
