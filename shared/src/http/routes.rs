//! The route table: one line a route, compared with the template by a test.

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
    /// `rotate-secret`, which Secrets Manager calls; it has no route
    RotateSecret,
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
            Self::RotateSecret => "rotate-secret",
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
