use super::{Client, Context, NewSession};
use crate::{
    domain::{Challenge, Purpose, Timestamp, TrustedDevice, User, VerificationToken},
    hooks::{Decision, SignInMethod},
    ports::{AdmissionRows, FindTrustedDevice, StoreError},
};

/// How somebody who has shown a first factor goes on. Nothing is stored yet:
/// the rows go into the transaction that spends the proof, if there is one.
#[derive(Debug)]
pub enum Admission {
    /// They are in.
    Session {
        /// The session, with the only copy of its token.
        session: NewSession,
        /// The device that spared them the second factor.
        device: Option<RenewedDevice>,
    },
    /// They have to show their second factor.
    Challenge(NewChallenge),
}

/// A trusted device under a fresh token.
#[derive(Debug)]
pub struct RenewedDevice {
    /// The token, for the cookie.
    pub token: VerificationToken,
    token_hash: String,
    old_token_hash: String,
    device: TrustedDevice,
}

/// A challenge, with the only copy of its token.
#[derive(Debug)]
pub struct NewChallenge {
    /// The token, for the cookie.
    pub token: VerificationToken,
    token_hash: String,
    challenge: Challenge,
}

/// Why somebody who has shown who they are is not let in.
#[derive(Debug, thiserror::Error)]
pub enum AdmissionError {
    /// A hook refused.
    #[error("sign-in refused by a hook")]
    Refused,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Admission {
    /// The kinds of codes that are asked for, beside backup codes, as Better
    /// Auth names them.
    pub fn methods(&self) -> &'static [&'static str] {
        match self {
            Self::Session { .. } => &[],
            Self::Challenge(new) if new.challenge.takes_mailed_codes => &["totp", "otp"],
            Self::Challenge(_) => &["totp"],
        }
    }

    /// The rows to store.
    pub fn rows(&self) -> AdmissionRows<'_> {
        match self {
            Self::Session { session, device: None } => AdmissionRows::Session(&session.session),
            Self::Session { session, device: Some(device) } => AdmissionRows::Trusted {
                session: &session.session,
                old_token_hash: &device.old_token_hash,
                token_hash: &device.token_hash,
                device: &device.device,
            },
            Self::Challenge(challenge) => {
                AdmissionRows::Challenge { token_hash: &challenge.token_hash, challenge: &challenge.challenge }
            }
        }
    }
}

/// Somebody who has shown a first factor.
#[derive(Clone, Debug)]
pub struct FirstFactor<'a> {
    /// How.
    pub method: SignInMethod<'a>,
    /// Whether the session outlives the browser.
    pub remember: bool,
    /// Who asks.
    pub client: Client,
    /// The token of a trusted device, if the request carries one.
    pub device: Option<VerificationToken>,
}

impl FirstFactor<'_> {
    /// Whether what was shown is the user's mailbox, by whatever detour.
    fn is_mailbox(&self, user: &User) -> bool {
        match self.method {
            SignInMethod::MagicLink | SignInMethod::EmailVerification => true,
            SignInMethod::Password => user.password_is_by_mail(),
            SignInMethod::SignUp | SignInMethod::Provider(_) | SignInMethod::SecondFactor => false,
        }
    }
}

/// Decides how a user who has shown a first factor goes on: **every** way in
/// comes through here. Whoever has a second factor is asked for it, unless the
/// device is trusted; only then is something read.
///
/// # Errors
/// [`AdmissionError`]; nothing was written.
pub async fn admit(
    context: &Context<'_>,
    store: &impl FindTrustedDevice,
    user: &User,
    factor: FirstFactor<'_>,
) -> Result<Admission, AdmissionError> {
    if context.hooks.sign_in(user, factor.method).await == Decision::Deny {
        return Err(AdmissionError::Refused);
    }
    let session = |client| context.new_session(&user.id, user.sessions_valid_from, factor.remember, client);
    let Some(two_factor_since) = user.two_factor_since else {
        return Ok(Admission::Session { session: session(factor.client), device: None });
    };
    let device = match &factor.device {
        Some(token) => renew(context, store, user, token, two_factor_since).await?,
        None => None,
    };
    Ok(match device {
        Some(device) => Admission::Session { session: session(factor.client), device: Some(device) },
        None => Admission::Challenge(challenge(context, user, two_factor_since, &factor)),
    })
}

/// Admits a user who is not known to have a second factor, without a look at
/// the row: the transaction that stores the session has to make sure of it.
pub(super) fn admit_unseen(session: NewSession) -> Admission {
    Admission::Session { session, device: None }
}

async fn renew(
    context: &Context<'_>,
    store: &impl FindTrustedDevice,
    user: &User,
    token: &VerificationToken,
    two_factor_since: Timestamp,
) -> Result<Option<RenewedDevice>, StoreError> {
    let old_token_hash = token.hash();
    let now = context.clock.now();
    let known = store.trusted_device(&old_token_hash).await?;
    Ok(known.filter(|device| device.is_live(user, now)).map(|_| {
        let token = VerificationToken::generate(Purpose::TrustedDevice, context.random);
        let device = TrustedDevice {
            user_id: user.id.clone(),
            valid_from: user.sessions_valid_from,
            two_factor_since,
            expires_at: now.plus_seconds(context.two_factor.trust_seconds),
        };
        RenewedDevice { token_hash: token.hash(), token, old_token_hash, device }
    }))
}

fn challenge(
    context: &Context<'_>,
    user: &User,
    two_factor_since: Timestamp,
    factor: &FirstFactor<'_>,
) -> NewChallenge {
    let token = VerificationToken::generate(Purpose::TwoFactorChallenge, context.random);
    let challenge = Challenge {
        user_id: user.id.clone(),
        valid_from: user.sessions_valid_from,
        two_factor_since,
        remember: factor.remember,
        takes_mailed_codes: !factor.is_mailbox(user),
        expires_at: context.clock.now().plus_seconds(context.two_factor.challenge_seconds),
    };
    NewChallenge { token_hash: token.hash(), token, challenge }
}
