//! The function: it does what the last segment of the path says. Events of a
//! rotation it writes to its output; those of a token that begins with `fail`
//! fail in their second step.

use std::{env, time::Duration};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

/// No test, but the function's `main`.
#[tokio::test]
#[ignore = "it is the function that the tests run"]
async fn function() {
    if env::var_os("AWS_LAMBDA_RUNTIME_API").is_none() {
        return;
    }
    println!("a line of output");
    if env::var_os("FAIL_INIT").is_some() {
        eprintln!("the setting X is missing");
        std::process::exit(1);
    }
    lambda_runtime::run(service_fn(handle)).await.unwrap();
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    if let Some(step) = event.payload["Step"].as_str() {
        println!("rotation {}", event.payload);
        let fails = event.payload["ClientRequestToken"].as_str().unwrap_or_default().starts_with("fail");
        return if fails && step == "setSecret" { Err("it failed".into()) } else { Ok(json!(null)) };
    }
    let path = event.payload["rawPath"].as_str().unwrap_or_default();
    Ok(match path.rsplit('/').next().unwrap_or_default() {
        "crash" => std::process::exit(3),
        "hang" => std::future::pending().await,
        "fail" => return Err("it failed".into()),
        "malformed" => json!({ "statusCode": "many" }),
        "slow" => {
            tokio::time::sleep(Duration::from_millis(300)).await;
            described(json!({ "pid": std::process::id() }))
        }
        _ => described(json!({
            "event": event.payload,
            "env": env::vars().collect::<std::collections::BTreeMap<_, _>>(),
            "deadline": event.context.deadline,
            "arn": event.context.invoked_function_arn,
            "pid": std::process::id(),
        })),
    })
}

fn described(body: Value) -> Value {
    json!({
        "statusCode": 200,
        "headers": { "content-type": "application/json", "access-control-allow-origin": "*", "x-one": "1" },
        "cookies": ["a=1; Path=/", "b=2"],
        "body": body.to_string(),
    })
}
