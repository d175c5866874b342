//! Better Auth: a row of `user` with its rows of `account`.

use super::{
    Candidate, Link,
    fields::{Fields, malformed},
};
use crate::refusal::Refusal;

pub fn read(user: &Fields<'_>) -> Result<Candidate, Refusal> {
    user.expect("emailVerified")?;
    let mut candidate = Candidate {
        email: user.non_empty("email")?,
        email_verified: user.flag("emailVerified")?,
        name: user.text("name")?.unwrap_or_default().to_owned(),
        image: user.non_empty("image")?,
        created_at: user.time("createdAt")?,
        updated_at: user.time("updatedAt")?,
        second_factor: user.flag("twoFactorEnabled")?.into(),
        is_disabled: user.flag("banned")?,
        ..Candidate::default()
    };
    let mut has_credential = false;
    for account in user.objects("accounts")? {
        let provider = account.id("providerId")?;
        if provider != "credential" {
            candidate.links.push(Link { provider, subject: account.id("accountId")? });
        } else if has_credential {
            return Err(malformed("accounts", "has two passwords"));
        } else {
            has_credential = true;
            candidate.password = account.non_empty("password")?;
        }
    }
    Ok(candidate)
}
