use std::fmt;

use super::Timestamp;

/// What a provider's token endpoint has issued (RFC 6749, section 5.1). Prints
/// without any token.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderTokens {
    /// Opens the provider's API; never empty.
    pub access_token: String,
    /// When it stops to, if the provider says.
    pub access_token_expires_at: Option<Timestamp>,
    /// Gets new ones, if the provider gave one.
    pub refresh_token: Option<String>,
    /// When it stops to, if the provider says.
    pub refresh_token_expires_at: Option<Timestamp>,
    /// The id token, verified (OpenID Connect Core, section 3.1.3.7).
    pub id_token: Option<String>,
    /// What was granted, in the provider's order; empty if it does not say.
    pub scopes: Vec<String>,
}

impl fmt::Debug for ProviderTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderTokens")
            .field("access_token_expires_at", &self.access_token_expires_at)
            .field("refresh_token_expires_at", &self.refresh_token_expires_at)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_do_not_print() {
        let tokens = ProviderTokens {
            access_token: "topsecret-a".into(),
            access_token_expires_at: Some(Timestamp::from_millis(1)),
            refresh_token: Some("topsecret-r".into()),
            refresh_token_expires_at: None,
            id_token: Some("topsecret-i".into()),
            scopes: vec!["openid".into()],
        };
        let text = format!("{tokens:?}");
        assert!(!text.contains("topsecret") && text.contains("openid"), "{text}");
    }
}
