use std::{collections::HashMap, sync::Arc};

use axum::{
    Form, Json,
    extract::{Query, State as Extract},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};

use super::{
    GITHUB_CLIENT, GithubUser,
    state::{Endpoint, Person, Shared},
    token::{self, Refusal},
};

/// Answers errors with status 200 and, unless JSON is asked for, with a form.
pub(super) async fn token(
    Extract(shared): Extract<Arc<Shared>>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    if let Some(failure) = shared.receive(Endpoint::GithubToken, form.clone(), &headers).await {
        return failure;
    }
    let answer = match token::grant(&shared, GITHUB_CLIENT, &form) {
        Ok(grant) => {
            let mut state = shared.lock();
            let access_token = state.unique("gho");
            state.access_tokens.insert(access_token.clone(), grant.clone());
            let mut answer = vec![
                ("access_token", access_token),
                ("scope", "read:user,user:email".into()),
                ("token_type", "bearer".into()),
            ];
            if state.github_is_app {
                let refresh_token = state.unique("ghr");
                state.refresh_tokens.insert(refresh_token.clone(), grant);
                answer.extend([
                    ("refresh_token", refresh_token),
                    ("expires_in", state.token_seconds.unwrap_or(28_800).to_string()),
                    ("refresh_token_expires_in", "15897600".into()),
                ]);
            }
            answer
        }
        Err(refusal) => {
            let (code, description) = match refusal {
                Refusal::Request => ("unsupported_grant_type", "Unsupported grant type."),
                Refusal::Client => {
                    ("incorrect_client_credentials", "The client_id and/or client_secret are incorrect.")
                }
                Refusal::Code => ("bad_verification_code", "The code passed is incorrect or expired."),
                Refusal::RedirectUri => ("redirect_uri_mismatch", "The redirect_uri must match."),
            };
            vec![("error", code.into()), ("error_description", description.into())]
        }
    };
    if is(&headers, header::ACCEPT, |accept| accept.contains("application/json")) {
        let json = |name: &str, text: String| {
            if name.ends_with("_in") { text.parse().unwrap_or_default() } else { Value::String(text) }
        };
        let fields = answer.into_iter().map(|(name, value)| (name.to_owned(), json(name, value)));
        return Json(Value::Object(fields.collect())).into_response();
    }
    Form(answer).into_response()
}

pub(super) async fn user(
    Extract(shared): Extract<Arc<Shared>>,
    query: Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    match shared.receive(Endpoint::GithubUser, query.0, &headers).await {
        Some(failure) => failure,
        None => api(&shared, &headers, GithubUser::profile),
    }
}

pub(super) async fn emails(
    Extract(shared): Extract<Arc<Shared>>,
    query: Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    match shared.receive(Endpoint::GithubEmails, query.0, &headers).await {
        Some(failure) => failure,
        None => api(&shared, &headers, GithubUser::addresses),
    }
}

fn api(shared: &Shared, headers: &HeaderMap, read: impl Fn(&GithubUser) -> Value) -> Response {
    if !is(headers, header::USER_AGENT, |agent| !agent.is_empty()) {
        return (StatusCode::FORBIDDEN, "Request forbidden by administrative rules.").into_response();
    }
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let state = shared.lock();
    match bearer.and_then(|token| state.access_tokens.get(token)).map(|grant| &grant.person) {
        Some(Person::Github(user)) => Json(read(user)).into_response(),
        _ => (StatusCode::UNAUTHORIZED, Json(json!({"message": "Bad credentials"}))).into_response(),
    }
}

fn is(headers: &HeaderMap, name: header::HeaderName, right: impl Fn(&str) -> bool) -> bool {
    headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(right)
}
