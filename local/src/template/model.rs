//! What the stack takes from a template.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

/// A template, read and resolved.
#[derive(Debug, Clone)]
pub struct Template {
    /// The parameters with their values: text, or a list of texts.
    pub parameters: BTreeMap<String, Value>,
    /// The functions, by logical id.
    pub functions: Vec<Function>,
    /// The routes of the HTTP API.
    pub routes: Vec<Route>,
    /// CORS of the HTTP API.
    pub cors: Option<Cors>,
    /// The DynamoDB tables.
    pub tables: Vec<Table>,
    /// The secrets.
    pub secrets: Vec<Secret>,
    /// How secrets are rotated.
    pub rotations: Vec<RotationSchedule>,
    /// The whole document, functions in their long form and not evaluated.
    pub document: Value,
}

/// An `AWS::Serverless::Function`.
#[derive(Debug, Clone)]
pub struct Function {
    /// Logical id, `SignupFunction`.
    pub id: String,
    /// Name of its binary, `signup`, by which the stack calls the function.
    pub name: String,
    /// Memory in MB.
    pub memory_mb: u64,
    /// How long one invocation may take.
    pub timeout: Duration,
    /// `Handler`.
    pub handler: String,
    /// `LoggingConfig.LogFormat`: `JSON` or `Text`.
    pub log_format: Option<String>,
    /// Environment, the global one included.
    pub environment: BTreeMap<String, String>,
    /// IAM policies as written, resolved: documents with `Statement`, SAM
    /// policy templates or names of managed policies.
    pub policies: Vec<Value>,
}

/// A route of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// `GET`, `POST`, … or `ANY`.
    pub method: String,
    /// Path with `{parameter}` and `{greedy+}` segments, or `$default`.
    pub path: String,
    /// Name of the function that answers, as in [`Function::name`].
    pub function: String,
    /// Where the template says so.
    pub place: String,
}

impl Route {
    /// The route key of API Gateway: `GET /path`.
    pub fn key(&self) -> String {
        match self.path.as_str() {
            "$default" => "$default".to_owned(),
            path => format!("{} {path}", self.method),
        }
    }
}

/// `CorsConfiguration` of the HTTP API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cors {
    /// Origins, exact, `*`, or `https://*` and `http://*`.
    pub allow_origins: Vec<String>,
    /// Methods, or `*`.
    pub allow_methods: Vec<String>,
    /// Request headers, or `*`.
    pub allow_headers: Vec<String>,
    /// Answer headers that scripts may read, or `*`.
    pub expose_headers: Vec<String>,
    /// Whether cookies may come along.
    pub allow_credentials: bool,
    /// Seconds for which a preflight answer holds.
    pub max_age: Option<u64>,
}

/// An `AWS::DynamoDB::Table`.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// The `CreateTable` request.
    pub create: Value,
    /// Attribute of its time to live.
    pub ttl_attribute: Option<String>,
    /// All its properties, resolved.
    pub properties: Value,
}

/// An `AWS::SecretsManager::Secret`.
#[derive(Debug, Clone)]
pub struct Secret {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Its first value.
    pub value: SecretValue,
}

/// An `AWS::SecretsManager::RotationSchedule`. The stack keeps no schedule; it
/// rotates when it is asked to.
#[derive(Debug, Clone, PartialEq)]
pub struct RotationSchedule {
    /// Name of the secret.
    pub secret: String,
    /// ARN of the function that rotates it.
    pub function: String,
    /// `RotationRules`, resolved.
    pub rules: Value,
    /// Whether a deployment rotates the secret at once, which is what AWS does
    /// if it is not told otherwise.
    pub at_once: bool,
    /// Where the template says so.
    pub place: String,
}

/// First value of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretValue {
    /// This text.
    Text(String),
    /// A random text, made when the secret is.
    Generated(Generate),
    /// None yet.
    None,
}

/// `GenerateSecretString`, and the request of `GetRandomPassword`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Generate {
    /// Number of characters.
    pub password_length: usize,
    /// Characters to leave out.
    pub exclude_characters: String,
    /// No `0`–`9`.
    pub exclude_numbers: bool,
    /// No punctuation.
    pub exclude_punctuation: bool,
    /// No `A`–`Z`.
    pub exclude_uppercase: bool,
    /// No `a`–`z`.
    pub exclude_lowercase: bool,
    /// A space, too.
    pub include_space: bool,
    /// JSON object into which the password is put …
    pub secret_string_template: Option<String>,
    /// … under this key.
    pub generate_string_key: Option<String>,
}

impl Default for Generate {
    fn default() -> Self {
        Self {
            password_length: 32,
            exclude_characters: String::new(),
            exclude_numbers: false,
            exclude_punctuation: false,
            exclude_uppercase: false,
            exclude_lowercase: false,
            include_space: false,
            secret_string_template: None,
            generate_string_key: None,
        }
    }
}
