use serde::Serialize;
use tokio::time::timeout;

use super::AccountEndpoint;
use crate::{
    adapters::SystemClock,
    domain::{LiveSession, Password, Purpose, User, VerificationToken},
    flows::{DeletionError, check_password, delete_user, may_mail_owner, request_deletion},
    http::{
        ApiError, Audit, AuthRequest, ErrorCode, Reply, body::Fields, cookies::encode, csrf,
        endpoints::signed_in::SignedIn,
    },
    mail::{Letter, Link},
    ports::{
        Clock as _, CountEvents, DeleteUser, FindCredential, FindDeletionToken, FindSession, HashPassword,
        LimitAttempts, PurgeSessions, SendMail, StoreDeletionToken,
    },
};

#[derive(Serialize)]
struct Answer {
    success: bool,
    message: &'static str,
}

const DELETED: Answer = Answer { success: true, message: "User deleted" };
const MAILED: Answer = Answer { success: true, message: "Verification email sent" };

impl<S, H, M, P, K> AccountEndpoint<S, H, M, P, K>
where
    S: FindSession
        + FindCredential
        + LimitAttempts
        + CountEvents
        + StoreDeletionToken
        + FindDeletionToken
        + PurgeSessions
        + DeleteUser,
    H: HashPassword,
    M: SendMail,
{
    /// `POST /delete-user`: by the token of a mailed link; else by asking for
    /// one, if it has to be confirmed by mail; else by the password or a fresh
    /// session.
    pub(super) async fn delete_user(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let mut fields = Fields::of_body(request.body.as_ref());
        let mut optional = |name| fields.optional_string(name).filter(|text| !text.is_empty());
        let (callback_url, password, token) = (optional("callbackURL"), optional("password"), optional("token"));
        fields.finish()?;
        let (signed_in, _) = self.core.signed_in_by_token(&self.secrets, &self.store, request, audit).await?;
        audit.event("user.deletion_failed");
        if let Some(password) = password {
            let password = Password::candidate(password)?;
            check_password(&self.core.context(), &self.hasher, &self.store, &signed_in.live.user, password).await?;
        }
        if let Some(token) = token {
            return self.delete(signed_in.live, Some(token), audit, Reply::json(&DELETED)?).await;
        }
        if self.core.config.deletion.confirm_by_mail {
            self.mail_link(&signed_in.live.user, callback_url.unwrap_or("/")).await?;
            audit.event("user.deletion_requested");
            return Reply::json(&MAILED);
        }
        if password.is_none() && !signed_in.is_fresh() {
            return Err(ErrorCode::SESSION_EXPIRED.into());
        }
        self.delete(signed_in.live, None, audit, Reply::json(&DELETED)?).await
    }

    /// `GET /delete-user/callback`: the mailed link, which is worth nothing but
    /// in a browser that is signed in as the user.
    pub(super) async fn follow_deletion_link(
        &self,
        request: &AuthRequest,
        audit: &mut Audit,
    ) -> Result<Reply, ApiError> {
        let mut fields = Fields::of_query(&request.query);
        let token = fields.string("token");
        let callback_url = fields.optional_string("callbackURL").filter(|url| !url.is_empty());
        fields.finish()?;
        csrf::check_callback_url(callback_url.unwrap_or_default(), &self.core.config.trusted_origins)?;
        let signed_in = self.core.find_signed_in(&self.secrets, &self.store, request, audit).await?;
        let Some(SignedIn { live, token: Some(_), .. }) = signed_in else {
            return Err(ErrorCode::FAILED_TO_GET_USER_INFO.into());
        };
        audit.event("user.deletion_failed");
        let reply = match callback_url {
            Some(url) => Reply::redirect(url)?,
            None => Reply::json(&DELETED)?,
        };
        self.delete(live, Some(token), audit, reply).await
    }

    async fn delete(
        &self,
        live: LiveSession,
        token: Option<&str>,
        audit: &mut Audit,
        mut reply: Reply,
    ) -> Result<Reply, ApiError> {
        let parse = |text| VerificationToken::parse(Purpose::UserDeletion, text);
        let token = token.map(|text| parse(text).ok_or(ErrorCode::INVALID_DELETION_TOKEN)).transpose()?;
        let user =
            delete_user(&self.core.context(), &self.store, live, token.as_ref()).await.map_err(
                |error| match error {
                    DeletionError::InvalidToken => ErrorCode::INVALID_DELETION_TOKEN.into(),
                    DeletionError::SignedOut => ErrorCode::UNAUTHORIZED.into(),
                    DeletionError::Store(error) => {
                        // Its last answer may be what was lost.
                        audit.event("user.deletion_undecided");
                        ApiError::from(error)
                    }
                },
            )?;
        audit.event("user.deleted");
        self.post.notify(&self.core, audit, &user.email, &Letter::UserDeleted).await;
        self.core.hooks.deleted(&user.id).await;
        self.core.clear_session(&mut reply)?;
        Ok(reply)
    }

    /// Mails the link. There is nothing else that the request would do, so that
    /// it fails if the mail does.
    async fn mail_link(&self, user: &User, callback_url: &str) -> Result<(), ApiError> {
        let config = &self.core.config;
        let seconds = config.deletion.token_seconds;
        let context = self.core.context();
        may_mail_owner(&context, &self.store, &user.email)
            .await?
            .map_err(|until| ApiError::too_many_requests("mail", until, SystemClock.now()))?;
        let token = request_deletion(&context, &self.store, user, seconds).await?;
        let path = format!("/delete-user/callback?token={}", token.expose());
        let url = format!("{}&callbackURL={}", config.url(&path), encode(callback_url));
        let letter = Letter::DeleteUser(Link { url: &url, minutes: seconds / 60 });
        let sending = self.post.send(&config.mail, &user.email, &letter);
        match timeout(config.mail.deadline(), sending).await {
            Ok(sent) => sent.map_err(ApiError::unavailable),
            Err(_) => Err(ApiError::unavailable("mail: deadline")),
        }
    }
}
