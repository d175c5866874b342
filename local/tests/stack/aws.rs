use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    client::{Answer, get, send, try_send},
    start,
};
use local::{Fault, FaultRule, Service, Stack, When, sequential_round_trips};

const AUTHORIZATION: &str =
    "AWS4-HMAC-SHA256 Credential=local-one-2/20260101/us-east-1/x/aws4_request, SignedHeaders=host, Signature=0";

async fn call(stack: &Stack, target: &str, body: &Value) -> Option<Answer> {
    let content_type =
        if target.starts_with("Dynamo") { "application/x-amz-json-1.0" } else { "application/x-amz-json-1.1" };
    let headers = [
        ("content-type", content_type),
        ("x-amz-target", target),
        ("x-amz-date", "20260101T000000Z"),
        ("authorization", AUTHORIZATION),
    ];
    try_send(stack.aws_url(), "POST /", &headers, &body.to_string()).await
}

async fn put(stack: &Stack, id: &str) -> Option<Answer> {
    let body = json!({ "TableName": "ThingsTable", "Item": { "id": { "S": id } } });
    call(stack, "DynamoDB_20120810.PutItem", &body).await
}

async fn count(stack: &Stack) -> u64 {
    stack.aws().dynamodb("Scan", &json!({ "TableName": "ThingsTable" })).await.unwrap()["Count"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_services_answer_at_one_address() {
    let stack = start().await;
    assert!(get(stack.aws_url(), "/").await.body.starts_with("healthy"));
    assert_eq!(put(&stack, "a").await.unwrap().status, 200);
    assert_eq!(count(&stack).await, 1);
    let ttl = stack.aws().dynamodb("DescribeTimeToLive", &json!({ "TableName": "ThingsTable" })).await.unwrap();
    assert_eq!(ttl["TimeToLiveDescription"]["AttributeName"], "ttl");
    let body = json!({ "TableName": "None", "Item": {} });
    let refused = call(&stack, "DynamoDB_20120810.PutItem", &body).await.unwrap();
    assert_eq!(refused.status, 400);

    let answer = call(&stack, "secretsmanager.GetSecretValue", &json!({ "SecretId": "Secret" })).await.unwrap();
    assert_eq!(answer.json()["SecretString"].as_str(), stack.aws().secret("Secret").as_deref());
    assert_eq!(stack.aws().secret("Secret").unwrap().len(), 64);
    let missing = call(&stack, "secretsmanager.GetSecretValue", &json!({ "SecretId": "None" })).await.unwrap();
    assert_eq!((missing.status, &missing.json()["__type"]), (400, &json!("ResourceNotFoundException")));

    let mail = json!({
        "FromEmailAddress": "no-reply@example.com",
        "Destination": { "ToAddresses": ["Ann+1@example.com"] },
        "Content": { "Simple": { "Subject": { "Data": "Hi" }, "Body": { "Text": { "Data": "http://x/1" } } } },
    });
    let path = "POST /v2/email/outbound-emails";
    let sent = send(stack.aws_url(), path, &[("content-type", "application/json")], &mail.to_string()).await;
    assert!(sent.json()["MessageId"].is_string());
    let refused = send(stack.aws_url(), path, &[], "{}").await;
    assert_eq!((refused.status, refused.header("x-amzn-errortype")), (400, Some("BadRequestException")));

    let box_ = |query: &str| {
        let (url, path) = (stack.url(), format!("/__mail.json{query}"));
        async move { get(&url, &path).await.json() }
    };
    assert_eq!(box_("?to=ann+1@example.com").await[0]["links"], json!(["http://x/1"]));
    assert_eq!(box_("?to=ann%2b1@example.com").await[0]["subject"], "Hi");
    assert_eq!(box_("?to=bob@example.com").await, json!([]));
    assert!(get(&stack.url(), "/__mail").await.body.contains("Ann+1@example.com"));
    assert_eq!(send(&stack.url(), "DELETE /__mail.json", &[], "").await.status, 204);
    assert_eq!(box_("").await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_logged() {
    let stack = start().await;
    stack.aws().clear_calls();
    let (a, b) = (put(&stack, "a"), put(&stack, "b"));
    let _ = tokio::join!(a, b);
    call(&stack, "secretsmanager.GetSecretValue", &json!({ "SecretId": "None" })).await.unwrap();
    let calls = stack.aws().calls();
    assert_eq!(calls.len(), 3);
    let last = calls.last().unwrap();
    assert_eq!((last.service, last.operation.as_str(), last.status), (Service::SecretsManager, "GetSecretValue", 400));
    assert_eq!((last.function.as_deref(), last.instance), (Some("one"), Some(2)));
    assert_eq!(calls[0].tables, ["ThingsTable"]);
    assert!((2..=3).contains(&sequential_round_trips(&calls)));
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_do_what_they_say() {
    let stack = start().await;
    let aws = stack.aws();
    let rule = |fault| FaultRule::new(Service::DynamoDb, fault).operation("PutItem").when(When::Times(1));
    let answers = [
        (Fault::Throttle, 400, "ProvisionedThroughputExceededException"),
        (Fault::InternalError, 500, "InternalServerError"),
        (Fault::ServiceUnavailable, 503, "ServiceUnavailable"),
        (Fault::AccessDenied, 400, "AccessDeniedException"),
        (Fault::TransactionConflict, 400, "TransactionConflictException"),
        (Fault::Malformed, 200, "{"),
    ];
    for (fault, status, text) in answers {
        let id = aws.inject(rule(fault));
        let answer = put(&stack, "a").await.unwrap();
        assert_eq!(answer.status, status);
        assert!(answer.body.contains(text), "{answer:?}");
        assert_eq!(aws.fault_hits(id), 1);
    }
    aws.inject(rule(Fault::DropBefore));
    assert!(put(&stack, "a").await.is_none());
    assert_eq!(count(&stack).await, 0, "nothing of all that was applied");

    aws.inject(rule(Fault::DropAfter));
    assert!(put(&stack, "a").await.is_none());
    assert_eq!(count(&stack).await, 1, "that was");

    aws.inject(rule(Fault::Delay(Duration::from_millis(200))));
    let started = Instant::now();
    assert_eq!(put(&stack, "b").await.unwrap().status, 200);
    assert!(started.elapsed() >= Duration::from_millis(200));

    aws.inject(rule(Fault::Hang));
    assert!(tokio::time::timeout(Duration::from_millis(200), put(&stack, "c")).await.is_err());
    let seen: Vec<_> = aws.calls().into_iter().filter_map(|call| call.fault).collect();
    assert_eq!((seen.len(), seen.last()), (10, Some(&Fault::Hang)));

    let keys = json!({ "ThingsTable": { "Keys": [{ "id": { "S": "a" } }] } });
    aws.inject(FaultRule::new(Service::DynamoDb, Fault::UnprocessedKeys).table("ThingsTable"));
    let answer = call(&stack, "DynamoDB_20120810.BatchGetItem", &json!({ "RequestItems": keys })).await.unwrap();
    assert_eq!(answer.json(), json!({ "Responses": {}, "UnprocessedKeys": keys }));
    aws.clear_faults();
    let answer = call(&stack, "DynamoDB_20120810.BatchGetItem", &json!({ "RequestItems": keys })).await.unwrap();
    assert_eq!(answer.json()["Responses"]["ThingsTable"][0]["id"]["S"], "a");
}
