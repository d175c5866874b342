use serde_json::json;

use crate::{
    client::{get, send},
    options, start,
};
use local::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_becomes_an_event_and_its_result_an_answer() {
    let stack = start().await;
    let headers = [("content-type", "application/json"), ("cookie", "a=1; b=2"), ("x-test-source-ip", "192.0.2.9")];
    let answer = send(&stack.url(), "POST /do/echo%20?x=1", &headers, r#"{"a":1}"#).await;
    assert_eq!(answer.status, 200);
    let cookies: Vec<_> =
        answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value).collect();
    assert_eq!(cookies, ["a=1; Path=/", "b=2"]);
    let seen = answer.json();
    let event = &seen["event"];
    assert_eq!(event["rawPath"], "/do/echo ");
    assert_eq!(event["routeKey"], "POST /do/{what}");
    assert_eq!(event["pathParameters"], json!({"what": "echo "}));
    assert_eq!(event["body"], r#"{"a":1}"#);
    assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
    let source = event["requestContext"]["http"]["sourceIp"].as_str().unwrap();
    assert!(["127.0.0.1", "::1"].contains(&source), "a client must not choose it: {source}");
    assert_eq!(seen["arn"], "arn:aws:lambda:us-east-1:000000000000:function:OneFunction");
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tests_may_choose_the_source_address() {
    let stack = Stack::start(local::StackOptions { trust_source_ip_header: true, ..options() }).await.unwrap();
    let answer = send(&stack.url(), "GET /do/echo", &[("x-test-source-ip", "2001:db8::1")], "").await;
    let event = &answer.json()["event"];
    assert_eq!(event["requestContext"]["http"]["sourceIp"], "2001:db8::1");
    assert!(event["headers"].get("x-test-source-ip").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_is_lambdas_and_the_templates() {
    let stack = start().await;
    let env = get(&stack.url(), "/do/echo").await.json()["env"].clone();
    assert_eq!(env["BASE"], stack.url());
    assert_eq!(env["PROXY"], "");
    assert_eq!(env["TABLE"], "ThingsTable");
    assert_eq!(env["OVERRIDDEN"], "by hand");
    assert_eq!(env["AWS_LAMBDA_FUNCTION_NAME"], "OneFunction");
    assert_eq!(env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], "256");
    assert_eq!(env["AWS_ENDPOINT_URL"], stack.aws_url());
    assert_eq!(env["TZ"], ":UTC");
    assert!(env.get("CARGO_MANIFEST_DIR").is_none() && env.get("HOME").is_none(), "nothing is inherited");
    assert!(stack.logs().iter().any(|line| line.function == "one" && line.text == "a line of output"));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_routes_are_not_found() {
    let stack = start().await;
    let url = stack.url();
    for request in
        ["PUT /do/echo", "GET /do", "GET /do/a/b", "GET /do/echo/", "GET /api/auth/nothing", "OPTIONS /do/echo"]
    {
        let answer = send(&url, request, &[], "").await;
        assert_eq!((answer.status, answer.body.as_str()), (404, r#"{"message":"Not Found"}"#), "{request}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    let head = send(&url, "HEAD /do/echo", &[], "").await;
    assert_eq!((head.status, head.body.as_str()), (404, ""));
    assert_eq!(get(&url, "/two/a/b").await.json()["event"]["pathParameters"], json!({"rest": "a/b"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn cors_is_the_gateways() {
    let stack = start().await;
    let url = stack.url();
    let preflight = [("origin", "http://app.example"), ("access-control-request-method", "POST")];
    let answer = send(&url, "OPTIONS /any/path", &preflight, "").await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("http://app.example"));
    assert_eq!(answer.header("access-control-allow-methods"), Some("GET,POST"));
    let evil = [("origin", "http://evil.example"), ("access-control-request-method", "POST")];
    let answer = send(&url, "OPTIONS /do/echo", &evil, "").await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, None));

    let answer = send(&url, "GET /do/echo", &preflight[..1], "").await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("http://app.example"));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(answer.header("access-control-expose-headers"), Some("x-one"));
    let answer = send(&url, "GET /do/echo", &evil[..1], "").await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, None));
    assert_eq!(get(&url, "/do/echo").await.header("access-control-allow-origin"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold() {
    let stack = start().await;
    let url = stack.url();
    let long = "x".repeat(10_240);
    assert_eq!(send(&url, "GET /do/echo", &[("x-long", &long)], "").await.status, 431);
    assert_eq!(send(&url, &format!("GET /do/echo?{long}"), &[], "").await.status, 431);
    assert_eq!(get(&url, &format!("/do/echo?{}", "x".repeat(9_000))).await.status, 200);
    let json = [("content-type", "application/json")];
    let answer = send(&url, "POST /do/slow", &json, &"x".repeat(10 * 1024 * 1024 + 1)).await;
    assert_eq!((answer.status, answer.body.as_str()), (413, r#"{"message":"Request Entity Too Large"}"#));
    assert_eq!(send(&url, "POST /do/slow", &json, &"x".repeat(7 * 1024 * 1024)).await.status, 413);
    assert_eq!(send(&url, "POST /do/slow", &json, &"x".repeat(5 * 1024 * 1024)).await.status, 200);
}
