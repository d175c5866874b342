use std::{future::Future, pin::Pin};

use oauth2::{
    AsyncHttpClient, AuthType, AuthorizationCode, Client, ClientId, EmptyExtraTokenFields, ExtraTokenFields,
    HttpRequest, HttpResponse, PkceCodeVerifier, RedirectUrl, RequestTokenError, StandardRevocableToken,
    StandardTokenResponse, TokenResponse as _, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    OAuthClient,
    transport::{Transport, TransportError, require_json},
};
use crate::ports::OAuthError;

/// Errors that are worth telling apart in a log: RFC 6749, section 5.2, and
/// GitHub's own. Any other text of a provider stays out of it.
const KNOWN_ERRORS: [&str; 9] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "bad_verification_code",
    "incorrect_client_credentials",
    "redirect_uri_mismatch",
    "unverified_user_email",
];

/// Everything that the token endpoint is told.
pub(super) struct CodeGrant {
    pub(super) client: OAuthClient,
    pub(super) redirect_uri: String,
    pub(super) code: String,
    pub(super) pkce_verifier: String,
}

/// The `id_token` beside the access token (OpenID Connect Core, section 3.1.3.3).
#[derive(Deserialize, Serialize)]
pub(super) struct IdTokenField {
    #[serde(default)]
    pub(super) id_token: Option<String>,
}

impl ExtraTokenFields for IdTokenField {}

impl std::fmt::Debug for IdTokenField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdTokenField([redacted])")
    }
}

/// Tokens of a provider, with what comes beside the access token.
pub(super) type Tokens<E> = StandardTokenResponse<E, BasicTokenType>;
/// Nothing beside the access token.
pub(super) type Plain = EmptyExtraTokenFields;

/// Why the token endpoint gave no tokens.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("status {0} ({1})")]
    Error(u16, &'static str),
}

/// Redeems a code (RFC 6749, section 4.1.3), once: a second attempt would
/// look like a replay, at which providers revoke what the first one got.
///
/// The client authenticates in the body (`client_secret_post`), as Better
/// Auth does.
///
/// # Errors
/// [`OAuthError::InvalidCode`].
pub(super) async fn redeem<E: ExtraTokenFields + DeserializeOwned>(
    transport: &Transport,
    token_url: &str,
    grant: CodeGrant,
    deadline: Instant,
) -> Result<Tokens<E>, OAuthError> {
    let invalid = |reason: &str| OAuthError::InvalidCode(reason.to_owned());
    let token_url = TokenUrl::new(token_url.to_owned()).map_err(|_| invalid("invalid token URL"))?;
    let redirect_url = RedirectUrl::new(grant.redirect_uri).map_err(|_| invalid("invalid redirect URL"))?;
    let client: Client<
        BasicErrorResponse,
        Tokens<E>,
        BasicTokenIntrospectionResponse,
        StandardRevocableToken,
        BasicRevocationErrorResponse,
    > = Client::new(ClientId::new(grant.client.client_id));
    let client = client
        .set_client_secret(grant.client.client_secret)
        .set_auth_type(AuthType::RequestBody)
        .set_token_uri(token_url)
        .set_redirect_uri(redirect_url);

    let http = TokenEndpoint { transport, deadline };
    let tokens = client
        .exchange_code(AuthorizationCode::new(grant.code))
        .set_pkce_verifier(PkceCodeVerifier::new(grant.pkce_verifier))
        .request_async(&http)
        .await
        .map_err(|error| match error {
            RequestTokenError::Request(refusal) => OAuthError::InvalidCode(refusal.to_string()),
            // The crate's own texts quote the answer, tokens and all.
            _ => invalid("answer has an unexpected form"),
        })?;
    if tokens.access_token().secret().is_empty() || tokens.token_type() != &BasicTokenType::Bearer {
        return Err(invalid("no bearer token"));
    }
    Ok(tokens)
}

/// What the `oauth2` crate sends its request with.
struct TokenEndpoint<'t> {
    transport: &'t Transport,
    deadline: Instant,
}

impl<'c> AsyncHttpClient<'c> for TokenEndpoint<'_> {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Refusal>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let response = self.transport.send(request, self.deadline).await?;
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

    #[test]
    fn tokens_do_not_print() {
        let tokens: Tokens<IdTokenField> =
            serde_json::from_str(r#"{"access_token":"topsecret","token_type":"Bearer","id_token":"topsecret"}"#)
                .unwrap();
        assert!(!format!("{tokens:?}").contains("topsecret"));
    }
}
