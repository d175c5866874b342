//! Rows as attribute maps, written and read with one vocabulary.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::{
    domain::Timestamp,
    ports::{StoreError, StoreResult},
};

/// A row, or the key of one.
pub type Item = HashMap<String, AttributeValue>;

/// A string attribute.
pub fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// A time in milliseconds.
pub fn millis(time: Timestamp) -> AttributeValue {
    AttributeValue::N(time.millis().to_string())
}

/// Builds a row.
#[derive(Default)]
pub struct Builder(Item);

impl Builder {
    /// Sets an attribute.
    pub fn set(mut self, name: &str, value: AttributeValue) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    /// Sets a string, if there is one.
    pub fn set_some(self, name: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.set(name, s(text)),
            None => self,
        }
    }

    /// Sets a time in milliseconds, if there is one.
    pub fn set_some_time(self, name: &str, time: Option<Timestamp>) -> Self {
        match time {
            Some(time) => self.set(name, millis(time)),
            None => self,
        }
    }

    /// Sets the expiry, in milliseconds as `expiresAt`, which is what counts,
    /// and in whole seconds as `ttl`, by which DynamoDB collects the row some
    /// day later.
    pub fn set_expiry(self, at: Timestamp) -> Self {
        self.set("expiresAt", millis(at)).set("ttl", AttributeValue::N(at.ttl_seconds().to_string()))
    }

    /// The row.
    pub fn build(self) -> Item {
        self.0
    }
}

/// Reads a row. A missing or mistyped attribute is [`StoreError::Corrupt`].
pub struct Reader<'a> {
    table: &'static str,
    item: &'a Item,
}

impl<'a> Reader<'a> {
    /// A reader for a row of a kind.
    pub fn new(table: &'static str, item: &'a Item) -> Self {
        Self { table, item }
    }

    /// The error for an attribute.
    pub fn corrupt(&self, attribute: &'static str) -> StoreError {
        StoreError::Corrupt { table: self.table, attribute }
    }

    /// A string.
    pub fn string(&self, name: &'static str) -> StoreResult<&'a str> {
        self.optional_string(name)?.ok_or_else(|| self.corrupt(name))
    }

    /// A string that may be missing.
    pub fn optional_string(&self, name: &'static str) -> StoreResult<Option<&'a str>> {
        match self.item.get(name) {
            None => Ok(None),
            Some(AttributeValue::S(text)) => Ok(Some(text)),
            Some(_) => Err(self.corrupt(name)),
        }
    }

    /// A parsed string.
    pub fn parsed<T>(&self, name: &'static str, parse: impl FnOnce(&str) -> Option<T>) -> StoreResult<T> {
        parse(self.string(name)?).ok_or_else(|| self.corrupt(name))
    }

    /// A boolean.
    pub fn boolean(&self, name: &'static str) -> StoreResult<bool> {
        match self.item.get(name) {
            Some(AttributeValue::Bool(value)) => Ok(*value),
            _ => Err(self.corrupt(name)),
        }
    }

    /// A time in milliseconds that may be missing.
    pub fn optional_millis(&self, name: &'static str) -> StoreResult<Option<Timestamp>> {
        if self.item.contains_key(name) { self.millis(name).map(Some) } else { Ok(None) }
    }

    /// A time in milliseconds.
    pub fn millis(&self, name: &'static str) -> StoreResult<Timestamp> {
        match self.item.get(name) {
            Some(AttributeValue::N(text)) => text.parse().map(Timestamp::from_millis).map_err(|_| self.corrupt(name)),
            _ => Err(self.corrupt(name)),
        }
    }

    /// A whole number.
    pub fn number(&self, name: &'static str) -> StoreResult<i64> {
        self.millis(name).map(Timestamp::millis)
    }

    /// A set of strings; a missing one is empty, as DynamoDB knows no empty ones.
    pub fn string_set(&self, name: &'static str) -> StoreResult<Vec<String>> {
        match self.item.get(name) {
            None => Ok(Vec::new()),
            Some(AttributeValue::Ss(items)) => Ok(items.clone()),
            Some(_) => Err(self.corrupt(name)),
        }
    }

    /// A list of strings.
    pub fn strings(&self, name: &'static str) -> StoreResult<Vec<String>> {
        match self.item.get(name) {
            Some(AttributeValue::L(items)) => {
                items.iter().map(|item| item.as_s().cloned().map_err(|_| self.corrupt(name))).collect()
            }
            _ => Err(self.corrupt(name)),
        }
    }
}
