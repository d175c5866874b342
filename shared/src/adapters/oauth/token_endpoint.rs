use std::{future::Future, pin::Pin, time::Duration};

use oauth2::{
    AccessToken, AsyncHttpClient, AuthType, AuthorizationCode, Client, ClientId, EndpointNotSet, EndpointSet,
    HttpRequest, HttpResponse, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope,
    StandardRevocableToken, TokenResponse, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType},
    helpers::deserialize_untagged_enum_case_insensitive,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    OAuthClient,
    transport::{Transport, TransportError, require_json},
};
use crate::domain::{ProviderTokens, Timestamp};

/// Errors that are worth telling apart in a log: RFC 6749, section 5.2, and
/// GitHub's own. Any other text of a provider stays out of it.
const KNOWN_ERRORS: [&str; 10] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "invalid_scope",
    "unauthorized_client",
    "unsupported_grant_type",
    "bad_verification_code",
    "incorrect_client_credentials",
    "redirect_uri_mismatch",
    "unverified_user_email",
];

/// Longest life of a token that is believed, in seconds: a hundred years.
const MAX_SECONDS: u64 = 3_155_760_000;

/// How the client authenticates (OpenID Connect Core, section 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientAuthentication {
    /// `client_secret_basic`: in the `Authorization` header.
    Basic,
    /// `client_secret_post`: in the body, as Better Auth does.
    Post,
}

/// A code and what it is redeemed with.
pub(super) struct CodeGrant {
    pub(super) redirect_uri: String,
    pub(super) code: String,
    pub(super) pkce_verifier: String,
}

/// Where a client gets its tokens.
pub(super) struct TokenEndpoint<'a> {
    pub(super) transport: &'a Transport,
    pub(super) url: &'a str,
    pub(super) client: &'a OAuthClient,
    pub(super) authentication: ClientAuthentication,
    pub(super) deadline: Instant,
}

/// Why the token endpoint gave no tokens. The text is for logs and holds no
/// secrets.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("invalid {0}")]
    Setting(&'static str),
    #[error("answer has an unexpected form")]
    Form,
    #[error("no bearer token")]
    NoBearer,
}

/// An answer that holds no tokens.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("status {0} ({1})")]
    Error(u16, &'static str),
}

impl TokenEndpoint<'_> {
    /// Redeems a code (RFC 6749, section 4.1.3), once: a second attempt would
    /// look like a replay, at which providers revoke what the first one got.
    ///
    /// # Errors
    /// [`TokenError`].
    pub(super) async fn redeem(&self, grant: CodeGrant) -> Result<Answer, TokenError> {
        let redirect_url = RedirectUrl::new(grant.redirect_uri).map_err(|_| TokenError::Setting("redirect URL"))?;
        let client = self.oauth_client()?.set_redirect_uri(redirect_url);
        let request = client
            .exchange_code(AuthorizationCode::new(grant.code))
            .set_pkce_verifier(PkceCodeVerifier::new(grant.pkce_verifier));
        accept_tokens(request.request_async(&Caller(self)).await)
    }

    /// Asks for new tokens (RFC 6749, section 6), once: a refresh token that
    /// is replaced at each use does not bear a second one.
    ///
    /// # Errors
    /// [`TokenError`].
    pub(super) async fn refresh(&self, refresh_token: &str) -> Result<Answer, TokenError> {
        let refresh_token = RefreshToken::new(refresh_token.to_owned());
        let client = self.oauth_client()?;
        accept_tokens(client.exchange_refresh_token(&refresh_token).request_async(&Caller(self)).await)
    }

    fn oauth_client(&self) -> Result<TokenClient, TokenError> {
        let url = TokenUrl::new(self.url.to_owned()).map_err(|_| TokenError::Setting("token URL"))?;
        let client: Client<_, _, _, _, _> = Client::new(ClientId::new(self.client.client_id.clone()));
        Ok(client
            .set_client_secret(self.client.client_secret.clone())
            .set_auth_type(match self.authentication {
                ClientAuthentication::Basic => AuthType::BasicAuth,
                ClientAuthentication::Post => AuthType::RequestBody,
            })
            .set_token_uri(url))
    }
}

type TokenClient = Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

fn accept_tokens(answer: Result<Answer, RequestTokenError<Refusal, BasicErrorResponse>>) -> Result<Answer, TokenError> {
    let answer = answer.map_err(|error| match error {
        RequestTokenError::Request(refusal) => TokenError::Refused(refusal),
        // The crate's own texts quote the answer, tokens and all.
        _ => TokenError::Form,
    })?;
    if answer.access_token.secret().is_empty() || answer.token_type != BasicTokenType::Bearer {
        return Err(TokenError::NoBearer);
    }
    Ok(answer)
}

/// A token endpoint's answer (RFC 6749, section 5.1; OpenID Connect Core,
/// section 3.1.3.3), and GitHub's `refresh_token_expires_in`. As for times and
/// scopes, what providers send in another form than the standard's is read or
/// passed over.
#[derive(Deserialize, Serialize)]
pub(super) struct Answer {
    access_token: AccessToken,
    #[serde(deserialize_with = "deserialize_untagged_enum_case_insensitive")]
    token_type: BasicTokenType,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    #[serde(default)]
    refresh_token: Option<RefreshToken>,
    #[serde(default, deserialize_with = "seconds")]
    refresh_token_expires_in: Option<u64>,
    #[serde(default, rename = "scope", deserialize_with = "scopes")]
    scopes: Vec<Scope>,
    #[serde(default)]
    id_token: Option<String>,
}

impl Answer {
    /// The id token beside the access token.
    pub(super) fn id_token(&self) -> Option<&str> {
        self.id_token.as_deref()
    }

    /// The tokens, dated.
    pub(super) fn into_tokens(self, now: Timestamp) -> ProviderTokens {
        let expiry = |seconds: Option<u64>| Some(now.plus_seconds(i64::try_from(seconds?).unwrap_or(i64::MAX)));
        ProviderTokens {
            access_token: self.access_token.into_secret(),
            access_token_expires_at: expiry(self.expires_in),
            refresh_token: self.refresh_token.map(RefreshToken::into_secret).filter(|token| !token.is_empty()),
            refresh_token_expires_at: expiry(self.refresh_token_expires_in),
            id_token: self.id_token,
            scopes: self.scopes.into_iter().map(|scope| scope.to_string()).collect(),
        }
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Answer([redacted])")
    }
}

impl TokenResponse for Answer {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        self.expires_in.map(Duration::from_secs)
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        Some(&self.scopes)
    }
}

/// A number of seconds, maybe as text. 0 says nothing, and nor does a time
/// that no calendar has.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    Ok(number.filter(|seconds| (1..=MAX_SECONDS).contains(seconds)))
}

/// Scopes by spaces, by GitHub's commas, or as a list.
fn scopes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Scope>, D::Error> {
    let texts = match Value::deserialize(deserializer)? {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    };
    let split = |text: &String| -> Vec<Scope> {
        let parts = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|part| !part.is_empty());
        parts.map(|part| Scope::new(part.to_owned())).collect()
    };
    Ok(texts.iter().flat_map(split).collect())
}

/// What the `oauth2` crate sends its request with.
struct Caller<'a>(&'a TokenEndpoint<'a>);

impl<'c> AsyncHttpClient<'c> for Caller<'_> {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Refusal>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let response = self.0.transport.send(request, self.0.deadline).await?;
            accept(&response)?;
            Ok(response)
        })
    }
}

/// Whether an answer may hold tokens. GitHub reports errors with status 200.
fn accept(response: &http::Response<Vec<u8>>) -> Result<(), Refusal> {
    let status = response.status();
    require_json(response).map_err(|not_json| {
        if status == http::StatusCode::OK { not_json } else { TransportError::Status(status.as_u16()) }
    })?;
    match error_code(response.body()) {
        Some(code) => Err(Refusal::Error(status.as_u16(), code)),
        None if status != http::StatusCode::OK => Err(TransportError::Status(status.as_u16()).into()),
        None => Ok(()),
    }
}

/// The `error` of an answer, if it has one.
fn error_code(body: &[u8]) -> Option<&'static str> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let error = answer.get("error").filter(|error| !error.is_null())?;
    let known = KNOWN_ERRORS.into_iter().find(|known| error.as_str() == Some(known));
    Some(known.unwrap_or("another error"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(status: u16, content_type: &str, body: &str) -> Result<(), String> {
        let response = http::Response::builder().status(status).header("content-type", content_type);
        accept(&response.body(body.as_bytes().to_vec()).unwrap()).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn what_is_refused_is_named_by_status_and_known_code_alone() {
        let json = "application/json";
        for (status, content_type, body, text) in [
            (400, json, r#"{"error":"invalid_grant","error_description":"code 4/abc"}"#, "status 400 (invalid_grant)"),
            (200, json, r#"{"error":"bad_verification_code"}"#, "status 200 (bad_verification_code)"),
            (200, json, r#"{"error":"secret","access_token":"t"}"#, "status 200 (another error)"),
            (200, json, r#"{"error":{"code":1}}"#, "status 200 (another error)"),
            (500, "text/html", "<h1>", "status 500"),
            (429, json, "{}", "status 429"),
            (201, json, r#"{"access_token":"t","token_type":"bearer"}"#, "status 201"),
            (200, "text/html", "<h1>", "answer is not JSON"),
            (200, "application/x-www-form-urlencoded", "access_token=t", "answer is not JSON"),
        ] {
            assert_eq!(answer(status, content_type, body), Err(text.to_owned()), "{body}");
        }
        assert_eq!(answer(200, json, r#"{"access_token":"t","error":null}"#), Ok(()));
    }

    fn tokens(changes: Value) -> Option<ProviderTokens> {
        let mut answer = json!({"access_token": "topsecret", "token_type": "Bearer"});
        answer.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let answer: Answer = serde_json::from_value(answer).ok()?;
        assert!(!format!("{answer:?}").contains("topsecret"));
        Some(answer.into_tokens(Timestamp::from_millis(1_000)))
    }

    #[test]
    fn times_are_dated_and_what_is_none_is_passed_over() {
        for (value, expiry) in [
            (json!(3600), Some(3_601_000)),
            (json!("3600"), Some(3_601_000)),
            (json!(u64::MAX), None),
            (json!(0), None),
            (json!(-1), None),
            (json!(1.5), None),
            (json!("soon"), None),
            (json!(null), None),
        ] {
            let expiry = expiry.map(Timestamp::from_millis);
            let tokens = tokens(json!({"expires_in": value, "refresh_token_expires_in": value})).unwrap();
            assert_eq!((tokens.access_token_expires_at, tokens.refresh_token_expires_at), (expiry, expiry), "{value}");
        }
    }

    #[test]
    fn scopes_are_split_as_providers_join_them() {
        for (scope, expected) in [
            (json!("openid  email\nprofile "), vec!["openid", "email", "profile"]),
            (json!("read:user,user:email"), vec!["read:user", "user:email"]),
            (json!(["openid", "email profile", 7]), vec!["openid", "email", "profile"]),
            (json!(""), vec![]),
            (json!(null), vec![]),
            (json!(7), vec![]),
        ] {
            assert_eq!(tokens(json!({"scope": scope})).unwrap().scopes, expected, "{scope}");
        }
    }

    #[test]
    fn further_tokens_are_text_or_nothing() {
        let plain = tokens(json!({})).unwrap();
        assert_eq!((plain.refresh_token, plain.id_token), (None, None));
        let full = tokens(json!({"refresh_token": "r", "id_token": "i"})).unwrap();
        assert_eq!((full.refresh_token.as_deref(), full.id_token.as_deref()), (Some("r"), Some("i")));
        assert_eq!(tokens(json!({"refresh_token": ""})).unwrap().refresh_token, None);
        for wrong in [json!({"refresh_token": 7}), json!({"id_token": 7}), json!({"token_type": 7})] {
            assert!(tokens(wrong).is_none());
        }
    }
}
