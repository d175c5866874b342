//! Refuses users whose address is in a table of ours, and everybody while the
//! table cannot be read.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use futures_util::future::{BoxFuture, FutureExt as _};

use crate::{
    adapters::Aws,
    config::Config,
    domain::User,
    hooks::{AllowedDomains, Decision, Hooks, SignInMethod},
};

const TABLE: &str = "BlockedAddresses";

/// The user waits: better a refusal than a spinner.
const LIMIT: Duration = Duration::from_millis(500);

pub struct Blocklist {
    database: Client,
    domains: AllowedDomains,
}

/// The hooks of this deployment.
pub fn installed(config: &Config) -> Arc<dyn Hooks> {
    Arc::new(Blocklist::new(Aws::from_environment().dynamodb(), config))
}

impl Hooks for Blocklist {
    fn sign_up<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Decision> {
        self.domains.sign_up(user)
    }

    // Asked of newcomers too, after `sign_up`.
    fn sign_in<'a>(&'a self, user: &'a User, method: SignInMethod<'a>) -> BoxFuture<'a, Decision> {
        async move {
            match self.domains.sign_in(user, method).await {
                Decision::Allow => self.look_up(user).await,
                Decision::Deny => Decision::Deny,
            }
        }
        .boxed()
    }
}

impl Blocklist {
    pub fn new(database: Client, config: &Config) -> Self {
        Self { database, domains: AllowedDomains(config.allowed_email_domains.clone()) }
    }

    async fn look_up(&self, user: &User) -> Decision {
        let address = AttributeValue::S(user.email.as_str().to_owned());
        let read = self.database.get_item().table_name(TABLE).key("address", address).consistent_read(true).send();
        match tokio::time::timeout(LIMIT, read).await {
            Ok(Ok(answer)) if answer.item.is_none() => Decision::Allow,
            _ => Decision::Deny,
        }
    }
}
