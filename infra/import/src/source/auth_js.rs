//! Auth.js (NextAuth.js): a user of the adapter's tables with its accounts.

use super::{Candidate, Link, fields::Fields};
use crate::refusal::Refusal;

pub fn read(user: &Fields<'_>) -> Result<Candidate, Refusal> {
    let link =
        |account: Fields<'_>| Ok(Link { provider: account.id("provider")?, subject: account.id("providerAccountId")? });
    user.expect("emailVerified")?;
    Ok(Candidate {
        email: user.non_empty("email")?,
        // When it was verified, if it was.
        email_verified: user.time("emailVerified")?.is_some(),
        name: user.text("name")?.unwrap_or_default().to_owned(),
        image: user.non_empty("image")?,
        created_at: user.time("createdAt")?,
        updated_at: user.time("updatedAt")?,
        // Not of Auth.js itself: whoever checks passwords keeps them somewhere.
        password: user.non_empty("password")?,
        links: user.objects("accounts")?.into_iter().map(link).collect::<Result<_, Refusal>>()?,
        ..Candidate::default()
    })
}
