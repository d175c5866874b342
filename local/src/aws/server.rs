//! The endpoint: tells the services apart, applies faults, keeps the log.

use std::{collections::BTreeMap, sync::atomic::Ordering, time::Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{HeaderMap, Method, Request, StatusCode, Uri, body::Incoming, header, http::request::Parts as Head};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    Aws,
    calls::{Call, Service},
    capacity, errors,
    faults::{Fault, FaultRule, Target},
    ses,
};
use crate::http::{self, Dropped, Reply};

/// DynamoDB's own limit.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

impl Aws {
    pub(super) async fn handle(&self, request: Request<Incoming>) -> Result<Reply, Dropped> {
        let (head, body) = request.into_parts();
        let Ok(body) = http::read(body, BODY_LIMIT).await else {
            return Err(Dropped);
        };
        let Some((service, operation)) = classify(&head.method, &head.uri, &head.headers) else {
            // Health checks and what is none of the three: DynamoDB's answer.
            return Ok(self.parts.dynamodb.forward(&head, body).await);
        };
        let caller = caller(&head.headers);
        let actions = actions(service, &operation, &body);
        let mut call = Call {
            service,
            operation,
            tables: match service {
                Service::DynamoDb => tables(&actions),
                _ => Vec::new(),
            },
            actions,
            function: caller.map(|(function, _)| function.to_owned()),
            instance: caller.map(|(_, instance)| instance),
            started: Instant::now(),
            ended: Instant::now(),
            status: 0,
            fault: None,
            units: BTreeMap::new(),
        };
        let rule = self.parts.faults.choose(&Target {
            service,
            operation: &call.operation,
            tables: &call.tables,
            actions: &call.actions,
            function: call.function.as_deref(),
        });
        call.fault = rule.as_ref().map(|rule| rule.fault.clone());
        let counts = service == Service::DynamoDb
            && call.function.is_some()
            && self.parts.counts_capacity.load(Ordering::Relaxed);
        let body = if counts { capacity::asking(&body) } else { body };
        let mut result = self.answer(&call, &head, body, rule).await;
        call.ended = Instant::now();
        let dropped_after = call.fault == Some(Fault::DropAfter);
        call.status = result.as_ref().map_or(0, |reply| reply.status().as_u16());
        if counts && let Ok(reply) = &mut result {
            let answer = http::read(std::mem::take(reply.body_mut()), usize::MAX).await.unwrap_or_default();
            call.units = capacity::consumed(&call, &answer);
            *reply.body_mut() = Full::new(answer);
        }
        self.parts.calls.record(call);
        if dropped_after { Err(Dropped) } else { result }
    }

    async fn answer(&self, call: &Call, head: &Head, body: Bytes, rule: Option<FaultRule>) -> Result<Reply, Dropped> {
        if let Some(rule) = rule {
            match &rule.fault {
                Fault::DropBefore => return Err(Dropped),
                Fault::Hang => {
                    // Logged at once: nothing comes after it.
                    self.parts.calls.record(call.clone());
                    return std::future::pending().await;
                }
                Fault::Delay(time) => tokio::time::sleep(*time).await,
                _ => {
                    if let Some(reply) = errors::fault(&rule, &call.operation, &body) {
                        return Ok(reply);
                    }
                }
            }
        }
        Ok(match call.service {
            Service::DynamoDb if call.function.is_some() => {
                self.parts.dynamodb.answer(&call.operation, head, body).await
            }
            Service::DynamoDb => self.parts.dynamodb.forward(head, body).await,
            Service::SecretsManager => self.parts.secrets.handle(&call.operation, &body),
            Service::Ses => ses::handle(&self.parts.mailbox, &call.operation, &body),
        })
    }
}

/// Service and operation of a request.
fn classify(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<(Service, String)> {
    let path = uri.path();
    if path.starts_with("/v2/email/") {
        let operation = match (method, path) {
            (&Method::POST, "/v2/email/outbound-emails") => "SendEmail".to_owned(),
            (&Method::GET, "/v2/email/account") => "GetAccount".to_owned(),
            (&Method::GET, "/v2/email/identities") => "ListEmailIdentities".to_owned(),
            (method, path) => format!("{method} {path}"),
        };
        return Some((Service::Ses, operation));
    }
    let target = headers.get("x-amz-target")?.to_str().ok()?;
    let (prefix, operation) = target.split_once('.')?;
    let service = match prefix {
        "DynamoDB_20120810" | "DynamoDBStreams_20120810" => Service::DynamoDb,
        "secretsmanager" => Service::SecretsManager,
        _ => return None,
    };
    Some((service, operation.to_owned()))
}

/// Function and instance, from the access key `local-<function>-<instance>`.
fn caller(headers: &HeaderMap) -> Option<(&str, usize)> {
    let authorization = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (_, credential) = authorization.split_once("Credential=local-")?;
    let (key, _) = credential.split_once('/')?;
    let (function, instance) = key.rsplit_once('-')?;
    Some((function, instance.parse().ok()?))
}

/// The IAM actions of a request, with the table or secret that each is for.
fn actions(service: Service, operation: &str, body: &[u8]) -> Vec<(String, String)> {
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "PascalCase", default)]
    struct Names {
        table_name: Option<String>,
        secret_id: Option<String>,
        request_items: BTreeMap<String, IgnoredAny>,
        transact_items: Vec<BTreeMap<String, Item>>,
    }
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "PascalCase", default)]
    struct Item {
        table_name: Option<String>,
    }
    let names: Names = serde_json::from_slice(body).unwrap_or_default();
    let prefix = match service {
        Service::DynamoDb => "dynamodb",
        Service::SecretsManager => "secretsmanager",
        Service::Ses => return vec![(format!("ses:{operation}"), String::new())],
    };
    // `Put` in a transaction needs `PutItem`, and so on.
    let items = names.transact_items.into_iter().flatten();
    let in_transaction = items.map(|(kind, item)| (format!("{kind}Item"), item.table_name));
    names
        .table_name
        .into_iter()
        .chain(names.secret_id)
        .chain(names.request_items.into_keys())
        .map(|name| (operation.to_owned(), Some(name)))
        .chain(in_transaction)
        .filter_map(|(action, name)| Some((format!("{prefix}:{action}"), name?)))
        .collect()
}

/// The tables that actions are for.
fn tables(actions: &[(String, String)]) -> Vec<String> {
    let mut tables: Vec<String> = Vec::new();
    for (_, table) in actions {
        if !tables.contains(table) {
            tables.push(table.clone());
        }
    }
    tables
}

/// An answer for operations that are not there.
pub(super) fn unknown(service: Service, operation: &str) -> Reply {
    let message = format!("the local stack does not know the operation {operation}");
    errors::error(service, StatusCode::BAD_REQUEST.as_u16(), "UnknownOperationException", &message)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn the_access_key_tells_the_caller() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "authorization",
            HeaderValue::from_static(
                "AWS4-HMAC-SHA256 Credential=local-reset-request-2/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host",
            ),
        );
        assert_eq!(caller(&headers), Some(("reset-request", 2)));
        headers.insert("authorization", HeaderValue::from_static("AWS4 Credential=AKIA/x"));
        assert_eq!(caller(&headers), None);
    }

    #[test]
    fn tables_are_found_in_every_shape_of_request() {
        let tables = |body: &[u8]| tables(&actions(Service::DynamoDb, "X", body));
        assert_eq!(tables(br#"{"TableName": "A", "Key": {"TableName": {"S": "B"}}}"#), ["A"]);
        assert_eq!(tables(br#"{"RequestItems": {"B": {}, "A": {}}}"#), ["A", "B"]);
        let transaction = br#"{"TransactItems": [{"Put": {"TableName": "B"}}, {"Update": {"TableName": "A"}}, {"Put": {"TableName": "B"}}]}"#;
        assert_eq!(tables(transaction), ["B", "A"]);
        assert!(tables(b"no json").is_empty());
    }

    #[test]
    fn actions_are_what_iam_calls_them() {
        let actions = |service, operation, body: &str| {
            let actions = actions(service, operation, body.as_bytes());
            actions.into_iter().map(|(action, name)| format!("{action} {name}")).collect::<Vec<_>>()
        };
        let transaction =
            r#"{"TransactItems": [{"ConditionCheck": {"TableName": "B"}}, {"Put": {"TableName": "A", "Item": {}}}]}"#;
        assert_eq!(
            actions(Service::DynamoDb, "TransactWriteItems", transaction),
            ["dynamodb:ConditionCheckItem B", "dynamodb:PutItem A"]
        );
        assert_eq!(actions(Service::DynamoDb, "GetItem", r#"{"TableName": "A"}"#), ["dynamodb:GetItem A"]);
        assert_eq!(
            actions(Service::SecretsManager, "GetSecretValue", r#"{"SecretId": "S"}"#),
            ["secretsmanager:GetSecretValue S"]
        );
        assert_eq!(actions(Service::Ses, "SendEmail", "{}"), ["ses:SendEmail "]);
    }
}
