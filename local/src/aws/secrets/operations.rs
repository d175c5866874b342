//! The operations of Secrets Manager that make sense on one machine.

use serde_json::{Map, Value, json};

use super::{
    Outcome, Records, Refusal, generate,
    record::{CURRENT, Content, Record, Version, now},
    versions,
};
use crate::random;

/// Runs an operation; `None` if it is not known.
pub(super) fn run(records: &mut Records, operation: &str, request: &Value) -> Option<Outcome> {
    Some(match operation {
        "CreateSecret" => create(records, request),
        "GetSecretValue" => get(records, request),
        "PutSecretValue" => versions::put(records, request),
        "UpdateSecret" => update(records, request),
        "UpdateSecretVersionStage" => versions::update_stage(records, request),
        "DescribeSecret" => find(records, request).map(|record| describe(record)),
        "ListSecrets" => {
            let live = records.values().filter(|record| record.deleted.is_none());
            Ok(json!({ "SecretList": live.map(describe).collect::<Vec<_>>() }))
        }
        "ListSecretVersionIds" => versions::list(records, request),
        "DeleteSecret" => delete(records, request),
        "RestoreSecret" => restore(records, request),
        "GetRandomPassword" => match serde_json::from_value(request.clone()) {
            Ok(request) => Ok(json!({ "RandomPassword": generate::password(&request) })),
            Err(error) => Err(invalid(error.to_string())),
        },
        _ => return None,
    })
}

fn create(records: &mut Records, request: &Value) -> Outcome {
    let name = text(request, "Name").ok_or_else(|| invalid("Name is missing"))?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
    if name.is_empty() || name.len() > 512 || !name.chars().all(allowed) {
        return Err(invalid(
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        ));
    }
    if records.get(name).is_some_and(|record| record.deleted.is_some()) {
        return Err(Refusal(
            "InvalidRequestException",
            "You can't create this secret because a secret with this name is already scheduled for deletion."
                .to_owned(),
        ));
    }
    if records.contains_key(name) {
        return Err(Refusal(
            "ResourceExistsException",
            format!("The operation failed because the secret {name} already exists."),
        ));
    }
    let mut record = Record::new(name, text(request, "Description").unwrap_or_default());
    let mut answer = json!({ "ARN": record.arn, "Name": name });
    if let Some(content) = content(request)? {
        let id = token(request)?;
        record.add(id.clone(), Some(content), [CURRENT.to_owned()].into());
        insert(&mut answer, "VersionId", id);
    }
    records.insert(name.to_owned(), record);
    Ok(answer)
}

fn get(records: &mut Records, request: &Value) -> Outcome {
    let record = live(records, request)?;
    let stage = text(request, "VersionStage");
    let missing = |what: String| {
        Refusal(
            "ResourceNotFoundException",
            format!("Secrets Manager can't find the specified secret value for {what}"),
        )
    };
    let id = match text(request, "VersionId") {
        Some(id) => id,
        None => {
            let stage = stage.unwrap_or(CURRENT);
            record.holder(stage).ok_or_else(|| missing(format!("staging label: {stage}")))?
        }
    };
    let version = record.versions.get(id).ok_or_else(|| missing(format!("VersionId: {id}")))?;
    if stage.is_some_and(|stage| !version.stages.contains(stage)) {
        return Err(Refusal(
            "InvalidRequestException",
            "You provided a VersionStage that is not associated to the provided VersionId.".to_owned(),
        ));
    }
    let mut answer = json!({
        "ARN": record.arn,
        "Name": record.name,
        "VersionId": id,
        "VersionStages": version.stages,
        "CreatedDate": version.created,
    });
    match version.content.as_ref().ok_or_else(|| missing(format!("VersionId: {id}")))? {
        Content::Text(text) => insert(&mut answer, "SecretString", text.clone()),
        Content::Binary(base64) => insert(&mut answer, "SecretBinary", base64.clone()),
    }
    Ok(answer)
}

fn update(records: &mut Records, request: &Value) -> Outcome {
    let record = live(records, request)?;
    let mut answer = json!({ "ARN": record.arn, "Name": record.name });
    if let Some(description) = text(request, "Description") {
        record.description = description.to_owned();
    }
    if let Some(content) = content(request)? {
        let id = token(request)?;
        versions::add(record, &id, content, [CURRENT.to_owned()].into())?;
        insert(&mut answer, "VersionId", id);
    }
    Ok(answer)
}

fn delete(records: &mut Records, request: &Value) -> Outcome {
    let record = live(records, request)?;
    record.deleted = Some(now());
    let answer = json!({ "ARN": record.arn, "Name": record.name, "DeletionDate": record.deleted });
    if request.get("ForceDeleteWithoutRecovery") == Some(&Value::Bool(true)) {
        let name = record.name.clone();
        records.remove(&name);
    }
    Ok(answer)
}

fn restore(records: &mut Records, request: &Value) -> Outcome {
    let record = find(records, request)?;
    record.deleted = None;
    Ok(json!({ "ARN": record.arn, "Name": record.name }))
}

fn describe(record: &Record) -> Value {
    let named = record.versions.iter().filter(|(_, version)| !version.stages.is_empty());
    let stages: Map<String, Value> = named.map(|(id, Version { stages, .. })| (id.clone(), json!(stages))).collect();
    let mut answer = json!({
        "ARN": record.arn,
        "Name": record.name,
        "CreatedDate": record.created,
        "LastChangedDate": record.changed,
        "VersionIdsToStages": stages,
    });
    if !record.description.is_empty() {
        insert(&mut answer, "Description", record.description.clone());
    }
    if let Some(deleted) = record.deleted {
        insert(&mut answer, "DeletedDate", deleted);
    }
    if let Some(rotation) = &record.rotation {
        insert(&mut answer, "RotationEnabled", true);
        insert(&mut answer, "RotationLambdaARN", rotation.function.clone());
        insert(&mut answer, "RotationRules", rotation.rules.clone());
    }
    if let Some(rotated) = record.rotated {
        insert(&mut answer, "LastRotatedDate", rotated);
    }
    answer
}

/// The secret that `SecretId` names: by name, ARN, or ARN without its suffix.
pub(super) fn find<'a>(records: &'a mut Records, request: &Value) -> Result<&'a mut Record, Refusal> {
    let id = text(request, "SecretId").ok_or_else(|| invalid("SecretId is missing"))?;
    let names = |record: &Record| {
        record.name == id || record.arn == id || record.arn.rsplit_once('-').is_some_and(|(partial, _)| partial == id)
    };
    let missing =
        || Refusal("ResourceNotFoundException", "Secrets Manager can't find the specified secret.".to_owned());
    records.values_mut().find(|record| names(record)).ok_or_else(missing)
}

/// The same, unless it is deleted.
pub(super) fn live<'a>(records: &'a mut Records, request: &Value) -> Result<&'a mut Record, Refusal> {
    let record = find(records, request)?;
    match record.deleted {
        None => Ok(record),
        Some(_) => Err(Refusal(
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.".to_owned(),
        )),
    }
}

pub(super) fn content(request: &Value) -> Result<Option<Content>, Refusal> {
    match (text(request, "SecretString"), text(request, "SecretBinary")) {
        (Some(_), Some(_)) => {
            Err(invalid("You can't specify both a binary secret value and a string secret value in the same secret."))
        }
        (Some(text), None) => Ok(Some(Content::Text(text.to_owned()))),
        (None, Some(base64)) => Ok(Some(Content::Binary(base64.to_owned()))),
        (None, None) => Ok(None),
    }
}

/// Id of the version to make: `ClientRequestToken`, which the SDKs always send.
pub(super) fn token(request: &Value) -> Result<String, Refusal> {
    match text(request, "ClientRequestToken") {
        None => Ok(random::uuid()),
        Some(token) if (32..=64).contains(&token.len()) => Ok(token.to_owned()),
        Some(_) => Err(invalid("ClientRequestToken must have 32 to 64 characters.")),
    }
}

pub(super) fn text<'a>(request: &'a Value, key: &str) -> Option<&'a str> {
    request.get(key).and_then(Value::as_str)
}

pub(super) fn insert(answer: &mut Value, key: &str, value: impl Into<Value>) {
    if let Value::Object(entries) = answer {
        entries.insert(key.to_owned(), value.into());
    }
}

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal("InvalidParameterException", message.into())
}
