//! Secrets Manager: secrets, their versions and the stages that name them.

mod generate;
mod operations;
mod record;
mod rotation;
mod versions;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use hyper::StatusCode;
use serde_json::Value;

use super::{calls::Service, errors, server, store::JsonFile};
use crate::{
    Error,
    http::Reply,
    runtime::Pool,
    template::{self, SecretValue},
};
use record::{Content, Record, Rotation};

/// An error of Secrets Manager: its type and its message.
#[derive(Debug, PartialEq, Eq)]
struct Refusal(&'static str, String);

type Outcome = Result<Value, Refusal>;
type Records = BTreeMap<String, Record>;
/// Functions by ARN.
type Functions = BTreeMap<String, Arc<Pool>>;

/// All secrets, kept in one file.
#[derive(Debug)]
pub(super) struct Secrets {
    file: JsonFile,
    records: Mutex<Records>,
    functions: OnceLock<Functions>,
}

impl Secrets {
    pub(super) fn open(directory: Option<&Path>) -> Result<Self, Error> {
        if let Some(directory) = directory {
            std::fs::create_dir_all(directory).map_err(Error::io(format!("creating {}", directory.display())))?;
        }
        let file = JsonFile::new(directory, "secrets.json");
        let records = file.load()?.unwrap_or_default();
        Ok(Self { file, records: Mutex::new(records), functions: OnceLock::new() })
    }

    /// Tells which functions can rotate. Before that, none can.
    pub(super) fn connect(&self, functions: Functions) {
        let _ = self.functions.set(functions);
    }

    fn functions(&self) -> &Functions {
        static NONE: Functions = Functions::new();
        self.functions.get().unwrap_or(&NONE)
    }

    /// Creates the secrets that are not there yet, and has all of them rotated
    /// as the template says.
    pub(super) fn seed(
        &self,
        secrets: &[template::Secret],
        rotations: &[template::RotationSchedule],
    ) -> Result<(), Error> {
        self.change(|records| {
            for secret in secrets {
                let rotation = rotations.iter().find(|rotation| rotation.secret == secret.name);
                let rotation = rotation
                    .map(|rotation| Rotation { function: rotation.function.clone(), rules: rotation.rules.clone() });
                if let Some(record) = records.get_mut(&secret.name) {
                    record.rotation = rotation;
                    continue;
                }
                let mut record = Record::new(&secret.name, &secret.description);
                let text = match &secret.value {
                    SecretValue::Text(text) => Some(text.clone()),
                    SecretValue::Generated(request) => Some(generate::secret(request)),
                    SecretValue::None => None,
                };
                if let Some(text) = text {
                    record.set_current(Content::Text(text));
                }
                record.rotation = rotation;
                records.insert(secret.name.clone(), record);
            }
        })
    }

    /// Creates the secret or gives it a new current version.
    pub(super) fn put(&self, name: &str, value: &str) -> Result<(), Error> {
        self.change(|records| {
            let record = records.entry(name.to_owned()).or_insert_with(|| Record::new(name, ""));
            record.set_current(Content::Text(value.to_owned()));
        })
    }

    /// The current text of a secret.
    pub(super) fn current(&self, name: &str) -> Option<String> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.get(name)?.current_text()
    }

    pub(super) fn handle(self: &Arc<Self>, operation: &str, body: &[u8]) -> Reply {
        let request = match serde_json::from_slice(body) {
            Ok(request @ Value::Object(_)) => request,
            _ => {
                return errors::error(
                    Service::SecretsManager,
                    400,
                    "SerializationException",
                    "the body is no JSON object",
                );
            }
        };
        match self.run(operation, &request) {
            Err(error) => errors::error(Service::SecretsManager, 500, "InternalServiceError", &error.to_string()),
            Ok(None) => server::unknown(Service::SecretsManager, operation),
            Ok(Some(Ok(answer))) => errors::answer(Service::SecretsManager, StatusCode::OK, &answer),
            Ok(Some(Err(Refusal(kind, message)))) => errors::error(Service::SecretsManager, 400, kind, &message),
        }
    }

    /// Runs an operation; `None` if it is not known.
    fn run(self: &Arc<Self>, operation: &str, request: &Value) -> Result<Option<Outcome>, Error> {
        if operation == "RotateSecret" {
            return self.rotate(request).map(Some);
        }
        let mut outcome = None;
        self.change(|records| outcome = operations::run(records, operation, request))?;
        Ok(outcome)
    }

    /// Applies a change and saves it, or neither.
    fn change(&self, change: impl FnOnce(&mut Records)) -> Result<(), Error> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = records.clone();
        change(&mut changed);
        if changed != *records {
            self.file.save(&changed)?;
            *records = changed;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
