//! `AWS::Serverless::Function`: what runs, and the routes that lead to it.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use super::{Function, Route, intrinsics::text};

/// Reads a function from its resolved properties and the resolved globals.
pub(super) fn function(
    id: &str,
    resource: &Value,
    properties: &Value,
    globals: &Value,
    place: &str,
) -> Result<Function, String> {
    let name = resource
        .pointer("/Metadata/BuildProperties/Binary")
        .and_then(Value::as_str)
        .ok_or_else(|| format!("{place}.Metadata.BuildProperties names no Binary"))?;
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
        return Err(format!("{place}.Metadata.BuildProperties.Binary: {name:?} is no name of a binary"));
    }
    let setting = |key: &str| properties.get(key).or_else(|| globals.get(key));
    let number = |key: &str, default: u64| match setting(key) {
        None | Some(Value::Null) => Ok(default),
        Some(value) => text(value, place)?.parse().map_err(|_| format!("{place}.Properties.{key} is no number")),
    };
    let mut environment = BTreeMap::new();
    for (source, place) in [(globals, "Globals.Function"), (properties, place)] {
        let variables = source.pointer("/Environment/Variables").and_then(Value::as_object);
        for (name, value) in variables.into_iter().flatten() {
            let value = text(value, &format!("{place}: the environment variable {name}"))?;
            environment.insert(name.clone(), value);
        }
    }
    let policies = match properties.get("Policies") {
        Some(Value::Array(policies)) => policies.clone(),
        None | Some(Value::Null) => Vec::new(),
        Some(one) => vec![one.clone()],
    };
    Ok(Function {
        id: id.to_owned(),
        name: name.to_owned(),
        memory_mb: number("MemorySize", 128)?,
        timeout: Duration::from_secs(number("Timeout", 3)?),
        handler: match setting("Handler") {
            Some(handler) => text(handler, place)?,
            None => "bootstrap".to_owned(),
        },
        log_format: setting("LoggingConfig")
            .and_then(|logging| logging.get("LogFormat"))
            .and_then(Value::as_str)
            .map(str::to_owned),
        environment,
        policies,
    })
}

/// The routes among a function's events.
pub(super) fn routes(function: &str, properties: &Value, place: &str) -> Result<Vec<Route>, String> {
    let mut routes = Vec::new();
    let events = properties.get("Events").and_then(Value::as_object);
    for (name, event) in events.into_iter().flatten() {
        if event.get("Type").and_then(Value::as_str) != Some("HttpApi") {
            continue;
        }
        let place = format!("{place}.Properties.Events.{name}");
        let property = |key: &str| event.get("Properties").and_then(|all| all.get(key)).and_then(Value::as_str);
        let (method, path) = match (property("Method"), property("Path")) {
            (Some(method), Some(path)) => (method.to_ascii_uppercase(), path.to_owned()),
            (None, None) => ("ANY".to_owned(), "$default".to_owned()),
            _ => return Err(format!("{place} needs both Method and Path, or neither")),
        };
        check_path(&path).map_err(|problem| format!("{place}.Path {path}: {problem}"))?;
        let method = if method == "*" { "ANY".to_owned() } else { method };
        routes.push(Route { method, path, function: function.to_owned(), place });
    }
    Ok(routes)
}

fn check_path(path: &str) -> Result<(), &'static str> {
    if path == "$default" {
        return Ok(());
    }
    let Some(rest) = path.strip_prefix('/') else {
        return Err("it does not begin with /");
    };
    let segments: Vec<&str> = rest.split('/').collect();
    for (index, segment) in segments.iter().enumerate() {
        let inner = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        match inner {
            None if segment.contains(['{', '}']) => {
                return Err("a parameter must be a whole segment");
            }
            Some("" | "+") => return Err("a parameter has no name"),
            Some(name) if name.ends_with('+') && index + 1 < segments.len() => {
                return Err("a greedy parameter must be the last segment");
            }
            _ => {}
        }
    }
    Ok(())
}
