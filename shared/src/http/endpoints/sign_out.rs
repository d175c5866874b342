use futures_util::future::try_join_all;
use serde::Serialize;

use super::{Core, credentials::all_sessions};
use crate::{
    adapters::SecretCache,
    http::{ApiError, Audit, AuthRequest, Endpoint, Reply, body::Fields},
    ports::EndSession,
};

/// `POST /sign-out`
pub struct SignOutEndpoint<S> {
    /// Settings and cookies.
    pub core: Core,
    /// Checks cookies and access tokens.
    pub secrets: SecretCache,
    /// Ends sessions.
    pub store: S,
}

#[derive(Serialize)]
struct SignedOut {
    success: bool,
}

impl<S: EndSession + Send + 'static> Endpoint for SignOutEndpoint<S> {
    /// Whatever was presented, the client ends up signed out, and every session
    /// that it named is over.
    async fn handle(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let mut fields = Fields::of_optional_body(request.body.as_ref());
        fields.optional_string("callbackURL");
        fields.optional_bool("disableRedirect");
        fields.finish()?;
        let handles = all_sessions(&self.core, &self.secrets, request).await?;
        if let Some(handle) = handles.first() {
            audit.event("sign_out.failed").user(&handle.user_id);
            try_join_all(handles.iter().map(|handle| self.store.end_session(handle))).await?;
            audit.event("sign_out.succeeded");
            for handle in &handles {
                self.core.hooks.signed_out(handle).await;
            }
        }
        let mut reply = Reply::json(&SignedOut { success: true })?;
        self.core.clear_session(&mut reply)?;
        self.core.clear_left_over(&mut reply, request)?;
        Ok(reply)
    }
}
