//! One HTTP connector for all AWS clients, with as little start-up work as
//! can be.
//!
//! Region and credentials come from the variables that Lambda sets: the SDK's
//! default chain would look in files and at metadata endpoints that a function
//! does not have. Only Amazon's own root certificates are loaded; parsing the
//! system's whole store is half of the start of an SDK function.

use std::{collections::HashMap, env, sync::OnceLock, time::Duration};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, HttpConnectorSettings, SharedHttpConnector, http_client_fn},
    orchestrator::HttpRequest,
};
use aws_types::SdkConfig;

/// Amazon Trust Services' roots, which sign every AWS endpoint.
const AMAZON_ROOTS: &str = include_str!("amazon_roots.pem");

/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(1000);
/// How long one attempt of a call may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(1500);
/// How long a call may take with its retries. A flow makes at most three in
/// a row, which leaves room below a request's deadline.
const CALL_TIMEOUT: Duration = Duration::from_millis(2500);
/// Attempts per call; a storm of retries would only feed a throttled table.
const ATTEMPTS: u32 = 3;

/// An AWS service that the functions call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// DynamoDB.
    DynamoDb,
    /// Secrets Manager.
    SecretsManager,
    /// Simple Email Service, version 2.
    Ses,
}

impl Service {
    const ALL: [Self; 3] = [Self::DynamoDb, Self::SecretsManager, Self::Ses];

    const fn endpoint_variable(self) -> &'static str {
        match self {
            Self::DynamoDb => "AWS_ENDPOINT_URL_DYNAMODB",
            Self::SecretsManager => "AWS_ENDPOINT_URL_SECRETS_MANAGER",
            Self::Ses => "AWS_ENDPOINT_URL_SESV2",
        }
    }

    const fn host(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::SecretsManager => "secretsmanager",
            Self::Ses => "email",
        }
    }
}

/// What the AWS clients of a function share.
#[derive(Clone, Debug)]
pub struct Aws {
    region: String,
    credentials: SharedCredentialsProvider,
    connector: SharedHttpConnector,
    endpoints: HashMap<Service, String>,
}

impl Aws {
    /// Reads region, credentials and endpoints from the environment. TLS is
    /// prepared once in a process, and connections are shared.
    pub fn from_environment() -> Self {
        static CONNECTOR: OnceLock<SharedHttpConnector> = OnceLock::new();
        Self::new(CONNECTOR.get_or_init(connector).clone(), |name| env::var(name).ok())
    }

    /// From the given variables, with connections of its own.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        Self::new(connector(), variable)
    }

    fn new(connector: SharedHttpConnector, variable: impl Fn(&str) -> Option<String>) -> Self {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        let credentials = Credentials::new(
            variable("AWS_ACCESS_KEY_ID").unwrap_or_default(),
            variable("AWS_SECRET_ACCESS_KEY").unwrap_or_default(),
            variable("AWS_SESSION_TOKEN"),
            None,
            "environment",
        );
        Self {
            region: variable("AWS_REGION").unwrap_or_else(|| "us-east-1".to_owned()),
            credentials: SharedCredentialsProvider::new(credentials),
            connector,
            // As the AWS tools read them.
            endpoints: Service::ALL
                .into_iter()
                .filter_map(|service| {
                    let url = variable(service.endpoint_variable()).or_else(|| variable("AWS_ENDPOINT_URL"))?;
                    Some((service, url))
                })
                .collect(),
        }
    }

    /// A DynamoDB client.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.sdk_config(Service::DynamoDb, timeouts()))
    }

    /// A Secrets Manager client.
    pub fn secrets_manager(&self) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(&self.sdk_config(Service::SecretsManager, timeouts()))
    }

    /// An SES client whose calls take no longer than the given time, with a
    /// second attempt if the first one hangs.
    pub fn ses(&self, limit: Duration) -> aws_sdk_sesv2::Client {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(limit / 3)
            .operation_attempt_timeout(limit / 2)
            .operation_timeout(limit)
            .build();
        aws_sdk_sesv2::Client::new(&self.sdk_config(Service::Ses, timeouts))
    }

    fn sdk_config(&self, service: Service, timeouts: TimeoutConfig) -> SdkConfig {
        let connector = self.connector.clone();
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .credentials_provider(self.credentials.clone())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .retry_config(retries())
            .timeout_config(timeouts);
        config.set_endpoint_url(self.endpoints.get(&service).cloned());
        config.build()
    }

    /// Opens a connection to a service ahead of the first request, by an
    /// unsigned request whose answer does not matter. Needs no permission.
    pub async fn warm(&self, service: Service) {
        if let Ok(request) = HttpRequest::get(self.endpoint(service)) {
            let _ = tokio::time::timeout(CONNECT_TIMEOUT, self.connector.call(request)).await;
        }
    }

    fn endpoint(&self, service: Service) -> String {
        self.endpoints.get(&service).cloned().unwrap_or_else(|| {
            let suffix = if self.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
            format!("https://{}.{}.{suffix}/", service.host(), self.region)
        })
    }
}

fn connector() -> SharedHttpConnector {
    let store = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
    let builder = Connector::builder()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .connector_settings(
            HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(ATTEMPT_TIMEOUT).build(),
        )
        .enable_tcp_nodelay(true);
    let builder = match TlsContext::builder().with_trust_store(store).build() {
        Ok(context) => builder.tls_context(context),
        // Without it the system's roots apply.
        Err(_) => builder,
    };
    SharedHttpConnector::new(builder.build())
}

fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(Duration::from_millis(50))
        .with_max_backoff(Duration::from_millis(500))
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build()
}
