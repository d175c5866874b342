//! `RotateSecret`: begins a rotation, and takes the rotation function through
//! its steps, as AWS does, when the caller has had its answer.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Outcome, Records, Refusal, Secrets,
    operations::{invalid, live, text, token},
    record::{CURRENT, Content, PENDING, Record, Rotation, now},
};
use crate::Error;

/// The steps, in their order.
const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];
/// What a configuration that does not rotate at once is tried with.
const TRIAL: [&str; 1] = ["testSecret"];

/// A rotation that was begun.
#[derive(Debug, PartialEq)]
pub(super) struct Run {
    name: String,
    arn: String,
    function: String,
    version: String,
    steps: &'static [&'static str],
}

impl Secrets {
    pub(super) fn rotate(self: &Arc<Self>, request: &Value) -> Result<Outcome, Error> {
        let (mut outcome, mut run) = (Ok(Value::Null), None);
        self.change(|records| {
            outcome = begin(records, request, &|arn| self.functions().contains_key(arn), &mut run);
        })?;
        if let Some(run) = run {
            let secrets = self.clone();
            tokio::spawn(async move { secrets.take_steps(run).await });
        }
        Ok(outcome)
    }

    /// A step that fails ends the rotation, until it is asked for again. The
    /// function's log says why.
    async fn take_steps(&self, run: Run) {
        let Some(function) = self.functions().get(&run.function).cloned() else { return };
        let mut succeeded = true;
        for step in run.steps {
            let event = json!({ "Step": step, "SecretId": run.arn, "ClientRequestToken": run.version });
            succeeded = function.invoke(event.to_string().into()).await.is_ok();
            if !succeeded {
                break;
            }
        }
        // What cannot be saved is as if the end had not been noticed.
        let _ = self.change(|records| {
            let Some(record) = records.get_mut(&run.name) else { return };
            if run.steps == TRIAL {
                record.versions.remove(&run.version);
            } else if succeeded {
                record.rotated = Some(now());
            }
        });
    }
}

/// The answer; what is to be done then goes to `next`. A rotation that did not
/// come to its end is taken up again, even by a request that is refused
/// because of it.
fn begin(
    records: &mut Records,
    request: &Value,
    is_function: &dyn Fn(&str) -> bool,
    next: &mut Option<Run>,
) -> Outcome {
    let version = token(request)?;
    let record = live(records, request)?;
    let rotation = configuration(record, request, is_function)?;
    let answer = json!({ "ARN": record.arn, "Name": record.name, "VersionId": version });
    let run = |record: &Record, version: &str, steps| Run {
        name: record.name.clone(),
        arn: record.arn.clone(),
        function: rotation.function.clone(),
        version: version.to_owned(),
        steps,
    };
    let Some(current) = record.holder(CURRENT).cloned() else {
        return Err(bad_request("The secret has no current version."));
    };
    if let Some(pending) = record.holder(PENDING).filter(|pending| **pending != current).cloned() {
        *next = Some(run(record, &pending, &STEPS));
        if pending == version {
            return Ok(answer);
        }
        return Err(bad_request("A previous rotation isn't complete. That rotation will be reattempted."));
    }
    if version == current {
        // The same request once more.
        return Ok(answer);
    }
    if record.versions.contains_key(&version) {
        return Err(bad_request("The ClientRequestToken is that of a version which exists already."));
    }
    let is_trial = request.get("RotateImmediately") == Some(&Value::Bool(false));
    let content: Option<Content> = record.versions.get(&current).filter(|_| is_trial).and_then(|v| v.content.clone());
    *next = Some(run(record, &version, if is_trial { &TRIAL } else { &STEPS }));
    record.rotation = Some(rotation.clone());
    record.add(version, content, [PENDING.to_owned()].into());
    Ok(answer)
}

/// How the secret is rotated: as the request says, or as it was before.
fn configuration(record: &Record, request: &Value, is_function: &dyn Fn(&str) -> bool) -> Result<Rotation, Refusal> {
    let before = record.rotation.as_ref();
    let function = match text(request, "RotationLambdaARN") {
        Some(arn) if is_function(arn) => arn,
        Some(_) => {
            return Err(Refusal(
                "AccessDeniedException",
                "Secrets Manager cannot invoke the specified Lambda function.".to_owned(),
            ));
        }
        None => before
            .map(|rotation| rotation.function.as_str())
            .ok_or_else(|| bad_request("No Lambda rotation function ARN is associated with this secret."))?,
    };
    let rules = request.get("RotationRules").filter(|rules| !rules.is_null());
    let days = rules.and_then(|rules| rules.get("AutomaticallyAfterDays"));
    if days.is_some_and(|days| !days.as_u64().is_some_and(|days| (1..=1000).contains(&days))) {
        return Err(invalid("AutomaticallyAfterDays must be between 1 and 1000."));
    }
    let rules = rules.or(before.map(|rotation| &rotation.rules)).cloned().unwrap_or_else(|| json!({}));
    Ok(Rotation { function: function.to_owned(), rules })
}

fn bad_request(message: &str) -> Refusal {
    Refusal("InvalidRequestException", message.to_owned())
}
