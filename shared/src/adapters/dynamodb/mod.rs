//! The stores, on DynamoDB.
//!
//! One file per kind of row, each with the ports that touch it. Every read is
//! consistent and by primary key; every write that must happen once is
//! conditional; writes that belong together are one transaction.

mod accounts;
mod admission;
mod call;
mod deletion;
mod email_change;
mod import;
mod item;
mod limits;
mod links;
mod magic_link;
mod oauth;
mod profile;
mod registration;
mod revocation;
mod sessions;
mod two_factor;
mod users;
mod verification;
mod verify_email;

use aws_sdk_dynamodb::Client;

pub(super) use call::unavailable;

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
