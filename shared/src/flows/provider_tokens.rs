use std::{sync::Arc, time::Duration};

use super::Context;
use crate::{
    crypto::{Keyring, open_tokens, seal_tokens},
    domain::{Account, AccountKind, ProviderTokens, SealedTokens, Timestamp, User, alphanumeric},
    ports::{AskProvider, EncryptionKeys, FindAccounts, OAuthError, RefreshTokens, StoreError, UserInfo},
};

/// An access token is refreshed that has less than this left, in seconds.
const SPARE_SECONDS: i64 = 5;
/// How long a refresh is reserved, in seconds: longer than one can take.
const RESERVED_SECONDS: i64 = 10;
/// How often, and how long each time, a request waits for another's refresh.
const WAITS: usize = 20;
const WAIT: Duration = Duration::from_millis(200);

/// Why there are no tokens of a provider.
#[derive(Debug, thiserror::Error)]
pub enum ProviderTokensError {
    /// The user has no account of that id.
    #[error("account not found")]
    AccountNotFound,
    /// It is none of a provider's, or the provider is not set up.
    #[error("provider {0} not configured")]
    NotConfigured(String),
    /// The provider gave none that could be used.
    #[error("no token")]
    NoToken,
    /// The provider gave no refresh token.
    #[error("no refresh token")]
    NoRefreshToken,
    /// The provider refused, or did not answer properly.
    #[error(transparent)]
    Refused(OAuthError),
    /// The tokens were sealed for another user, or with keys that are gone.
    #[error("tokens cannot be opened")]
    Sealed,
    /// The store failed, or the client credentials could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An account with its provider's tokens.
#[derive(Debug)]
pub struct AccountTokens {
    /// The account.
    pub account: Account,
    /// Its tokens; none if the provider gave none.
    pub tokens: Option<ProviderTokens>,
}

/// What it takes to read and refresh tokens.
pub struct TokenDesk<'a, S, P, K> {
    /// The time and randomness.
    pub context: &'a Context<'a>,
    /// Accounts.
    pub store: &'a S,
    /// The providers.
    pub providers: &'a P,
    /// Opens and seals tokens.
    pub encryption: &'a K,
}

impl<S, P, K> TokenDesk<'_, S, P, K>
where
    S: FindAccounts + RefreshTokens,
    P: AskProvider,
    K: EncryptionKeys,
{
    /// The tokens of an account, refreshed first if they are about to expire
    /// and can be.
    ///
    /// # Errors
    /// [`ProviderTokensError`].
    pub async fn valid_tokens(&self, user: &User, id: &str) -> Result<AccountTokens, ProviderTokensError> {
        let found = self.find(user, id).await?;
        let now = self.context.clock.now();
        let expired = found.tokens.as_ref().filter(|tokens| is_expired(tokens, now));
        if expired.is_some_and(|tokens| tokens.refresh_token.is_some()) {
            return self.refresh(user, found).await;
        }
        Ok(found)
    }

    /// New tokens of an account, whatever the old ones are worth.
    ///
    /// # Errors
    /// [`ProviderTokensError`].
    pub async fn fresh_tokens(&self, user: &User, id: &str) -> Result<AccountTokens, ProviderTokensError> {
        let found = self.find(user, id).await?;
        self.refresh(user, found).await
    }

    /// What the provider tells about the owner of an account, now.
    ///
    /// # Errors
    /// [`ProviderTokensError`].
    pub async fn profile(&self, user: &User, id: &str) -> Result<(Account, UserInfo), ProviderTokensError> {
        let AccountTokens { account, tokens } = self.valid_tokens(user, id).await?;
        let tokens = tokens.ok_or(ProviderTokensError::NoToken)?;
        let info = self
            .providers
            .user_info(&account.provider, &tokens.access_token, tokens.id_token.as_deref())
            .await
            .map_err(|error| refused(error, &account))?;
        // The token of somebody else's account tells nothing about this one.
        if info.identity.subject == account.account_id {
            Ok((account, info))
        } else {
            Err(ProviderTokensError::Refused(OAuthError::InvalidIdentity("another subject".to_owned())))
        }
    }

    async fn find(&self, user: &User, id: &str) -> Result<AccountTokens, ProviderTokensError> {
        let accounts = self.store.accounts(user).await?;
        let account = accounts
            .into_iter()
            .find(|account| account.is_way_in(user) && account.id() == id)
            .ok_or(ProviderTokensError::AccountNotFound)?;
        if matches!(account.kind, AccountKind::Address { .. }) {
            return Err(ProviderTokensError::NotConfigured(account.provider));
        }
        let tokens = match account.tokens() {
            Some(sealed) => Some(self.open(user, sealed).await?.0),
            None => None,
        };
        Ok(AccountTokens { account, tokens })
    }

    async fn open(
        &self,
        user: &User,
        sealed: &SealedTokens,
    ) -> Result<(ProviderTokens, Arc<Keyring>), ProviderTokensError> {
        let keys = self.encryption.encryption_keys().await?;
        if let Ok(tokens) = open_tokens(&keys, &user.id, sealed) {
            return Ok((tokens, keys));
        }
        let newer = self.encryption.newer_keys(&keys).await.ok_or(ProviderTokensError::Sealed)?;
        let tokens = open_tokens(&newer, &user.id, sealed).map_err(|_| ProviderTokensError::Sealed)?;
        Ok((tokens, newer))
    }

    /// One of any number of concurrent requests asks the provider; the others
    /// wait for what it gets, since a refresh token that comes twice may be
    /// taken for stolen.
    async fn refresh(&self, user: &User, first: AccountTokens) -> Result<AccountTokens, ProviderTokensError> {
        let seen = first.account.tokens().cloned();
        let mut found = first;
        for _ in 0..WAITS {
            let tokens = found.tokens.as_ref().ok_or(ProviderTokensError::NoRefreshToken)?;
            let refresh_token = tokens.refresh_token.as_deref().ok_or(ProviderTokensError::NoRefreshToken)?;
            let now = self.context.clock.now();
            let until = now.plus_seconds(RESERVED_SECONDS);
            let attempt = alphanumeric(self.context.random, 22);
            if self.store.reserve_refresh(&found.account, &attempt, until, now).await? {
                return self.ask(user, &found.account, tokens, refresh_token, &attempt).await;
            }
            tokio::time::sleep(WAIT).await;
            let id = found.account.id();
            found = self.find(user, &id).await?;
            if found.account.tokens() != seen.as_ref() {
                return Ok(found);
            }
        }
        let reason = "somebody else's refresh does not end".to_owned();
        Err(StoreError::Unavailable { operation: "refresh tokens", reason }.into())
    }

    async fn ask(
        &self,
        user: &User,
        account: &Account,
        old: &ProviderTokens,
        refresh_token: &str,
        attempt: &str,
    ) -> Result<AccountTokens, ProviderTokensError> {
        let new = match self.providers.refresh(&account.provider, refresh_token).await {
            Ok(new) => ProviderTokens {
                id_token: new.id_token.or_else(|| old.id_token.clone()),
                refresh_token_expires_at: new.refresh_token_expires_at.or(old.refresh_token_expires_at),
                // A refresh may answer with less than was granted.
                scopes: old.scopes.clone(),
                ..new
            },
            Err(error) => {
                // The reservation ends by itself if this fails.
                let _ = self.store.release_refresh(account, attempt).await;
                return Err(refused(error, account));
            }
        };
        let keys = self.encryption.encryption_keys().await?;
        let sealed = seal_tokens(&keys, &user.id, &new, self.context.random);
        // A sign-in may have stored newer ones meanwhile; these are good too.
        self.store.replace_tokens(account, &sealed, self.context.clock.now()).await?;
        Ok(AccountTokens { account: account.clone(), tokens: Some(new) })
    }
}

fn is_expired(tokens: &ProviderTokens, now: Timestamp) -> bool {
    tokens.access_token_expires_at.is_some_and(|at| at < now.plus_seconds(SPARE_SECONDS))
}

fn refused(error: OAuthError, account: &Account) -> ProviderTokensError {
    match error {
        OAuthError::UnknownProvider => ProviderTokensError::NotConfigured(account.provider.clone()),
        OAuthError::Unavailable(reason) => {
            ProviderTokensError::Store(StoreError::Unavailable { operation: "ask provider", reason })
        }
        error => ProviderTokensError::Refused(error),
    }
}
