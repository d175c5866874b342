use crate::domain::Email;

/// What a mail is about, with what it has to carry.
#[derive(Clone, Copy)]
pub enum Letter<'a> {
    /// A link that sets a new password.
    PasswordReset(Link<'a>),
    /// A link that verifies the address.
    VerifyEmail(Link<'a>),
    /// A link that signs in.
    MagicLink(Link<'a>),
    /// To the old address: a link that lets the user change to another one.
    EmailChangeConsent {
        /// The link.
        link: Link<'a>,
        /// The new address.
        new_email: &'a Email,
    },
    /// To the new address: a link that makes it the user's.
    EmailChange(Link<'a>),
    /// A link that deletes the user.
    DeleteUser(Link<'a>),
    /// A code that stands in for the authenticator.
    OneTimeCode {
        /// The code.
        code: &'a str,
        /// Minutes until it expires.
        minutes: i64,
    },
    /// Somebody tried to sign up with an address that has an account.
    SignUpAttempt,
    /// The password was changed or reset.
    PasswordChanged,
    /// The password was given up; other ways in are left.
    PasswordRemoved,
    /// To the old address: the address was changed.
    EmailChanged {
        /// The new address.
        new_email: &'a Email,
    },
    /// A second factor was enrolled.
    TwoFactorEnabled,
    /// The second factor was given up.
    TwoFactorDisabled,
    /// There are new backup codes; the old ones are dead.
    BackupCodesReplaced,
    /// The user was deleted.
    UserDeleted,
}

/// A link that dies.
#[derive(Clone, Copy)]
pub struct Link<'a> {
    /// The address.
    pub url: &'a str,
    /// Minutes until it expires.
    pub minutes: i64,
}

/// The words of a letter. `{{ … }}` is filled in.
pub(super) struct Words {
    pub(super) subject: &'static str,
    pub(super) before: &'static str,
    /// Label of the button; the link follows in full.
    pub(super) action: Option<&'static str>,
    pub(super) after: &'static str,
}

const NOT_YOU: &str = "If that was not you, reset your password now, and tell the people who run {{ app_name }}.";

impl<'a> Letter<'a> {
    pub(super) fn link(&self) -> Option<Link<'a>> {
        match self {
            Self::PasswordReset(link)
            | Self::VerifyEmail(link)
            | Self::MagicLink(link)
            | Self::EmailChangeConsent { link, .. }
            | Self::EmailChange(link)
            | Self::DeleteUser(link) => Some(*link),
            _ => None,
        }
    }

    pub(super) fn new_email(&self) -> Option<&'a Email> {
        match self {
            Self::EmailChangeConsent { new_email, .. } | Self::EmailChanged { new_email } => Some(new_email),
            _ => None,
        }
    }

    pub(super) fn code(&self) -> Option<&'a str> {
        match self {
            Self::OneTimeCode { code, .. } => Some(code),
            _ => None,
        }
    }

    pub(super) fn minutes(&self) -> Option<i64> {
        match self {
            Self::OneTimeCode { minutes, .. } => Some(*minutes),
            letter => letter.link().map(|link| link.minutes),
        }
    }

    pub(super) const fn words(&self) -> Words {
        match self {
            Self::PasswordReset(_) => Words {
                subject: "Reset your password",
                before: "Somebody, most likely you, asked to reset your password at {{ app_name }}. The link works once, within {{ valid_for }}.",
                action: Some("Choose a new password"),
                after: "If you did not ask for it, do nothing: your password stays as it is.",
            },
            Self::VerifyEmail(_) => Words {
                subject: "Verify your e-mail address",
                before: "Somebody, most likely you, uses this address at {{ app_name }}. Follow the link within {{ valid_for }} to show that it is yours.",
                action: Some("Verify this address"),
                after: "If you have no account at {{ app_name }}, do nothing, and do not follow the link.",
            },
            Self::MagicLink(_) => Words {
                subject: "Your link to sign in",
                before: "Follow this link to sign in to {{ app_name }}. It works once, within {{ valid_for }}.",
                action: Some("Sign in"),
                after: "If you did not ask for it, do nothing: nobody is signed in without the link.",
            },
            Self::EmailChangeConsent { .. } => Words {
                subject: "Change of your e-mail address",
                before: "Somebody, most likely you, wants to change the address of your account at {{ app_name }} to {{ new_email }}. To allow it, follow the link within {{ valid_for }}.",
                action: Some("Allow the change"),
                after: NOT_YOU,
            },
            Self::EmailChange(_) => Words {
                subject: "Verify your new e-mail address",
                before: "Somebody, most likely you, wants to use this address for an account at {{ app_name }}. Follow the link within {{ valid_for }} to make it so.",
                action: Some("Use this address"),
                after: "If you did not ask for it, do nothing, and do not follow the link.",
            },
            Self::DeleteUser(_) => Words {
                subject: "Delete your account",
                before: "Somebody, most likely you, asked to delete your account at {{ app_name }}, with everything in it. Follow the link within {{ valid_for }}, in the browser where you are signed in, to do so. This cannot be undone.",
                action: Some("Delete my account"),
                after: NOT_YOU,
            },
            Self::OneTimeCode { .. } => Words {
                subject: "Your code to sign in",
                before: "Your code to sign in to {{ app_name }} is {{ code }}. It works once, within {{ valid_for }}.",
                action: None,
                after: "Give it to nobody. If you did not ask for it, somebody knows your password: change it.",
            },
            Self::SignUpAttempt => Words {
                subject: "You have an account already",
                before: "Somebody, most likely you, tried to sign up at {{ app_name }} with this address, which has an account already. Sign in instead; if you forgot your password, or never verified this address, reset it there.",
                action: None,
                after: "If it was not you, do nothing: nothing has changed.",
            },
            Self::PasswordChanged => Words {
                subject: "Your password was changed",
                before: "The password of your account at {{ app_name }} was changed, and all other devices were signed out.",
                action: None,
                after: NOT_YOU,
            },
            Self::PasswordRemoved => Words {
                subject: "Your password was removed",
                before: "The password of your account at {{ app_name }} was removed. You sign in by the providers that are linked to it.",
                action: None,
                after: NOT_YOU,
            },
            Self::EmailChanged { .. } => Words {
                subject: "Your e-mail address was changed",
                before: "The address of your account at {{ app_name }} was changed to {{ new_email }}.",
                action: None,
                after: "If that was not you, tell the people who run {{ app_name }} at once.",
            },
            Self::TwoFactorEnabled => Words {
                subject: "Two-factor authentication is on",
                before: "Your account at {{ app_name }} now asks for a code whenever you sign in. All other devices were signed out.",
                action: None,
                after: NOT_YOU,
            },
            Self::TwoFactorDisabled => Words {
                subject: "Two-factor authentication is off",
                before: "Your account at {{ app_name }} no longer asks for a code when you sign in. All other devices were signed out.",
                action: None,
                after: NOT_YOU,
            },
            Self::BackupCodesReplaced => Words {
                subject: "You have new backup codes",
                before: "New backup codes were made for your account at {{ app_name }}. The old ones no longer work.",
                action: None,
                after: NOT_YOU,
            },
            Self::UserDeleted => Words {
                subject: "Your account was deleted",
                before: "Your account at {{ app_name }} was deleted, with everything in it.",
                action: None,
                after: "If that was not you, tell the people who run {{ app_name }} at once.",
            },
        }
    }
}
