use super::{Client, Context, NewSession};
use crate::{
    domain::{Email, Password, User, UserId},
    hooks::{Decision, SignInMethod},
    ports::{HashError, HashPassword, RegisterUser, Registration, StoreError},
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
}

/// Why nobody was signed up.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// The address belongs to somebody.
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
/// # Errors
/// [`SignUpError`].
pub async fn sign_up(
    context: &Context<'_>,
    hasher: &impl HashPassword,
    store: &impl RegisterUser,
    request: SignUp,
) -> Result<(User, NewSession), SignUpError> {
    let id = UserId::generate(context.random);
    let mut user = User::new(id, request.name, request.email, false, request.image, context.clock.now());
    user.identities.push(user.email.identity());
    let hooks = context.hooks;
    if hooks.sign_up(&user).await == Decision::Deny
        || hooks.sign_in(&user, SignInMethod::SignUp).await == Decision::Deny
    {
        return Err(SignUpError::Refused);
    }
    let hash = hasher.hash(request.password).await?;
    let session = context.new_session(&user.id, user.sessions_valid_from, request.remember, request.client);
    match store.register(&user, &hash, &session.session).await? {
        Registration::Created => Ok((user, session)),
        Registration::EmailTaken => Err(SignUpError::EmailTaken),
    }
}
