//! What the exports of other systems say of a user.

mod auth_js;
mod better_auth;
mod cognito;
mod fields;

use serde_json::Value;
use shared::domain::Timestamp;

use crate::refusal::Refusal;
use fields::Fields;

/// Where the users come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    BetterAuth,
    AuthJs,
    Cognito,
}

/// A user as the other system has it.
#[derive(Default)]
pub struct Candidate {
    pub email: Option<String>,
    pub email_verified: bool,
    pub name: String,
    pub image: Option<String>,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    /// Hash of the password, in whatever form.
    pub password: Option<String>,
    /// Accounts at providers.
    pub links: Vec<Link>,
    pub second_factor: SecondFactor,
    pub is_disabled: bool,
}

/// Whether there is a second factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecondFactor {
    #[default]
    No,
    Yes,
    /// The export does not say.
    Unknown,
}

impl From<bool> for SecondFactor {
    fn from(is_there: bool) -> Self {
        if is_there { Self::Yes } else { Self::No }
    }
}

/// An account at a provider.
pub struct Link {
    /// The provider, as it is called there.
    pub provider: String,
    /// The provider's identifier of the person.
    pub subject: String,
}

impl Source {
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        [Self::BetterAuth, Self::AuthJs, Self::Cognito]
            .into_iter()
            .find(|source| source.name() == text)
            .ok_or("the source is better-auth, auth-js or cognito")
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::BetterAuth => "better-auth",
            Self::AuthJs => "auth-js",
            Self::Cognito => "cognito",
        }
    }

    /// What a line says, and whose it is as far as that can be read.
    pub fn read(self, line: &[u8]) -> (Option<String>, Result<Candidate, Refusal>) {
        let value: Value = match serde_json::from_slice(line) {
            Ok(value) => value,
            // Its own message might repeat what is there.
            Err(error) => return (None, Err(Refusal::NotJson(error.column()))),
        };
        let Some(user) = Fields::of(&value) else {
            return (None, Err(Refusal::Malformed { field: "line", problem: "is no object" }));
        };
        let id = match self {
            Self::BetterAuth | Self::AuthJs => user.id("id"),
            Self::Cognito => cognito::id(&user),
        };
        match id {
            Ok(id) => (Some(id), self.candidate(&user)),
            Err(refusal) => (None, Err(refusal)),
        }
    }

    fn candidate(self, user: &Fields<'_>) -> Result<Candidate, Refusal> {
        match self {
            Self::BetterAuth => better_auth::read(user),
            Self::AuthJs => auth_js::read(user),
            Self::Cognito => cognito::read(user),
        }
    }
}

#[cfg(test)]
mod tests;
