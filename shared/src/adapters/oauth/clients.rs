use std::{collections::HashMap, fmt, future::Future};

use oauth2::ClientSecret;
use serde::Deserialize;
use serde_json::Value;

use super::Provider;
use crate::ports::OAuthError;

/// What this service is known by at a provider. Prints without the secret.
#[derive(Clone)]
pub struct OAuthClient {
    /// Client id; public.
    pub client_id: String,
    /// Client secret.
    pub client_secret: ClientSecret,
}

impl fmt::Debug for OAuthClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OAuthClient({} [redacted])", self.client_id)
    }
}

/// Reads client credentials.
pub trait FetchOAuthClients: Sync {
    /// The credentials for a provider, `None` if it is not configured.
    ///
    /// # Errors
    /// [`OAuthError::Unavailable`] if nobody can tell.
    fn client(&self, provider: &str) -> impl Future<Output = Result<Option<OAuthClient>, OAuthError>> + Send;
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
///
/// A provider whose id or secret is missing or blank is not configured: the
/// template starts with blanks, and a half-entered provider must not take the
/// others down. Providers that this version does not know are ignored, so that
/// the secret can be filled in before an upgrade.
///
/// # Errors
/// [`OAuthError::Unavailable`] if it has another shape: says where, never what
/// is there.
pub fn parse_clients(json: &str) -> Result<HashMap<String, OAuthClient>, OAuthError> {
    let malformed = |what: &str| OAuthError::Unavailable(format!("{what} is malformed"));
    let mut entries: HashMap<String, Value> =
        serde_json::from_str(json).map_err(|_| malformed("the clients' secret"))?;
    let mut clients = HashMap::new();
    for provider in Provider::ALL {
        let Some(entry) = entries.remove(provider.id()) else { continue };
        if let Some(client) = parse_client(entry).ok_or_else(|| malformed(provider.id()))? {
            clients.insert(provider.id().to_owned(), client);
        }
    }
    Ok(clients)
}

/// `None` for a malformed entry, `Some(None)` for a blank one.
fn parse_client(entry: Value) -> Option<Option<OAuthClient>> {
    // A derived struct would also take an array, by position.
    if !entry.is_object() {
        return None;
    }
    let entry = Entry::deserialize(entry).ok()?;
    let (id, secret) = (entry.client_id.trim(), entry.client_secret.trim());
    let configured = !id.is_empty() && !secret.is_empty();
    Some(
        configured
            .then(|| OAuthClient { client_id: id.to_owned(), client_secret: ClientSecret::new(secret.to_owned()) }),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_providers_are_read_and_trimmed() {
        let clients = parse_clients(
            r#"{"google":{"clientId":"g","clientSecret":"gs\n"},"github":{"clientId":" h","clientSecret":"hs"}}"#,
        )
        .unwrap();
        assert_eq!(clients["google"].client_id, "g");
        assert_eq!(clients["google"].client_secret.secret(), "gs");
        assert_eq!(clients["github"].client_id, "h");
        assert_eq!(clients.len(), 2);
    }

    #[test]
    fn blank_half_entered_and_unknown_providers_are_not_configured() {
        for json in [
            "{}",
            r#"{"google":{}}"#,
            r#"{"google":{"clientId":"","clientSecret":""}}"#,
            r#"{"google":{"clientId":" ","clientSecret":"s"}}"#,
            r#"{"google":{"clientId":"id"}}"#,
            r#"{"okta":7,"Google":{"clientId":"id","clientSecret":"s"}}"#,
        ] {
            assert!(parse_clients(json).unwrap().is_empty(), "{json}");
        }
    }

    #[test]
    fn a_blank_provider_leaves_the_other_alone() {
        let json = r#"{"google":{"clientId":""},"github":{"clientId":"h","clientSecret":"s"}}"#;
        assert_eq!(parse_clients(json).unwrap().into_keys().collect::<Vec<_>>(), ["github"]);
    }

    #[test]
    fn malformed_secrets_are_refused_without_being_printed() {
        for json in [
            "",
            "topsecret",
            "[]",
            "null",
            r#"["topsecret"]"#,
            r#"{"google":"topsecret"}"#,
            r#"{"google":["topsecret","topsecret"]}"#,
            r#"{"google":{"clientId":7,"clientSecret":"topsecret"}}"#,
            r#"{"github":{"clientId":"a","clientSecret":["topsecret"]}}"#,
            r#"{"github":null}"#,
            r#"{"google":{"clientId":"a","clientSecret":"topsecret"}"#,
        ] {
            let error = parse_clients(json).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("topsecret"), "{json}");
        }
    }

    #[test]
    fn a_client_does_not_print_its_secret() {
        let clients = parse_clients(r#"{"google":{"clientId":"id","clientSecret":"topsecret"}}"#).unwrap();
        assert_eq!(format!("{clients:?}"), r#"{"google": OAuthClient(id [redacted])}"#);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
            let _ = parse_clients(&text);
        }
    }
}
