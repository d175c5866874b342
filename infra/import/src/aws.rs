//! Where the tables are, and what opens them.

use std::{env, process::Command};

use serde_json::Value;
use shared::{
    adapters::{Aws, dynamodb::DynamoDb},
    config::Tables,
};

use crate::options::{Options, TableNames};

/// The tables, through a client with the credentials of the environment, or
/// else with those that the AWS CLI has.
///
/// # Errors
/// What is missing, in one line.
pub fn connect(options: &Options) -> Result<DynamoDb, String> {
    let region = region(options)?;
    let (users, accounts) = match &options.tables {
        TableNames::Given { users, accounts } => (users.clone(), accounts.clone()),
        TableNames::Stack(name) => tables_of(name, &region)?,
    };
    let credentials = if variable("AWS_ACCESS_KEY_ID").is_some() { None } else { Some(exported_credentials()?) };
    let aws = Aws::from_variables(|name| match name {
        "AWS_REGION" => Some(region.clone()),
        "AWS_ENDPOINT_URL_DYNAMODB" if options.endpoint_url.is_some() => options.endpoint_url.clone(),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" | "AWS_SESSION_TOKEN" => match &credentials {
            Some(exported) => exported.get(in_exported(name)).and_then(Value::as_str).map(str::to_owned),
            None => variable(name),
        },
        other => variable(other),
    });
    // No other table is touched.
    let none = String::new;
    let tables = Tables { users, accounts, sessions: none(), verification_tokens: none(), rate_limits: none() };
    Ok(DynamoDb::new(aws.dynamodb(), tables))
}

fn region(options: &Options) -> Result<String, String> {
    let given = options.region.clone().or_else(|| variable("AWS_REGION")).or_else(|| variable("AWS_DEFAULT_REGION"));
    match given {
        Some(region) => Ok(region),
        None => match aws(&["configure", "get", "region"]).map(|region| region.trim().to_owned()) {
            Ok(region) if !region.is_empty() => Ok(region),
            _ => Err("no region: --region says which".to_owned()),
        },
    }
}

/// The outputs of the template.
fn tables_of(stack: &str, region: &str) -> Result<(String, String), String> {
    let query = "Stacks[0].Outputs";
    let describe = ["cloudformation", "describe-stacks", "--output", "json", "--query", query];
    let text = aws(&[&describe[..], &["--stack-name", stack, "--region", region]].concat())?;
    let outputs: Value = serde_json::from_str(&text).map_err(|_| "the AWS CLI answers no JSON".to_owned())?;
    let output = |name: &str| {
        let outputs = outputs.as_array().into_iter().flatten();
        let found = outputs.into_iter().find(|output| output.get("OutputKey").is_some_and(|key| key == name));
        let value = found.and_then(|output| output.get("OutputValue")).and_then(Value::as_str);
        value.map(str::to_owned).ok_or_else(|| format!("the stack {stack} has no output {name}"))
    };
    Ok((output("UsersTableName")?, output("AccountsTableName")?))
}

/// As the AWS CLI hands credentials to other programs (`credential_process`).
fn exported_credentials() -> Result<Value, String> {
    let text = aws(&["configure", "export-credentials", "--format", "process"])
        .map_err(|error| format!("no credentials in the environment, and of AWS CLI 2 {error}"))?;
    let exported: Value = serde_json::from_str(&text).unwrap_or_default();
    let is_complete =
        ["AccessKeyId", "SecretAccessKey"].iter().all(|name| exported.get(name).is_some_and(Value::is_string));
    is_complete.then_some(exported).ok_or("the AWS CLI exports no credentials".to_owned())
}

fn in_exported(name: &str) -> &'static str {
    match name {
        "AWS_ACCESS_KEY_ID" => "AccessKeyId",
        "AWS_SECRET_ACCESS_KEY" => "SecretAccessKey",
        _ => "SessionToken",
    }
}

/// What the AWS CLI writes.
fn aws(arguments: &[&str]) -> Result<String, String> {
    let command = || format!("aws {}", arguments.iter().take(2).copied().collect::<Vec<_>>().join(" "));
    let output =
        Command::new("aws").args(arguments).output().map_err(|error| format!("{} does not run: {error}", command()))?;
    if !output.status.success() {
        // Whatever stands before is how the command is used.
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
        return Err(format!("{} says: {last}", command()));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("{} writes no text", command()))
}

/// A variable that says something.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
