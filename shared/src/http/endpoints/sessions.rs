//! All sessions of a user: what the `session` function does beside reading the
//! current one.

use super::{
    SessionEndpoint,
    views::{SessionView, Status},
};
use crate::{
    adapters::SystemClock,
    domain::SessionHandle,
    flows::{end_other_sessions, list_sessions},
    http::{ApiError, Audit, AuthRequest, ErrorCode, Reply, body::Fields},
    ports::{Clock as _, EndAllSessions, EndOtherSessions, EndSession, FindSession, ListSessions},
};

impl<S> SessionEndpoint<S>
where
    S: FindSession + ListSessions + EndSession + EndAllSessions + EndOtherSessions,
{
    /// The live ones. Needs a fresh session, as it tells where the user is.
    pub(super) async fn list(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let signed_in = self.core.signed_in(&self.secrets, &self.store, request, audit).await?;
        signed_in.require_fresh()?;
        let sessions = list_sessions(&self.core.context(), &self.store, &signed_in.live.user).await?;
        let views: Vec<SessionView<'_>> = sessions.iter().map(SessionView::from).collect();
        Reply::json(&views)
    }

    /// One, by its handle. Whatever is not the handle of a session of the user
    /// names none: the key of what is deleted begins with the user's own id.
    pub(super) async fn revoke(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let mut fields = Fields::of_body(request.body.as_ref());
        let handle = fields.string("token");
        fields.finish()?;
        let (signed_in, _) = self.core.signed_in_by_token(&self.secrets, &self.store, request, audit).await?;
        let current = &signed_in.live.session.handle;
        let mut reply = Reply::json(&Status { status: true })?;
        if let Some(handle) = SessionHandle::parse(current.user_id.as_str(), handle) {
            audit.event("session.revoke_failed");
            self.store.end_session(&handle).await?;
            audit.event("session.revoked");
            if handle == *current {
                self.core.clear_session(&mut reply)?;
            }
        }
        Ok(reply)
    }

    /// All of them, the current one too.
    pub(super) async fn revoke_all(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let (signed_in, _) = self.core.signed_in_by_token(&self.secrets, &self.store, request, audit).await?;
        audit.event("sessions.revoke_failed");
        self.store.end_all_sessions(&signed_in.live.user, SystemClock.now()).await?;
        audit.event("sessions.revoked");
        let mut reply = Reply::json(&Status { status: true })?;
        self.core.clear_session(&mut reply)?;
        Ok(reply)
    }

    /// All but the current one.
    pub(super) async fn revoke_others(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let (signed_in, _) = self.core.signed_in_by_token(&self.secrets, &self.store, request, audit).await?;
        audit.event("sessions.revoke_failed");
        if !end_other_sessions(&self.core.context(), &self.store, &signed_in.live).await? {
            return Err(ErrorCode::UNAUTHORIZED.into());
        }
        audit.event("sessions.others_revoked");
        Reply::json(&Status { status: true })
    }

    /// Sessions have no fields that a client could change.
    pub(super) async fn update(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        Fields::of_record(request.body.as_ref()).finish()?;
        self.core.signed_in_by_token(&self.secrets, &self.store, request, audit).await?;
        Err(ErrorCode::NO_FIELDS_TO_UPDATE.into())
    }
}
