use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{Query, State as Extract},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use url::Url;

use super::{
    GITHUB_CLIENT, GOOGLE_CLIENT,
    state::{Endpoint, Grant, Person, Shared},
};

type Parameters = HashMap<String, String>;

pub(super) async fn google(shared: Extract<Arc<Shared>>, query: Query<Parameters>, headers: HeaderMap) -> Response {
    answer(&shared.0, Endpoint::GoogleAuthorize, query.0, &headers).await
}

pub(super) async fn github(shared: Extract<Arc<Shared>>, query: Query<Parameters>, headers: HeaderMap) -> Response {
    answer(&shared.0, Endpoint::GithubAuthorize, query.0, &headers).await
}

async fn answer(shared: &Arc<Shared>, endpoint: Endpoint, query: Parameters, headers: &HeaderMap) -> Response {
    if let Some(failure) = shared.receive(endpoint, query.clone(), headers).await {
        return failure;
    }
    match consent(shared, endpoint, query, None) {
        Ok(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Err(message) => (StatusCode::BAD_REQUEST, message).into_response(),
    }
}

/// The same without HTTP, for tests that have no browser; `person` stands in
/// for the configured one.
pub(super) fn to_url(shared: &Shared, authorization_url: &str, person: Option<Person>) -> Result<String, String> {
    let url = Url::parse(authorization_url).map_err(|error| error.to_string())?;
    let endpoint = match authorization_url.strip_prefix(&shared.url) {
        Some(rest) if rest.starts_with("/google/authorize?") => Endpoint::GoogleAuthorize,
        Some(rest) if rest.starts_with("/github/login/oauth/authorize?") => Endpoint::GithubAuthorize,
        _ => return Err(format!("not an authorization endpoint: {authorization_url}")),
    };
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let query: Parameters = pairs.iter().cloned().collect();
    if query.len() != pairs.len() {
        return Err("repeated parameter".to_owned());
    }
    consent(shared, endpoint, query, person)
}

/// Checks the request, makes a code for it and says where the browser goes.
fn consent(shared: &Shared, endpoint: Endpoint, query: Parameters, person: Option<Person>) -> Result<String, String> {
    let is_google = endpoint == Endpoint::GoogleAuthorize;
    let (client_id, _) = if is_google { GOOGLE_CLIENT } else { GITHUB_CLIENT };
    let value = |name: &str| query.get(name).map_or("", String::as_str);
    require("response_type", value("response_type") == "code")?;
    require("client_id", value("client_id") == client_id)?;
    require("state", !value("state").is_empty())?;
    require("scope", !value("scope").is_empty())?;
    require("code_challenge_method", value("code_challenge_method") == "S256")?;
    require("code_challenge", value("code_challenge").len() == 43)?;
    let mut to = Url::parse(value("redirect_uri")).map_err(|_| "invalid redirect_uri")?;

    to.query_pairs_mut().append_pair("state", value("state"));
    let denied = shared.is_denied(endpoint);
    let mut state = shared.lock();
    let right_issuer = if is_google { shared.url.clone() } else { format!("{}/github/login/oauth", shared.url) };
    if let Some(issuer) = state.callback_issuer.clone().unwrap_or(Some(right_issuer)) {
        to.query_pairs_mut().append_pair("iss", &issuer);
    }
    if denied {
        to.query_pairs_mut()
            .append_pair("error", "access_denied")
            .append_pair("error_description", "The user said no.");
        return Ok(to.into());
    }
    let person = person.unwrap_or_else(|| {
        if is_google {
            Person::Google(Box::new(state.google_user.clone()))
        } else {
            Person::Github(Box::new(state.github_user.clone()))
        }
    });
    let code = state.unique("code");
    to.query_pairs_mut().append_pair("code", &code);
    state.codes.insert(code, Grant { person, request: query });
    Ok(to.into())
}

fn require(parameter: &str, is_right: bool) -> Result<(), String> {
    if is_right { Ok(()) } else { Err(format!("invalid {parameter}")) }
}
