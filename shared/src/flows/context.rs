use crate::{
    domain::{
        KnownDevice, Limits, Session, SessionPolicy, SessionToken, Timestamp, TwoFactorPolicy,
        UNREMEMBERED_SESSION_SECONDS, UserId,
    },
    hooks::Hooks,
    ports::{Clock, Random},
};

/// What every flow is given: the time, randomness, how long things live and how
/// often they may be done, and the team's own say.
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
    /// The limits, unless they are off.
    pub limits: Option<Limits>,
}

/// Who is at the other end.
#[derive(Clone, Debug)]
pub struct Client {
    /// Address, as the gateway saw it.
    pub ip_address: Option<String>,
    /// `User-Agent`, cut to length.
    pub user_agent: String,
    /// The device, if it has signed in before to the address in question.
    pub known_device: Option<KnownDevice>,
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

#[cfg(test)]
impl Context<'static> {
    /// A context for tests: the real clock and randomness, no limits, no hooks.
    pub fn for_tests() -> Self {
        static NO_HOOKS: crate::hooks::AllowedDomains = crate::hooks::AllowedDomains(Vec::new());
        Self {
            clock: &crate::adapters::SystemClock,
            random: &crate::adapters::OsRandom,
            sessions: SessionPolicy { lifetime: 604_800, update_age: 86_400 },
            two_factor: TwoFactorPolicy { challenge_seconds: 600, trust_seconds: 600 },
            limits: None,
            requires_verification: false,
            hooks: &NO_HOOKS,
        }
    }
}
