//! Secrets Manager: secrets, their versions and the stages that name them.

mod generate;
mod operations;
mod record;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, PoisonError},
};

use hyper::StatusCode;
use serde_json::Value;

use super::{calls::Service, errors, server, store::JsonFile};
use crate::{
    Error,
    http::Reply,
    template::{self, SecretValue},
};
use record::{Content, Record};

/// An error of Secrets Manager: its type and its message.
#[derive(Debug, PartialEq, Eq)]
struct Refusal(&'static str, String);

type Outcome = Result<Value, Refusal>;
type Records = BTreeMap<String, Record>;

/// All secrets, kept in one file.
#[derive(Debug)]
pub(super) struct Secrets {
    file: JsonFile,
    records: Mutex<Records>,
}

impl Secrets {
    pub(super) fn open(directory: Option<&Path>) -> Result<Self, Error> {
        if let Some(directory) = directory {
            std::fs::create_dir_all(directory).map_err(Error::io(format!("creating {}", directory.display())))?;
        }
        let file = JsonFile::new(directory, "secrets.json");
        let records = file.load()?.unwrap_or_default();
        Ok(Self { file, records: Mutex::new(records) })
    }

    /// Creates the secrets that are not there yet.
    pub(super) fn seed(&self, secrets: &[template::Secret]) -> Result<(), Error> {
        self.change(|records| {
            for secret in secrets {
                if records.contains_key(&secret.name) {
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

    pub(super) fn handle(&self, operation: &str, body: &[u8]) -> Reply {
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
        let mut outcome = None;
        let saved = self.change(|records| outcome = operations::run(records, operation, &request));
        match (saved, outcome) {
            (Err(error), _) => errors::error(Service::SecretsManager, 500, "InternalServiceError", &error.to_string()),
            (_, None) => server::unknown(Service::SecretsManager, operation),
            (_, Some(Ok(answer))) => errors::answer(Service::SecretsManager, StatusCode::OK, &answer),
            (_, Some(Err(Refusal(kind, message)))) => errors::error(Service::SecretsManager, 400, kind, &message),
        }
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
