//! DynamoDB, by dynoxide in this process.
//!
//! dynoxide keeps its checks of malformed requests, and the wording of errors,
//! to its own HTTP server. So requests take one more hop, over a kept-alive
//! connection on the loopback device, for exactly the answers that its test
//! suite vouches for. Only what functions ask most, and what succeeds, goes to
//! the engine [directly](direct): that saves about a third of the time.

use std::{fs, net::Ipv4Addr, path::Path};

use bytes::Bytes;
use dynoxide::Database;
use http_body_util::Full;
use hyper::{Method, Request, Response, StatusCode, Uri, header, http::request::Parts as Head};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};

use super::{calls::Service, direct, errors};
use crate::{
    Error,
    http::{self, Reply, Task},
    template::Table,
};

const ANSWER_LIMIT: usize = 64 * 1024 * 1024;

pub(super) struct DynamoDb {
    database: Database,
    address: String,
    client: Client<HttpConnector, Full<Bytes>>,
    _server: Task,
}

impl DynamoDb {
    /// Opens the database and creates the tables that it lacks.
    pub(super) async fn open(directory: Option<&Path>, tables: &[Table]) -> Result<Self, Error> {
        let database = match directory {
            None => Database::memory(),
            Some(directory) => {
                fs::create_dir_all(directory).map_err(Error::io(format!("creating {}", directory.display())))?;
                Database::new(&directory.join("dynamodb.sqlite").to_string_lossy())
            }
        };
        let database = database.map_err(|error| Error::Database(error.to_string()))?;
        let (listener, address) = http::bind((Ipv4Addr::LOCALHOST, 0).into(), "").await?;
        let served = database.clone();
        let server = Task::spawn(async move {
            let _ = dynoxide::server::serve_with_shutdown(listener, served, std::future::pending()).await;
        });
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let dynamodb = Self {
            database,
            address: address.to_string(),
            client: Client::builder(TokioExecutor::new()).build(connector),
            _server: server,
        };
        for table in tables {
            dynamodb.ensure(table).await?;
        }
        Ok(dynamodb)
    }

    async fn ensure(&self, table: &Table) -> Result<(), Error> {
        let name = json!({ "TableName": table.name });
        let (status, existing) = self.call("DescribeTable", &name).await;
        if status == StatusCode::OK {
            let keys = |value: Option<&Value>| value.map(sorted_keys);
            if keys(existing.pointer("/Table/KeySchema")) != keys(table.create.get("KeySchema")) {
                return Err(Error::Database(format!(
                    "the table {} in the data has another key than in the template: remove the data or use another --data",
                    table.name
                )));
            }
        } else {
            self.must("CreateTable", &table.create).await?;
        }
        let Some(attribute) = &table.ttl_attribute else {
            return Ok(());
        };
        let (_, ttl) = self.call("DescribeTimeToLive", &name).await;
        let current = ttl.pointer("/TimeToLiveDescription/AttributeName");
        if current.and_then(Value::as_str) == Some(attribute) {
            return Ok(());
        }
        self.must(
            "UpdateTimeToLive",
            &json!({
                "TableName": table.name,
                "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": true },
            }),
        )
        .await
    }

    async fn must(&self, operation: &str, request: &Value) -> Result<(), Error> {
        let (status, body) = self.call(operation, request).await;
        if status == StatusCode::OK {
            return Ok(());
        }
        let message = body.get("message").or_else(|| body.get("Message")).unwrap_or(&body);
        let name = request.get("TableName").and_then(Value::as_str).unwrap_or_default();
        Err(Error::Database(format!("{operation} {name}: {message}")))
    }

    /// An operation of the stack's own.
    pub(super) async fn call(&self, operation: &str, request: &Value) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(Method::POST)
            .header(header::CONTENT_TYPE, "application/x-amz-json-1.0")
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("x-amz-date", "20260101T000000Z")
            .header(
                header::AUTHORIZATION,
                "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
            )
            .body(Full::new(Bytes::from(request.to_string())));
        let reply = match request {
            Ok(request) => self.send(request, "/").await,
            Err(error) => unavailable(&error.to_string()),
        };
        let status = reply.status();
        let body = http::read(reply.into_body(), ANSWER_LIMIT).await.unwrap_or_default();
        let fallback = || Value::String(String::from_utf8_lossy(&body).into_owned());
        (status, serde_json::from_slice(&body).unwrap_or_else(|_| fallback()))
    }

    /// A request of a function: typed and signed by an SDK.
    pub(super) async fn answer(&self, operation: &str, head: &Head, body: Bytes) -> Reply {
        match direct::run(&self.database, operation, &body) {
            Some(answer) => http::reply(StatusCode::OK, "application/x-amz-json-1.0", answer),
            None => self.forward(head, body).await,
        }
    }

    /// A request of a client, as it came.
    pub(super) async fn forward(&self, head: &Head, body: Bytes) -> Reply {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = head.method.clone();
        *request.headers_mut() = head.headers.clone();
        for name in
            [header::CONNECTION, header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::EXPECT]
        {
            request.headers_mut().remove(name);
        }
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        self.send(request, target).await
    }

    async fn send(&self, mut request: Request<Full<Bytes>>, target: &str) -> Reply {
        match format!("http://{}{target}", self.address).parse::<Uri>() {
            Ok(uri) => *request.uri_mut() = uri,
            Err(error) => return unavailable(&error.to_string()),
        }
        let response = match self.client.request(request).await {
            Ok(response) => response,
            Err(error) => return unavailable(&error.to_string()),
        };
        let (head, body) = response.into_parts();
        match http::read(body, ANSWER_LIMIT).await {
            Ok(body) => Response::from_parts(head, Full::new(body)),
            Err(_) => unavailable("the answer was cut off"),
        }
    }
}

fn unavailable(message: &str) -> Reply {
    errors::error(Service::DynamoDb, 500, "InternalServerError", message)
}

fn sorted_keys(schema: &Value) -> Vec<(String, String)> {
    let text = |key: &Value, name: &str| key.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut keys: Vec<_> =
        schema.as_array().into_iter().flatten().map(|key| (text(key, "KeyType"), text(key, "AttributeName"))).collect();
    keys.sort();
    keys
}
