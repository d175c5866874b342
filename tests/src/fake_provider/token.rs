use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::state::{Grant, Shared};

/// Why a token request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Request,
    Client,
    Code,
    RedirectUri,
}

/// Answers a token request: what the code or refresh token stands for.
pub(super) fn grant(shared: &Shared, client: (&str, &str), form: &HashMap<String, String>) -> Result<Grant, Refusal> {
    match form.get("grant_type").map(String::as_str) {
        Some("authorization_code") => redeem(shared, client, form),
        Some("refresh_token") => refresh(shared, client, form),
        _ => Err(Refusal::Request),
    }
}

/// A refresh token is spent by its use; whoever keeps it puts it back.
fn refresh(
    shared: &Shared,
    (client_id, client_secret): (&str, &str),
    form: &HashMap<String, String>,
) -> Result<Grant, Refusal> {
    let value = |name: &str| form.get(name).map_or("", String::as_str);
    if value("client_id") != client_id || value("client_secret") != client_secret {
        return Err(Refusal::Client);
    }
    shared.lock().refresh_tokens.remove(value("refresh_token")).ok_or(Refusal::Code)
}

/// Redeems a code. Whatever is wrong with the request, the code is spent.
fn redeem(
    shared: &Shared,
    (client_id, client_secret): (&str, &str),
    form: &HashMap<String, String>,
) -> Result<Grant, Refusal> {
    let value = |name: &str| form.get(name).map_or("", String::as_str);
    let grant = shared.lock().codes.remove(value("code")).ok_or(Refusal::Code)?;
    let asked = |name: &str| grant.request.get(name).map_or("", String::as_str);
    if value("client_id") != client_id || value("client_secret") != client_secret || asked("client_id") != client_id {
        return Err(Refusal::Client);
    }
    if value("redirect_uri") != asked("redirect_uri") {
        return Err(Refusal::RedirectUri);
    }
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(value("code_verifier")));
    if challenge != asked("code_challenge") {
        return Err(Refusal::Code);
    }
    Ok(grant)
}
