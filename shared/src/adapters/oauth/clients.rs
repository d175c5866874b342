use std::{collections::HashMap, fmt, future::Future};

use oauth2::ClientSecret;
use serde::Deserialize;
use serde_json::Value;

use super::Issuer;
use crate::ports::OAuthError;

/// Scopes of an OpenID Provider whose entry names none.
const OPENID_SCOPES: [&str; 3] = ["openid", "email", "profile"];
/// Ids that mean something else in accounts and routes.
const RESERVED_IDS: [&str; 3] = ["credential", "email", "two-factor"];
/// Longest id of a provider.
const MAX_ID_LENGTH: usize = 31;

/// What this service is known by at a provider. Prints without the secret.
#[derive(Clone)]
pub struct OAuthClient {
    /// Provider id, such as `google`.
    pub id: String,
    /// The provider.
    pub provider: Provider,
    /// Client id; public.
    pub client_id: String,
    /// Client secret.
    pub client_secret: ClientSecret,
}

/// A provider that this service speaks to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Google, whose addresses are settings.
    Google,
    /// GitHub, whose addresses are settings.
    GitHub,
    /// An OpenID Provider, whose addresses its discovery document names.
    OpenId {
        /// Its issuer.
        issuer: Issuer,
        /// Scopes that are always asked for, `openid` among them.
        scopes: Vec<String>,
    },
}

impl Provider {
    /// Scopes that are always asked for, in Better Auth's order.
    pub(super) fn scopes(&self) -> Vec<String> {
        let fixed = |scopes: &[&str]| scopes.iter().map(|scope| (*scope).to_owned()).collect();
        match self {
            Self::Google => fixed(&["email", "profile", "openid"]),
            Self::GitHub => fixed(&["read:user", "user:email"]),
            Self::OpenId { scopes, .. } => scopes.clone(),
        }
    }
}

impl fmt::Debug for OAuthClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OAuthClient({} {} [redacted])", self.id, self.client_id)
    }
}

/// Reads client credentials.
pub trait FetchOAuthClients: Sync {
    /// The credentials for a provider, `None` if it is not configured.
    ///
    /// # Errors
    /// [`OAuthError::Unavailable`] if nobody can tell, or if what is configured
    /// is malformed.
    fn client(&self, provider: &str) -> impl Future<Output = Result<Option<OAuthClient>, OAuthError>> + Send;
}

/// The entries of the clients' secret, each on its own: a malformed one is no
/// reason to turn the others' users away.
#[derive(Debug)]
pub struct OAuthClients(HashMap<String, Result<OAuthClient, Fault>>);

/// Why an entry is malformed. Says where, never what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("is not an object of a clientId and a clientSecret, both text")]
    Shape,
    #[error("takes no issuer, since its addresses are settings")]
    KnownAddresses,
    #[error("is a reserved id")]
    ReservedId,
    #[error("is no id: 1 to {MAX_ID_LENGTH} of a-z, 0-9 and -, of which - is not the first")]
    Id,
    #[error("has an issuer that is not an https URL without query and fragment")]
    Issuer,
    #[error("has scopes that are not a list of scopes")]
    Scopes,
}

impl OAuthClients {
    /// The client of a provider, `None` if it is not configured.
    ///
    /// # Errors
    /// [`OAuthError::Unavailable`] if its entry is malformed.
    pub fn get(&self, provider: &str) -> Result<Option<OAuthClient>, OAuthError> {
        let entry = self.0.get(provider).cloned().transpose();
        entry.map_err(|fault| OAuthError::Unavailable(format!("in the clients' secret, {provider} {fault}")))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    client_secret: String,
}

/// Reads `{"google": {"clientId": "…", "clientSecret": "…"}, "github": …}`.
/// An entry with an `issuer`, and `scopes` if it likes, is any OpenID Provider.
///
/// A provider whose id or secret is missing or blank is not configured: the
/// template starts with blanks, and a half-entered provider is no fault yet.
/// Entries without an issuer that this version does not know are ignored, so
/// that the secret can be filled in before an upgrade.
///
/// # Errors
/// [`OAuthError::Unavailable`] if it is no object at all.
pub fn parse_clients(json: &str) -> Result<OAuthClients, OAuthError> {
    let entries: HashMap<String, Value> = serde_json::from_str(json)
        .map_err(|_| OAuthError::Unavailable("the clients' secret is malformed".to_owned()))?;
    let clients = entries.into_iter().filter_map(|(id, entry)| {
        let client = parse_client(&id, entry).transpose()?;
        Some((id, client))
    });
    Ok(OAuthClients(clients.collect()))
}

/// `None` for an entry that is blank or not known.
fn parse_client(id: &str, entry: Value) -> Result<Option<OAuthClient>, Fault> {
    let Some(provider) = parse_provider(id, &entry)? else { return Ok(None) };
    // A derived struct would also take an array, by position.
    if !entry.is_object() {
        return Err(Fault::Shape);
    }
    let entry = Entry::deserialize(entry).map_err(|_| Fault::Shape)?;
    let (client_id, secret) = (entry.client_id.trim(), entry.client_secret.trim());
    let configured = !client_id.is_empty() && !secret.is_empty();
    Ok(configured.then(|| OAuthClient {
        id: id.to_owned(),
        provider,
        client_id: client_id.to_owned(),
        client_secret: ClientSecret::new(secret.to_owned()),
    }))
}

fn parse_provider(id: &str, entry: &Value) -> Result<Option<Provider>, Fault> {
    let issuer = entry.get("issuer").filter(|issuer| issuer.as_str().is_none_or(|text| !text.trim().is_empty()));
    match (id, issuer) {
        ("google", None) => Ok(Some(Provider::Google)),
        ("github", None) => Ok(Some(Provider::GitHub)),
        (_, None) => Ok(None),
        ("google" | "github", Some(_)) => Err(Fault::KnownAddresses),
        (id, Some(_)) if RESERVED_IDS.contains(&id) => Err(Fault::ReservedId),
        (id, Some(_)) if !is_provider_id(id) => Err(Fault::Id),
        (_, Some(issuer)) => {
            let issuer = issuer.as_str().and_then(|text| Issuer::parse(text.trim())).ok_or(Fault::Issuer)?;
            let scopes = parse_scopes(entry.get("scopes")).ok_or(Fault::Scopes)?;
            Ok(Some(Provider::OpenId { issuer, scopes }))
        }
    }
}

/// Whether a provider may be configured under this id.
pub fn is_provider_id(id: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=MAX_ID_LENGTH).contains(&id.len())
        && id.bytes().next().is_some_and(is_letter)
        && id.bytes().all(|byte| is_letter(byte) || byte == b'-')
        && !RESERVED_IDS.contains(&id)
}

/// Without `openid` there would be no id token.
fn parse_scopes(scopes: Option<&Value>) -> Option<Vec<String>> {
    let Some(scopes) = scopes else { return Some(OPENID_SCOPES.map(str::to_owned).into()) };
    let mut scopes: Vec<String> = Vec::deserialize(scopes).ok()?;
    if !scopes.iter().all(|scope| is_scope(scope)) {
        return None;
    }
    if !scopes.iter().any(|scope| scope == "openid") {
        scopes.insert(0, "openid".to_owned());
    }
    Some(scopes)
}

/// A scope-token of RFC 6749, section 3.3.
fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

#[cfg(test)]
mod tests;
