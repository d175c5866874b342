use super::{Client, Context, NewSession, verify_email::verification_token};
use crate::{
    domain::{Email, Password, User, UserId, VerificationToken},
    hooks::{Decision, SignInMethod},
    ports::{HashError, HashPassword, NewUser, RegisterUser, Registration, StoreError},
};

/// Somebody who wants to sign up.
#[derive(Debug)]
pub struct SignUp {
    /// Display name.
    pub name: String,
    /// Address.
    pub email: Email,
    /// Password, long enough.
    pub password: Password,
    /// URL of a picture.
    pub image: Option<String>,
    /// Whether the session outlives the browser.
    pub remember: bool,
    /// Who asks.
    pub client: Client,
    /// What becomes of the address.
    pub verification: SignUpVerification,
}

/// What a sign-up has to do with the verification of the address.
#[derive(Clone, Copy, Debug)]
pub struct SignUpVerification {
    /// Whether nobody gets in before the address is verified.
    pub required: bool,
    /// Life of the token that verifies it, in seconds, if one is mailed.
    pub token_seconds: Option<i64>,
}

/// What came of a sign-up.
#[derive(Debug)]
pub struct SignedUp {
    /// The user. If the address was taken, the one that there would have been.
    pub user: User,
    /// The first session; none if the address has to be verified first.
    pub session: Option<NewSession>,
    /// Verifies the address, if that is to be mailed.
    pub verification: Option<VerificationToken>,
    /// Whether the address is somebody's, so that nothing was made.
    pub taken: bool,
}

/// Why nobody was signed up.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// The address belongs to somebody, which is only told while addresses
    /// need not be verified.
    #[error("e-mail address taken")]
    EmailTaken,
    /// A hook refused.
    #[error("sign-up refused by a hook")]
    Refused,
    /// The hash failed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The store failed; nothing was written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Creates a user with a password and signs them in, in one transaction. The
/// password is hashed before anybody knows whether the address is free.
///
/// Where addresses have to be verified nobody is signed in, and a taken address
/// is answered with a user who might have been.
///
/// # Errors
/// [`SignUpError`].
pub async fn sign_up(
    context: &Context<'_>,
    hasher: &impl HashPassword,
    store: &impl RegisterUser,
    request: SignUp,
) -> Result<SignedUp, SignUpError> {
    let SignUpVerification { required, token_seconds } = request.verification;
    let id = UserId::generate(context.random);
    let mut user = User::new(id, request.name, request.email, false, request.image, context.clock.now());
    user.identities.push(user.email.identity());
    let hooks = context.hooks;
    if hooks.sign_up(&user).await == Decision::Deny
        || (!required && hooks.sign_in(&user, SignInMethod::SignUp).await == Decision::Deny)
    {
        return Err(SignUpError::Refused);
    }
    let hash = hasher.hash(request.password).await?;
    let session =
        (!required).then(|| context.new_session(&user.id, user.sessions_valid_from, request.remember, request.client));
    let verification = token_seconds.map(|seconds| {
        let (token, grant) = verification_token(context, &user.email, Some(user.id.clone()), seconds);
        (token.hash(), grant, token)
    });
    let new = NewUser {
        user: &user,
        password_hash: &hash,
        session: session.as_ref().map(|session| &session.session),
        verification: verification.as_ref().map(|(hash, grant, _)| (hash.as_str(), grant)),
    };
    match store.register(new).await? {
        Registration::Created => {
            Ok(SignedUp { verification: verification.map(|(_, _, token)| token), user, session, taken: false })
        }
        Registration::EmailTaken if required => Ok(SignedUp { user, session: None, verification: None, taken: true }),
        Registration::EmailTaken => Err(SignUpError::EmailTaken),
    }
}
