use crate::{
    domain::{Session, SessionPolicy, SessionToken, Timestamp, TwoFactorPolicy, UNREMEMBERED_SESSION_SECONDS, UserId},
    hooks::Hooks,
    ports::{Clock, Random},
};

/// What every flow is given: the time, randomness, how long things live, and
/// the team's own say.
pub struct Context<'a> {
    /// The time.
    pub clock: &'a dyn Clock,
    /// Randomness.
    pub random: &'a dyn Random,
    /// Life of sessions.
    pub sessions: SessionPolicy,
    /// Life of challenges and trusted devices.
    pub two_factor: TwoFactorPolicy,
    /// Whether a password signs nobody in before the address is verified.
    pub requires_verification: bool,
    /// The team's own code.
    pub hooks: &'a dyn Hooks,
}

/// Who is at the other end, as a session remembers it.
#[derive(Clone, Debug)]
pub struct Client {
    /// Address, as the gateway saw it.
    pub ip_address: Option<String>,
    /// `User-Agent`, cut to length.
    pub user_agent: String,
}

/// A session that was just made, with the only copy of its token.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The credential, for the cookie.
    pub token: SessionToken,
    /// The session.
    pub session: Session,
}

impl Context<'_> {
    /// A session for a user, of the generation that the user's row had when
    /// the proof was checked: whatever ends sessions meanwhile ends this one.
    pub fn new_session(&self, user_id: &UserId, generation: Timestamp, remembered: bool, client: Client) -> NewSession {
        loop {
            let token = SessionToken::generate(user_id, self.random);
            // Every token has a handle; its own shape guarantees it.
            let Some(handle) = token.handle() else { continue };
            let now = self.clock.now();
            let lifetime = if remembered { self.sessions.lifetime } else { UNREMEMBERED_SESSION_SECONDS };
            let session = Session {
                handle,
                expires_at: now.plus_seconds(lifetime),
                created_at: now,
                updated_at: now,
                valid_from: generation,
                remembered,
                ip_address: client.ip_address,
                user_agent: Some(client.user_agent),
            };
            return NewSession { token, session };
        }
    }
}
