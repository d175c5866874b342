//! Settings, read once from the environment when a function starts.
//!
//! Every setting is a variable that starts with `AUTH_`. All faults are found
//! in one pass and reported together; a variable of that prefix that nobody
//! reads is a fault too, since it is most likely a misspelt one.

mod reader;

use std::{fmt, time::Duration};

use reader::Reader;

use crate::{
    adapters::oauth::ProviderEndpoints,
    crypto::{AccessTokenPolicy, HashPolicy, MAX_HASH_COST},
    domain::{Email, Limits, PasswordRules, SessionPolicy, TwoFactorPolicy, UNREMEMBERED_SESSION_SECONDS},
    http::{TrustedOrigins, TrustedProxy},
};

/// Path below which all routes live.
pub const BASE_PATH: &str = "/api/auth";

const DAY_SECONDS: i64 = 86_400;

/// The settings of every function. All functions get the same environment;
/// what each may do with it is decided by its IAM role.
#[derive(Clone, Debug)]
pub struct Config {
    /// Origin of the service as browsers see it, such as `https://app.example.com`.
    pub base_origin: String,
    /// Origins that may call with cookies and be redirected to.
    pub trusted_origins: TrustedOrigins,
    /// Front end that passes requests on and says for whom; none if there is none.
    pub trusted_proxy: Option<TrustedProxy>,
    /// `Domain` attribute of cookies; none for host-only cookies.
    pub cookie_domain: Option<String>,
    /// Table names.
    pub tables: Tables,
    /// Name or ARN of the signing secret.
    pub secret_id: String,
    /// Name or ARN of the secret that holds the OAuth clients.
    pub oauth_secret_id: String,
    /// Name or ARN of the secret that encrypts what rows hold of other secrets.
    pub encryption_secret_id: String,
    /// Life of sessions.
    pub sessions: SessionPolicy,
    /// Content and life of access tokens.
    pub access_tokens: AccessTokenPolicy,
    /// Whether the authorizer looks if the session of a token still lives.
    pub authorizer_checks_session: bool,
    /// Namespace of the metrics that are written to the log; none without them.
    pub metrics_namespace: Option<String>,
    /// Cost of password hashes.
    pub hashing: HashPolicy,
    /// Password resets.
    pub reset: ResetConfig,
    /// Verification of e-mail addresses.
    pub verification: VerificationConfig,
    /// Life of a magic link, in seconds.
    pub magic_link_seconds: i64,
    /// The second factor.
    pub two_factor: TwoFactorConfig,
    /// What a new password must be beside long enough.
    pub passwords: PasswordRules,
    /// How often things may be done; none without limits.
    pub limits: Option<Limits>,
    /// Deletion of users.
    pub deletion: DeletionConfig,
    /// Domains whose addresses may sign up and sign in; empty for all.
    pub allowed_email_domains: Vec<String>,
    /// Outgoing mail.
    pub mail: MailConfig,
    /// Addresses of the OAuth providers.
    pub providers: ProviderEndpoints,
}

/// Names of the DynamoDB tables.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Users.
    pub users: String,
    /// Accounts.
    pub accounts: String,
    /// Sessions.
    pub sessions: String,
    /// Verification tokens.
    pub verification_tokens: String,
    /// Counters of rate limits.
    pub rate_limits: String,
}

/// Which defaults apply to the settings that are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Better Auth's own defaults.
    Development,
    /// Strict ones: addresses are verified, access tokens are short, common
    /// passwords are refused, rates are limited.
    Production,
}

/// Password resets.
#[derive(Clone, Debug)]
pub struct ResetConfig {
    /// Life of a reset token, in seconds.
    pub token_seconds: i64,
    /// Page that a link leads to when the request named none.
    pub page: String,
}

/// Verification of e-mail addresses.
#[derive(Clone, Debug)]
pub struct VerificationConfig {
    /// Whether a password signs nobody in before the address is verified.
    pub required: bool,
    /// Whether signing up sends the mail.
    pub on_sign_up: bool,
    /// Whether following the link signs in.
    pub auto_sign_in: bool,
    /// Life of a link, in seconds.
    pub token_seconds: i64,
}

/// The second factor.
#[derive(Clone, Debug)]
pub struct TwoFactorConfig {
    /// Page that asks for the code, where a sign-in that comes by a link or
    /// from a provider ends up.
    pub page: String,
    /// How long things live.
    pub policy: TwoFactorPolicy,
}

/// Deletion of users.
#[derive(Clone, Debug)]
pub struct DeletionConfig {
    /// Whether the user has to confirm it by a mailed link.
    pub confirm_by_mail: bool,
    /// Life of that link, in seconds.
    pub token_seconds: i64,
}

/// Outgoing mail.
#[derive(Clone, Debug)]
pub struct MailConfig {
    /// Name of the product, shown in mails and as the sender's name.
    pub app_name: String,
    /// Sender's address.
    pub from: Email,
    /// Subject of the password reset mail.
    pub reset_subject: String,
    /// How long a request that may send mail takes, in milliseconds, whether
    /// or not there is anybody to write to.
    pub deadline_millis: u64,
}

impl MailConfig {
    /// The same as a duration.
    pub const fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_millis)
    }
}

/// Everything that is wrong with the environment, one line each.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigFaults(pub Vec<String>);

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for ConfigFaults {}

impl Config {
    /// Reads the settings of the process.
    ///
    /// # Errors
    /// [`ConfigFaults`], all of them.
    pub fn from_environment() -> Result<Self, ConfigFaults> {
        Self::from_variables(std::env::vars())
    }

    /// Reads the settings from the given variables.
    ///
    /// # Errors
    /// [`ConfigFaults`], all of them.
    pub fn from_variables(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigFaults> {
        let mut reader = Reader::new(variables);
        let base_origin = reader.origin("AUTH_BASE_URL");
        let is_strict = reader.profile("AUTH_PROFILE") == Profile::Production;
        if is_strict && !is_secure(&base_origin) {
            reader.fault("AUTH_BASE_URL", "must be https in production");
        }
        let access_tokens = AccessTokenPolicy {
            issuer: reader.optional("AUTH_ACCESS_TOKEN_ISSUER").unwrap_or_else(|| base_origin.clone()),
            audience: reader.optional("AUTH_ACCESS_TOKEN_AUDIENCE").unwrap_or_else(|| base_origin.clone()),
            lifetime: reader.number("AUTH_ACCESS_TOKEN_SECONDS", if is_strict { 900 } else { 604_800 }, 1..=34_560_000),
        };
        let sessions = SessionPolicy {
            lifetime: reader.number("AUTH_SESSION_SECONDS", 604_800, 60..=34_560_000),
            update_age: reader.number("AUTH_SESSION_UPDATE_AGE_SECONDS", 86_400, 0..=34_560_000),
        };
        if sessions.update_age > sessions.lifetime {
            reader.fault("AUTH_SESSION_UPDATE_AGE_SECONDS", "must not exceed AUTH_SESSION_SECONDS");
        }
        // Two rotations end what was signed before them. Secrets Manager takes
        // any time of the day on which one is due, and the functions a while to
        // notice: two days are for that.
        let rotation_seconds = DAY_SECONDS * reader.number("AUTH_SECRET_ROTATION_DAYS", 0, 0..=1000);
        let longest_life = sessions.lifetime.max(UNREMEMBERED_SESSION_SECONDS);
        if rotation_seconds != 0 && rotation_seconds < longest_life.saturating_add(2 * DAY_SECONDS) {
            reader.fault("AUTH_SECRET_ROTATION_DAYS", "must be 0, or exceed AUTH_SESSION_SECONDS by two days");
        }
        let trusted_origins = reader.trusted_origins("AUTH_TRUSTED_ORIGINS", &base_origin);
        let mut page = |name, default: &str| {
            let page = reader.optional(name).unwrap_or_else(|| default.to_owned());
            if !trusted_origins.allows_redirect(&page) {
                reader.fault(name, "must be a path, or a URL on a trusted origin");
            }
            page
        };
        let reset_page = page("AUTH_RESET_PAGE", "/reset-password");
        let two_factor_page = page("AUTH_TWO_FACTOR_PAGE", "/two-factor");
        let requires_verification = reader.flag("AUTH_REQUIRE_EMAIL_VERIFICATION", is_strict);
        let config = Self {
            trusted_origins,
            trusted_proxy: reader.trusted_proxy("AUTH_PROXY_SECRET"),
            cookie_domain: reader.domain("AUTH_COOKIE_DOMAIN"),
            tables: Tables {
                users: reader.required("AUTH_USERS_TABLE"),
                accounts: reader.required("AUTH_ACCOUNTS_TABLE"),
                sessions: reader.required("AUTH_SESSIONS_TABLE"),
                verification_tokens: reader.required("AUTH_VERIFICATION_TOKENS_TABLE"),
                rate_limits: reader.required("AUTH_RATE_LIMITS_TABLE"),
            },
            secret_id: reader.required("AUTH_SECRET_ID"),
            oauth_secret_id: reader.required("AUTH_OAUTH_SECRET_ID"),
            encryption_secret_id: reader.required("AUTH_ENCRYPTION_SECRET_ID"),
            sessions,
            access_tokens,
            authorizer_checks_session: reader.flag("AUTH_AUTHORIZER_CHECKS_SESSION", false),
            metrics_namespace: reader.metrics_namespace("AUTH_METRICS", is_strict, "AUTH_METRICS_NAMESPACE"),
            hashing: HashPolicy {
                memory_kib: reader.number("AUTH_PASSWORD_MEMORY_KIB", 19_456, 19_456..=MAX_HASH_COST.0),
                iterations: reader.number("AUTH_PASSWORD_ITERATIONS", 2, 2..=MAX_HASH_COST.1),
                wrong_millis: reader.number("AUTH_WRONG_PASSWORD_MS", if is_strict { 250 } else { 0 }, 0..=2000),
            },
            reset: ResetConfig {
                token_seconds: reader.number("AUTH_RESET_TOKEN_SECONDS", 3600, 60..=86_400),
                page: reset_page,
            },
            verification: VerificationConfig {
                required: requires_verification,
                on_sign_up: reader.flag("AUTH_VERIFY_ON_SIGN_UP", requires_verification),
                auto_sign_in: reader.flag("AUTH_SIGN_IN_AFTER_VERIFICATION", false),
                token_seconds: reader.number("AUTH_VERIFICATION_SECONDS", 3600, 60..=86_400),
            },
            magic_link_seconds: reader.number("AUTH_MAGIC_LINK_SECONDS", 300, 60..=3600),
            two_factor: TwoFactorConfig {
                page: two_factor_page,
                policy: TwoFactorPolicy {
                    challenge_seconds: reader.number("AUTH_TWO_FACTOR_SECONDS", 600, 60..=3600),
                    trust_seconds: reader.number("AUTH_TRUST_DEVICE_SECONDS", 2_592_000, 60..=34_560_000),
                },
            },
            passwords: PasswordRules { refuse_common: reader.flag("AUTH_REFUSE_COMMON_PASSWORDS", is_strict) },
            limits: reader.limits("AUTH_RATE_LIMITS", is_strict, "AUTH_RATE_LIMIT_RULES"),
            deletion: DeletionConfig {
                confirm_by_mail: reader.flag("AUTH_CONFIRM_DELETION", is_strict),
                token_seconds: reader.number("AUTH_DELETION_SECONDS", 86_400, 60..=86_400),
            },
            allowed_email_domains: reader.domains("AUTH_ALLOWED_EMAIL_DOMAINS"),
            mail: MailConfig {
                app_name: reader.text("AUTH_APP_NAME", "lambda-auth"),
                from: reader.email("AUTH_MAIL_FROM"),
                reset_subject: reader.text("AUTH_MAIL_RESET_SUBJECT", "Reset your password"),
                deadline_millis: reader.number("AUTH_MAIL_DEADLINE_MS", 1000, 100..=5000),
            },
            providers: ProviderEndpoints {
                google_issuer: reader.required("AUTH_GOOGLE_ISSUER"),
                google_authorization_url: reader.url("AUTH_GOOGLE_AUTHORIZATION_URL"),
                google_token_url: reader.url("AUTH_GOOGLE_TOKEN_URL"),
                google_jwks_url: reader.url("AUTH_GOOGLE_JWKS_URL"),
                github_authorization_url: reader.url("AUTH_GITHUB_AUTHORIZATION_URL"),
                github_token_url: reader.url("AUTH_GITHUB_TOKEN_URL"),
                github_api_url: reader.url("AUTH_GITHUB_API_URL"),
            },
            base_origin,
        };
        reader.finish(config)
    }

    /// Whether browsers reach the service by https, which decides over the
    /// `Secure` attribute and the `__Secure-` prefix of its cookies.
    pub fn is_https(&self) -> bool {
        self.base_origin.starts_with("https://")
    }

    /// Address of a route: base origin, base path and the given path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{BASE_PATH}{path}", self.base_origin)
    }
}

/// Whether nobody between the browser and the service sees what they say:
/// by https, or since both are on one machine (Secure Contexts, section 3.1).
fn is_secure(origin: &str) -> bool {
    let host = url::Url::parse(origin).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    origin.starts_with("https://") || ["localhost", "127.0.0.1", "[::1]"].contains(&host.as_str())
}

#[cfg(test)]
pub(crate) mod tests;
