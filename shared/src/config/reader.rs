//! Reading of settings, with every fault collected.

use std::{collections::BTreeMap, fmt};

use url::Url;

use super::{Config, ConfigFaults, Profile};
use crate::{
    domain::{Email, InvalidLimits, Limits},
    http::{TrustedOrigins, TrustedProxy},
};

/// Hands out variables and collects what is wrong with them. A variable that is
/// empty counts as unset: templates cannot leave one out.
pub(super) struct Reader {
    variables: BTreeMap<String, String>,
    faults: Vec<String>,
}

impl Reader {
    pub(super) fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let variables = variables.into_iter().filter(|(name, _)| name.starts_with("AUTH_")).collect();
        Self { variables, faults: Vec::new() }
    }

    pub(super) fn fault(&mut self, name: &str, problem: &str) {
        self.faults.push(format!("{name} {problem}"));
    }

    pub(super) fn optional(&mut self, name: &str) -> Option<String> {
        let value = self.variables.remove(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    pub(super) fn required(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.fault(name, "is not set");
            String::new()
        })
    }

    /// Text that ends up in a mail header: no control characters.
    pub(super) fn text(&mut self, name: &str, default: &str) -> String {
        let value = self.optional(name).unwrap_or_else(|| default.to_owned());
        if value.chars().any(char::is_control) {
            self.fault(name, "must not contain control characters");
        }
        value
    }

    pub(super) fn number<N>(&mut self, name: &str, default: N, range: std::ops::RangeInclusive<N>) -> N
    where
        N: std::str::FromStr + PartialOrd + fmt::Display + Copy,
    {
        let Some(text) = self.optional(name) else { return default };
        match text.parse() {
            Ok(number) if range.contains(&number) => number,
            _ => {
                self.fault(name, &format!("must be a whole number from {} to {}", range.start(), range.end()));
                default
            }
        }
    }

    pub(super) fn url(&mut self, name: &str) -> String {
        let text = self.required(name);
        let is_http = Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !text.is_empty() && !is_http {
            self.fault(name, "must be an http or https URL");
        }
        text
    }

    pub(super) fn origin(&mut self, name: &str) -> String {
        let text = self.url(name);
        let origin = Url::parse(&text).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
        if !text.is_empty() && text.trim_end_matches('/') != origin {
            self.fault(name, "must be an origin such as https://app.example.com, without a path");
        }
        origin
    }

    pub(super) fn email(&mut self, name: &str) -> Email {
        let text = self.required(name);
        if let Ok(email) = Email::parse(&text) {
            return email;
        }
        if !text.is_empty() {
            self.fault(name, "must be an e-mail address");
        }
        // Never used: a configuration with a fault is never returned.
        Email::parse("nobody@example.invalid").unwrap_or_else(|_| unreachable!("a valid address"))
    }

    pub(super) fn domain(&mut self, name: &str) -> Option<String> {
        let text = self.optional(name)?;
        if !is_domain(&text) {
            self.fault(name, "must be a domain such as example.com");
        }
        Some(text.to_ascii_lowercase())
    }

    pub(super) fn trusted_origins(&mut self, name: &str, base_origin: &str) -> TrustedOrigins {
        let list = self.optional(name).unwrap_or_default();
        TrustedOrigins::parse(base_origin, &list).unwrap_or_else(|problem| {
            self.fault(name, &problem);
            TrustedOrigins::default()
        })
    }

    pub(super) fn trusted_proxy(&mut self, name: &str) -> Option<TrustedProxy> {
        let secret = self.optional(name)?;
        let proxy = TrustedProxy::new(&secret);
        if proxy.is_none() {
            self.fault(name, "must have 32 characters or more");
        }
        proxy
    }

    pub(super) fn profile(&mut self, name: &str) -> Profile {
        match self.optional(name).as_deref() {
            None | Some("development") => Profile::Development,
            Some("production") => Profile::Production,
            Some(_) => {
                self.fault(name, "must be development or production");
                Profile::Development
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, name: &str, default: bool) -> bool {
        match self.optional(name).as_deref() {
            None => default,
            Some("true") => true,
            Some("false") => false,
            Some(_) => {
                self.fault(name, "must be true or false");
                default
            }
        }
    }

    /// Limits by the names of two settings: whether there are any, and which.
    pub(super) fn limits(&mut self, switch: &str, default: bool, rules: &str) -> Option<Limits> {
        let is_on = self.flag(switch, default);
        let limits = self.optional(rules).unwrap_or_default().parse();
        let limits = limits.unwrap_or_else(|problem: InvalidLimits| {
            self.fault(rules, &problem.to_string());
            Limits::default()
        });
        is_on.then_some(limits)
    }

    /// Namespace of metrics by the names of two settings: whether there are
    /// any, and what the namespace is. CloudWatch's own begin with `AWS/`.
    pub(super) fn metrics_namespace(&mut self, switch: &str, default: bool, name: &str) -> Option<String> {
        let is_on = self.flag(switch, default);
        let namespace = self.optional(name).unwrap_or_else(|| "LambdaAuth".to_owned());
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_/#".contains(&byte);
        if namespace.len() > 255 || namespace.starts_with("AWS/") || !namespace.bytes().all(is_allowed) {
            self.fault(name, "must be up to 255 letters, digits, and . - _ / #, and not begin with AWS/");
        }
        is_on.then_some(namespace)
    }

    /// Names separated by commas.
    pub(super) fn domains(&mut self, name: &str) -> Vec<String> {
        let list = self.optional(name).unwrap_or_default();
        let domains: Vec<String> = list
            .split(',')
            .map(|domain| domain.trim().to_ascii_lowercase())
            .filter(|domain| !domain.is_empty())
            .collect();
        if !domains.iter().all(|domain| is_domain(domain)) {
            self.fault(name, "must be domains such as example.com, separated by commas");
        }
        domains
    }

    pub(super) fn finish(mut self, config: Config) -> Result<Config, ConfigFaults> {
        for name in std::mem::take(&mut self.variables).into_keys() {
            self.fault(&name, "is not a setting");
        }
        if self.faults.is_empty() { Ok(config) } else { Err(ConfigFaults(self.faults)) }
    }
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    text.contains('.') && text.split('.').all(is_label)
}
