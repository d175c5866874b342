//! The stores, on DynamoDB.
//!
//! One file per kind of row, each with the ports that touch it. Every read is
//! consistent and by primary key; every write that must happen once is
//! conditional; writes that belong together are one transaction.

mod accounts;
mod admission;
mod call;
mod item;
mod links;
mod oauth;
mod registration;
mod sessions;
mod users;
mod verification;

use aws_sdk_dynamodb::Client;

use crate::config::Tables;

/// The tables, through one client.
#[derive(Clone, Debug)]
pub struct DynamoDb {
    client: Client,
    tables: Tables,
}

impl DynamoDb {
    /// Stores in the given tables.
    pub fn new(client: Client, tables: Tables) -> Self {
        Self { client, tables }
    }
}
