//! The operations on the versions of a secret.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Outcome, Records, Refusal,
    operations::{content, find, invalid, live, text, token},
    record::{CURRENT, Content, Record},
};

/// Labels that all versions of a secret may have together.
const LABEL_LIMIT: usize = 20;

pub(super) fn put(records: &mut Records, request: &Value) -> Outcome {
    let record = live(records, request)?;
    let content = content(request)?.ok_or_else(|| invalid("You must provide either SecretString or SecretBinary."))?;
    let id = token(request)?;
    add(record, &id, content, stages(request)?)?;
    let stages = record.versions.get(&id).map(|version| &version.stages);
    Ok(json!({ "ARN": record.arn, "Name": record.name, "VersionId": id, "VersionStages": stages }))
}

/// Adds a version, or fills the empty one that a rotation has begun with.
pub(super) fn add(record: &mut Record, id: &str, content: Content, stages: BTreeSet<String>) -> Result<(), Refusal> {
    let version = record.versions.get(id);
    match version.and_then(|version| version.content.as_ref()) {
        // The same request once more: its answer may have been lost.
        Some(existing) if *existing == content => return Ok(()),
        Some(_) => {
            return Err(Refusal(
                "ResourceExistsException",
                format!(
                    "You can't use ClientRequestToken {id} because that value is already in use for a version of secret {}.",
                    record.arn
                ),
            ));
        }
        None => {}
    }
    if version.is_none() && record.is_full() {
        return Err(exceeded("You have reached the maximum number of versions for this secret."));
    }
    check_labels(record, &stages)?;
    record.add(id.to_owned(), Some(content), stages);
    Ok(())
}

/// `VersionStages`; without them the version becomes the current one.
fn stages(request: &Value) -> Result<BTreeSet<String>, Refusal> {
    let Some(stages) = request.get("VersionStages").filter(|stages| !stages.is_null()) else {
        return Ok([CURRENT.to_owned()].into());
    };
    let label = |label: &Value| label.as_str().filter(|text| (1..=256).contains(&text.len())).map(str::to_owned);
    let labels: Option<BTreeSet<String>> = stages.as_array().and_then(|stages| stages.iter().map(label).collect());
    labels
        .filter(|labels| (1..=LABEL_LIMIT).contains(&labels.len()))
        .ok_or_else(|| invalid("VersionStages must be a list of 1 to 20 labels of 1 to 256 characters."))
}

fn check_labels(record: &Record, more: &BTreeSet<String>) -> Result<(), Refusal> {
    if record.labels_with(more) <= LABEL_LIMIT {
        return Ok(());
    }
    Err(exceeded("You have reached the maximum number of staging labels for this secret."))
}

pub(super) fn update_stage(records: &mut Records, request: &Value) -> Outcome {
    let record = live(records, request)?;
    let stage = text(request, "VersionStage").ok_or_else(|| invalid("VersionStage is missing"))?;
    let (from, to) = (text(request, "RemoveFromVersionId"), text(request, "MoveToVersionId"));
    for id in [from, to].into_iter().flatten() {
        if !record.versions.contains_key(id) {
            let message = format!("Secrets Manager can't find the specified secret version: {id}");
            return Err(Refusal("ResourceNotFoundException", message));
        }
    }
    if from.is_none() && to.is_none() {
        return Err(invalid("You must specify MoveToVersionId, RemoveFromVersionId or both."));
    }
    let holder = record.holder(stage).map(String::as_str);
    match (from, holder) {
        (Some(from), holder) if holder != Some(from) => {
            return Err(invalid(format!("The staging label {stage} isn't attached to version {from}.")));
        }
        (None, Some(holder)) if to != Some(holder) => {
            return Err(invalid(format!(
                "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to version {holder}, so you must explicitly reference that version in RemoveFromVersionId."
            )));
        }
        _ => {}
    }
    if stage == CURRENT && to.is_none() {
        return Err(invalid("AWSCURRENT can be moved, but not removed."));
    }
    if to.is_some() {
        check_labels(record, &[stage.to_owned()].into())?;
    }
    record.move_stage(stage, to);
    Ok(json!({ "ARN": record.arn, "Name": record.name }))
}

pub(super) fn list(records: &mut Records, request: &Value) -> Outcome {
    let deprecated_too = request.get("IncludeDeprecated") == Some(&Value::Bool(true));
    let record = find(records, request)?;
    let versions: Vec<Value> = record
        .versions
        .iter()
        .filter(|(_, version)| deprecated_too || !version.stages.is_empty())
        .map(
            |(id, version)| json!({ "VersionId": id, "VersionStages": version.stages, "CreatedDate": version.created }),
        )
        .collect();
    Ok(json!({ "ARN": record.arn, "Name": record.name, "Versions": versions }))
}

fn exceeded(message: &str) -> Refusal {
    Refusal("LimitExceededException", message.to_owned())
}
