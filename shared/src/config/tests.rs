use std::collections::BTreeMap;

use super::*;
use crate::domain::{Limit, Quota};

/// A complete environment, as the template sets it.
pub(crate) fn variables() -> Vec<(String, String)> {
    [
        ("AUTH_BASE_URL", "https://auth.example.com"),
        ("AUTH_TRUSTED_ORIGINS", "https://app.example.com,https://*.preview.example.com"),
        ("AUTH_COOKIE_DOMAIN", ""),
        ("AUTH_USERS_TABLE", "users"),
        ("AUTH_ACCOUNTS_TABLE", "accounts"),
        ("AUTH_SESSIONS_TABLE", "sessions"),
        ("AUTH_VERIFICATION_TOKENS_TABLE", "tokens"),
        ("AUTH_SECRET_ID", "secret"),
        ("AUTH_OAUTH_SECRET_ID", "oauth"),
        ("AUTH_ENCRYPTION_SECRET_ID", "encryption"),
        ("AUTH_RATE_LIMITS_TABLE", "limits"),
        ("AUTH_MAIL_FROM", "no-reply@example.com"),
        ("AUTH_GOOGLE_ISSUER", "https://accounts.google.com"),
        ("AUTH_GOOGLE_AUTHORIZATION_URL", "https://accounts.google.com/o/oauth2/v2/auth"),
        ("AUTH_GOOGLE_TOKEN_URL", "https://oauth2.googleapis.com/token"),
        ("AUTH_GOOGLE_JWKS_URL", "https://www.googleapis.com/oauth2/v3/certs"),
        ("AUTH_GITHUB_AUTHORIZATION_URL", "https://github.com/login/oauth/authorize"),
        ("AUTH_GITHUB_TOKEN_URL", "https://github.com/login/oauth/access_token"),
        ("AUTH_GITHUB_API_URL", "https://api.github.com"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

fn with(changes: &[(&str, &str)]) -> Result<Config, ConfigFaults> {
    let mut variables: BTreeMap<String, String> = variables().into_iter().collect();
    for (name, value) in changes {
        variables.insert((*name).to_owned(), (*value).to_owned());
    }
    Config::from_variables(variables)
}

#[test]
fn a_complete_environment_is_read_with_the_documented_defaults() {
    let config = with(&[("PATH", "/bin")]).unwrap();
    assert_eq!(config.base_origin, "https://auth.example.com");
    assert_eq!(config.access_tokens.issuer, "https://auth.example.com");
    assert_eq!(config.access_tokens.audience, "https://auth.example.com");
    assert_eq!(config.sessions.lifetime, 7 * 86_400);
    assert_eq!(config.sessions.update_age, 86_400);
    assert_eq!(config.reset.token_seconds, 3600);
    assert_eq!(config.hashing, HashPolicy { memory_kib: 19_456, iterations: 2, wrong_millis: 0 });
    assert_eq!(config.cookie_domain, None);
    assert!(config.is_https());
}

#[test]
fn all_faults_are_reported_together() {
    let faults = with(&[
        ("AUTH_BASE_URL", "https://auth.example.com/path"),
        ("AUTH_USERS_TABLE", ""),
        ("AUTH_SESSION_SECONDS", "soon"),
        ("AUTH_PASSWORD_MEMORY_KIB", "1"),
        ("AUTH_MAIL_FROM", "nobody"),
        ("AUTH_GITHUB_API_URL", "ftp://x"),
        ("AUTH_COOKIE_DOMAIN", "com"),
        ("AUTH_PROXY_SECRET", "short"),
        ("AUTH_SESION_SECONDS", "1"),
    ])
    .unwrap_err();
    for name in [
        "AUTH_BASE_URL must be an origin",
        "AUTH_USERS_TABLE is not set",
        "AUTH_SESSION_SECONDS must be a whole number",
        "AUTH_PASSWORD_MEMORY_KIB must be a whole number from 19456",
        "AUTH_MAIL_FROM must be an e-mail address",
        "AUTH_GITHUB_API_URL must be an http or https URL",
        "AUTH_COOKIE_DOMAIN must be a domain",
        "AUTH_PROXY_SECRET must have 32 characters",
        "AUTH_SESION_SECONDS is not a setting",
    ] {
        assert!(faults.to_string().contains(name), "{name} is missing from {faults}");
    }
    assert_eq!(faults.0.len(), 9, "{faults}");
}

#[test]
fn an_empty_environment_names_every_required_setting() {
    let faults = Config::from_variables([]).unwrap_err();
    assert_eq!(faults.0.len(), 17, "{faults}");
}

#[test]
fn no_session_sees_two_rotations() {
    let days =
        |days, session: &str| with(&[("AUTH_SECRET_ROTATION_DAYS", days), ("AUTH_SESSION_SECONDS", session)]).is_ok();
    let (week, long_day) = ("604800", "90000");
    assert!(days("0", week) && days("9", week) && days("1000", week));
    assert!(!days("8", week) && !days("1", week) && !days("1001", week) && !days("-9", week));
    // Those that are not to be remembered live a day.
    let short = |days| {
        let update_age = ("AUTH_SESSION_UPDATE_AGE_SECONDS", "60");
        with(&[("AUTH_SECRET_ROTATION_DAYS", days), ("AUTH_SESSION_SECONDS", "60"), update_age]).is_ok()
    };
    assert!(short("3") && !short("2"));
    assert!(days("4", long_day) && !days("3", long_day));
    assert!(!days("365", "34560000"));
}

#[test]
fn pages_stay_on_trusted_ground() {
    for name in ["AUTH_RESET_PAGE", "AUTH_TWO_FACTOR_PAGE"] {
        assert!(with(&[(name, "/new-password?from=mail")]).is_ok());
        assert!(with(&[(name, "https://app.example.com/reset")]).is_ok());
        for page in ["//evil.example", "https://evil.example", "javascript:alert(1)"] {
            assert!(with(&[(name, page)]).is_err(), "{name} {page}");
        }
    }
}

#[test]
fn the_profile_decides_over_what_is_left_out() {
    let summary = |config: Config| {
        let Config { access_tokens, verification, passwords, deletion, limits, .. } = config;
        (
            access_tokens.lifetime,
            verification.required,
            verification.on_sign_up,
            passwords.refuse_common,
            deletion.confirm_by_mail,
            limits.is_some(),
        )
    };
    let relaxed = (604_800, false, false, false, false, false);
    assert_eq!(summary(with(&[]).unwrap()), relaxed);
    assert_eq!(summary(with(&[("AUTH_PROFILE", "development")]).unwrap()), relaxed);
    assert_eq!(summary(with(&[("AUTH_PROFILE", "production")]).unwrap()), (900, true, true, true, true, true));
    let one = [("AUTH_PROFILE", "production"), ("AUTH_REQUIRE_EMAIL_VERIFICATION", "false")];
    assert_eq!(summary(with(&one).unwrap()), (900, false, false, true, true, true));
    assert!(with(&[("AUTH_PROFILE", "prod")]).is_err());
    assert!(with(&[("AUTH_REQUIRE_EMAIL_VERIFICATION", "yes")]).is_err());
}

#[test]
fn metrics_have_a_namespace_of_their_own() {
    let namespace = |changes: &[(&str, &str)]| with(changes).map(|config| config.metrics_namespace);
    let (on, production) = (("AUTH_METRICS", "true"), ("AUTH_PROFILE", "production"));
    assert_eq!(namespace(&[("AUTH_METRICS_NAMESPACE", "Auth/dev")]).unwrap(), None);
    assert_eq!(namespace(&[on]).unwrap().as_deref(), Some("LambdaAuth"));
    assert_eq!(namespace(&[production, ("AUTH_METRICS_NAMESPACE", "Auth/x-1")]).unwrap().as_deref(), Some("Auth/x-1"));
    assert_eq!(namespace(&[production, ("AUTH_METRICS", "false")]).unwrap(), None);
    for bad in ["AWS/Lambda", "a b", "a:b", &"x".repeat(256)] {
        let faults = namespace(&[on, ("AUTH_METRICS_NAMESPACE", bad)]).unwrap_err();
        assert!(faults.0[0].starts_with("AUTH_METRICS_NAMESPACE must be"), "{faults}");
    }
}

#[test]
fn rules_of_limits_are_read_even_while_they_are_off() {
    let rules = ("AUTH_RATE_LIMIT_RULES", "sign-in=5/10");
    assert_eq!(with(&[rules]).unwrap().limits, None);
    let limits = with(&[rules, ("AUTH_RATE_LIMITS", "true")]).unwrap().limits.unwrap();
    assert_eq!(limits.quota(Limit::SignIn), Quota { max: 5, seconds: 10 });
    let faults = with(&[("AUTH_RATE_LIMIT_RULES", "sing-in=5/10")]).unwrap_err();
    assert!(faults.0[0].starts_with("AUTH_RATE_LIMIT_RULES must be"), "{faults}");
}

#[test]
fn production_is_reached_by_https() {
    let base = |profile, url| with(&[("AUTH_PROFILE", profile), ("AUTH_BASE_URL", url)]).is_ok();
    assert!(base("production", "https://app.example.com") && base("production", "http://localhost:3000"));
    assert!(base("development", "http://app.example.com"));
    for plain in ["http://app.example.com", "http://localhost.example.com", "http://127.0.0.2"] {
        assert!(!base("production", plain), "{plain}");
    }
}
