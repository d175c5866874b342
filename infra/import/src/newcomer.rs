//! Who is taken in, and as whom.

use shared::{
    crypto::adopt_hash,
    domain::{
        Email, MAX_IDENTITIES, MAX_IMAGE_LENGTH, ProviderIdentity, Timestamp, User, UserId, display_name, is_picture,
    },
};

use crate::{
    options::Rules,
    refusal::Refusal,
    source::{Candidate, Link, SecondFactor, Source},
};

/// Longest identifier at a provider (OpenID Connect Core, section 2).
const MAX_SUBJECT: usize = 255;

/// A user to be created.
pub struct Newcomer {
    pub user: User,
    pub password_hash: Option<String>,
    pub links: Vec<ProviderIdentity>,
    /// Whether there is a picture that is not taken along.
    pub lost_image: bool,
}

/// Who a user of another system is going to be here.
///
/// # Errors
/// Why they cannot come.
pub fn newcomer(
    source: Source,
    id: &str,
    candidate: Candidate,
    rules: &Rules,
    now: Timestamp,
) -> Result<Newcomer, Refusal> {
    if candidate.is_disabled {
        return Err(Refusal::Disabled);
    }
    let email = same_email(&candidate.email.ok_or(Refusal::NoEmail)?)?;
    match candidate.second_factor {
        SecondFactor::Yes if !rules.without_second_factor => return Err(Refusal::SecondFactor),
        SecondFactor::Unknown if !rules.without_second_factor => return Err(Refusal::SecondFactorUnknown),
        _ => {}
    }
    let password_hash = candidate.password.as_deref().map(adopt).transpose()?;
    let links = identities(candidate.links, rules)?;
    // The true owner of the address may have come by one of them, and whoever
    // was there first keeps the other.
    if !candidate.email_verified && links.len() + usize::from(password_hash.is_some()) > 1 {
        return Err(Refusal::UnverifiedWaysIn);
    }
    let created_at = candidate.created_at.unwrap_or(now);
    if created_at > now {
        return Err(Refusal::Malformed { field: "createdAt", problem: "is still to come" });
    }
    let is_kept = |url: &String| is_picture(url) && url.chars().count() <= MAX_IMAGE_LENGTH;
    let lost_image = candidate.image.as_ref().is_some_and(|url| !is_kept(url));
    // Sessions, and what a password is worth, begin here and now.
    let mut user = User::new(
        user_id(source, id),
        display_name(&candidate.name),
        email,
        candidate.email_verified,
        candidate.image.filter(is_kept),
        now,
    );
    user.created_at = created_at;
    user.updated_at = candidate.updated_at.unwrap_or(created_at).clamp(created_at, now);
    user.identities = vec![user.email.identity()];
    user.identities.extend(links.iter().map(ProviderIdentity::identity));
    Ok(Newcomer { user, password_hash, links, lost_image })
}

/// An address as it is stored here, if that is the mailbox that the other
/// system knew: what it has verified of `ⓐnn@…` does not speak for `ann@…`.
fn same_email(text: &str) -> Result<Email, Refusal> {
    let email = Email::parse(text).map_err(|_| Refusal::InvalidEmail)?;
    let local = |address: &str| address.rsplit_once('@').map(|(local, _)| local.to_lowercase());
    if local(text.trim()) == local(email.as_str()) { Ok(email) } else { Err(Refusal::InvalidEmail) }
}

/// An id that could be one of this service stays, so that what refers to it goes
/// on doing so; any other becomes always the same one.
pub fn user_id(source: Source, id: &str) -> UserId {
    UserId::parse(id).unwrap_or_else(|| UserId::derived(&format!("{}:{id}", source.name())))
}

fn adopt(hash: &str) -> Result<String, Refusal> {
    adopt_hash(hash).ok_or(Refusal::UnknownHash(match hash.get(..4) {
        Some("$2a$" | "$2b$" | "$2x$" | "$2y$") => "bcrypt",
        _ => "an unknown kind or too high a cost",
    }))
}

fn identities(links: Vec<Link>, rules: &Rules) -> Result<Vec<ProviderIdentity>, Refusal> {
    let mut identities: Vec<ProviderIdentity> = Vec::new();
    for Link { provider, subject } in links {
        let Some(provider) = provider_id(provider, rules)? else { continue };
        let problem = if !is_subject(&provider, &subject) {
            Some("has no identifier that the provider could have given")
        } else if identities.iter().any(|known| known.provider == provider && known.subject == subject) {
            Some("is there twice")
        } else if identities.len() + 2 > MAX_IDENTITIES {
            Some("is one too many")
        } else {
            None
        };
        if let Some(problem) = problem {
            return Err(Refusal::InvalidLink { provider, problem });
        }
        identities.push(ProviderIdentity {
            provider,
            subject,
            email: None,
            email_verified: false,
            name: String::new(),
            image: None,
        });
    }
    Ok(identities)
}

/// What a provider is called here; none if its links stay behind.
fn provider_id(name: String, rules: &Rules) -> Result<Option<String>, Refusal> {
    let rule = rules.providers.iter().rev().find(|(known, _)| *known == name);
    match (rule, name.as_str()) {
        (Some((_, id)), _) => Ok(id.clone()),
        // Cognito has it with a capital.
        (None, "google" | "Google") => Ok(Some("google".to_owned())),
        (None, "github") => Ok(Some(name)),
        (None, _) => Err(Refusal::UnknownProvider(name)),
    }
}

fn is_subject(provider: &str, subject: &str) -> bool {
    let is_number = || subject.parse::<u64>().is_ok_and(|number| number.to_string() == subject);
    // What a careless program writes for a missing value would be everybody's.
    !matches!(subject, "" | "null" | "undefined")
        && subject.len() <= MAX_SUBJECT
        && !subject.contains(char::is_control)
        && (provider != "github" || is_number())
}

#[cfg(test)]
mod tests;
