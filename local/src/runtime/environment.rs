//! Environment variables as Lambda sets them.

use std::{collections::BTreeMap, path::Path};

use crate::template::{Function, REGION};

/// The environment of instance `number` of a function: what Lambda sets, what
/// the template declares, and, last, the overrides of the command line.
pub(crate) fn environment(
    function: &Function,
    number: usize,
    program: &Path,
    aws_url: &str,
    overrides: &[(String, String)],
) -> Vec<(String, String)> {
    let directory = program.parent().unwrap_or(Path::new("/")).display().to_string();
    let memory = function.memory_mb.to_string();
    let log_group = format!("/aws/lambda/{}", function.id);
    // By it the AWS endpoint knows who calls.
    let access_key = format!("local-{}-{number}", function.name);
    let set_by_lambda = [
        ("_HANDLER", function.handler.as_str()),
        ("AWS_ACCESS_KEY_ID", &access_key),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ENDPOINT_URL", aws_url),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory),
        ("AWS_LAMBDA_FUNCTION_NAME", &function.id),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &log_group),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
        ("AWS_REGION", REGION),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_SESSION_TOKEN", "local"),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("LAMBDA_TASK_ROOT", &directory),
        ("LANG", "en_US.UTF-8"),
        ("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
        ("TZ", ":UTC"),
    ];
    let mut environment: BTreeMap<String, String> =
        set_by_lambda.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    if let Some(format) = &function.log_format {
        environment.insert("AWS_LAMBDA_LOG_FORMAT".to_owned(), format.clone());
    }
    environment.extend(function.environment.clone());
    environment.extend(overrides.iter().cloned());
    environment.into_iter().collect()
}
