//! Why a line is not taken, and the report of it.

use std::{
    fs::File,
    io::{self, LineWriter, Write},
    path::Path,
};

use serde_json::{Value, json};
use shared::ports::Obstacle;

use crate::lines::MAX_LINE;

/// Why a line is not taken. No message holds a password hash or an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("longer than {MAX_LINE} bytes")]
    TooLong,
    #[error("no JSON, from byte {0} of the line")]
    NotJson(usize),
    #[error("`{field}` {problem}")]
    Malformed { field: &'static str, problem: &'static str },
    #[error("no e-mail address, by which everybody here is known")]
    NoEmail,
    #[error("not an e-mail address that this service takes, or another one as it would be stored")]
    InvalidEmail,
    #[error("banned, disabled or archived there")]
    Disabled,
    #[error("has a second factor, which cannot come along; --without-second-factor takes the user in without")]
    SecondFactor,
    #[error(
        "list-users does not say whether there is a second factor: admin-get-user does; \
         --without-second-factor takes the user in without"
    )]
    SecondFactorUnknown,
    #[error(
        "a password hash of {0}, which is not verified here; without the password the user can come in and reset it"
    )]
    UnknownHash(&'static str),
    #[error("a link to {0:?}; --provider says that the service knows it, --without-provider leaves it behind")]
    UnknownProvider(String),
    #[error("a link to {provider} {problem}")]
    InvalidLink { provider: String, problem: &'static str },
    #[error("the address is not verified and there is more than one way in: one of them may be a stranger's")]
    UnverifiedWaysIn,
    #[error("a user with this id but another address is here, who has changed it or is somebody else")]
    IdTaken,
    #[error("another user has the address")]
    AddressTaken,
    #[error("another user is linked with this identity at {0}")]
    LinkTaken(String),
}

impl Refusal {
    /// For programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "line_too_long",
            Self::NotJson(_) => "not_json",
            Self::Malformed { .. } => "malformed",
            Self::NoEmail => "no_email",
            Self::InvalidEmail => "invalid_email",
            Self::Disabled => "disabled",
            Self::SecondFactor => "second_factor",
            Self::SecondFactorUnknown => "second_factor_unknown",
            Self::UnknownHash(_) => "unknown_hash",
            Self::UnknownProvider(_) => "unknown_provider",
            Self::InvalidLink { .. } => "invalid_link",
            Self::UnverifiedWaysIn => "unverified_ways_in",
            Self::IdTaken => "id_taken",
            Self::AddressTaken => "address_taken",
            Self::LinkTaken(_) => "link_taken",
        }
    }

    /// What is in the way in the tables; none if it is the user itself.
    pub fn of(obstacle: Obstacle) -> Option<Self> {
        match obstacle {
            Obstacle::Present => None,
            Obstacle::IdTaken => Some(Self::IdTaken),
            Obstacle::AddressTaken => Some(Self::AddressTaken),
            Obstacle::LinkTaken(provider) => Some(Self::LinkTaken(provider)),
        }
    }
}

/// A file of JSON lines, each written at once.
pub struct Output(LineWriter<Box<dyn Write>>);

impl Output {
    pub fn create(path: &Path) -> Result<Self, String> {
        let file = File::create(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(LineWriter::new(Box::new(file))))
    }

    pub fn stdout() -> Self {
        Self(LineWriter::new(Box::new(io::stdout())))
    }

    /// Tells of a refused line, by the user's id over there as far as it is known.
    pub fn refused(&mut self, line: u64, id: Option<&str>, refusal: &Refusal) -> io::Result<()> {
        self.line(&json!({"line": line, "id": id, "code": refusal.code(), "message": refusal.to_string()}))
    }

    /// Tells which id became which.
    pub fn renamed(&mut self, there: &str, here: &str) -> io::Result<()> {
        self.line(&json!({"from": there, "id": here}))
    }

    fn line(&mut self, value: &Value) -> io::Result<()> {
        writeln!(self.0, "{value}")
    }
}
