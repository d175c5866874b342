//! The service: release binaries on the local stack.

use local::{Stack, StackOptions};

use crate::{
    Error,
    contestant::Contestant,
    event::{Answer, Request},
    user,
};

/// The stack with one user.
pub struct Service {
    /// Keeps everything running.
    pub stack: Stack,
    /// The function `session`, asked for the user's session.
    pub session: Contestant,
    /// The function `signin`, asked to sign the user in.
    pub sign_in: Contestant,
}

impl Service {
    /// Builds and starts the functions, one instance each, and signs a user up.
    pub async fn start() -> Result<Self, Error> {
        let stack = Stack::start(StackOptions { instances: 1, release: true, ..StackOptions::default() }).await?;
        let origin = stack.url();
        let answer = stack.invoke_raw("signup", user::sign_up(&origin).event()).await?;
        let cookie = Answer::parse(&answer)?.session_cookie()?;
        let contestant = |function: &str, request: Request<'_>| match stack.pool(function) {
            Some(pool) => Ok(Contestant::new(pool.clone(), &request, user::EMAIL)),
            None => Err(format!("there is no function {function}")),
        };
        Ok(Self {
            session: contestant("session", user::get_session(&origin, &cookie))?,
            sign_in: contestant("signin", user::sign_in(&origin))?,
            stack,
        })
    }
}
