//! The errors that a browser is sent on with.

/// The `error` of a redirect. There is none but those listed below; they are
/// Better Auth's where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedirectError(&'static str);

impl RedirectError {
    /// What stands in the URL.
    pub const fn code(self) -> &'static str {
        self.0
    }

    /// What becomes of the error that a provider names. A well-known one keeps
    /// its name; everything else is [`Self::OAUTH_PROVIDER_ERROR`]: what a
    /// stranger writes into the URL must not end up in an application's page.
    pub fn of_provider(error: &str) -> Self {
        Self::OF_PROVIDERS.iter().find(|known| known.0 == error).copied().unwrap_or(Self::OAUTH_PROVIDER_ERROR)
    }

    /// RFC 6749, section 4.1.2.1; OpenID Connect Core, section 3.1.2.6; and
    /// GitHub's own.
    const OF_PROVIDERS: [Self; 13] = [
        Self::ACCESS_DENIED,
        Self::INVALID_REQUEST,
        Self::UNAUTHORIZED_CLIENT,
        Self::UNSUPPORTED_RESPONSE_TYPE,
        Self::INVALID_SCOPE,
        Self::SERVER_ERROR,
        Self::TEMPORARILY_UNAVAILABLE,
        Self::INTERACTION_REQUIRED,
        Self::LOGIN_REQUIRED,
        Self::ACCOUNT_SELECTION_REQUIRED,
        Self::CONSENT_REQUIRED,
        Self::APPLICATION_SUSPENDED,
        Self::REDIRECT_URI_MISMATCH,
    ];
}

/// Declares the errors, and with them the list of all.
macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        impl RedirectError {
            $($(#[$doc])* pub const $name: Self = Self($code);)*

            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

errors! {
    /// A provider's answer names no sign-in.
    STATE_NOT_FOUND = "state_not_found";
    /// The sign-in was started elsewhere, was finished, or is too old.
    STATE_MISMATCH = "state_mismatch";
    /// A provider sent no code.
    NO_CODE = "no_code";
    /// A provider refused the code.
    INVALID_CODE = "invalid_code";
    /// The answer is another provider's.
    ISSUER_MISMATCH = "issuer_mismatch";
    /// No such provider, or it is not set up.
    OAUTH_PROVIDER_NOT_FOUND = "oauth_provider_not_found";
    /// A provider's answer cannot be trusted or read.
    UNABLE_TO_GET_USER_INFO = "unable_to_get_user_info";
    /// A provider gave no address.
    EMAIL_NOT_FOUND = "email_not_found";
    /// There is a user with this address, who may not be joined.
    ACCOUNT_NOT_LINKED = "account_not_linked";
    /// The session that asked to link is over, or the provider has not verified
    /// an address, or the user has too many ways in.
    UNABLE_TO_LINK_ACCOUNT = "unable_to_link_account";
    /// The address of the identity to link is not the user's.
    EMAIL_DOES_NOT_MATCH = "email_does_not_match";
    /// The identity to link is another user's.
    ACCOUNT_ALREADY_LINKED_TO_DIFFERENT_USER = "account_already_linked_to_different_user";
    /// A hook let the user not in by a provider or a magic link.
    REFUSED = "sign_in_refused";
    /// Something was unavailable, here or at a provider.
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable";

    /// The user refused.
    ACCESS_DENIED = "access_denied";
    /// The provider takes the request for malformed.
    INVALID_REQUEST = "invalid_request";
    /// The provider does not let the client ask.
    UNAUTHORIZED_CLIENT = "unauthorized_client";
    /// The provider gives no codes.
    UNSUPPORTED_RESPONSE_TYPE = "unsupported_response_type";
    /// The provider does not know a scope.
    INVALID_SCOPE = "invalid_scope";
    /// A fault of the provider.
    SERVER_ERROR = "server_error";
    /// The provider would have to ask the user something.
    INTERACTION_REQUIRED = "interaction_required";
    /// The provider would have to ask the user to sign in.
    LOGIN_REQUIRED = "login_required";
    /// The provider would have to ask the user for an account.
    ACCOUNT_SELECTION_REQUIRED = "account_selection_required";
    /// The provider would have to ask the user for consent.
    CONSENT_REQUIRED = "consent_required";
    /// GitHub has suspended the client.
    APPLICATION_SUSPENDED = "application_suspended";
    /// GitHub does not know the redirect address.
    REDIRECT_URI_MISMATCH = "redirect_uri_mismatch";
    /// Any other error of a provider.
    OAUTH_PROVIDER_ERROR = "oauth_provider_error";

    /// A mailed link is unknown, used, overtaken or expired.
    INVALID_TOKEN = "INVALID_TOKEN";
    /// A verification link is too old.
    TOKEN_EXPIRED = "TOKEN_EXPIRED";
    /// A link's user, or their address, is gone.
    USER_NOT_FOUND = "USER_NOT_FOUND";
    /// A link was followed by somebody else.
    INVALID_USER = "INVALID_USER";
    /// The new address is somebody else's by now.
    USER_ALREADY_EXISTS = "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL";
    /// A hook let the user not in by a verification link.
    SIGN_IN_REFUSED = "SIGN_IN_REFUSED";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_known_errors_of_providers_keep_their_names() {
        assert_eq!(RedirectError::of_provider("access_denied"), RedirectError::ACCESS_DENIED);
        for error in ["", "Access_Denied", "state_mismatch", "call 555 1234", "INVALID_TOKEN"] {
            assert_eq!(RedirectError::of_provider(error), RedirectError::OAUTH_PROVIDER_ERROR, "{error}");
        }
    }

    #[test]
    fn no_error_stands_twice() {
        for (i, error) in RedirectError::ALL.iter().enumerate() {
            assert!(!RedirectError::ALL.iter().skip(i + 1).any(|other| other == error), "{error:?}");
        }
    }
}
