//! Tables, secrets and CORS.

use serde_json::{Map, Value, json};

use super::{Cors, Generate, RotationSchedule, Secret, SecretValue, Table, intrinsics::text};

/// Properties of a table that `CreateTable` takes under the same name.
const CREATE_TABLE: [&str; 5] =
    ["AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "LocalSecondaryIndexes", "BillingMode"];

/// Reads a table.
pub(super) fn table(id: &str, properties: Value, place: &str) -> Result<Table, String> {
    let mut create = Map::new();
    create.insert("TableName".to_owned(), Value::from(id));
    for key in CREATE_TABLE {
        if let Some(value) = properties.get(key) {
            create.insert(key.to_owned(), value.clone());
        }
    }
    for key in ["AttributeDefinitions", "KeySchema"] {
        if !create.contains_key(key) {
            return Err(format!("{place}.Properties has no {key}"));
        }
    }
    if properties.get("BillingMode").is_none() {
        // What is provisioned is not enforced here, so that it may be left out.
        create.insert("BillingMode".to_owned(), Value::from("PAY_PER_REQUEST"));
    }
    let ttl = properties.get("TimeToLiveSpecification");
    let enabled = ttl.and_then(|ttl| ttl.get("Enabled")).is_some_and(truth);
    let ttl_attribute =
        ttl.filter(|_| enabled).and_then(|ttl| ttl.get("AttributeName")).and_then(Value::as_str).map(str::to_owned);
    Ok(Table { name: id.to_owned(), create: Value::Object(create), ttl_attribute, properties })
}

/// Reads a secret.
pub(super) fn secret(id: &str, properties: &Value, place: &str) -> Result<Secret, String> {
    let value = match (properties.get("SecretString"), properties.get("GenerateSecretString")) {
        (Some(_), Some(_)) => {
            return Err(format!("{place} has both SecretString and GenerateSecretString"));
        }
        (Some(value), None) => SecretValue::Text(text(value, place)?),
        (None, Some(generate)) => {
            let generate: Generate = serde_json::from_value(generate.clone())
                .map_err(|error| format!("{place}.Properties.GenerateSecretString: {error}"))?;
            SecretValue::Generated(generate)
        }
        (None, None) => SecretValue::None,
    };
    Ok(Secret {
        name: id.to_owned(),
        description: properties.get("Description").and_then(Value::as_str).unwrap_or_default().to_owned(),
        value,
    })
}

/// Reads a rotation schedule.
pub(super) fn rotation(properties: &Value, place: &str) -> Result<RotationSchedule, String> {
    let required = |key: &str| match properties.get(key) {
        Some(value) => text(value, &format!("{place}.Properties.{key}")),
        None => Err(format!("{place}.Properties has no {key}")),
    };
    let mut rules = properties.get("RotationRules").cloned().unwrap_or_else(|| json!({}));
    // A parameter is text, and CloudFormation hands on what the property is.
    if let Some(days) = rules.get_mut("AutomaticallyAfterDays") {
        let place = format!("{place}.Properties.RotationRules.AutomaticallyAfterDays");
        let number: u64 = text(days, &place)?.parse().map_err(|_| format!("{place} is no number"))?;
        *days = Value::from(number);
    }
    Ok(RotationSchedule {
        secret: required("SecretId")?,
        function: required("RotationLambdaARN")?,
        rules,
        at_once: properties.get("RotateImmediatelyOnUpdate").is_none_or(truth),
        place: place.to_owned(),
    })
}

/// Reads a `CorsConfiguration`: a mapping, or one allowed origin.
pub(super) fn cors(configuration: &Value, place: &str) -> Result<Option<Cors>, String> {
    let entries = match configuration {
        Value::Null => return Ok(None),
        Value::Object(entries) => entries,
        Value::String(_) | Value::Bool(true) => {
            let origin = configuration.as_str().unwrap_or("*");
            return Ok(Some(Cors { allow_origins: vec![origin.trim_matches('\'').to_owned()], ..Cors::default() }));
        }
        _ => return Err(format!("{place} is no mapping")),
    };
    let list = |key: &str| match entries.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(|item| text(item, place)).collect(),
        Some(_) => Err(format!("{place}.{key} is no list")),
    };
    let cors = Cors {
        allow_origins: list("AllowOrigins")?,
        allow_methods: list("AllowMethods")?,
        allow_headers: list("AllowHeaders")?,
        expose_headers: list("ExposeHeaders")?,
        allow_credentials: entries.get("AllowCredentials").is_some_and(truth),
        max_age: match entries.get("MaxAge") {
            None | Some(Value::Null) => None,
            Some(value) => Some(text(value, place)?.parse().map_err(|_| format!("{place}.MaxAge is no number"))?),
        },
    };
    // API Gateway refuses to create such an API.
    if cors.allow_credentials && cors.allow_origins.iter().any(|origin| origin == "*") {
        return Err(format!("{place}: AllowCredentials does not go with the origin *"));
    }
    Ok(Some(cors))
}

fn truth(value: &Value) -> bool {
    value == &Value::Bool(true) || value == "true"
}
