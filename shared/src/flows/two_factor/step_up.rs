use super::{
    TwoFactorError,
    proof::{ShownCode, check, check_totp},
    settle,
    sign_in::enabled,
};
use crate::{
    domain::{AttemptId, LiveSession, Purpose},
    flows::{Client, Context, NewSession},
    ports::{Change, CountAttempts, CountedAttempt, EncryptionKeys, Enrol, Replacement, SpendCode, Spending},
};

/// What a code did for somebody who is signed in.
#[derive(Debug)]
pub enum StepUp {
    /// It was right.
    Right,
    /// It was the first of a new authenticator: the second factor is enabled,
    /// and this session takes the place of all others.
    Enabled(Box<NewSession>),
}

/// Takes a code of somebody who is signed in: the first one of an authenticator
/// enables it; with a second factor enabled it shows that the person at the
/// other end still has it. Codes are counted and spent as at a sign-in.
///
/// # Errors
/// [`TwoFactorError`].
pub async fn step_up<S>(
    context: &Context<'_>,
    store: &S,
    encryption: &impl EncryptionKeys,
    live: &LiveSession,
    shown: ShownCode<'_>,
    client: Client,
) -> Result<StepUp, TwoFactorError>
where
    S: CountAttempts + SpendCode + Enrol,
{
    let key =
        matches!(shown, ShownCode::Mailed(_)).then(|| Purpose::MailedCode.key_of(&live.session.handle.token_hash));
    let attempt = AttemptId::generate(context.clock.now(), context.random);
    let result = match (live.user.two_factor_since, shown) {
        (Some(_), _) => show(context, store, encryption, live, shown, key.as_deref(), &attempt).await,
        (None, ShownCode::Totp(code)) => enable(context, store, encryption, live, code, client, &attempt).await,
        // An enrolment that is not finished opens nothing.
        (None, _) => return Err(TwoFactorError::NotEnabled),
    };
    settle(store, result, key.as_deref(), Some(&live.user.id), &attempt).await
}

async fn show<S>(
    context: &Context<'_>,
    store: &S,
    encryption: &impl EncryptionKeys,
    live: &LiveSession,
    shown: ShownCode<'_>,
    key: Option<&str>,
    attempt: &AttemptId,
) -> Result<StepUp, TwoFactorError>
where
    S: CountAttempts + SpendCode,
{
    let keys = encryption.encryption_keys().await?;
    let now = context.clock.now();
    let mailed = match key {
        None => None,
        Some(key) => match store.count_on_code(key, attempt, now).await? {
            CountedAttempt::Yes(code) => Some((key, code)),
            CountedAttempt::TooMany(_) => return Err(TwoFactorError::TooManyAttempts),
            CountedAttempt::Nothing => return Err(TwoFactorError::NoMailedCode),
        },
    };
    let factor = enabled(store.count_on_factor(&live.user.id, attempt, now).await)?;
    let mailed = mailed.as_ref().map(|(key, code)| (*key, code));
    let code = check(context, encryption, &keys, &factor, shown, mailed).await?;
    match store.spend(code.proof(), &live.user, now).await? {
        Spending::Done => Ok(StepUp::Right),
        Spending::SpentBefore => Err(TwoFactorError::WrongCode),
        Spending::Gone => Err(TwoFactorError::SessionOver),
    }
}

async fn enable<S>(
    context: &Context<'_>,
    store: &S,
    encryption: &impl EncryptionKeys,
    live: &LiveSession,
    code: &str,
    client: Client,
    attempt: &AttemptId,
) -> Result<StepUp, TwoFactorError>
where
    S: CountAttempts + Enrol,
{
    let keys = encryption.encryption_keys().await?;
    let (user, old) = (&live.user, &live.session);
    let factor = match store.count_on_factor(&user.id, attempt, context.clock.now()).await? {
        CountedAttempt::Yes(factor) => factor,
        CountedAttempt::TooMany(until) => return Err(TwoFactorError::Locked(until)),
        CountedAttempt::Nothing => return Err(TwoFactorError::NotEnabled),
    };
    let right = check_totp(context, encryption, &keys, &factor, code).await?;
    let now = context.clock.now();
    // None of the sessions so far was asked for the factor.
    let new = context.new_session(&user.id, user.next_generation(now), old.remembered, client);
    let sessions = Replacement { old: &old.handle, new: &new.session };
    match store.enable_factor(right.step, &right.sealed_secret, user, sessions, now).await? {
        Change::Done => Ok(StepUp::Enabled(Box::new(new))),
        // Enabled by the same code just now, or enrolled anew.
        Change::OtherFactor => Err(TwoFactorError::WrongCode),
        Change::OtherUser => Err(TwoFactorError::SessionOver),
    }
}
