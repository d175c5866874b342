use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::Value;
use shared::{adapters::SystemClock, ports::Clock as _};

use super::{Failure, GithubUser, GoogleUser, IdTokenFault};

/// Something that the stand-in serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// Google's authorization endpoint.
    GoogleAuthorize,
    /// Google's token endpoint.
    GoogleToken,
    /// Google's signing keys.
    GoogleCerts,
    /// Google's discovery document, for those who take it for any provider.
    GoogleDocument,
    /// Google's userinfo endpoint.
    GoogleUserinfo,
    /// GitHub's authorization endpoint.
    GithubAuthorize,
    /// GitHub's token endpoint.
    GithubToken,
    /// GitHub's profile.
    GithubUser,
    /// GitHub's addresses.
    GithubEmails,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Where it came.
    pub endpoint: Endpoint,
    /// Query or form, decoded.
    pub parameters: HashMap<String, String>,
    /// Headers that are text.
    pub headers: HashMap<String, String>,
}

/// What a code or access token stands for.
#[derive(Clone)]
pub(super) struct Grant {
    pub(super) person: Person,
    pub(super) request: HashMap<String, String>,
}

#[derive(Clone)]
pub(super) enum Person {
    Google(Box<GoogleUser>),
    Github(Box<GithubUser>),
}

pub(super) struct State {
    pub(super) google_user: GoogleUser,
    pub(super) github_user: GithubUser,
    pub(super) codes: HashMap<String, Grant>,
    pub(super) access_tokens: HashMap<String, Grant>,
    pub(super) refresh_tokens: HashMap<String, Grant>,
    pub(super) github_is_app: bool,
    /// Life of access tokens, in seconds, instead of the usual one.
    pub(super) token_seconds: Option<u64>,
    /// Answered by the userinfo endpoint instead of the person's claims.
    pub(super) userinfo: Option<Value>,
    pub(super) failures: HashMap<Endpoint, Failure>,
    pub(super) id_token_fault: Option<IdTokenFault>,
    /// `Some(None)` leaves `iss` out.
    pub(super) callback_issuer: Option<Option<String>>,
    pub(super) key_rotated: bool,
    pub(super) clock_offset: i64,
    pub(super) recorded: Vec<Recorded>,
    issued: usize,
}

impl State {
    /// A value that was not there before, such as a code.
    pub(super) fn unique(&mut self, prefix: &str) -> String {
        self.issued += 1;
        format!("{prefix}-c4n4ry-{:08}", self.issued)
    }

    /// Seconds since the epoch, on its own clock.
    pub(super) fn now(&self) -> i64 {
        SystemClock.now().seconds() + self.clock_offset
    }
}

/// What the handlers share.
pub(super) struct Shared {
    pub(super) url: String,
    pub(super) trap_url: String,
    state: Mutex<State>,
    endless_bytes: AtomicUsize,
}

impl Shared {
    pub(super) fn new(url: String, trap_url: String) -> Self {
        let state = State {
            google_user: GoogleUser::new("110169484474386276334", "ada@example.com"),
            github_user: GithubUser::new(583_231, "grace", "grace@example.com"),
            codes: HashMap::new(),
            access_tokens: HashMap::new(),
            refresh_tokens: HashMap::new(),
            github_is_app: false,
            token_seconds: None,
            userinfo: None,
            failures: HashMap::new(),
            id_token_fault: None,
            callback_issuer: None,
            key_rotated: false,
            clock_offset: 0,
            recorded: Vec::new(),
            issued: 0,
        };
        Self { url, trap_url, state: Mutex::new(state), endless_bytes: AtomicUsize::new(0) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count_endless(&self, bytes: usize) {
        self.endless_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn endless_bytes(&self) -> usize {
        self.endless_bytes.load(Ordering::Relaxed)
    }
}
