//! Request bodies: media type, JSON, forms, and the schema checks with the
//! messages that Better Auth's validator (zod 4) gives.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};
use url::form_urlencoded;

use super::{ApiError, ErrorCode, query::Query};
use crate::domain::{MAX_IMAGE_LENGTH, is_picture};

/// Largest accepted body, in bytes. The largest honest one is a few hundred.
pub const MAX_BODY_LENGTH: usize = 64 * 1024;

/// Most issues that an answer names.
const MAX_ISSUES: usize = 20;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Reads the body of a POST. `None` for an empty one, of any media type.
///
/// # Errors
/// 413 before anything is parsed; 415; 400 `BAD_REQUEST` for what is not JSON,
/// or repeats a key, since validating one of two values and using the other is
/// how checks are bypassed.
pub fn parse(body: &[u8], content_type: Option<&str>, accepts_form: bool) -> Result<Option<Value>, ApiError> {
    if body.len() > MAX_BODY_LENGTH {
        return Err(ErrorCode::PAYLOAD_TOO_LARGE.into());
    }
    if body.is_empty() {
        return Ok(None);
    }
    let content_type = content_type.unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media_type.as_str() {
        JSON => parse_json(body).map(Some),
        FORM if accepts_form => Ok(Some(parse_form(body))),
        _ => {
            let allowed = if accepts_form { format!("{FORM}, {JSON}") } else { JSON.to_owned() };
            Err(ApiError::media_type(if content_type.is_empty() {
                format!("Content-Type is required. Allowed types: {allowed}")
            } else {
                format!("Content-Type \"{content_type}\" is not allowed. Allowed types: {allowed}")
            }))
        }
    }
}

fn parse_json(body: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice::<Strict>(body).map(|strict| strict.0).map_err(|_| ErrorCode::INVALID_JSON.into())
}

/// Pairs of a form as an object of strings; the last of equal names counts.
fn parse_form(body: &[u8]) -> Value {
    Value::Object(
        form_urlencoded::parse(body)
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
            .collect(),
    )
}

/// JSON in which no object has a key twice, not even in another case.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StrictVisitor.deserialize(deserializer).map(Self)
    }
}

struct StrictVisitor;

impl<'de> DeserializeSeed<'de> for StrictVisitor {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repeated keys")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(StrictVisitor)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut seen = std::collections::HashSet::new();
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if !seen.insert(key.to_ascii_lowercase()) {
                return Err(de::Error::custom("repeated key"));
            }
            object.insert(key, map.next_value_seed(StrictVisitor)?);
        }
        Ok(Value::Object(object))
    }
}

/// Reads typed fields out of a body or a query and collects every issue, so
/// that one answer names them all.
pub struct Fields<'a> {
    part: String,
    source: Source<'a>,
    issues: Vec<String>,
}

enum Source<'a> {
    Object(&'a Map<String, Value>),
    Query(&'a Query),
    Nothing,
}

/// A field as it was found.
enum Field<'a> {
    Absent,
    Text(&'a str),
    Other(&'a Value),
    Repeated,
}

impl<'a> Fields<'a> {
    /// Fields of a JSON body that has to be an object.
    pub fn of_body(body: Option<&'a Value>) -> Self {
        match body {
            Some(Value::Object(object)) => {
                Self { part: "body".to_owned(), source: Source::Object(object), issues: Vec::new() }
            }
            other => Self {
                part: "body".to_owned(),
                source: Source::Nothing,
                issues: vec![format!("[body] Invalid input: expected object, received {}", type_name(other))],
            },
        }
    }

    /// Fields of a body whose schema also takes unknown fields, which shows in
    /// a second issue if it is no object.
    pub fn of_open_body(body: Option<&'a Value>) -> Self {
        let mut fields = Self::of_body(body);
        if matches!(fields.source, Source::Nothing) {
            fields.issues.push(format!("[body] Invalid input: expected record, received {}", type_name(body)));
        }
        fields
    }

    /// Fields of a body whose schema is any object.
    pub fn of_record(body: Option<&'a Value>) -> Self {
        let mut fields = Self::of_body(body);
        if matches!(fields.source, Source::Nothing) {
            fields.issues = vec![format!("[body] Invalid input: expected record, received {}", type_name(body))];
        }
        fields
    }

    /// Fields of a body that may be missing altogether.
    pub fn of_optional_body(body: Option<&'a Value>) -> Self {
        match body {
            None => Self { part: "body".to_owned(), source: Source::Nothing, issues: Vec::new() },
            some => Self::of_body(some),
        }
    }

    /// Parameters of a query.
    pub fn of_query(query: &'a Query) -> Self {
        Self { part: "query".to_owned(), source: Source::Query(query), issues: Vec::new() }
    }

    fn get(&self, name: &'a str) -> Field<'a> {
        match &self.source {
            Source::Nothing => Field::Absent,
            Source::Object(object) => match object.get(name) {
                None => Field::Absent,
                Some(Value::String(text)) => Field::Text(text),
                Some(other) => Field::Other(other),
            },
            Source::Query(query) => {
                let mut values = query.all(name);
                match (values.next(), values.next()) {
                    (None, _) => Field::Absent,
                    (Some(text), None) => Field::Text(text),
                    (Some(_), Some(_)) => Field::Repeated,
                }
            }
        }
    }

    fn issue(&mut self, name: &str, text: &str) {
        // Nobody reads more, and an answer must not outgrow its request.
        if self.issues.len() == MAX_ISSUES {
            return;
        }
        self.issues.push(format!("[{}.{name}] {text}", self.part));
    }

    fn unexpected(&mut self, name: &str, expected: &str, received: &str) {
        self.issue(name, &format!("Invalid input: expected {expected}, received {received}"));
    }

    /// A required string.
    pub fn string(&mut self, name: &'a str) -> &'a str {
        if matches!(self.source, Source::Nothing) {
            return "";
        }
        match self.get(name) {
            Field::Text(text) => return text,
            Field::Absent => self.unexpected(name, "string", "undefined"),
            Field::Other(other) => self.unexpected(name, "string", type_name(Some(other))),
            Field::Repeated => self.unexpected(name, "string", "array"),
        }
        ""
    }

    /// A required string that is not empty.
    pub fn non_empty_string(&mut self, name: &'a str) -> &'a str {
        let too_small = match self.get(name) {
            Field::Text("") => Some("string to have >=1 characters"),
            Field::Other(Value::Array(items)) if items.is_empty() => Some("array to have >=1 items"),
            _ => None,
        };
        let text = self.string(name);
        if let Some(expected) = too_small {
            self.issue(name, &format!("Too small: expected {expected}"));
        }
        text
    }

    /// A required e-mail address.
    pub fn email(&mut self, name: &'a str) -> Option<crate::domain::Email> {
        let before = self.issues.len();
        let text = self.string(name);
        if matches!(self.source, Source::Nothing) || self.issues.len() > before {
            return None;
        }
        let email = crate::domain::Email::parse(text).ok();
        if email.is_none() {
            self.issue(name, "Invalid email address");
        }
        email
    }

    /// An optional string; `null` is not one.
    pub fn optional_string(&mut self, name: &'a str) -> Option<&'a str> {
        match self.get(name) {
            Field::Absent => return None,
            Field::Text(text) => return Some(text),
            Field::Other(other) => self.unexpected(name, "string", type_name(Some(other))),
            Field::Repeated => self.unexpected(name, "string", "array"),
        }
        None
    }

    /// An optional string that may also be `null`.
    pub fn nullable_string(&mut self, name: &'a str) -> Option<Option<&'a str>> {
        match self.get(name) {
            Field::Other(Value::Null) => Some(None),
            _ => self.optional_string(name).map(Some),
        }
    }

    /// Whether a field of a body is there and JavaScript takes it for true.
    pub fn is_truthy(&self, name: &'a str) -> bool {
        match self.get(name) {
            Field::Absent => false,
            Field::Text(text) => !text.is_empty(),
            Field::Other(other) => is_truthy(other),
            Field::Repeated => true,
        }
    }

    /// An optional string that is one of a few.
    pub fn optional_choice(&mut self, name: &'a str, choices: &[&'static str]) -> Option<&'static str> {
        let found = match self.get(name) {
            Field::Absent => return None,
            Field::Text(text) => choices.iter().find(|choice| **choice == text).copied(),
            Field::Other(_) | Field::Repeated => None,
        };
        if found.is_none() {
            let choices: Vec<String> = choices.iter().map(|choice| format!("\"{choice}\"")).collect();
            self.issue(name, &format!("Invalid option: expected one of {}", choices.join("|")));
        }
        found
    }

    /// An optional boolean.
    pub fn optional_bool(&mut self, name: &'a str) -> Option<bool> {
        match self.get(name) {
            Field::Absent => return None,
            Field::Other(Value::Bool(value)) => return Some(*value),
            Field::Text(_) => self.unexpected(name, "boolean", "string"),
            Field::Other(other) => self.unexpected(name, "boolean", type_name(Some(other))),
            Field::Repeated => self.unexpected(name, "boolean", "array"),
        }
        None
    }

    /// An optional array of strings.
    pub fn optional_strings(&mut self, name: &'a str) -> Vec<String> {
        match self.get(name) {
            Field::Absent => Vec::new(),
            Field::Other(Value::Array(items)) => self.strings_of(name, items.iter().enumerate()),
            Field::Other(other) => {
                self.unexpected(name, "array", type_name(Some(other)));
                Vec::new()
            }
            Field::Text(_) | Field::Repeated => {
                self.unexpected(name, "array", "string");
                Vec::new()
            }
        }
    }

    /// An optional object of strings.
    pub fn optional_record(&mut self, name: &'a str) -> Vec<(String, String)> {
        match self.get(name) {
            Field::Absent => Vec::new(),
            Field::Other(Value::Object(object)) => {
                let values = self.strings_of(name, object.iter());
                object.keys().cloned().zip(values).collect()
            }
            Field::Other(other) => {
                self.unexpected(name, "record", type_name(Some(other)));
                Vec::new()
            }
            Field::Text(_) | Field::Repeated => {
                self.unexpected(name, "record", "string");
                Vec::new()
            }
        }
    }

    fn strings_of(&mut self, name: &str, items: impl Iterator<Item = (impl fmt::Display, &'a Value)>) -> Vec<String> {
        items
            .map(|(key, item)| match item {
                Value::String(text) => text.clone(),
                other => {
                    self.unexpected(&format!("{name}.{key}"), "string", type_name(Some(other)));
                    String::new()
                }
            })
            .collect()
    }

    /// An optional object of anything.
    pub fn optional_open_record(&mut self, name: &'a str) {
        match self.get(name) {
            Field::Absent | Field::Other(Value::Object(_)) => {}
            Field::Other(other) => self.unexpected(name, "record", type_name(Some(other))),
            Field::Text(_) | Field::Repeated => self.unexpected(name, "record", "string"),
        }
    }

    /// An optional number.
    pub fn optional_number(&mut self, name: &'a str) {
        match self.get(name) {
            Field::Absent | Field::Other(Value::Number(_)) => {}
            Field::Other(other) => self.unexpected(name, "number", type_name(Some(other))),
            Field::Text(_) | Field::Repeated => self.unexpected(name, "number", "string"),
        }
    }

    /// An optional object with fields of its own, and what is read of it.
    pub fn optional_object<T>(&mut self, name: &'a str, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        match self.get(name) {
            Field::Absent => {}
            Field::Other(Value::Object(object)) => {
                let part = format!("{}.{name}", self.part);
                let mut inner = Self { part, source: Source::Object(object), issues: Vec::new() };
                let read = read(&mut inner);
                self.issues.append(&mut inner.issues);
                return Some(read);
            }
            Field::Other(other) => self.unexpected(name, "object", type_name(Some(other))),
            Field::Text(_) | Field::Repeated => self.unexpected(name, "object", "string"),
        }
        None
    }

    /// An upper bound on a string's length, in characters.
    pub fn at_most(&mut self, name: &str, text: &str, max: usize) {
        if text.chars().nth(max).is_some() {
            self.issue(name, &format!("Too big: expected string to have <={max} characters"));
        }
    }

    /// A string of one line, which neither a log nor a mail header can be
    /// broken by.
    pub fn single_line(&mut self, name: &str, text: &str) {
        if text.chars().any(char::is_control) {
            self.issue(name, "Invalid input: control characters are not allowed");
        }
    }

    /// Refuses what is no address of a picture.
    pub fn picture(&mut self, name: &str, url: &str) {
        self.at_most(name, url, MAX_IMAGE_LENGTH);
        self.single_line(name, url);
        if !is_picture(url.trim_start()) {
            self.issue(name, "Invalid URL");
        }
    }

    /// Adds an issue that only the endpoint can find.
    pub fn refuse(&mut self, name: &str, text: &str) {
        self.issue(name, text);
    }

    /// All issues as one error.
    ///
    /// # Errors
    /// 400 `VALIDATION_ERROR` if there is any.
    pub fn finish(mut self) -> Result<(), ApiError> {
        self.issues.truncate(MAX_ISSUES);
        if self.issues.is_empty() { Ok(()) } else { Err(ApiError::validation(self.issues.join("; "))) }
    }
}

/// Whether JavaScript takes a value for true.
pub fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}

/// Name of a JSON type in the validator's messages.
fn type_name(value: Option<&Value>) -> &'static str {
    match value {
        None => "undefined",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(_)) => "number",
        Some(Value::String(_)) => "string",
        Some(Value::Array(_)) => "array",
        Some(Value::Object(_)) => "object",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn message(result: Result<Option<Value>, ApiError>) -> (u16, String) {
        let error = result.unwrap_err();
        (error.status.as_u16(), error.message)
    }

    #[test]
    fn media_types_are_told_apart() {
        assert!(parse(b"{}", Some("application/json"), false).is_ok());
        assert!(parse(b"{}", Some("Application/JSON; charset=utf-8"), false).is_ok());
        assert_eq!(parse(b"", Some("text/plain"), false).unwrap(), None);
        assert_eq!(
            message(parse(b"{}", Some("text/plain"), false)),
            (415, "Content-Type \"text/plain\" is not allowed. Allowed types: application/json".into())
        );
        assert_eq!(
            message(parse(b"{}", None, true)),
            (
                415,
                "Content-Type is required. Allowed types: application/x-www-form-urlencoded, application/json".into()
            )
        );
        let form = parse(b"a=1&b=%C3%A9&a=2", Some("application/x-www-form-urlencoded"), true).unwrap();
        assert_eq!(form, Some(json!({"a": "2", "b": "é"})));
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for body in [
            &b"{"[..],
            b"{\"a\":1,\"a\":2}",
            b"{\"a\":1,\"A\":2}",
            b"{\"x\":{\"a\":1,\"a\":2}}",
            b"\xff",
            b"\"\\ud800\"",
            b"{} {}",
            b"{'a':1}",
            b"1e400",
            b"NaN",
            b"\xff\xfe{\0}\0",
        ] {
            assert_eq!(message(parse(body, Some(JSON), false)).0, 400, "{}", String::from_utf8_lossy(body));
        }
        assert_eq!(message(parse("[".repeat(60_000).as_bytes(), Some(JSON), false)).0, 400);
        assert_eq!(message(parse(&vec![b' '; MAX_BODY_LENGTH + 1], Some(JSON), false)).0, 413);
    }

    #[test]
    fn issues_read_like_the_original_validator() {
        let body = json!({"name": 1, "email": "x", "password": "", "rememberMe": "yes", "image": null});
        let mut fields = Fields::of_open_body(Some(&body));
        fields.string("name");
        fields.email("email");
        fields.non_empty_string("password");
        fields.optional_string("image");
        fields.optional_bool("rememberMe");
        fields.string("token");
        assert_eq!(
            fields.finish().unwrap_err().message,
            "[body.name] Invalid input: expected string, received number; \
             [body.email] Invalid email address; \
             [body.password] Too small: expected string to have >=1 characters; \
             [body.image] Invalid input: expected string, received null; \
             [body.rememberMe] Invalid input: expected boolean, received string; \
             [body.token] Invalid input: expected string, received undefined"
        );
    }

    #[test]
    fn an_answer_names_the_first_issues_alone() {
        let parameters: Map<String, Value> = (0..500).map(|number| (format!("p{number}"), json!(number))).collect();
        let body = json!({"additionalParams": parameters, "name": 1});
        let mut fields = Fields::of_open_body(Some(&body));
        fields.optional_record("additionalParams");
        fields.string("name");
        assert_eq!(fields.finish().unwrap_err().message.split("; ").count(), MAX_ISSUES);
    }

    #[test]
    fn an_array_is_no_object_whatever_it_holds() {
        let body = json!(["victim@example.com", "password"]);
        let mut fields = Fields::of_open_body(Some(&body));
        assert_eq!(fields.string("email"), "");
        assert_eq!(
            fields.finish().unwrap_err().message,
            "[body] Invalid input: expected object, received array; [body] Invalid input: expected record, received array"
        );
    }

    #[test]
    fn a_repeated_parameter_is_an_array() {
        let query = Query::parse("token=a&token=b&x=1");
        let mut fields = Fields::of_query(&query);
        fields.optional_string("token");
        assert_eq!(fields.optional_string("x"), Some("1"));
        assert_eq!(
            fields.finish().unwrap_err().message,
            "[query.token] Invalid input: expected string, received array"
        );
    }

    proptest! {
        #[test]
        fn no_body_panics(body in proptest::collection::vec(any::<u8>(), 0..300), form in any::<bool>()) {
            let kind = if form { FORM } else { JSON };
            let _ = parse(&body, Some(kind), true);
        }

        #[test]
        fn good_json_is_read_unchanged(text in "\\PC{0,40}", number in any::<i64>(), flag in any::<bool>()) {
            let value = json!({"t": text, "n": [number, null, flag], "o": {"x": 1.5}});
            let parsed = parse(value.to_string().as_bytes(), Some(JSON), false).unwrap();
            prop_assert_eq!(parsed, Some(value));
        }
    }
}
