use serde_json::json;

use super::*;

fn secrets() -> Secrets {
    let secrets = Secrets::open(None).unwrap();
    secrets.put("S", "one").unwrap();
    secrets
}

fn run(secrets: &Secrets, operation: &str, request: Value) -> Outcome {
    let mut outcome = None;
    secrets.change(|records| outcome = operations::run(records, operation, &request)).unwrap();
    outcome.unwrap()
}

fn value(secrets: &Secrets, stage: &str) -> Option<String> {
    let answer = run(secrets, "GetSecretValue", json!({ "SecretId": "S", "VersionStage": stage })).ok()?;
    Some(answer["SecretString"].as_str().unwrap().to_owned())
}

#[test]
fn a_new_value_makes_the_old_one_previous() {
    let secrets = secrets();
    for text in ["two", "three"] {
        run(&secrets, "PutSecretValue", json!({ "SecretId": "S", "SecretString": text })).unwrap();
    }
    assert_eq!(value(&secrets, "AWSCURRENT").as_deref(), Some("three"));
    assert_eq!(value(&secrets, "AWSPREVIOUS").as_deref(), Some("two"));
    let versions = run(&secrets, "ListSecretVersionIds", json!({ "SecretId": "S" })).unwrap();
    assert_eq!(versions["Versions"].as_array().unwrap().len(), 2);
    let versions =
        run(&secrets, "ListSecretVersionIds", json!({ "SecretId": "S", "IncludeDeprecated": true })).unwrap();
    assert_eq!(versions["Versions"].as_array().unwrap().len(), 3);
}

#[test]
fn a_pending_version_becomes_current_as_in_a_rotation() {
    let secrets = secrets();
    let token = "0".repeat(32);
    let put =
        json!({ "SecretId": "S", "SecretString": "two", "ClientRequestToken": token, "VersionStages": ["AWSPENDING"] });
    let first = run(&secrets, "PutSecretValue", put.clone()).unwrap();
    assert_eq!(run(&secrets, "PutSecretValue", put).unwrap(), first, "a repetition changes nothing");
    let other = json!({ "SecretId": "S", "SecretString": "else", "ClientRequestToken": token });
    assert_eq!(run(&secrets, "PutSecretValue", other).unwrap_err().0, "ResourceExistsException");
    assert_eq!(value(&secrets, "AWSCURRENT").as_deref(), Some("one"));
    assert_eq!(value(&secrets, "AWSPENDING").as_deref(), Some("two"));

    let described = run(&secrets, "DescribeSecret", json!({ "SecretId": "S" })).unwrap();
    let stages = described["VersionIdsToStages"].as_object().unwrap();
    let current = stages.iter().find(|(_, names)| names[0] == "AWSCURRENT").unwrap().0;
    let move_it = json!({ "SecretId": "S", "VersionStage": "AWSCURRENT", "MoveToVersionId": token });
    assert_eq!(run(&secrets, "UpdateSecretVersionStage", move_it.clone()).unwrap_err().0, "InvalidParameterException");
    let mut move_it = move_it;
    move_it["RemoveFromVersionId"] = json!(current);
    run(&secrets, "UpdateSecretVersionStage", move_it).unwrap();
    assert_eq!(value(&secrets, "AWSCURRENT").as_deref(), Some("two"));
    assert_eq!(value(&secrets, "AWSPREVIOUS").as_deref(), Some("one"));
}

#[test]
fn secrets_are_found_by_name_and_arn() {
    let secrets = secrets();
    let arn = run(&secrets, "DescribeSecret", json!({ "SecretId": "S" })).unwrap()["ARN"].as_str().unwrap().to_owned();
    let partial = arn.rsplit_once('-').unwrap().0;
    for id in ["S", &arn, partial] {
        assert!(run(&secrets, "GetSecretValue", json!({ "SecretId": id })).is_ok(), "{id}");
    }
    let missing = run(&secrets, "GetSecretValue", json!({ "SecretId": "T" })).unwrap_err();
    assert_eq!(missing.0, "ResourceNotFoundException");
    run(&secrets, "DeleteSecret", json!({ "SecretId": "S" })).unwrap();
    let deleted = run(&secrets, "GetSecretValue", json!({ "SecretId": "S" })).unwrap_err();
    assert_eq!(deleted.0, "InvalidRequestException");
    run(&secrets, "RestoreSecret", json!({ "SecretId": "S" })).unwrap();
    assert!(value(&secrets, "AWSCURRENT").is_some());
}

#[test]
fn a_seed_is_planted_once_and_survives() {
    let directory = std::env::temp_dir().join(crate::random::uuid());
    let declared = template::Secret {
        name: "G".to_owned(),
        description: String::new(),
        value: SecretValue::Generated(template::Generate::default()),
    };
    let mut values = Vec::new();
    for _ in 0..2 {
        let secrets = Secrets::open(Some(&directory)).unwrap();
        secrets.seed(std::slice::from_ref(&declared)).unwrap();
        values.push(secrets.current("G").unwrap());
    }
    assert_eq!(values[0], values[1]);
    assert_eq!(values[0].len(), 32);
    std::fs::remove_dir_all(directory).unwrap();
}
