//! Where a team adds code of its own.
//!
//! Write a type that implements [`Hooks`], and return it from [`installed`].
//! Every function calls it at the moments that the trait names. An example, and
//! what a hook may do, is in `docs/hooks.md`.

#[cfg(test)]
mod example;

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt as _, ready};

use crate::{
    config::Config,
    domain::{SessionHandle, User, UserId},
};

/// How somebody signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInMethod<'a> {
    /// By signing up.
    SignUp,
    /// By password.
    Password,
    /// By a mailed link.
    MagicLink,
    /// By following the link that verifies the address.
    EmailVerification,
    /// By an OAuth provider.
    Provider(&'a str),
    /// By a second factor, after one of the above.
    SecondFactor,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allow,
    /// Refuse: the client is told 403 `SIGN_IN_REFUSED`, and nothing is written.
    Deny,
}

/// What a team wants to decide or to know.
///
/// A hook runs while the client waits: the request's deadline of 8 seconds is
/// its deadline too. It sees no password and no token.
pub trait Hooks: Send + Sync {
    /// Whether [`Hooks::sign_up`] and [`Hooks::sign_in`] look at the user. If
    /// not, a sign-in by a provider is spared one read of the user's row.
    fn decides(&self) -> bool {
        true
    }

    /// Somebody is about to become a user, or a user to get another address:
    /// when it is asked for, and at each of the links that lead to it.
    fn sign_up<'a>(&'a self, _user: &'a User) -> BoxFuture<'a, Decision> {
        ready(Decision::Allow).boxed()
    }

    /// A user has proven who they are and is about to get a session.
    fn sign_in<'a>(&'a self, _user: &'a User, _method: SignInMethod<'a>) -> BoxFuture<'a, Decision> {
        ready(Decision::Allow).boxed()
    }

    /// A session was ended by signing out.
    fn signed_out<'a>(&'a self, _session: &'a SessionHandle) -> BoxFuture<'a, ()> {
        ready(()).boxed()
    }

    /// A password was changed, reset or given up.
    fn password_changed<'a>(&'a self, _user: &'a UserId) -> BoxFuture<'a, ()> {
        ready(()).boxed()
    }

    /// A user was deleted.
    fn deleted<'a>(&'a self, _user: &'a UserId) -> BoxFuture<'a, ()> {
        ready(()).boxed()
    }
}

/// The hooks of this deployment. A team returns its own here.
pub fn installed(config: &Config) -> Arc<dyn Hooks> {
    Arc::new(AllowedDomains(config.allowed_email_domains.clone()))
}

/// The hooks that come with the service: only addresses of the given domains
/// sign up and sign in, or all if there are none. What happens is in the log
/// already, one line a request.
#[derive(Clone, Debug)]
pub struct AllowedDomains(pub Vec<String>);

impl AllowedDomains {
    fn decide(&self, user: &User) -> Decision {
        let domain = user.email.domain();
        if self.0.is_empty() || self.0.iter().any(|allowed| allowed == domain) {
            Decision::Allow
        } else {
            Decision::Deny
        }
    }
}

impl Hooks for AllowedDomains {
    fn decides(&self) -> bool {
        !self.0.is_empty()
    }

    fn sign_up<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Decision> {
        ready(self.decide(user)).boxed()
    }

    fn sign_in<'a>(&'a self, user: &'a User, _method: SignInMethod<'a>) -> BoxFuture<'a, Decision> {
        ready(self.decide(user)).boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
    };

    use super::*;
    use crate::{
        adapters::{Aws, OsRandom},
        domain::{Email, Timestamp},
    };

    /// The example of the documentation is the one that is compiled here.
    #[test]
    fn the_documented_example_is_this_one() {
        assert!(include_str!("../../docs/hooks.md").contains(include_str!("hooks/example.rs")));
    }

    /// Answers every request with a row, or none, as DynamoDB would.
    fn table(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = [0; 8192];
                let _ = stream.read(&mut request).unwrap();
                let length = answer.len();
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\nconnection: close";
                write!(stream, "{head}\r\ncontent-length: {length}\r\n\r\n{answer}").unwrap();
            }
        });
        url
    }

    #[tokio::test]
    async fn the_example_asks_its_table_and_refuses_when_there_is_no_answer() {
        let config = Config::from_variables(crate::config::tests::variables()).unwrap();
        assert!(example::installed(&config).decides());
        let decide = async |url: String| {
            let variable = |name: &str| (name == "AWS_ENDPOINT_URL_DYNAMODB").then(|| url.clone());
            let hooks = example::Blocklist::new(Aws::from_variables(variable).dynamodb(), &config);
            let email = Email::parse("a@example.com").unwrap();
            let user = User::new(UserId::generate(&OsRandom), "A".into(), email, true, None, Timestamp::from_millis(0));
            (hooks.sign_up(&user).await, hooks.sign_in(&user, SignInMethod::MagicLink).await)
        };
        let (allow, deny) = ((Decision::Allow, Decision::Allow), (Decision::Allow, Decision::Deny));
        assert_eq!(decide(table("{}")).await, allow);
        assert_eq!(decide(table(r#"{"Item": {"address": {"S": "a@example.com"}}}"#)).await, deny);
        assert_eq!(decide("http://127.0.0.1:1".to_owned()).await, deny);
    }

    #[tokio::test]
    async fn addresses_of_other_domains_stay_out() {
        let decide = async |domains: &[&str], address: &str| {
            let hooks = AllowedDomains(domains.iter().map(ToString::to_string).collect());
            let email = Email::parse(address).unwrap();
            let user = User::new(UserId::generate(&OsRandom), "A".into(), email, true, None, Timestamp::from_millis(0));
            (hooks.sign_up(&user).await, hooks.sign_in(&user, SignInMethod::Password).await)
        };
        let (allow, deny) = ((Decision::Allow, Decision::Allow), (Decision::Deny, Decision::Deny));
        assert_eq!(decide(&[], "a@example.com").await, allow);
        assert_eq!(decide(&["example.com", "example.org"], "a@example.org").await, allow);
        for stranger in ["a@evil.example", "a@sub.example.com", "a@notexample.com", "example.com@evil.example"] {
            assert_eq!(decide(&["example.com"], stranger).await, deny, "{stranger}");
        }
    }
}
