use oauth2::{
    AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, basic::BasicClient,
};

use super::Provider;
use crate::ports::{AuthorizationRequest, OAuthError};

/// Parameters that tie the answer to its request. Better Auth's list; nobody
/// else sets them.
pub const RESERVED_PARAMETERS: [&str; 8] = [
    "state",
    "client_id",
    "redirect_uri",
    "response_type",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "scope",
];

/// The URL of an authorization request (RFC 6749, section 4.1.1) with an S256
/// code challenge (RFC 7636, section 4.3).
///
/// The parameters are Better Auth's, and where there are id tokens the nonce
/// besides, since this service compares it with the id token's.
pub(super) fn url(
    provider: &Provider,
    endpoint: &str,
    client_id: String,
    redirect_uri: String,
    request: &AuthorizationRequest,
) -> Result<String, OAuthError> {
    let invalid = |what: &str| OAuthError::Unavailable(format!("invalid {what}"));
    let auth_url = AuthUrl::new(endpoint.to_owned()).map_err(|_| invalid("authorization URL"))?;
    let redirect_url = RedirectUrl::new(redirect_uri).map_err(|_| invalid("redirect URL"))?;
    // RFC 7636, section 4.1; the crate panics at other lengths.
    if !(43..=128).contains(&request.pkce_verifier.len()) {
        return Err(invalid("code verifier"));
    }
    let verifier = PkceCodeVerifier::new(request.pkce_verifier.clone());

    let client = BasicClient::new(ClientId::new(client_id)).set_auth_uri(auth_url).set_redirect_uri(redirect_url);
    let scopes = provider.scopes().into_iter().chain(request.scopes.iter().cloned());
    let mut authorization = client
        .authorize_url(|| CsrfToken::new(request.state.clone()))
        .add_scopes(scopes.map(Scope::new))
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
    for (name, value) in extra_parameters(provider, request) {
        authorization = authorization.add_extra_param(name, value);
    }
    Ok(authorization.url().0.into())
}

/// What goes beyond RFC 6749 and RFC 7636, each name once: a later value
/// replaces an earlier one.
fn extra_parameters<'r>(provider: &Provider, request: &'r AuthorizationRequest) -> Vec<(&'r str, &'r str)> {
    let hint = request.login_hint.as_deref().filter(|hint| !hint.is_empty());
    let mut all: Vec<(&str, &str)> = hint.map(|hint| ("login_hint", hint)).into_iter().collect();
    if *provider != Provider::GitHub {
        all.push(("nonce", &request.nonce));
    }
    if *provider == Provider::Google {
        all.push(("include_granted_scopes", "true"));
    }
    let additional = request.additional.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in additional.filter(|(name, _)| !RESERVED_PARAMETERS.contains(name)) {
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = value,
            None => all.push((name, value)),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use url::Url;

    use super::*;

    /// RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn request() -> AuthorizationRequest {
        AuthorizationRequest {
            state: "the-state".into(),
            pkce_verifier: VERIFIER.into(),
            nonce: "the-nonce".into(),
            scopes: Vec::new(),
            login_hint: None,
            additional: Vec::new(),
        }
    }

    /// The parameters, after checking that none comes twice.
    fn parameters(provider: &Provider, request: &AuthorizationRequest) -> HashMap<String, String> {
        let redirect = "https://auth.example.com/api/auth/callback/x";
        let text = url(provider, "https://idp.example.com/auth", "client".into(), redirect.into(), request).unwrap();
        let url = Url::parse(&text).unwrap();
        assert_eq!((url.host_str(), url.path()), (Some("idp.example.com"), "/auth"));
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        let map: HashMap<_, _> = pairs.iter().cloned().collect();
        assert_eq!(map.len(), pairs.len(), "{text}");
        map
    }

    fn map<const N: usize>(pairs: [(&str, &str); N]) -> HashMap<String, String> {
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn google_is_asked_as_better_auth_does_and_for_a_nonce() {
        let expected = map([
            ("response_type", "code"),
            ("client_id", "client"),
            ("state", "the-state"),
            ("scope", "email profile openid"),
            ("redirect_uri", "https://auth.example.com/api/auth/callback/x"),
            ("code_challenge_method", "S256"),
            ("code_challenge", CHALLENGE),
            ("nonce", "the-nonce"),
            ("include_granted_scopes", "true"),
        ]);
        assert_eq!(parameters(&Provider::Google, &request()), expected);
    }

    #[test]
    fn github_is_asked_as_better_auth_does() {
        let mut request = request();
        request.scopes = vec!["repo".into(), "read:org".into()];
        request.login_hint = Some("octocat".into());
        let expected = map([
            ("response_type", "code"),
            ("client_id", "client"),
            ("state", "the-state"),
            ("scope", "read:user user:email repo read:org"),
            ("redirect_uri", "https://auth.example.com/api/auth/callback/x"),
            ("code_challenge_method", "S256"),
            ("code_challenge", CHALLENGE),
            ("login_hint", "octocat"),
        ]);
        assert_eq!(parameters(&Provider::GitHub, &request), expected);
    }

    #[test]
    fn an_openid_provider_is_asked_for_its_scopes_and_a_nonce() {
        let issuer = super::super::Issuer::parse("https://id.acme.example").unwrap();
        let provider = Provider::OpenId { issuer, scopes: vec!["openid".into(), "email".into()] };
        let mut request = request();
        request.scopes = vec!["calendar".into()];
        let expected = map([
            ("response_type", "code"),
            ("client_id", "client"),
            ("state", "the-state"),
            ("scope", "openid email calendar"),
            ("redirect_uri", "https://auth.example.com/api/auth/callback/x"),
            ("code_challenge_method", "S256"),
            ("code_challenge", CHALLENGE),
            ("nonce", "the-nonce"),
        ]);
        assert_eq!(parameters(&provider, &request), expected);
    }

    #[test]
    fn additional_parameters_replace_all_but_the_reserved_ones() {
        let mut request = request();
        request.login_hint = Some("a".into());
        request.additional =
            [("include_granted_scopes", "false"), ("login_hint", "b"), ("prompt", "x"), ("prompt", "y")]
                .into_iter()
                .chain(RESERVED_PARAMETERS.map(|name| (name, "evil")))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
        let parameters = parameters(&Provider::Google, &request);
        assert_eq!(parameters["include_granted_scopes"], "false");
        assert_eq!(parameters["login_hint"], "b");
        assert_eq!(parameters["prompt"], "y");
        assert!(parameters.values().all(|value| value != "evil"));
    }

    #[test]
    fn a_verifier_of_a_wrong_length_is_an_error_and_no_panic() {
        for length in [0, 42, 129] {
            let mut request = request();
            request.pkce_verifier = "v".repeat(length);
            let result = url(&Provider::Google, "https://x/", "c".into(), "https://y/".into(), &request);
            assert!(matches!(result, Err(OAuthError::Unavailable(_))));
        }
    }

    proptest! {
        #[test]
        fn values_arrive_as_they_are_and_the_verifier_never_does(
            state in "\\PC{1,40}",
            hint in "\\PC{1,40}",
            additional in prop::collection::vec(("\\PC{1,10}", "\\PC{0,20}"), 0..4),
        ) {
            let mut request = request();
            request.state = state.clone();
            request.login_hint = Some(hint);
            request.additional = additional;
            let parameters = parameters(&Provider::GitHub, &request);
            prop_assert_eq!(&parameters["state"], &state);
            prop_assert_eq!(&parameters["client_id"], "client");
            prop_assert!(parameters.values().all(|value| !value.contains(VERIFIER)));
        }
    }
}
