use std::{fmt, str::FromStr};

/// Something that may be done only so often. Each has a name, by which the
/// settings change its quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Every counted request that has no limit of its own.
    General,
    /// Signing in by password, or starting to with a provider.
    SignIn,
    /// Signing up.
    SignUp,
    /// Asking for a password reset link.
    RequestPasswordReset,
    /// Following a password reset link, and setting the password.
    ResetPassword,
    /// Asking for a link that verifies the address.
    SendVerificationEmail,
    /// Following such a link.
    VerifyEmail,
    /// Asking for a magic link.
    MagicLink,
    /// Following a magic link.
    MagicLinkVerify,
    /// Everything about the second factor.
    TwoFactor,
    /// The answers of OAuth providers.
    Callback,
    /// Changing the password.
    ChangePassword,
    /// Changing the address.
    ChangeEmail,
    /// Mails to one address in a short time.
    Mail,
    /// Mails to one address in a day.
    MailDaily,
    /// Passwords tried for one account: how many in a row are free, and the
    /// longest wait between those that follow.
    Lockout,
}

/// How often, in how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How often.
    pub max: u32,
    /// In how many seconds.
    pub seconds: u32,
}

const fn quota(max: u32, seconds: u32) -> Quota {
    Quota { max, seconds }
}

impl Limit {
    /// Every limit, in the order of the enumeration.
    pub const ALL: [Self; 16] = [
        Self::General,
        Self::SignIn,
        Self::SignUp,
        Self::RequestPasswordReset,
        Self::ResetPassword,
        Self::SendVerificationEmail,
        Self::VerifyEmail,
        Self::MagicLink,
        Self::MagicLinkVerify,
        Self::TwoFactor,
        Self::Callback,
        Self::ChangePassword,
        Self::ChangeEmail,
        Self::Mail,
        Self::MailDaily,
        Self::Lockout,
    ];

    /// Name in the settings, in table keys and in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::General => "default",
            Self::SignIn => "sign-in",
            Self::SignUp => "sign-up",
            Self::RequestPasswordReset => "request-password-reset",
            Self::ResetPassword => "reset-password",
            Self::SendVerificationEmail => "send-verification-email",
            Self::VerifyEmail => "verify-email",
            Self::MagicLink => "magic-link",
            Self::MagicLinkVerify => "magic-link-verify",
            Self::TwoFactor => "two-factor",
            Self::Callback => "callback",
            Self::ChangePassword => "change-password",
            Self::ChangeEmail => "change-email",
            Self::Mail => "mail",
            Self::MailDaily => "mail-daily",
            Self::Lockout => "lockout",
        }
    }

    /// The quota that holds unless the settings say otherwise: of requests,
    /// that of Better Auth.
    pub const fn default_quota(self) -> Quota {
        match self {
            Self::SignIn | Self::SignUp | Self::TwoFactor | Self::ChangePassword | Self::ChangeEmail => quota(3, 10),
            Self::RequestPasswordReset | Self::SendVerificationEmail => quota(3, 60),
            Self::MagicLink | Self::MagicLinkVerify => quota(5, 60),
            Self::General | Self::ResetPassword | Self::VerifyEmail | Self::Callback => quota(100, 10),
            Self::Mail => quota(3, 15 * 60),
            Self::MailDaily => quota(10, 24 * 60 * 60),
            Self::Lockout => quota(5, 15 * 60),
        }
    }
}

/// The quotas in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits([Quota; Limit::ALL.len()]);

impl Default for Limits {
    fn default() -> Self {
        Self(Limit::ALL.map(Limit::default_quota))
    }
}

impl Limits {
    /// The quota of a limit.
    pub fn quota(&self, limit: Limit) -> Quota {
        self.0.get(limit as usize).copied().unwrap_or(limit.default_quota())
    }
}

/// What cannot be read as limits: the first part that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidLimits(String);

impl fmt::Display for InvalidLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Limit::ALL.map(Limit::name).join(", ");
        write!(f, "must be name=times/seconds, separated by commas, not {:?}; the names are {names}", self.0)
    }
}

impl FromStr for Limits {
    type Err = InvalidLimits;

    /// Reads changes to the defaults, such as `sign-in=5/10,mail=2/900`. No
    /// name comes twice, and every number is 1 or more; of seconds at most a
    /// week's.
    fn from_str(text: &str) -> Result<Self, InvalidLimits> {
        let mut limits = Self::default();
        let mut seen = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (limit, quota) = parse_part(part).ok_or_else(|| InvalidLimits(part.to_owned()))?;
            if seen.contains(&limit) {
                return Err(InvalidLimits(part.to_owned()));
            }
            seen.push(limit);
            if let Some(slot) = limits.0.get_mut(limit as usize) {
                *slot = quota;
            }
        }
        Ok(limits)
    }
}

fn parse_part(part: &str) -> Option<(Limit, Quota)> {
    let (name, numbers) = part.split_once('=')?;
    let (max, seconds) = numbers.split_once('/')?;
    let limit = Limit::ALL.into_iter().find(|limit| limit.name() == name.trim())?;
    let number = |text: &str, most: u32| text.trim().parse().ok().filter(|number| (1..=most).contains(number));
    Some((limit, quota(number(max, 1_000_000)?, number(seconds, 7 * 86_400)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_stand_in_their_places() {
        for limit in Limit::ALL {
            assert_eq!(Limits::default().quota(limit), limit.default_quota(), "{}", limit.name());
        }
    }

    #[test]
    fn single_limits_can_be_changed() {
        let limits: Limits = " sign-in=5/20, mail-daily = 2/86400,,".parse().unwrap();
        assert_eq!(limits.quota(Limit::SignIn), quota(5, 20));
        assert_eq!(limits.quota(Limit::MailDaily), quota(2, 86_400));
        assert_eq!(limits.quota(Limit::SignUp), quota(3, 10));
        assert_eq!("".parse::<Limits>(), Ok(Limits::default()));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in [
            "signin=3/10",
            "Sign-In=3/10",
            "sign-in",
            "sign-in=3",
            "sign-in=0/10",
            "sign-in=3/0",
            "sign-in=-1/10",
            "sign-in=3/10/1",
            "sign-in=3/604801",
            "sign-in=1000001/10",
            "sign-in=3/1,sign-in=3/1",
            "=1/1",
        ] {
            assert!(text.parse::<Limits>().is_err(), "{text}");
        }
    }
}
