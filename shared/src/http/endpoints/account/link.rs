//! Linking a provider to the user who is signed in.

use serde::Serialize;

use super::AccountEndpoint;
use crate::{
    domain::SessionHandle,
    flows::{LinkFailure, OAuthStart, link_account},
    http::{
        ApiError, Audit, AuthRequest, ErrorCode, Reply,
        endpoints::social::{Asked, IdToken, parse},
    },
    ports::{FindSession, LinkAccount, OAuthError, OAuthProviders, SpendIdToken, StoreOAuthState, VerifyIdToken},
};

#[derive(Serialize)]
struct Linked {
    url: &'static str,
    status: bool,
    redirect: bool,
}

impl<S, H, M, P, K> AccountEndpoint<S, H, M, P, K>
where
    S: FindSession + StoreOAuthState + SpendIdToken + LinkAccount,
    P: OAuthProviders + VerifyIdToken,
{
    /// `POST /link-social`: by redirect or, if the client has an id token, at
    /// once. A way in is added by a session of less than a day alone.
    pub(super) async fn link_social(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let Asked { start, disable_redirect, id_token } = parse(&self.core, request)?;
        let (signed_in, _) = self.core.signed_in_by_token(&self.secrets, &self.store, request, audit).await?;
        signed_in.require_fresh()?;
        let session = signed_in.live.session.handle;
        audit.event("account.link_failed");
        if let Some(id_token) = id_token {
            return self.link_at_once(audit, &session, &start.provider, id_token).await;
        }
        let start = OAuthStart { link: Some(session), ..start };
        let reply =
            self.core.start_oauth(&signed_in.keys, &self.providers, &self.store, start, disable_redirect).await?;
        audit.event("account.link_started");
        Ok(reply)
    }

    async fn link_at_once(
        &self,
        audit: &mut Audit,
        session: &SessionHandle,
        provider: &str,
        id_token: IdToken<'_>,
    ) -> Result<Reply, ApiError> {
        let verified =
            self.providers.verify_id_token(provider, id_token.token, id_token.nonce).await.map_err(|error| {
                let code = match error {
                    OAuthError::UnknownProvider => ErrorCode::PROVIDER_NOT_FOUND,
                    OAuthError::IdTokenNotSupported => ErrorCode::ID_TOKEN_NOT_SUPPORTED,
                    OAuthError::Unavailable(_) => return ApiError::unavailable(error),
                    _ => ErrorCode::INVALID_ID_TOKEN,
                };
                ApiError { reason: Some(error.to_string()), ..code.into() }
            })?;
        if !self.store.spend_id_token(&verified.token_hash, verified.expires_at).await? {
            return Err(ErrorCode::INVALID_ID_TOKEN.into());
        }
        link_account(&self.core.context(), &self.store, session, &verified.identity, None).await.map_err(
            |failure| match failure {
                LinkFailure::NotSignedIn => ErrorCode::UNAUTHORIZED.into(),
                LinkFailure::NoEmail => ErrorCode::USER_EMAIL_NOT_FOUND.into(),
                LinkFailure::Unverified | LinkFailure::TooMany => ErrorCode::LINKING_NOT_ALLOWED.into(),
                LinkFailure::DifferentEmail => ErrorCode::LINKING_DIFFERENT_EMAILS_NOT_ALLOWED.into(),
                LinkFailure::Taken => ErrorCode::SOCIAL_ACCOUNT_ALREADY_LINKED.into(),
                LinkFailure::Store(error) => ApiError::from(error),
            },
        )?;
        audit.event("account.linked");
        Reply::json(&Linked { url: "", status: true, redirect: false })
    }
}
