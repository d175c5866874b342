use std::collections::HashMap;

use super::{
    DynamoDb, accounts,
    call::Written,
    item::{Item, Reader, s},
    links, users,
};
use crate::{
    domain::{ProviderIdentity, User},
    ports::{Import, ImportUser, Obstacle, StoreError, StoreResult},
};

impl ImportUser for DynamoDb {
    async fn import_user(
        &self,
        user: &User,
        password_hash: Option<&str>,
        links: &[ProviderIdentity],
    ) -> StoreResult<Import> {
        let changed_at = user.password_changed_at;
        let address = accounts::write_credential(&user.email, &user.id, password_hash, changed_at, user.created_at);
        let mut items = vec![self.put_new_account(address)];
        // What the other system knew of the provider's word is not known: the
        // next sign-in proves it.
        items.extend(links.iter().map(|identity| {
            let row = links::write(identity, &user.id, user.sessions_valid_from, false, None, user.created_at);
            self.put_new_account(row)
        }));
        items.push(self.put_new_user(user));
        match self.transact("import user", items).await? {
            Written::Done(()) => Ok(Import::Created),
            Written::Refused(_) => match self.in_the_way(user, links).await? {
                Some(obstacle) => Ok(Import::Refused(obstacle)),
                // It has gone since.
                None => {
                    let reason = "the accounts keep changing".to_owned();
                    Err(StoreError::Unavailable { operation: "import user", reason })
                }
            },
        }
    }

    async fn in_the_way(&self, user: &User, links: &[ProviderIdentity]) -> StoreResult<Option<Obstacle>> {
        let identities = std::iter::once(user.email.identity()).chain(links.iter().map(ProviderIdentity::identity));
        let accounts = identities.map(|identity| Item::from([("identity".to_owned(), s(identity))])).collect();
        let itself = vec![Item::from([("id".to_owned(), s(user.id.as_str()))])];
        let wanted = [(&self.tables.accounts, accounts), (&self.tables.users, itself)];
        let mut rows: HashMap<String, Vec<Item>> = self.read_batch("look for user", wanted).await?;
        if let Some(row) = rows.remove(&self.tables.users).unwrap_or_default().first() {
            let there = users::read(row)?;
            let is_same = there.email == user.email || there.created_at == user.created_at;
            return Ok(Some(if is_same { Obstacle::Present } else { Obstacle::IdTaken }));
        }
        let mut obstacle = None;
        for row in rows.remove(&self.tables.accounts).unwrap_or_default() {
            let account = Reader::new("account", &row);
            if account.string("identity")? == user.email.identity() {
                return Ok(Some(Obstacle::AddressTaken));
            }
            obstacle = Some(Obstacle::LinkTaken(account.string("providerId")?.to_owned()));
        }
        Ok(obstacle)
    }
}
