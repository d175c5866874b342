//! Tokens and profile of a linked provider.

use serde::Serialize;
use serde_json::{Map, Value};

use super::AccountEndpoint;
use crate::{
    domain::{Account, ProviderIdentity, Timestamp, User},
    flows::{AccountTokens, ProviderTokensError, TokenDesk},
    http::{ApiError, Audit, AuthRequest, ErrorCode, Reply, query::Query},
    ports::{AskProvider, EncryptionKeys, FindAccounts, FindSession, OAuthError, RefreshTokens},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccessToken<'a> {
    access_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token_expires_at: Option<Timestamp>,
    scopes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Refreshed<'a> {
    access_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token_expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token_expires_at: Option<Timestamp>,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
    provider_id: &'a str,
    account_id: String,
}

#[derive(Serialize)]
struct Info<'a> {
    user: Owner<'a>,
    data: &'a Map<String, Value>,
    account: Named<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Owner<'a> {
    name: &'a str,
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    email_verified: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Named<'a> {
    id: String,
    provider_id: &'a str,
    account_id: &'a str,
}

impl<S, H, M, P, K> AccountEndpoint<S, H, M, P, K>
where
    S: FindSession + FindAccounts + RefreshTokens,
    P: AskProvider,
    K: EncryptionKeys,
{
    /// `POST /get-access-token`
    pub(super) async fn get_access_token(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let id = selected_in_body(request.body.as_ref())?;
        let user = self.owner(request, audit).await?;
        audit.event("account.token_failed");
        let context = self.core.context();
        let found = self.desk(&context).valid_tokens(&user, id).await;
        let AccountTokens { tokens, .. } =
            found.map_err(|error| failure(error, ErrorCode::FAILED_TO_GET_ACCESS_TOKEN))?;
        audit.event("account.token_read");
        let tokens = tokens.as_ref();
        Reply::json(&AccessToken {
            access_token: tokens.map_or("", |tokens| &tokens.access_token),
            access_token_expires_at: tokens.and_then(|tokens| tokens.access_token_expires_at),
            scopes: tokens.map_or(&[], |tokens| &tokens.scopes),
            id_token: tokens.and_then(|tokens| tokens.id_token.as_deref()),
        })
    }

    /// `POST /refresh-token`
    pub(super) async fn refresh_token(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let id = selected_in_body(request.body.as_ref())?;
        let user = self.owner(request, audit).await?;
        audit.event("account.refresh_failed");
        let context = self.core.context();
        let found = self.desk(&context).fresh_tokens(&user, id).await;
        let AccountTokens { account, tokens } =
            found.map_err(|error| failure(error, ErrorCode::FAILED_TO_REFRESH_ACCESS_TOKEN))?;
        let tokens = tokens.ok_or(ErrorCode::REFRESH_TOKEN_NOT_FOUND)?;
        audit.event("account.refreshed");
        Reply::json(&Refreshed {
            access_token: &tokens.access_token,
            refresh_token: tokens.refresh_token.as_deref(),
            access_token_expires_at: tokens.access_token_expires_at,
            refresh_token_expires_at: tokens.refresh_token_expires_at,
            scope: tokens.scopes.join(","),
            id_token: tokens.id_token.as_deref(),
            provider_id: &account.provider,
            account_id: account.id(),
        })
    }

    /// `GET /account-info`
    pub(super) async fn account_info(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let id = selected_in_query(&request.query)?;
        let user = self.owner(request, audit).await?;
        audit.event("account.info_failed");
        let context = self.core.context();
        let (account, info) = self.desk(&context).profile(&user, id).await.map_err(|error| match error {
            ProviderTokensError::NotConfigured(_) => ErrorCode::PROVIDER_NOT_CONFIGURED.into(),
            ProviderTokensError::NoToken => ErrorCode::ACCESS_TOKEN_NOT_FOUND.into(),
            ProviderTokensError::Refused(OAuthError::InvalidIdentity(_)) => {
                failure(error, ErrorCode::FAILED_TO_GET_PROFILE)
            }
            error => failure(error, ErrorCode::FAILED_TO_GET_ACCESS_TOKEN),
        })?;
        audit.event("account.info_read");
        Reply::json(&Info { user: (&info.identity).into(), data: &info.data, account: (&account).into() })
    }

    /// Who asks, by the session's own token. These routes answer nobody without
    /// a body, as Better Auth's do.
    async fn owner(&self, request: &AuthRequest, audit: &mut Audit) -> Result<User, ApiError> {
        let found = self.core.find_signed_in(&self.secrets, &self.store, request, audit).await?;
        let found = found.filter(|signed_in| signed_in.token.is_some());
        found.map(|signed_in| signed_in.live.user).ok_or_else(|| ErrorCode::SIGNED_OUT.into())
    }

    fn desk<'a>(&'a self, context: &'a crate::flows::Context<'a>) -> TokenDesk<'a, S, P, K> {
        TokenDesk { context, store: &self.store, providers: &self.providers, encryption: &self.encryption }
    }
}

/// The account that a body names.
fn selected_in_body(body: Option<&Value>) -> Result<&str, ApiError> {
    let object = body.and_then(Value::as_object);
    let object = object.ok_or_else(|| ApiError::validation("[body] Invalid input".to_owned()))?;
    selected("body", object.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// The account that a query names.
fn selected_in_query(query: &Query) -> Result<&str, ApiError> {
    selected(
        "query",
        query.names().map(|name| {
            let mut values = query.all(name);
            (name, values.next().filter(|_| values.next().is_none()))
        }),
    )
}

/// `{accountId}` and nothing else, as in Better Auth. A `userId` beside it says
/// nothing: whose account it is, the session says.
fn selected<'a>(place: &str, fields: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> Result<&'a str, ApiError> {
    let invalid = || ApiError::validation(format!("[{place}] Invalid input"));
    let mut id = None;
    let mut unknown = Vec::new();
    for (name, text) in fields {
        match (name, text) {
            ("accountId", Some(text)) => id = Some(text),
            ("userId", Some(_)) => {}
            ("accountId" | "userId", None) => return Err(invalid()),
            _ => unknown.push(format!("\"{name}\"")),
        }
    }
    let id = id.ok_or_else(invalid)?;
    if unknown.is_empty() {
        return Ok(id);
    }
    let keys = if unknown.len() == 1 { "key" } else { "keys" };
    Err(ApiError::validation(format!("[{place}] Unrecognized {keys}: {}", unknown.join(", "))))
}

/// The error of the wire; `otherwise` is what the provider's refusal is called.
fn failure(error: ProviderTokensError, otherwise: ErrorCode) -> ApiError {
    let reason = error.to_string();
    let code = match error {
        ProviderTokensError::AccountNotFound => ErrorCode::ACCOUNT_NOT_FOUND,
        ProviderTokensError::NotConfigured(provider) => {
            let message = format!("Provider {provider} is not supported.");
            return ApiError { message, ..ErrorCode::PROVIDER_NOT_SUPPORTED.into() };
        }
        ProviderTokensError::NoRefreshToken => ErrorCode::REFRESH_TOKEN_NOT_FOUND,
        ProviderTokensError::Store(error) => return error.into(),
        ProviderTokensError::NoToken | ProviderTokensError::Refused(_) | ProviderTokensError::Sealed => otherwise,
    };
    ApiError { reason: Some(reason), ..code.into() }
}

impl<'a> From<&'a ProviderIdentity> for Owner<'a> {
    fn from(identity: &'a ProviderIdentity) -> Self {
        Self {
            name: &identity.name,
            email: identity.email.as_ref().map(crate::domain::Email::as_str),
            image: identity.image.as_deref(),
            email_verified: identity.email_verified,
        }
    }
}

impl<'a> From<&'a Account> for Named<'a> {
    fn from(account: &'a Account) -> Self {
        Self { id: account.id(), provider_id: &account.provider, account_id: &account.account_id }
    }
}
