//! The members of a JSON object, and what is wrong with them.

use serde_json::{Map, Value};
use shared::domain::Timestamp;
use time::{
    OffsetDateTime, PrimitiveDateTime,
    format_description::well_known::{Iso8601, Rfc3339},
};

use crate::refusal::Refusal;

/// Longest identifier, in bytes.
const MAX_ID: usize = 255;
/// Numbers below are seconds since the epoch, those above milliseconds.
const SECONDS_END: f64 = 1e11;

/// An object. `null` is as good as missing.
pub struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub fn of(value: &'a Value) -> Option<Self> {
        value.as_object().map(Self)
    }

    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Makes sure that a member is there, if only as `null`. Where it is called
    /// otherwise, the others are too, and none of them would be found.
    pub fn expect(&self, name: &'static str) -> Result<(), Refusal> {
        if self.0.contains_key(name) { Ok(()) } else { Err(malformed(name, "is missing")) }
    }

    /// A string.
    pub fn text(&self, name: &'static str) -> Result<Option<&'a str>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_str().map(Some).ok_or(malformed(name, "is no string"))
    }

    /// A string that does not say nothing.
    pub fn non_empty(&self, name: &'static str) -> Result<Option<String>, Refusal> {
        Ok(self.text(name)?.filter(|text| !text.trim().is_empty()).map(str::to_owned))
    }

    /// An identifier: a string or a whole number.
    pub fn id(&self, name: &'static str) -> Result<String, Refusal> {
        let id = match self.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) if number.is_i64() || number.is_u64() => number.to_string(),
            _ => return Err(malformed(name, "is no string and no whole number")),
        };
        if id.is_empty() || id.len() > MAX_ID || id.contains(char::is_control) {
            return Err(malformed(name, "is no identifier"));
        }
        Ok(id)
    }

    /// A boolean, or 0 or 1, as databases without booleans have it.
    pub fn flag(&self, name: &'static str) -> Result<bool, Refusal> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(value) if value.as_u64() == Some(0) => Ok(false),
            Some(value) if value.as_u64() == Some(1) => Ok(true),
            Some(_) => Err(malformed(name, "is no boolean")),
        }
    }

    /// A list, which has to be there.
    pub fn list(&self, name: &'static str) -> Result<&'a [Value], Refusal> {
        self.get(name).and_then(Value::as_array).map(Vec::as_slice).ok_or(malformed(name, "is no list"))
    }

    /// A list of objects, which has to be there.
    pub fn objects(&self, name: &'static str) -> Result<Vec<Fields<'a>>, Refusal> {
        let objects = self.list(name)?.iter().map(Fields::of);
        objects.collect::<Option<_>>().ok_or(malformed(name, "holds what is no object"))
    }

    /// A time: ISO 8601, with a blank for the `T` if need be and UTC if it says
    /// nothing else, or seconds or milliseconds since 1970.
    pub fn time(&self, name: &'static str) -> Result<Option<Timestamp>, Refusal> {
        let millis = match self.get(name) {
            None => return Ok(None),
            Some(Value::String(text)) => parse_time(text),
            Some(Value::Number(number)) => number.as_f64().map(|number| {
                let millis = if number < SECONDS_END { number * 1000.0 } else { number };
                // Saturates; what is out of range is refused below.
                millis as i64
            }),
            Some(_) => None,
        };
        // Until the year 9999, which is as far as times are printed.
        let known = millis.filter(|millis| (0..253_402_300_800_000).contains(millis));
        known.map(|millis| Some(Timestamp::from_millis(millis))).ok_or(malformed(name, "is no time since 1970"))
    }
}

pub const fn malformed(field: &'static str, problem: &'static str) -> Refusal {
    Refusal::Malformed { field, problem }
}

fn parse_time(text: &str) -> Option<i64> {
    let text = text.trim().replacen(' ', "T", 1);
    let time = OffsetDateTime::parse(&text, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(&text, &Iso8601::DEFAULT))
        .or_else(|_| PrimitiveDateTime::parse(&text, &Iso8601::DEFAULT).map(PrimitiveDateTime::assume_utc))
        .ok()?;
    i64::try_from(time.unix_timestamp_nanos().div_euclid(1_000_000)).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn time(value: Value) -> Result<Option<i64>, Refusal> {
        let object = json!({ "at": value });
        Fields::of(&object).unwrap().time("at").map(|time| time.map(Timestamp::millis))
    }

    #[test]
    fn times_are_read_as_databases_write_them() {
        let at = 1_704_110_400_000;
        for text in [
            "2024-01-01T12:00:00Z",
            "2024-01-01T12:00:00.000Z",
            "2024-01-01 12:00:00",
            "2024-01-01T12:00:00.000000",
            "2024-01-01T14:00:00+02:00",
            "2024-01-01 12:00:00+00",
            "2024-01-01T07:00:00.0-05:00",
        ] {
            assert_eq!(time(json!(text)), Ok(Some(at)), "{text}");
        }
        for number in [json!(at), json!(1_704_110_400), json!(1_704_110_400.0)] {
            assert_eq!(time(number.clone()), Ok(Some(at)), "{number}");
        }
        assert_eq!(time(json!("2024-01-01T12:00:00.1239Z")), Ok(Some(at + 123)));
        assert_eq!(time(json!(null)), Ok(None));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for value in [
            json!(""),
            json!("yesterday"),
            json!("2024-13-01T00:00:00Z"),
            json!("1969-12-31T23:59:59Z"),
            json!("+12024-01-01T00:00:00Z"),
            json!(-1),
            json!(1e300),
            json!(true),
            json!({"$date": 0}),
        ] {
            assert!(time(value.clone()).is_err(), "{value}");
        }
    }
}
