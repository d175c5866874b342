//! What calls consume of DynamoDB's capacity, which is what they are billed by.
//!
//! The engine knows it and tells whoever asks, as DynamoDB does. Functions do
//! not ask, so the endpoint asks for them while somebody counts.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;

use super::calls::Call;

/// Units of a write, of an item below 1 KB, that a transaction takes twice.
const TRANSACTION: f64 = 2.0;

/// A request of a function, made to ask what it consumes.
pub(super) fn asking(body: &Bytes) -> Bytes {
    match body.strip_prefix(b"{") {
        Some(members) => [br#"{"ReturnConsumedCapacity":"TOTAL","#, members].concat().into(),
        None => body.clone(),
    }
}

/// The units that a call consumed of each table. A write whose condition did
/// not hold consumes them too, and is not told: its items are taken to be
/// smaller than 1 KB.
pub(super) fn consumed(call: &Call, answer: &[u8]) -> BTreeMap<String, f64> {
    let mut units = BTreeMap::new();
    if call.status != 200 {
        let each = if call.operation == "TransactWriteItems" { TRANSACTION } else { 1.0 };
        for (_, table) in call.actions.iter().filter(|_| call.is_write()) {
            *units.entry(table.clone()).or_default() += each;
        }
        return units;
    }
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let told = answer.get("ConsumedCapacity").unwrap_or(&Value::Null);
    for table in told.as_array().map_or(std::slice::from_ref(told), Vec::as_slice) {
        let number = table.get("CapacityUnits").and_then(Value::as_f64);
        if let (Some(name), Some(number)) = (table.get("TableName").and_then(Value::as_str), number) {
            *units.entry(name.to_owned()).or_default() += number;
        }
    }
    units
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::aws::Service;

    fn call(operation: &str, actions: &[&str], status: u16) -> Call {
        Call {
            service: Service::DynamoDb,
            operation: operation.to_owned(),
            tables: Vec::new(),
            actions: actions.iter().map(|table| ("dynamodb:X".to_owned(), (*table).to_owned())).collect(),
            function: None,
            instance: None,
            started: Instant::now(),
            ended: Instant::now(),
            status,
            fault: None,
            units: BTreeMap::new(),
        }
    }

    fn units<const N: usize>(expected: [(&str, f64); N]) -> BTreeMap<String, f64> {
        expected.into_iter().map(|(table, number)| (table.to_owned(), number)).collect()
    }

    #[test]
    fn a_request_asks_beside_what_it_asked() {
        let asked: Value = serde_json::from_slice(&asking(&Bytes::from_static(br#"{"TableName":"A"}"#))).unwrap();
        assert_eq!(asked, serde_json::json!({"ReturnConsumedCapacity": "TOTAL", "TableName": "A"}));
        assert_eq!(asking(&Bytes::from_static(b"no json")), "no json");
    }

    #[test]
    fn an_answer_tells_of_one_table_or_of_several() {
        let one = br#"{"ConsumedCapacity":{"TableName":"A","CapacityUnits":1.5}}"#;
        assert_eq!(consumed(&call("GetItem", &["A"], 200), one), units([("A", 1.5)]));
        let two = br#"{"ConsumedCapacity":[{"TableName":"A","CapacityUnits":2},{"TableName":"B","CapacityUnits":4}]}"#;
        assert_eq!(consumed(&call("TransactWriteItems", &["A", "B"], 200), two), units([("A", 2.0), ("B", 4.0)]));
        assert_eq!(consumed(&call("GetItem", &["A"], 200), b"{}"), units([]));
    }

    #[test]
    fn what_is_refused_is_billed_as_a_write() {
        assert_eq!(consumed(&call("UpdateItem", &["A"], 400), b"{}"), units([("A", 1.0)]));
        let transaction = call("TransactWriteItems", &["A", "A", "B"], 400);
        assert_eq!(consumed(&transaction, b"{}"), units([("A", 4.0), ("B", 2.0)]));
        assert_eq!(consumed(&call("GetItem", &["A"], 400), b"{}"), units([]));
    }
}
