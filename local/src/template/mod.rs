//! Reads a SAM template as far as it says what runs: parameters, functions,
//! routes, CORS, tables, secrets and their rotation.
//!
//! What the local stack has no use for (alarms, domains, …) is left alone;
//! what it would have to guess at is refused, with the place.

mod functions;
mod intrinsics;
mod model;
mod names;
mod resources;

use std::{cell::RefCell, collections::BTreeMap, fs, path::Path};

use serde_json::{Map, Value};

pub use model::{Cors, Function, Generate, RotationSchedule, Route, Secret, SecretValue, Table, Template};
pub use names::{ACCOUNT, REGION, function_arn, table_arn};

use crate::{Error, yaml};
use intrinsics::Scope;

impl Template {
    /// Reads a template file with the given parameters.
    ///
    /// # Errors
    /// [`Error::Template`] with one sentence that names the place.
    pub fn read(path: &Path, parameters: &[(String, String)]) -> Result<Self, Error> {
        Self::read_with(path, parameters, &[])
    }

    /// The same, with values for parameters that are not given; those that
    /// the template does not have are not used.
    pub(crate) fn read_with(
        path: &Path,
        given: &[(String, String)],
        supplied: &[(String, String)],
    ) -> Result<Self, Error> {
        let fault = |problem| Error::Template { path: path.to_owned(), problem };
        let text = fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
        Self::parse_with(&text, given, supplied).map_err(fault)
    }

    /// Reads a template's text with the given parameters.
    ///
    /// # Errors
    /// One sentence that names the place.
    pub fn parse(text: &str, parameters: &[(String, String)]) -> Result<Self, String> {
        Self::parse_with(text, parameters, &[])
    }

    fn parse_with(text: &str, given: &[(String, String)], supplied: &[(String, String)]) -> Result<Self, String> {
        let document = yaml::parse(text)?;
        let section = |name: &str| match document.get(name) {
            Some(Value::Object(entries)) => Ok(entries.clone()),
            None | Some(Value::Null) => Ok(Map::new()),
            Some(_) => Err(format!("{name} is no mapping")),
        };
        let resources = section("Resources")?;
        if resources.is_empty() {
            return Err("there are no Resources".to_owned());
        }
        let scope = Scope {
            parameters: parameters(&section("Parameters")?, given, supplied)?,
            conditions: &section("Conditions")?,
            mappings: &Value::Object(section("Mappings")?),
            resources: &resources,
            evaluating: RefCell::default(),
        };
        let globals = Value::Object(section("Globals")?);
        let mut template = Self {
            parameters: scope.parameters.clone(),
            functions: Vec::new(),
            routes: Vec::new(),
            cors: None,
            tables: Vec::new(),
            secrets: Vec::new(),
            rotations: Vec::new(),
            document: document.clone(),
        };
        for (id, resource) in &resources {
            template.add(&scope, &globals, id, resource)?;
        }
        template.check()?;
        Ok(template)
    }

    /// The function of that name, or of that logical id.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name || function.id == name)
    }

    fn add(&mut self, scope: &Scope<'_>, globals: &Value, id: &str, resource: &Value) -> Result<(), String> {
        let place = format!("Resources.{id}");
        let kind = resource.get("Type").and_then(Value::as_str).ok_or_else(|| format!("{place} has no Type"))?;
        if let Some(condition) = resource.get("Condition").and_then(Value::as_str)
            && !scope.condition(condition, &place)?
        {
            return Ok(());
        }
        let properties = || {
            let properties = resource.get("Properties").unwrap_or(&Value::Null);
            scope.resolve(properties, &format!("{place}.Properties"))
        };
        match kind {
            "AWS::Serverless::Function" => {
                let globals = scope.resolve(globals.get("Function").unwrap_or(&Value::Null), "Globals.Function")?;
                let function = functions::function(id, resource, &properties()?, &globals, &place)?;
                self.routes.extend(functions::routes(&function.name, &properties()?, &place)?);
                self.functions.push(function);
            }
            "AWS::Serverless::HttpApi" => {
                let mut configuration = properties()?.get("CorsConfiguration").cloned();
                if configuration.is_none() {
                    let shared = globals.pointer("/HttpApi/CorsConfiguration").unwrap_or(&Value::Null);
                    configuration = Some(scope.resolve(shared, "Globals.HttpApi.CorsConfiguration")?);
                }
                let configuration = configuration.unwrap_or_default();
                self.cors = resources::cors(&configuration, &format!("{place}.Properties.CorsConfiguration"))?;
            }
            "AWS::DynamoDB::Table" => self.tables.push(resources::table(id, properties()?, &place)?),
            "AWS::SecretsManager::Secret" => self.secrets.push(resources::secret(id, &properties()?, &place)?),
            "AWS::SecretsManager::RotationSchedule" => {
                self.rotations.push(resources::rotation(&properties()?, &place)?);
            }
            _ => {}
        }
        Ok(())
    }

    /// What only the whole template can tell.
    fn check(&mut self) -> Result<(), String> {
        let mut binaries: BTreeMap<&str, &str> = BTreeMap::new();
        for function in &self.functions {
            if let Some(other) = binaries.insert(&function.name, &function.id) {
                return Err(format!(
                    "Resources.{}: its Binary {} is already that of {other}",
                    function.id, function.name
                ));
            }
        }
        for rotation in &self.rotations {
            if !self.secrets.iter().any(|secret| secret.name == rotation.secret) {
                return Err(format!("{}: there is no secret {}", rotation.place, rotation.secret));
            }
            if !self.functions.iter().any(|function| function_arn(&function.id) == rotation.function) {
                return Err(format!("{}: there is no function {}", rotation.place, rotation.function));
            }
        }
        self.routes.sort_by(|a, b| (&a.path, &a.method).cmp(&(&b.path, &b.method)));
        for pair in self.routes.windows(2) {
            if let [one, two] = pair
                && one.key() == two.key()
            {
                return Err(format!("{}: the route {} is already that of {}", two.place, two.key(), one.place));
            }
        }
        Ok(())
    }
}

/// Values of the parameters: given ones before supplied ones before defaults.
fn parameters(
    declared: &Map<String, Value>,
    given: &[(String, String)],
    supplied: &[(String, String)],
) -> Result<BTreeMap<String, Value>, String> {
    for (name, _) in given {
        if !declared.contains_key(name) {
            return Err(format!("Parameters has no {name}"));
        }
    }
    let mut values = BTreeMap::new();
    for (name, declaration) in declared {
        let place = format!("Parameters.{name}");
        let given = given.iter().rev().chain(supplied).find(|(other, _)| other == name);
        let given = given.map(|(_, value)| value.clone());
        let value = match (given, declaration.get("Default")) {
            (Some(value), _) => value,
            (None, Some(default)) => intrinsics::text(default, &format!("{place}.Default"))?,
            (None, None) => return Err(format!("{place} has no Default, and no value is given")),
        };
        if let Some(Value::Array(allowed)) = declaration.get("AllowedValues") {
            let allowed: Vec<_> = allowed.iter().map(|one| intrinsics::text(one, &place)).collect::<Result<_, _>>()?;
            if !allowed.contains(&value) {
                return Err(format!("{place} must be one of {}, not {value:?}", allowed.join(", ")));
            }
        }
        let kind = declaration.get("Type").and_then(Value::as_str).unwrap_or("String");
        let is_list = kind == "CommaDelimitedList" || kind.starts_with("List<");
        values.insert(
            name.clone(),
            if is_list {
                value.split(',').map(|item| Value::from(item.trim())).collect()
            } else {
                Value::String(value)
            },
        );
    }
    Ok(values)
}

#[cfg(test)]
mod tests;
