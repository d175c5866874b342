//! The way to dynoxide's engine past its HTTP server.
//!
//! It is taken only for a request that the engine fulfils. Any other, having
//! changed nothing, is then put to the server, which refuses it in DynamoDB's
//! own words.

use dynoxide::Database;
use serde::{Serialize, de::DeserializeOwned};

/// The answer to a request that succeeds; `None` for all else.
pub(super) fn run(database: &Database, operation: &str, body: &[u8]) -> Option<String> {
    match operation {
        "GetItem" => attempt(body, |request| database.get_item(request)),
        "BatchGetItem" => attempt(body, |request| database.batch_get_item(request)),
        "BatchWriteItem" => attempt(body, |request| database.batch_write_item(request)),
        "Query" => attempt(body, |request| database.query(request)),
        "PutItem" => attempt(body, |request| database.put_item(request)),
        "UpdateItem" => attempt(body, |request| database.update_item(request)),
        "DeleteItem" => attempt(body, |request| database.delete_item(request)),
        "TransactWriteItems" => attempt(body, |request| database.transact_write_items(request)),
        _ => None,
    }
}

fn attempt<Q: DeserializeOwned, R: Serialize>(
    body: &[u8],
    work: impl FnOnce(Q) -> dynoxide::Result<R>,
) -> Option<String> {
    let request = serde_json::from_slice(body).ok()?;
    serde_json::to_string(&work(request).ok()?).ok()
}
