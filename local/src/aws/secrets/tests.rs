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
fn a_stage_is_moved_from_where_it_is() {
    let secrets = secrets();
    let ids = ["1", "2"].map(|id| id.repeat(32));
    for id in &ids {
        run(&secrets, "PutSecretValue", json!({ "SecretId": "S", "SecretString": id, "ClientRequestToken": id }))
            .unwrap();
    }
    let move_to = |from: &str, to: &str| {
        let mut request = json!({ "SecretId": "S", "VersionStage": "AWSCURRENT" });
        for (key, id) in [("RemoveFromVersionId", from), ("MoveToVersionId", to)] {
            if !id.is_empty() {
                request[key] = json!(id);
            }
        }
        run(&secrets, "UpdateSecretVersionStage", request).map_err(|refusal| refusal.0)
    };
    let [one, two] = &ids;
    let invalid = Err("InvalidParameterException");
    assert_eq!(move_to("", one), invalid);
    assert_eq!(move_to(one, one), invalid);
    assert_eq!(move_to(two, ""), invalid);
    assert_eq!(move_to("", ""), invalid);
    assert_eq!(move_to(&"3".repeat(32), one), Err("ResourceNotFoundException"));
    assert_eq!(value(&secrets, "AWSCURRENT").as_ref(), Some(two));
    move_to(two, one).unwrap();
    assert_eq!(value(&secrets, "AWSCURRENT").as_ref(), Some(one));
    assert_eq!(value(&secrets, "AWSPREVIOUS").as_ref(), Some(two));
    // Once more, as after a lost answer.
    assert_eq!(move_to(two, one), invalid);
    move_to("", one).unwrap();
}

#[test]
fn labels_and_versions_are_limited() {
    let secrets = secrets();
    let put = |token: usize, stages: &[String]| {
        let request = json!({
            "SecretId": "S", "SecretString": token.to_string(), "ClientRequestToken": format!("{token:032}"),
            "VersionStages": stages,
        });
        run(&secrets, "PutSecretValue", request).map_err(|refusal| refusal.0)
    };
    let labels = |count: usize| (0..count).map(|number| format!("L{number}")).collect::<Vec<_>>();
    assert_eq!(put(1, &[]), Err("InvalidParameterException"));
    assert_eq!(put(1, &["L".repeat(257)]), Err("InvalidParameterException"));
    assert_eq!(put(1, &labels(21)), Err("InvalidParameterException"));
    assert_eq!(put(1, &labels(20)), Err("LimitExceededException"), "AWSCURRENT is one, too");
    put(1, &labels(19)).unwrap();
    for token in 2..100 {
        put(token, &labels(1)).unwrap();
    }
    assert_eq!(put(100, &labels(1)), Err("LimitExceededException"), "they are younger than a day");
    put(99, &labels(1)).unwrap();
    secrets
        .change(|records| {
            for record in records.values_mut() {
                record.versions.values_mut().for_each(|version| version.created -= 100_000.0);
            }
        })
        .unwrap();
    put(100, &labels(1)).unwrap();
    let versions =
        run(&secrets, "ListSecretVersionIds", json!({ "SecretId": "S", "IncludeDeprecated": true })).unwrap();
    assert_eq!(versions["Versions"].as_array().unwrap().len(), 100);
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
        secrets.seed(std::slice::from_ref(&declared), &[]).unwrap();
        values.push(secrets.current("G").unwrap());
    }
    assert_eq!(values[0], values[1]);
    assert_eq!(values[0].len(), 32);
    std::fs::remove_dir_all(directory).unwrap();
}
