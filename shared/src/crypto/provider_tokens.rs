use serde::{Deserialize, Serialize};

use super::{CannotOpen, Keyring, Sealed, open, seal};
use crate::{
    domain::{ProviderTokens, SealedTokens, Timestamp, UserId},
    ports::Random,
};

/// What is sealed: everything but the scopes, which are no secret.
#[derive(Serialize, Deserialize)]
struct Content {
    access_token: String,
    access_token_expires_at: Option<i64>,
    refresh_token: Option<String>,
    refresh_token_expires_at: Option<i64>,
    id_token: Option<String>,
}

/// Seals a provider's tokens for their user.
pub fn seal_tokens(keys: &Keyring, user_id: &UserId, tokens: &ProviderTokens, random: &dyn Random) -> SealedTokens {
    let content = Content {
        access_token: tokens.access_token.clone(),
        access_token_expires_at: tokens.access_token_expires_at.map(Timestamp::millis),
        refresh_token: tokens.refresh_token.clone(),
        refresh_token_expires_at: tokens.refresh_token_expires_at.map(Timestamp::millis),
        id_token: tokens.id_token.clone(),
    };
    // Strings and numbers always serialise.
    let json = zeroize::Zeroizing::new(serde_json::to_vec(&content).unwrap_or_default());
    SealedTokens { sealed: seal(keys, Sealed::ProviderTokens, user_id, &json, random), scopes: tokens.scopes.clone() }
}

/// Opens what [`seal_tokens`] made for the same user.
///
/// # Errors
/// [`CannotOpen`].
pub fn open_tokens(keys: &Keyring, user_id: &UserId, tokens: &SealedTokens) -> Result<ProviderTokens, CannotOpen> {
    let json = open(keys, Sealed::ProviderTokens, user_id, &tokens.sealed)?;
    let content: Content = serde_json::from_slice(&json).map_err(|_| CannotOpen)?;
    Ok(ProviderTokens {
        access_token: content.access_token,
        access_token_expires_at: content.access_token_expires_at.map(Timestamp::from_millis),
        refresh_token: content.refresh_token,
        refresh_token_expires_at: content.refresh_token_expires_at.map(Timestamp::from_millis),
        id_token: content.id_token,
        scopes: tokens.scopes.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{adapters::OsRandom, crypto::SigningSecret};

    #[test]
    fn tokens_come_back_as_they_were_to_their_user_alone() {
        let secret = SigningSecret::new("v1".into(), &"s".repeat(32)).unwrap();
        let keys = Keyring { current: secret, previous: None };
        let user = UserId::generate(&OsRandom);
        let tokens = ProviderTokens {
            access_token: "topsecret-a".into(),
            access_token_expires_at: Some(Timestamp::from_millis(1)),
            refresh_token: Some("topsecret-r".into()),
            refresh_token_expires_at: None,
            id_token: None,
            scopes: vec!["openid".into()],
        };
        let sealed = seal_tokens(&keys, &user, &tokens, &OsRandom);
        assert!(!sealed.sealed.contains("topsecret"));
        assert_eq!(open_tokens(&keys, &user, &sealed), Ok(tokens));
        assert_eq!(open_tokens(&keys, &UserId::generate(&OsRandom), &sealed), Err(CannotOpen));
    }
}
