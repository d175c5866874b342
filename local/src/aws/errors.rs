//! Error answers as each service writes them.

use hyper::{StatusCode, header::HeaderValue};
use serde_json::{Value, json};

use super::{
    calls::Service,
    faults::{Fault, FaultRule},
};
use crate::http::{self, Reply};

/// An error answer of `service`.
pub(super) fn error(service: Service, status: u16, kind: &'static str, message: &str) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match service {
        Service::DynamoDb => {
            let kind = format!("com.amazonaws.dynamodb.v20120810#{kind}");
            answer(service, status, &json!({ "__type": kind, "message": message }))
        }
        Service::SecretsManager => answer(service, status, &json!({ "__type": kind, "Message": message })),
        Service::Ses => {
            let mut reply = answer(service, status, &json!({ "message": message }));
            reply.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(kind));
            reply
        }
    }
}

/// An answer in the service's own dialect of JSON.
pub(super) fn answer(service: Service, status: StatusCode, body: &Value) -> Reply {
    let content_type = match service {
        Service::DynamoDb => "application/x-amz-json-1.0",
        Service::SecretsManager => "application/x-amz-json-1.1",
        Service::Ses => "application/json",
    };
    http::reply(status, content_type, body.to_string())
}

/// The answer that a fault gives instead of the service; `None` for faults
/// that do not concern this call, or are no answers.
pub(super) fn fault(rule: &FaultRule, operation: &str, body: &[u8]) -> Option<Reply> {
    let service = rule.service;
    Some(match &rule.fault {
        Fault::Throttle => {
            let kind = of(
                service,
                "ProvisionedThroughputExceededException",
                "ThrottlingException",
                "TooManyRequestsException",
            );
            error(service, of(service, 400, 400, 429), kind, "Rate exceeded")
        }
        Fault::InternalError => {
            let kind = of(service, "InternalServerError", "InternalServiceError", "InternalServiceErrorException");
            error(service, 500, kind, "The request could not be processed because of an internal error")
        }
        Fault::ServiceUnavailable => error(service, 503, "ServiceUnavailable", "Service Unavailable"),
        Fault::AccessDenied => {
            let message = "User is not authorized to perform this action";
            error(service, of(service, 400, 400, 403), "AccessDeniedException", message)
        }
        Fault::Malformed => http::reply(StatusCode::OK, "application/x-amz-json-1.0", r#"{"Item": {"#),
        Fault::Answer { status, body } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            http::reply(status, "application/x-amz-json-1.0", body.clone())
        }
        Fault::TransactionConflict => conflict(rule.table.as_deref(), operation, body)?,
        Fault::UnprocessedKeys => {
            let request: Value = serde_json::from_slice(body).unwrap_or_default();
            let items = request.get("RequestItems").cloned().unwrap_or_default();
            let body = match operation {
                "BatchGetItem" => json!({ "Responses": {}, "UnprocessedKeys": items }),
                "BatchWriteItem" => json!({ "UnprocessedItems": items }),
                _ => return None,
            };
            answer(service, StatusCode::OK, &body)
        }
        Fault::DropBefore | Fault::DropAfter | Fault::Delay(_) | Fault::Hang => return None,
    })
}

/// One of three, by service.
fn of<T>(service: Service, dynamodb: T, secrets: T, ses: T) -> T {
    match service {
        Service::DynamoDb => dynamodb,
        Service::SecretsManager => secrets,
        Service::Ses => ses,
    }
}

fn conflict(table: Option<&str>, operation: &str, body: &[u8]) -> Option<Reply> {
    let message = "Transaction is ongoing for the item";
    match operation {
        "PutItem" | "UpdateItem" | "DeleteItem" => {
            return Some(error(Service::DynamoDb, 400, "TransactionConflictException", message));
        }
        "TransactWriteItems" | "TransactGetItems" => {}
        _ => return None,
    }
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let items = request.get("TransactItems").and_then(Value::as_array)?;
    let names = |item: &Value| {
        let mut actions = item.as_object().into_iter().flatten();
        actions.any(|(_, action)| action.get("TableName").and_then(Value::as_str) == table)
    };
    let at = items.iter().position(names).unwrap_or(0);
    let code = |index: usize| if index == at { "TransactionConflict" } else { "None" };
    let reasons: Vec<Value> = (0..items.len())
        .map(|index| match code(index) {
            "None" => json!({ "Code": "None" }),
            code => json!({ "Code": code, "Message": message }),
        })
        .collect();
    let codes: Vec<&str> = (0..items.len()).map(code).collect();
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
            codes.join(", ")
        ),
        "CancellationReasons": reasons,
    });
    Some(answer(Service::DynamoDb, StatusCode::BAD_REQUEST, &body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_conflict_stands_at_the_table_of_the_rule() {
        let rule = FaultRule::new(Service::DynamoDb, Fault::TransactionConflict).table("B");
        let body = json!({"TransactItems": [
            {"Put": {"TableName": "A"}}, {"Update": {"TableName": "B"}}, {"Put": {"TableName": "C"}},
        ]});
        let reply = fault(&rule, "TransactWriteItems", body.to_string().as_bytes()).unwrap();
        assert_eq!(reply.status(), 400);
        let body = http::read(reply.into_body(), 10_000).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let codes: Vec<_> = body["CancellationReasons"].as_array().unwrap().iter().map(|r| &r["Code"]).collect();
        assert_eq!(codes, ["None", "TransactionConflict", "None"]);
        assert!(fault(&rule, "GetItem", b"{}").is_none());
    }
}
