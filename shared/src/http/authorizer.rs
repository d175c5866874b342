//! The loop around the authorizer, which API Gateway asks whether a request
//! may pass to an API that is not ours: events to tokens, verdicts to answers.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use lambda_http::{
    Error, LambdaEvent,
    lambda_runtime::{self, Diagnostic},
    service_fn,
};
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

use super::{
    endpoints::Core,
    metrics::Meter,
    outcome::{Audit, InvocationOutcome},
    routes::Function,
    service::settings,
};
use crate::{
    adapters::{SecretCache, SystemClock},
    config::Config,
    crypto::{AccessTokens, InvalidAccessToken, VerifiedToken},
    flows::live_session,
    ports::{Clock as _, FindSession},
};

const FUNCTION: Function = Function::Authorizer;

/// Longest time that an answer may take: API Gateway waits ten seconds.
const DEADLINE: Duration = Duration::from_secs(8);

/// What the authorizer has.
pub struct Authorizer<S> {
    /// Settings.
    pub core: Core,
    /// Checks access tokens.
    pub secrets: SecretCache,
    /// Sessions and their users, where it has to look if they live.
    pub sessions: Option<S>,
}

/// The simple answer of payload format 2.0.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    is_authorized: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Identity>,
}

/// Who asks, as the integration behind the gateway is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    sub: String,
    sid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    email_verified: bool,
    exp: i64,
}

/// Why a request may not pass.
type Refusal = &'static str;

/// Why nobody knows whether it may.
type Fault = String;

/// Runs the function: reads the settings, starts the authorizer, and answers
/// until Lambda stops the process.
///
/// A bad token, and an event that is none, is answered: not authorized. What
/// cannot be decided right now is an error of the function instead, since the
/// gateway would keep an answer for as long as it keeps good ones.
///
/// # Errors
/// Only if the Runtime API goes away.
pub async fn serve_authorizer<S: FindSession>(start: impl AsyncFnOnce(Config) -> Authorizer<S>) -> Result<(), Error> {
    let authorizer = match settings(FUNCTION) {
        Some(config) => Some(start(config).await),
        None => None,
    };
    let meter = authorizer.as_ref().and_then(|authorizer| Meter::from_config(&authorizer.core.config));
    let (authorizer, meter) = (authorizer.as_ref(), meter.as_ref());
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        Box::pin(invoke(authorizer, meter, event.payload.get(), &event.context.request_id)).await
    }))
    .await
}

async fn invoke<S: FindSession>(
    authorizer: Option<&Authorizer<S>>,
    meter: Option<&Meter>,
    event: &str,
    request_id: &str,
) -> Result<Answer, Diagnostic> {
    let started = SystemClock.now();
    let mut audit = Audit::default();
    let verdict = match (authorizer, bearer_token(event)) {
        (None, _) => Err("invalid settings".to_owned()),
        (_, Err(refusal)) => Ok(Err(refusal)),
        (Some(authorizer), Ok(token)) => {
            let work = AssertUnwindSafe(authorizer.judge(&token, &mut audit)).catch_unwind();
            match tokio::time::timeout(DEADLINE, work).await {
                Ok(Ok(verdict)) => verdict,
                Ok(Err(_)) => Err("panic".to_owned()),
                Err(_) => Err("deadline exceeded".to_owned()),
            }
        }
    };
    match &verdict {
        Ok(Ok(_)) => audit.event("authorizer.allowed"),
        Ok(Err(refusal)) => audit.event("authorizer.refused").reason(*refusal),
        Err(fault) => audit.event("authorizer.failed").reason(fault.clone()),
    };
    let (finished, succeeded) = (SystemClock.now(), verdict.is_ok());
    let (message, function) = ("authorizer", FUNCTION);
    InvocationOutcome { message, started, finished, function, request_id, succeeded, audit: &audit }.log(meter);
    match verdict {
        Ok(Ok(identity)) => Ok(Answer { is_authorized: true, context: Some(identity) }),
        Ok(Err(_)) => Ok(Answer { is_authorized: false, context: None }),
        Err(error_message) => Err(Diagnostic { error_type: "Unavailable".to_owned(), error_message }),
    }
}

impl<S: FindSession> Authorizer<S> {
    async fn judge(&self, token: &str, audit: &mut Audit) -> Result<Result<Identity, Refusal>, Fault> {
        let verified = match self.verify(token).await? {
            Ok(verified) => verified,
            Err(refusal) => return Ok(Err(refusal)),
        };
        audit.user(&verified.session.user_id);
        let mut identity = Identity {
            sub: verified.session.user_id.as_str().to_owned(),
            sid: verified.session.token_hash.clone(),
            email: verified.email,
            name: verified.name,
            email_verified: verified.email_verified,
            exp: verified.expires,
        };
        if let Some(sessions) = &self.sessions {
            let found = live_session(&self.core.context(), sessions, &verified.session).await;
            let Some(live) = found.map_err(|error| error.to_string())? else { return Ok(Err("session is over")) };
            // The row was read anyway, and is newer than the token.
            identity.email = Some(live.user.email.as_str().to_owned());
            identity.name = Some(live.user.name);
            identity.email_verified = live.user.email_verified;
        }
        Ok(Ok(identity))
    }

    /// What the token says. One that no known secret has signed makes the
    /// cache look for a newer secret; where it cannot, nobody knows.
    async fn verify(&self, token: &str) -> Result<Result<VerifiedToken, Refusal>, Fault> {
        let policy = &self.core.config.access_tokens;
        let mut keys = self.secrets.keys().await.map_err(|error| error.to_string())?;
        let mut result = AccessTokens { keys: &keys, policy }.verify(token, SystemClock.now());
        if result == Err(InvalidAccessToken::UnknownKey)
            && let Some(newer) = self.secrets.renewed(&keys).await.map_err(|error| error.to_string())?
        {
            keys = newer;
            result = AccessTokens { keys: &keys, policy }.verify(token, SystemClock.now());
        }
        Ok(result.map_err(|error| match error {
            InvalidAccessToken::UnknownKey => "unknown key",
            InvalidAccessToken::Invalid => "invalid token",
        }))
    }
}

/// The bearer token in an event of the gateway.
///
/// Where the API names identity sources, the token is looked for among their
/// values and nowhere else: by them the gateway finds an answer that it kept,
/// so that an answer must depend on nothing else. An API that names none keeps
/// no answers, and the header is read.
fn bearer_token(event: &str) -> Result<String, Refusal> {
    const NO_EVENT: Refusal = "not an event of payload format 2.0";
    let event: Map<String, Value> = serde_json::from_str(event).map_err(|_| NO_EVENT)?;
    let is = |name: &str, value: &str| event.get(name).is_some_and(|found| found == value);
    if !is("version", "2.0") || !is("type", "REQUEST") {
        return Err(NO_EVENT);
    }
    let sources: Vec<&Value> = match event.get("identitySource") {
        Some(Value::Array(sources)) if !sources.is_empty() => sources.iter().collect(),
        None | Some(Value::Null | Value::Array(_)) => {
            let headers = event.get("headers").and_then(Value::as_object).ok_or("no token")?;
            let named = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
            named.map(|(_, value)| value).collect()
        }
        Some(_) => return Err(NO_EVENT),
    };
    let mut tokens = sources.into_iter().filter_map(Value::as_str).filter_map(token_of);
    match (tokens.next(), tokens.next()) {
        (Some(token), None) => Ok(token.to_owned()),
        (None, _) => Err("no token"),
        (Some(_), Some(_)) => Err("more than one token"),
    }
}

/// The token of `Bearer <token>`; the scheme is case-insensitive (RFC 9110,
/// section 11.1).
fn token_of(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(changes: Value) -> Result<String, Refusal> {
        let mut event = json!({"version": "2.0", "type": "REQUEST", "headers": {"authorization": "Bearer header"}});
        for (name, value) in changes.as_object().unwrap() {
            event[name] = value.clone();
        }
        bearer_token(&event.to_string())
    }

    #[test]
    fn the_token_is_the_identity_source_that_an_answer_is_kept_under() {
        assert_eq!(token(json!({"identitySource": ["bearer  source "]})).unwrap(), "source");
        assert_eq!(token(json!({"identitySource": ["GET /me", "Bearer source"]})).unwrap(), "source");
        assert_eq!(token(json!({"identitySource": ["GET /me"]})).unwrap_err(), "no token");
        assert_eq!(token(json!({"identitySource": ["Bearer a", "Bearer b"]})).unwrap_err(), "more than one token");
        assert!(token(json!({"identitySource": "Bearer source"})).is_err());
    }

    #[test]
    fn without_identity_sources_it_is_in_the_header() {
        for none in [json!([]), Value::Null] {
            assert_eq!(token(json!({"identitySource": none})).unwrap(), "header");
        }
        assert_eq!(token(json!({"headers": {"Authorization": "BEARER x"}})).unwrap(), "x");
        let twice = json!({"headers": {"authorization": "Bearer x", "Authorization": "Bearer y"}});
        assert_eq!(token(twice).unwrap_err(), "more than one token");
        for header in ["", "Bearer", "Bearer ", "Basic x", "Bearer\tx", "x"] {
            assert_eq!(token(json!({"headers": {"authorization": header}})).unwrap_err(), "no token", "{header}");
        }
    }

    #[test]
    fn other_events_have_none() {
        for text in ["", "null", "[]", "{}", "1", "\"Bearer x\""] {
            assert!(bearer_token(text).is_err(), "{text}");
        }
        assert!(token(json!({"version": "1.0"})).is_err());
        assert!(token(json!({"type": "TOKEN"})).is_err());
    }
}
