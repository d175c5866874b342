//! Amazon Cognito: a user of `list-users` or `admin-get-user`.

use serde_json::Value;

use super::{
    Candidate, Link, SecondFactor,
    fields::{Fields, malformed},
};
use crate::refusal::Refusal;

/// The user's `sub`.
pub fn id(user: &Fields<'_>) -> Result<String, Refusal> {
    attribute(user, "sub")?.filter(|sub| !sub.is_empty()).map(str::to_owned).ok_or(malformed("sub", "is missing"))
}

pub fn read(user: &Fields<'_>) -> Result<Candidate, Refusal> {
    let non_empty = |name| Ok(attribute(user, name)?.filter(|value| !value.trim().is_empty()).map(str::to_owned));
    let name = match non_empty("name")? {
        Some(name) => name,
        None => {
            let parts = [non_empty("given_name")?, non_empty("family_name")?];
            parts.into_iter().flatten().collect::<Vec<String>>().join(" ")
        }
    };
    let is_there = |name: &'static str| match user.get(name) {
        Some(_) => Ok(!user.list(name)?.is_empty()),
        None => Ok(false),
    };
    Ok(Candidate {
        email: non_empty("email")?,
        email_verified: match attribute(user, "email_verified")? {
            None | Some("false" | "False" | "") => false,
            Some("true" | "True") => true,
            Some(_) => return Err(malformed("email_verified", "is neither true nor false")),
        },
        name,
        image: non_empty("picture")?,
        created_at: user.time("UserCreateDate")?,
        updated_at: user.time("UserLastModifiedDate")?,
        password: None,
        links: links(attribute(user, "identities")?)?,
        second_factor: match is_there("UserMFASettingList")? || is_there("MFAOptions")? {
            false if is_listed(user) => SecondFactor::Unknown,
            known => known.into(),
        },
        is_disabled: (user.get("Enabled").is_some() && !user.flag("Enabled")?)
            || matches!(user.text("UserStatus")?, Some("ARCHIVED" | "COMPROMISED")),
    })
}

/// Whether this is from `list-users`, which says nothing of authenticators, and
/// not from `admin-get-user`.
fn is_listed(user: &Fields<'_>) -> bool {
    user.get("Attributes").is_some()
}

/// The value of an attribute. The two call the list differently.
fn attribute<'a>(user: &Fields<'a>, name: &str) -> Result<Option<&'a str>, Refusal> {
    let list = if is_listed(user) { "Attributes" } else { "UserAttributes" };
    for attribute in user.objects(list)? {
        if attribute.text("Name")? == Some(name) {
            return attribute.text("Value");
        }
    }
    Ok(None)
}

/// The federated identities, which are JSON in a string.
fn links(identities: Option<&str>) -> Result<Vec<Link>, Refusal> {
    let Some(text) = identities.filter(|text| !text.is_empty()) else { return Ok(Vec::new()) };
    let no_list = malformed("identities", "is no list of identities");
    let identities: Value = serde_json::from_str(text).map_err(|_| no_list.clone())?;
    let identities = identities.as_array().ok_or(no_list.clone())?;
    let link = |identity: &Value| {
        let identity = Fields::of(identity).ok_or(no_list.clone())?;
        Ok(Link { provider: identity.id("providerName")?, subject: identity.id("userId")? })
    };
    identities.iter().map(link).collect()
}
