use std::time::Duration;

use serde_json::{Value, json};

use crate::{client::send, start};
use local::Stack;

const CREATE: &str = "createSecret";
const ALL: [&str; 4] = [CREATE, "setSecret", "testSecret", "finishSecret"];

/// A request over the wire, as the AWS CLI makes it: status and body.
async fn call(stack: &Stack, operation: &str, body: &Value) -> (u16, Value) {
    let target = format!("secretsmanager.{operation}");
    let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
    let answer = send(stack.aws_url(), "POST /", &headers, &body.to_string()).await;
    (answer.status, answer.json())
}

async fn describe(stack: &Stack) -> Value {
    call(stack, "DescribeSecret", &json!({ "SecretId": "Secret" })).await.1
}

/// Steps and tokens of the events that the function got, once there are as
/// many as expected. It has seen no others if none come after that.
async fn events(stack: &Stack, count: usize) -> Vec<(String, String)> {
    let mut quiet = 0;
    loop {
        let logs = stack.logs();
        let lines = logs.iter().filter_map(|line| line.text.strip_prefix("rotation "));
        let events: Vec<Value> = lines.map(|event| serde_json::from_str(event).unwrap()).collect();
        quiet += usize::from(events.len() >= count);
        if quiet > 10 {
            let arn = &describe(stack).await["ARN"];
            assert!(events.iter().all(|event| event["SecretId"] == *arn), "{events:?}");
            let text = |event: &Value, key: &str| event[key].as_str().unwrap().to_owned();
            return events.iter().map(|event| (text(event, "Step"), text(event, "ClientRequestToken"))).collect();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn steps(names: &[&str], token: &str) -> Vec<(String, String)> {
    names.iter().map(|name| ((*name).to_owned(), token.to_owned())).collect()
}

fn token(start: &str) -> String {
    format!("{start:0<36}")
}

fn rotate(token: &str) -> Value {
    json!({ "SecretId": "Secret", "ClientRequestToken": token })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_goes_through_its_function() {
    let stack = start().await;
    let before = describe(&stack).await;
    assert_eq!((&before["RotationEnabled"], &before["LastRotatedDate"]), (&json!(true), &Value::Null));
    let (status, answer) = call(&stack, "RotateSecret", &rotate(&token("a"))).await;
    assert_eq!((status, &answer["VersionId"]), (200, &json!(token("a"))));
    assert_eq!(events(&stack, 4).await, steps(&ALL, &token("a")));
    // What this function makes of it is nothing: a version without a value.
    let after = describe(&stack).await;
    assert_eq!(after["VersionIdsToStages"][token("a")], json!(["AWSPENDING"]));
    assert!(after["LastRotatedDate"].is_number());
    let value = json!({ "SecretId": "Secret", "VersionStage": "AWSPENDING" });
    let (status, refused) = call(&stack, "GetSecretValue", &value).await;
    assert_eq!((status, &refused["__type"]), (400, &json!("ResourceNotFoundException")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_failed_is_taken_up_again() {
    let stack = start().await;
    let failing = token("fail");
    assert_eq!(call(&stack, "RotateSecret", &rotate(&failing)).await.0, 200);
    let tried = steps(&ALL[..2], &failing);
    assert_eq!(events(&stack, 2).await, tried);
    // Another one has to wait for it, and the same one is welcome.
    let (status, refused) = call(&stack, "RotateSecret", &rotate(&token("b"))).await;
    assert_eq!((status, &refused["__type"]), (400, &json!("InvalidRequestException")));
    assert!(refused["Message"].as_str().unwrap().contains("will be reattempted"), "{refused}");
    assert_eq!(events(&stack, 4).await, [tried.clone(), tried.clone()].concat());
    assert_eq!(call(&stack, "RotateSecret", &rotate(&failing)).await.0, 200);
    assert_eq!(events(&stack, 6).await, [tried.clone(), tried.clone(), tried].concat());
    // Taking the label away ends it.
    let remove = json!({ "SecretId": "Secret", "VersionStage": "AWSPENDING", "RemoveFromVersionId": failing });
    assert_eq!(call(&stack, "UpdateSecretVersionStage", &remove).await.0, 200);
    stack.clear_logs();
    assert_eq!(call(&stack, "RotateSecret", &rotate(&token("b"))).await.0, 200);
    assert_eq!(events(&stack, 4).await, steps(&ALL, &token("b")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_rotated_at_once_is_tried() {
    let stack = start().await;
    let mut request = rotate(&token("a"));
    request["RotateImmediately"] = json!(false);
    request["RotationRules"] = json!({ "AutomaticallyAfterDays": 7 });
    let before = stack.aws().secret("Secret");
    assert_eq!(call(&stack, "RotateSecret", &request).await.0, 200);
    assert_eq!(events(&stack, 1).await, steps(&ALL[2..3], &token("a")));
    let after = describe(&stack).await;
    assert_eq!(after["VersionIdsToStages"].as_object().unwrap().len(), 1, "{after}");
    assert_eq!(after["RotationRules"]["AutomaticallyAfterDays"], 7);
    assert_eq!(stack.aws().secret("Secret"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_rotated_is_refused_and_left_alone() {
    let stack = start().await;
    call(&stack, "CreateSecret", &json!({ "Name": "Fixed", "SecretString": "x" })).await;
    let before = describe(&stack).await;
    for (change, kind) in [
        (json!({ "SecretId": "None" }), "ResourceNotFoundException"),
        (json!({ "SecretId": "Fixed" }), "InvalidRequestException"),
        (json!({ "ClientRequestToken": "short" }), "InvalidParameterException"),
        (json!({ "RotationRules": { "AutomaticallyAfterDays": 1001 } }), "InvalidParameterException"),
        (json!({ "RotationLambdaARN": "arn:aws:lambda:us-east-1:000000000000:function:No" }), "AccessDeniedException"),
    ] {
        let mut request = rotate(&token("a"));
        for (key, value) in change.as_object().unwrap() {
            request[key] = value.clone();
        }
        let (status, refused) = call(&stack, "RotateSecret", &request).await;
        assert_eq!((status, &refused["__type"]), (400, &json!(kind)), "{request}");
    }
    assert_eq!(describe(&stack).await, before);
    // A function can be named by the request.
    let function = &before["RotationLambdaARN"];
    let request = json!({ "SecretId": "Fixed", "RotationLambdaARN": function });
    assert_eq!(call(&stack, "RotateSecret", &request).await.0, 200);
    assert!(stack.aws().secret("Fixed").is_some());
}
