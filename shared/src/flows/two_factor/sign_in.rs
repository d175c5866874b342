use super::{
    TwoFactorError,
    proof::{RightCode, ShownCode, check},
    settle,
};
use crate::{
    crypto::Keyring,
    domain::{AttemptId, Challenge, Factor, Purpose, TrustedDevice, User, VerificationToken},
    flows::{Client, Context, NewSession},
    hooks::{Decision, SignInMethod},
    ports::{
        Completion, CountAttempts, CountedAttempt, EncryptionKeys, FindUser, OpenChallenge, SpendCode, Spending,
        StoreResult,
    },
};

/// Somebody whose second factor let them in.
#[derive(Debug)]
pub struct CompletedSignIn {
    /// Who.
    pub user: User,
    /// Their session.
    pub session: NewSession,
    /// Whether it outlives the browser.
    pub remember: bool,
    /// The device that is trusted from now on.
    pub device: Option<NewDevice>,
}

/// A device that is trusted, with the only copy of its token.
#[derive(Debug)]
pub struct NewDevice {
    /// The token, for the cookie.
    pub token: VerificationToken,
    token_hash: String,
    device: TrustedDevice,
}

/// Completes a sign-in that waits for its second factor: the attempt is counted
/// on the challenge, then on the factor with the user read beside it, and only
/// then looked at; a right code is spent in the transaction that lets in.
///
/// # Errors
/// [`TwoFactorError`].
pub async fn complete_sign_in<S>(
    context: &Context<'_>,
    store: &S,
    encryption: &impl EncryptionKeys,
    token: &VerificationToken,
    shown: ShownCode<'_>,
    client: Client,
    trust: bool,
) -> Result<CompletedSignIn, TwoFactorError>
where
    S: CountAttempts + SpendCode + FindUser,
{
    let keys = encryption.encryption_keys().await?;
    let attempt = Attempt::begin(context, store, token).await?;
    let result: Result<_, TwoFactorError> = async {
        let (user, code) = attempt.look(context, store, encryption, &keys, shown).await?;
        if context.hooks.sign_in(&user, SignInMethod::SecondFactor).await == Decision::Deny {
            return Err(TwoFactorError::Refused);
        }
        let challenge = &attempt.open.challenge;
        let session = context.new_session(&user.id, challenge.valid_from, challenge.remember, client);
        let device = trust.then(|| new_device(context, challenge));
        let completion = Completion {
            token_hash: &attempt.token_hash,
            challenge,
            session: &session.session,
            device: device.as_ref().map(|device| (device.token_hash.as_str(), &device.device)),
        };
        opened(store.complete_sign_in(code.proof(), completion, context.clock.now()).await)?;
        Ok(CompletedSignIn { user, session, remember: challenge.remember, device })
    }
    .await;
    attempt.settle(store, result).await
}

/// Spends a backup code on a challenge and lets nobody in: the answer alone
/// says that it was right, and the challenge stays.
///
/// # Errors
/// [`TwoFactorError`].
pub async fn spend_backup_code<S>(
    context: &Context<'_>,
    store: &S,
    encryption: &impl EncryptionKeys,
    token: &VerificationToken,
    code: &str,
) -> Result<User, TwoFactorError>
where
    S: CountAttempts + SpendCode + FindUser,
{
    let keys = encryption.encryption_keys().await?;
    let attempt = Attempt::begin(context, store, token).await?;
    let result: Result<_, TwoFactorError> = async {
        let (user, code) = attempt.look(context, store, encryption, &keys, ShownCode::Backup(code)).await?;
        opened(store.spend(code.proof(), &user, context.clock.now()).await)?;
        Ok(user)
    }
    .await;
    attempt.settle(store, result).await
}

/// An attempt that is counted on its challenge.
struct Attempt {
    id: AttemptId,
    token_hash: String,
    open: OpenChallenge,
}

impl Attempt {
    async fn begin(
        context: &Context<'_>,
        store: &impl CountAttempts,
        token: &VerificationToken,
    ) -> Result<Self, TwoFactorError> {
        let now = context.clock.now();
        let (id, token_hash) = (AttemptId::generate(now, context.random), token.hash());
        match store.count_on_challenge(&token_hash, &id, now).await {
            Ok(CountedAttempt::Yes(open)) => Ok(Self { id, token_hash, open }),
            Ok(CountedAttempt::TooMany(_)) => Err(TwoFactorError::TooManyAttempts),
            Ok(CountedAttempt::Nothing) => Err(TwoFactorError::InvalidChallenge),
            Err(error) => settle(store, Err(error.into()), Some(&token_hash), None, &id).await,
        }
    }

    /// Counts the attempt on the factor too, and looks at the code.
    async fn look<S>(
        &self,
        context: &Context<'_>,
        store: &S,
        encryption: &impl EncryptionKeys,
        keys: &Keyring,
        shown: ShownCode<'_>,
    ) -> Result<(User, RightCode), TwoFactorError>
    where
        S: CountAttempts + FindUser,
    {
        let challenge = &self.open.challenge;
        let now = context.clock.now();
        let (counted, user) = futures_util::join!(
            store.count_on_factor(&challenge.user_id, &self.id, now),
            store.user(&challenge.user_id)
        );
        let user = user?.filter(|user| challenge.is_of(user)).ok_or(TwoFactorError::InvalidChallenge)?;
        let factor = enabled(counted)?;
        if matches!(shown, ShownCode::Mailed(_)) && !challenge.takes_mailed_codes {
            return Err(TwoFactorError::NotEnabled);
        }
        let mailed = self.open.code.as_ref().map(|code| (self.token_hash.as_str(), code));
        let code = check(context, encryption, keys, &factor, shown, mailed).await?;
        Ok((user, code))
    }

    async fn settle<T>(
        &self,
        store: &impl CountAttempts,
        result: Result<T, TwoFactorError>,
    ) -> Result<T, TwoFactorError> {
        settle(store, result, Some(&self.token_hash), Some(&self.open.challenge.user_id), &self.id).await
    }
}

/// The factor that an attempt is counted on, if it is enabled.
pub(super) fn enabled(counted: StoreResult<CountedAttempt<Factor>>) -> Result<Factor, TwoFactorError> {
    match counted? {
        CountedAttempt::Yes(factor) if factor.enabled => Ok(factor),
        CountedAttempt::TooMany(until) => Err(TwoFactorError::Locked(until)),
        CountedAttempt::Yes(_) | CountedAttempt::Nothing => Err(TwoFactorError::NotEnabled),
    }
}

fn opened(spending: StoreResult<Spending>) -> Result<(), TwoFactorError> {
    match spending? {
        Spending::Done => Ok(()),
        Spending::SpentBefore => Err(TwoFactorError::WrongCode),
        Spending::Gone => Err(TwoFactorError::InvalidChallenge),
    }
}

fn new_device(context: &Context<'_>, challenge: &Challenge) -> NewDevice {
    let token = VerificationToken::generate(Purpose::TrustedDevice, context.random);
    let expires_at = context.clock.now().plus_seconds(context.two_factor.trust_seconds);
    let device = TrustedDevice {
        user_id: challenge.user_id.clone(),
        valid_from: challenge.valid_from,
        two_factor_since: challenge.two_factor_since,
        expires_at,
    };
    NewDevice { token_hash: token.hash(), token, device }
}
