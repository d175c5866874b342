//! The route table: one line a route, compared with the template by a test.

use crate::domain::Limit;

/// A function of the deployment: one crate, one binary, one Lambda.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `signup`
    Signup,
    /// `signin`
    Signin,
    /// `session`
    Session,
    /// `signout`
    Signout,
    /// `reset-request`
    ResetRequest,
    /// `reset-confirm`
    ResetConfirm,
    /// `oauth-callback`
    OauthCallback,
    /// `verify-email`
    VerifyEmail,
    /// `magic-link`
    MagicLink,
    /// `two-factor`
    TwoFactor,
    /// `account`
    Account,
    /// `rotate-secret`, which Secrets Manager calls; it has no route
    RotateSecret,
    /// `authorizer`, which API Gateway asks on behalf of other APIs; it has no route
    Authorizer,
}

impl Function {
    /// Name of the crate and of the binary.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Signup => "signup",
            Self::Signin => "signin",
            Self::Session => "session",
            Self::Signout => "signout",
            Self::ResetRequest => "reset-request",
            Self::ResetConfirm => "reset-confirm",
            Self::OauthCallback => "oauth-callback",
            Self::VerifyEmail => "verify-email",
            Self::MagicLink => "magic-link",
            Self::TwoFactor => "two-factor",
            Self::Account => "account",
            Self::RotateSecret => "rotate-secret",
            Self::Authorizer => "authorizer",
        }
    }
}

/// An operation of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Sign up with a password.
    SignUpEmail,
    /// Sign in with a password.
    SignInEmail,
    /// Start a sign-in with an OAuth provider.
    SignInSocial,
    /// Read the current session.
    GetSession,
    /// Refused: the session is not read by POST.
    PostSession,
    /// Get an access token.
    Token,
    /// Health.
    Ok,
    /// Sign out.
    SignOut,
    /// Ask for a password reset link.
    RequestPasswordReset,
    /// Set a new password by a reset token.
    ResetPassword,
    /// Follow a password reset link.
    ResetPasswordLink,
    /// Answer of an OAuth provider.
    OAuthCallback,
    /// Answer of an OAuth provider by form post.
    OAuthCallbackForm,
    /// Error page.
    ErrorPage,
    /// Read all sessions of the user.
    ListSessions,
    /// End a session of the user.
    RevokeSession,
    /// End all sessions of the user.
    RevokeSessions,
    /// End all sessions of the user but the current one.
    RevokeOtherSessions,
    /// Change fields of the session.
    UpdateSession,
    /// Ask for a link that verifies the address.
    SendVerificationEmail,
    /// Follow a link that verifies an address or changes it.
    VerifyEmail,
    /// Ask for a link that signs in.
    SignInMagicLink,
    /// Follow a link that signs in.
    MagicLinkVerify,
    /// Start the enrolment of a second factor.
    TwoFactorEnable,
    /// Give the second factor up.
    TwoFactorDisable,
    /// Give a code of the authenticator.
    TwoFactorVerifyTotp,
    /// Give a backup code.
    TwoFactorVerifyBackupCode,
    /// Replace the backup codes.
    TwoFactorGenerateBackupCodes,
    /// Show the authenticator's secret again.
    TwoFactorGetTotpUri,
    /// Ask for a mailed code.
    TwoFactorSendOtp,
    /// Give a mailed code.
    TwoFactorVerifyOtp,
    /// Change the profile.
    UpdateUser,
    /// Change the password.
    ChangePassword,
    /// Check the password.
    VerifyPassword,
    /// Ask for another address.
    ChangeEmail,
    /// Delete the user.
    DeleteUser,
    /// Follow a link that deletes the user.
    DeleteUserCallback,
    /// Read the ways in.
    ListAccounts,
    /// Start to link an OAuth provider.
    LinkSocial,
    /// Give a linked provider up.
    UnlinkAccount,
    /// Get a provider's access token.
    GetAccessToken,
    /// Refresh a provider's tokens.
    RefreshToken,
    /// Read the profile at a provider.
    AccountInfo,
}

impl Route {
    /// The limit that its requests count for, under all names of the route.
    /// None for what costs less than counting it; the gateway throttles that.
    pub const fn limit(self) -> Option<Limit> {
        Some(match self {
            Self::GetSession | Self::PostSession | Self::Token | Self::Ok | Self::ErrorPage | Self::SignOut => {
                return None;
            }
            Self::SignInEmail | Self::SignInSocial => Limit::SignIn,
            Self::SignUpEmail => Limit::SignUp,
            Self::RequestPasswordReset => Limit::RequestPasswordReset,
            Self::ResetPassword | Self::ResetPasswordLink => Limit::ResetPassword,
            Self::SendVerificationEmail => Limit::SendVerificationEmail,
            Self::VerifyEmail => Limit::VerifyEmail,
            Self::SignInMagicLink => Limit::MagicLink,
            Self::MagicLinkVerify => Limit::MagicLinkVerify,
            Self::OAuthCallback | Self::OAuthCallbackForm => Limit::Callback,
            Self::TwoFactorEnable
            | Self::TwoFactorDisable
            | Self::TwoFactorVerifyTotp
            | Self::TwoFactorVerifyBackupCode
            | Self::TwoFactorGenerateBackupCodes
            | Self::TwoFactorGetTotpUri
            | Self::TwoFactorSendOtp
            | Self::TwoFactorVerifyOtp => Limit::TwoFactor,
            Self::ChangePassword => Limit::ChangePassword,
            Self::ChangeEmail => Limit::ChangeEmail,
            Self::ListSessions
            | Self::RevokeSession
            | Self::RevokeSessions
            | Self::RevokeOtherSessions
            | Self::UpdateSession
            | Self::UpdateUser
            | Self::VerifyPassword
            | Self::DeleteUser
            | Self::DeleteUserCallback
            | Self::ListAccounts
            | Self::LinkSocial
            | Self::UnlinkAccount
            | Self::GetAccessToken
            | Self::RefreshToken
            | Self::AccountInfo => Limit::General,
        })
    }
}

/// A line of the route table.
#[derive(Clone, Copy, Debug)]
pub struct RouteInfo {
    /// Function that serves it.
    pub function: Function,
    /// HTTP method.
    pub method: &'static str,
    /// Path below [`crate::config::BASE_PATH`]; `{name}` is a parameter.
    pub path: &'static str,
    /// Operation.
    pub route: Route,
    /// Whether the body may also be `application/x-www-form-urlencoded`.
    pub accepts_form: bool,
}

const fn line(function: Function, method: &'static str, path: &'static str, route: Route) -> RouteInfo {
    RouteInfo { function, method, path, route, accepts_form: false }
}

const fn form(info: RouteInfo) -> RouteInfo {
    RouteInfo { accepts_form: true, ..info }
}

/// All routes.
pub const ROUTES: &[RouteInfo] = &[
    form(line(Function::Signup, "POST", "/sign-up/email", Route::SignUpEmail)),
    form(line(Function::Signin, "POST", "/sign-in/email", Route::SignInEmail)),
    line(Function::Signin, "POST", "/sign-in/social", Route::SignInSocial),
    line(Function::Session, "GET", "/get-session", Route::GetSession),
    line(Function::Session, "POST", "/get-session", Route::PostSession),
    line(Function::Session, "GET", "/token", Route::Token),
    line(Function::Session, "GET", "/ok", Route::Ok),
    line(Function::Signout, "POST", "/sign-out", Route::SignOut),
    line(Function::ResetRequest, "POST", "/request-password-reset", Route::RequestPasswordReset),
    line(Function::ResetRequest, "POST", "/password-reset/request", Route::RequestPasswordReset),
    line(Function::ResetConfirm, "POST", "/reset-password", Route::ResetPassword),
    line(Function::ResetConfirm, "GET", "/reset-password/{token}", Route::ResetPasswordLink),
    line(Function::ResetConfirm, "POST", "/password-reset/confirm", Route::ResetPassword),
    line(Function::OauthCallback, "GET", "/callback/{provider}", Route::OAuthCallback),
    form(line(Function::OauthCallback, "POST", "/callback/{provider}", Route::OAuthCallbackForm)),
    line(Function::OauthCallback, "GET", "/error", Route::ErrorPage),
    line(Function::Session, "GET", "/list-sessions", Route::ListSessions),
    line(Function::Session, "POST", "/revoke-session", Route::RevokeSession),
    line(Function::Session, "POST", "/revoke-sessions", Route::RevokeSessions),
    line(Function::Session, "POST", "/revoke-other-sessions", Route::RevokeOtherSessions),
    line(Function::Session, "POST", "/update-session", Route::UpdateSession),
    line(Function::VerifyEmail, "POST", "/send-verification-email", Route::SendVerificationEmail),
    line(Function::VerifyEmail, "GET", "/verify-email", Route::VerifyEmail),
    line(Function::MagicLink, "POST", "/sign-in/magic-link", Route::SignInMagicLink),
    line(Function::MagicLink, "GET", "/magic-link/verify", Route::MagicLinkVerify),
    line(Function::TwoFactor, "POST", "/two-factor/enable", Route::TwoFactorEnable),
    line(Function::TwoFactor, "POST", "/two-factor/disable", Route::TwoFactorDisable),
    line(Function::TwoFactor, "POST", "/two-factor/verify-totp", Route::TwoFactorVerifyTotp),
    line(Function::TwoFactor, "POST", "/two-factor/verify-backup-code", Route::TwoFactorVerifyBackupCode),
    line(Function::TwoFactor, "POST", "/two-factor/generate-backup-codes", Route::TwoFactorGenerateBackupCodes),
    line(Function::TwoFactor, "POST", "/two-factor/get-totp-uri", Route::TwoFactorGetTotpUri),
    line(Function::TwoFactor, "POST", "/two-factor/send-otp", Route::TwoFactorSendOtp),
    line(Function::TwoFactor, "POST", "/two-factor/verify-otp", Route::TwoFactorVerifyOtp),
    line(Function::Account, "POST", "/update-user", Route::UpdateUser),
    line(Function::Account, "POST", "/change-password", Route::ChangePassword),
    line(Function::Account, "POST", "/verify-password", Route::VerifyPassword),
    line(Function::Account, "POST", "/change-email", Route::ChangeEmail),
    line(Function::Account, "POST", "/delete-user", Route::DeleteUser),
    line(Function::Account, "GET", "/delete-user/callback", Route::DeleteUserCallback),
    line(Function::Account, "GET", "/list-accounts", Route::ListAccounts),
    line(Function::Account, "POST", "/link-social", Route::LinkSocial),
    line(Function::Account, "POST", "/unlink-account", Route::UnlinkAccount),
    line(Function::Account, "POST", "/get-access-token", Route::GetAccessToken),
    line(Function::Account, "POST", "/refresh-token", Route::RefreshToken),
    line(Function::Account, "GET", "/account-info", Route::AccountInfo),
];

impl RouteInfo {
    /// Parameter of the path, if the given path below the base path is of this
    /// route: `Some(None)` for a route without one. Segments are compared to
    /// the letter; nothing is normalised.
    pub fn matches<'a>(&self, method: &str, path: &'a str) -> Option<Option<&'a str>> {
        if self.method != method {
            return None;
        }
        match self.path.split_once('{') {
            None => (self.path == path).then_some(None),
            Some((prefix, _)) => {
                let parameter = path.strip_prefix(prefix)?;
                (!parameter.is_empty() && !parameter.contains('/')).then_some(Some(parameter))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(method: &str, path: &str) -> Option<Route> {
        ROUTES.iter().find(|info| info.matches(method, path).is_some()).map(|info| info.route)
    }

    #[test]
    fn paths_match_to_the_letter() {
        assert_eq!(find("POST", "/sign-in/email"), Some(Route::SignInEmail));
        assert_eq!(find("GET", "/reset-password/abc"), Some(Route::ResetPasswordLink));
        for (method, path) in [
            ("GET", "/sign-in/email"),
            ("POST", "/sign-in/email/"),
            ("POST", "//sign-in/email"),
            ("POST", "/Sign-In/Email"),
            ("POST", "/%73ign-in/email"),
            ("POST", "/sign-in/email;x=1"),
            ("HEAD", "/get-session"),
            ("GET", "/reset-password/"),
            ("GET", "/callback/google/x"),
            ("GET", ""),
        ] {
            assert_eq!(find(method, path), None, "{method} {path}");
        }
    }

    #[test]
    fn no_two_lines_serve_one_request() {
        for (i, a) in ROUTES.iter().enumerate() {
            for b in ROUTES.iter().skip(i + 1) {
                assert!(a.method != b.method || a.path != b.path, "{} {}", a.method, a.path);
            }
        }
    }
}
