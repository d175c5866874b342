use proptest::prelude::*;
use serde_json::json;

use super::*;

const ALL: [Source; 3] = [Source::BetterAuth, Source::AuthJs, Source::Cognito];

fn read(source: Source, line: &Value) -> Result<Candidate, Refusal> {
    source.read(line.to_string().as_bytes()).1
}

fn links(candidate: &Candidate) -> Vec<(&str, &str)> {
    candidate.links.iter().map(|link| (link.provider.as_str(), link.subject.as_str())).collect()
}

#[test]
fn a_user_of_better_auth() {
    let line = json!({
        "id": "nBfnJlnAcUnKJPsyMWZUVkB5ZDmUdIYQ", "name": "Ann", "email": "Ann@Example.com", "emailVerified": 1,
        "image": null, "createdAt": "2024-01-01T12:00:00.000Z", "updatedAt": 1_704_110_400_000_i64, "role": "admin",
        "accounts": [
            {"id": "1", "providerId": "google", "accountId": "107", "accessToken": "ya29", "password": null},
            {"providerId": "credential", "accountId": "nBfn", "password": "salt:key"},
        ],
    });
    let candidate = read(Source::BetterAuth, &line).ok().unwrap();
    assert_eq!((candidate.email.as_deref(), candidate.email_verified), (Some("Ann@Example.com"), true));
    assert_eq!((candidate.name.as_str(), candidate.image.as_deref()), ("Ann", None));
    assert_eq!(candidate.created_at, candidate.updated_at);
    assert_eq!(candidate.password.as_deref(), Some("salt:key"));
    assert_eq!(links(&candidate), [("google", "107")]);
    assert!(candidate.second_factor == SecondFactor::No && !candidate.is_disabled);
}

#[test]
fn a_user_of_auth_js() {
    let line = json!({
        "id": 7, "name": null, "email": "ann@example.com", "emailVerified": "2024-01-01 12:00:00",
        "accounts": [{"provider": "github", "providerAccountId": "583231", "type": "oauth", "access_token": "gho"}],
    });
    let (id, candidate) = Source::AuthJs.read(line.to_string().as_bytes());
    let candidate = candidate.ok().unwrap();
    assert_eq!((id.as_deref(), candidate.name.as_str(), candidate.email_verified), (Some("7"), "", true));
    assert_eq!(links(&candidate), [("github", "583231")]);
    assert_eq!(candidate.created_at, None);
}

#[test]
fn a_user_of_cognito() {
    let identities = json!([{"userId": "107", "providerName": "Google", "providerType": "Google", "primary": "true"}]);
    let attributes = json!([
        {"Name": "sub", "Value": "8c3b-4"}, {"Name": "email", "Value": "ann@example.com"},
        {"Name": "email_verified", "Value": "true"}, {"Name": "given_name", "Value": "Ann"},
        {"Name": "family_name", "Value": "Lee"}, {"Name": "identities", "Value": identities.to_string()},
    ]);
    let line = json!({
        "Username": "Google_107", "Attributes": attributes, "UserCreateDate": "2024-01-01T12:00:00.5+00:00",
        "UserLastModifiedDate": 1_704_110_400.5, "Enabled": true, "UserStatus": "EXTERNAL_PROVIDER",
    });
    let (id, candidate) = Source::Cognito.read(line.to_string().as_bytes());
    let candidate = candidate.ok().unwrap();
    assert_eq!((id.as_deref(), candidate.name.as_str(), candidate.email_verified), (Some("8c3b-4"), "Ann Lee", true));
    assert_eq!(links(&candidate), [("Google", "107")]);
    assert!(candidate.created_at.is_some() && candidate.created_at == candidate.updated_at);
    assert!(candidate.second_factor == SecondFactor::Unknown && !candidate.is_disabled);
    let with = |name: &str, value: Value| {
        let mut line = line.clone();
        line[name] = value;
        read(Source::Cognito, &line).ok().unwrap()
    };
    assert!(with("Enabled", json!(false)).is_disabled);
    assert!(with("UserStatus", json!("ARCHIVED")).is_disabled);
    assert_eq!(with("MFAOptions", json!([{"DeliveryMedium": "SMS"}])).second_factor, SecondFactor::Yes);
    // As `admin-get-user` has it.
    let line = json!({"Username": "x", "UserAttributes": attributes, "Enabled": true});
    let of = |line: &Value| read(Source::Cognito, line).ok().unwrap();
    assert_eq!((of(&line).email.as_deref(), of(&line).second_factor), (Some("ann@example.com"), SecondFactor::No));
    let mut line = line;
    line["UserMFASettingList"] = json!(["SOFTWARE_TOKEN_MFA"]);
    assert_eq!(of(&line).second_factor, SecondFactor::Yes);
}

/// A mistake in an export must not make anybody verified, enabled, or somebody
/// without a password.
#[test]
fn a_wrong_type_is_no_guess() {
    let base = json!({"id": "1", "email": "a@example.com", "name": "A", "emailVerified": null, "accounts": []});
    for source in [Source::BetterAuth, Source::AuthJs] {
        assert!(read(source, &base).is_ok());
        for (field, value) in [
            ("id", json!("")),
            ("id", json!(1.5)),
            ("id", json!("a\u{0}b")),
            ("id", json!("x".repeat(256))),
            ("email", json!(["a@example.com"])),
            ("name", json!(7)),
            ("image", json!({})),
            ("emailVerified", json!("false")),
            ("emailVerified", json!("yes")),
            ("createdAt", json!("soon")),
            ("accounts", json!(null)),
            ("accounts", json!({})),
            ("accounts", json!([null])),
            ("accounts", json!([["google", "1"]])),
            ("accounts", json!([{"providerId": "google", "provider": "google"}])),
        ] {
            let mut line = base.clone();
            line[field] = value;
            let refusal = read(source, &line).err();
            assert!(matches!(refusal, Some(Refusal::Malformed { .. })), "{line}: {refusal:?}");
        }
    }
    // Columns of other names: nobody would be verified, or have a second factor.
    let renamed = json!({"id": "1", "email": "a@example.com", "email_verified": true, "accounts": []});
    for source in [Source::BetterAuth, Source::AuthJs] {
        assert!(matches!(read(source, &renamed), Err(Refusal::Malformed { field: "emailVerified", .. })));
    }
    let twice = json!([{"providerId": "credential", "password": "a"}, {"providerId": "credential", "password": "b"}]);
    for (field, value) in [("banned", json!("no")), ("twoFactorEnabled", json!("t")), ("accounts", twice)] {
        let mut line = base.clone();
        line[field] = value;
        assert!(read(Source::BetterAuth, &line).is_err(), "{line}");
    }
    for (name, value) in [("email_verified", "yes"), ("identities", "{"), ("identities", "[1]"), ("identities", "{}")] {
        let attributes = [json!({"Name": "sub", "Value": "1"}), json!({"Name": name, "Value": value})];
        assert!(read(Source::Cognito, &json!({"Attributes": attributes})).is_err(), "{name} {value}");
    }
}

#[test]
fn no_message_repeats_what_a_line_holds() {
    for line in [
        r#"{"password": "hunter2hunter2""#,
        r#"{"id": {"hunter2": 1}}"#,
        r#"{"id": "1", "email": ["hunter2"]}"#,
        r#"{"id": "1", "accounts": [{"providerId": "credential", "password": ["hunter2"]}]}"#,
        r#"{"Attributes": [{"Name": "sub", "Value": ["hunter2"]}]}"#,
        "hunter2",
        r#""hunter2""#,
        "[\"hunter2\"]",
        r#"{"id": "\ud800 hunter2"}"#,
    ] {
        for source in ALL {
            let (_, candidate) = source.read(line.as_bytes());
            let refusal = candidate.err().unwrap();
            assert!(!refusal.to_string().contains("hunter2"), "{refusal}");
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}|[0-9TZ:. +-]{0,24}".prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "id",
        "email",
        "emailVerified",
        "createdAt",
        "accounts",
        "providerId",
        "accountId",
        "password",
        "provider",
        "providerAccountId",
        "Attributes",
        "Name",
        "Value",
        "UserCreateDate",
        "Enabled",
        "banned",
        "image",
    ]);
    leaf.prop_recursive(4, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..10)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for source in ALL {
            let _ = source.read(&bytes);
        }
    }

    #[test]
    fn no_object_panics(value in any_json()) {
        for source in ALL {
            let _ = source.read(value.to_string().as_bytes());
        }
    }
}
