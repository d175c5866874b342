use proptest::prelude::*;
use serde_json::json;

use super::*;

/// The client of a provider in a secret; the text of the error if there is one.
fn client(json: &str, provider: &str) -> Result<Option<OAuthClient>, String> {
    parse_clients(json).and_then(|clients| clients.get(provider)).map_err(|error| error.to_string())
}

/// The client of an entry with an issuer.
fn openid(id: &str, changes: Value) -> Result<Option<OAuthClient>, String> {
    let mut entry = json!({"issuer": "https://id.acme.example", "clientId": "a", "clientSecret": "topsecret"});
    entry.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    client(&json!({id: entry}).to_string(), id)
}

#[test]
fn both_providers_are_read_and_trimmed() {
    let json = r#"{"google":{"clientId":"g","clientSecret":"gs\n"},"github":{"clientId":" h","clientSecret":"hs"}}"#;
    let google = client(json, "google").unwrap().unwrap();
    assert_eq!((google.client_id.as_str(), google.client_secret.secret().as_str()), ("g", "gs"));
    assert_eq!(google.provider, Provider::Google);
    let github = client(json, "github").unwrap().unwrap();
    assert_eq!((github.client_id.as_str(), github.provider), ("h", Provider::GitHub));
    assert_eq!(parse_clients(json).unwrap().0.len(), 2);
}

#[test]
fn an_entry_with_an_issuer_is_an_openid_provider() {
    let acme = openid("acme", json!({})).unwrap().unwrap();
    let issuer = Issuer::parse("https://id.acme.example").unwrap();
    let scopes = ["openid", "email", "profile"].map(str::to_owned).to_vec();
    assert_eq!((acme.id.as_str(), acme.client_id.as_str()), ("acme", "a"));
    assert_eq!(acme.provider, Provider::OpenId { issuer, scopes });
    for id in ["a", "0", "acme-2", "a-", &"a".repeat(31)] {
        assert!(openid(id, json!({})).unwrap().is_some(), "{id}");
    }
}

#[test]
fn scopes_are_those_of_the_entry_and_openid() {
    for (scopes, expected) in [
        (json!([]), vec!["openid"]),
        (json!(["email"]), vec!["openid", "email"]),
        (json!(["email", "openid"]), vec!["email", "openid"]),
    ] {
        assert_eq!(openid("acme", json!({"scopes": scopes})).unwrap().unwrap().provider.scopes(), expected);
    }
}

#[test]
fn blank_half_entered_and_unknown_providers_are_not_configured() {
    for json in [
        "{}",
        r#"{"google":{}}"#,
        r#"{"google":{"clientId":"","clientSecret":""}}"#,
        r#"{"google":{"clientId":" ","clientSecret":"s"}}"#,
        r#"{"google":{"clientId":"id"}}"#,
        r#"{"okta":7,"Google":{"clientId":"id","clientSecret":"s"}}"#,
        r#"{"email":{"clientId":"id","clientSecret":"s"}}"#,
        r#"{"acme":{"issuer":"","clientId":"id","clientSecret":"s"}}"#,
        r#"{"acme":{"issuer":"https://id.acme.example"}}"#,
    ] {
        assert!(parse_clients(json).unwrap().0.is_empty(), "{json}");
    }
}

#[test]
fn a_malformed_entry_leaves_the_others_alone() {
    for entry in [
        r#""google":"topsecret""#,
        r#""google":["topsecret","topsecret"]"#,
        r#""google":{"clientId":7,"clientSecret":"topsecret"}"#,
        r#""google":{"clientId":"a","clientSecret":["topsecret"]}"#,
        r#""google":null"#,
    ] {
        let json = format!(r#"{{{entry},"github":{{"clientId":"h","clientSecret":"s"}}}}"#);
        let error = client(&json, "google").unwrap_err();
        assert!(error.contains("google is not an object") && !error.contains("topsecret"), "{error}");
        assert!(client(&json, "github").unwrap().is_some());
        assert!(client(&json, "okta").unwrap().is_none());
    }
}

#[test]
fn a_malformed_openid_provider_is_refused_by_what_is_wrong() {
    for (id, changes, reason) in [
        ("google", json!({}), "google takes no issuer"),
        ("github", json!({"issuer": 7}), "github takes no issuer"),
        ("credential", json!({}), "credential is a reserved id"),
        ("email", json!({}), "email is a reserved id"),
        ("two-factor", json!({}), "two-factor is a reserved id"),
        ("", json!({}), "is no id"),
        ("Acme", json!({}), "is no id"),
        ("-acme", json!({}), "is no id"),
        ("ac_me", json!({}), "is no id"),
        ("ac:me", json!({}), "is no id"),
        ("acmé", json!({}), "is no id"),
        (&"a".repeat(32), json!({}), "is no id"),
        ("acme", json!({"issuer": "http://id.acme.example"}), "has an issuer that is not"),
        ("acme", json!({"issuer": ["https://id.acme.example"]}), "has an issuer that is not"),
        ("acme", json!({"issuer": null}), "has an issuer that is not"),
        ("acme", json!({"scopes": "openid"}), "has scopes"),
        ("acme", json!({"scopes": ["a b"]}), "has scopes"),
        ("acme", json!({"scopes": [""]}), "has scopes"),
        ("acme", json!({"scopes": null}), "has scopes"),
        ("acme", json!({"clientId": 7}), "is not an object"),
    ] {
        let error = openid(id, changes).unwrap_err();
        assert!(error.contains(reason) && !error.contains("topsecret"), "{id}: {error}");
    }
}

#[test]
fn a_secret_of_another_shape_is_refused_without_being_printed() {
    for json in
        ["", "topsecret", "[]", "null", r#"["topsecret"]"#, r#"{"google":{"clientId":"a","clientSecret":"topsecret"}"#]
    {
        let error = parse_clients(json).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("topsecret"), "{json}");
    }
}

#[test]
fn a_client_does_not_print_its_secret() {
    let clients = parse_clients(r#"{"google":{"clientId":"id","clientSecret":"topsecret"}}"#).unwrap();
    assert_eq!(format!("{:?}", clients.get("google").unwrap().unwrap()), "OAuthClient(google id [redacted])");
    assert!(!format!("{clients:?}").contains("topsecret"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
        let _ = parse_clients(&text);
    }
}
