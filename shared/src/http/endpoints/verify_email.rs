use std::sync::Arc;

use serde::Serialize;

use super::{Core, Post, client, credentials::cookie_keys, signed_in::SignedIn, views::UserView};
use crate::{
    adapters::{SecretCache, SystemClock},
    crypto::Keyring,
    domain::UserId,
    flows::{
        Admission, ChangedEmail, ConsentedChange, FirstFactor, Followed, Follower, LinkError, follow_link, link_hashes,
        may_mail,
    },
    hooks::SignInMethod,
    http::{
        ApiError, Audit, AuthRequest, Endpoint, ErrorCode, Reply,
        body::Fields,
        csrf,
        redirect::{append_parameters, with_parameters},
        routes::Route,
    },
    mail::{Letter, Link},
    ports::{
        ChangeEmail, Clock as _, CountEvents, FindAddressGrant, FindCredential, FindSession, FindTrustedDevice,
        FindUser, SendMail, StoreVerificationToken, VerifyAddress,
    },
};

/// `POST /send-verification-email` and `GET /verify-email`
pub struct VerifyEmailEndpoint<S, M> {
    /// Settings and cookies.
    pub core: Core,
    /// Checks and signs cookies.
    pub secrets: SecretCache,
    /// Users, accounts, sessions and tokens.
    pub store: S,
    /// Sends the mails.
    pub post: Post<M>,
}

#[derive(Serialize)]
struct Verified {
    status: bool,
    user: Option<()>,
}

#[derive(Serialize)]
struct Consented {
    status: bool,
}

#[derive(Serialize)]
struct Changed<'a> {
    status: bool,
    user: UserView<'a>,
}

impl<S, M> Endpoint for VerifyEmailEndpoint<S, M>
where
    S: FindCredential
        + FindUser
        + FindSession
        + FindTrustedDevice
        + FindAddressGrant
        + StoreVerificationToken
        + VerifyAddress
        + ChangeEmail
        + CountEvents
        + Send
        + 'static,
    M: SendMail + Send + 'static,
{
    async fn handle(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        match request.info.route {
            Route::SendVerificationEmail => self.send(request, audit).await,
            _ => self.follow(request, audit).await,
        }
    }
}

/// A link that was followed, and by whom.
struct Click<'a> {
    request: &'a AuthRequest,
    keys: Arc<Keyring>,
    signed_in: Option<SignedIn>,
    callback_url: Option<&'a str>,
}

impl<S, M> VerifyEmailEndpoint<S, M>
where
    S: FindCredential + FindSession + FindTrustedDevice + FindAddressGrant + VerifyAddress + ChangeEmail + CountEvents,
    M: SendMail,
{
    async fn follow(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let mut fields = Fields::of_query(&request.query);
        let token = fields.string("token");
        let callback_url = fields.optional_string("callbackURL").filter(|url| !url.is_empty());
        fields.finish()?;
        csrf::check_callback_url(callback_url.unwrap_or_default(), &self.core.config.trusted_origins)?;

        audit.event("email_verification.failed");
        let (click, followed) = match link_hashes(token) {
            Some(hashes) => self.act(request, audit, callback_url, &hashes).await?,
            None => return fail(audit, callback_url, LinkError::InvalidToken),
        };
        match followed {
            Ok(Followed::Verified { user_id, admission, is_first }) => {
                let event = if is_first { "email_verification.succeeded" } else { "email_verification.repeated" };
                audit.event(event).user(&user_id);
                self.answer_verified(&click, admission.as_ref(), is_first)
            }
            Ok(Followed::Recovered { user_id, reset }) => {
                audit.event("email_verification.recovered").user(&user_id);
                self.core.hooks.password_changed(&user_id).await;
                match reset {
                    Some(token) => {
                        let page = &self.core.config.reset.page;
                        let parameters = [("token", token.expose())];
                        Reply::redirect(&with_parameters(&self.core.config.url(""), page, &parameters))
                    }
                    None => Reply::json(&Verified { status: true, user: None }),
                }
            }
            Ok(Followed::Consented(consented)) => self.answer_consented(audit, &click, &consented).await,
            Ok(Followed::Changed(changed)) => self.answer_changed(audit, &click, &changed).await,
            Err(error) => fail(audit, callback_url, error),
        }
    }

    /// Finds out who follows the link, while the link is looked up, and does
    /// what it grants.
    async fn act<'a>(
        &self,
        request: &'a AuthRequest,
        audit: &mut Audit,
        callback_url: Option<&'a str>,
        hashes: &[String],
    ) -> Result<(Click<'a>, Result<Followed, LinkError>), ApiError> {
        let config = &self.core.config;
        let (found, signed_in) = futures_util::join!(
            self.store.address_grant(hashes),
            self.core.find_signed_in(&self.secrets, &self.store, request, audit),
        );
        let (found, signed_in) = (found?, signed_in?);
        let keys = cookie_keys(&self.core, &self.secrets, request).await?;
        let signed_up = self.core.cookies.signed_up(&request.headers, &keys, SystemClock.now());
        // Whoever is signed in by cookie already goes on as they are.
        let is_own =
            |user: &UserId| signed_in.as_ref().is_some_and(|own| own.live.user.id == *user && own.token.is_some());
        let owner = found.as_ref().and_then(|(_, grant)| grant.user_id());
        let sign_in = (config.verification.auto_sign_in && !owner.is_some_and(is_own)).then(|| FirstFactor {
            method: SignInMethod::EmailVerification,
            remember: true,
            client: client(request),
            device: self.core.cookies.trusted_device(&request.headers, &keys),
        });
        let follower = Follower {
            session: signed_in.as_ref().map(|signed_in| &signed_in.live),
            by_token: signed_in.as_ref().is_some_and(|signed_in| signed_in.token.is_some()),
            signed_up,
            sign_in,
            reset_seconds: callback_url.map(|_| config.reset.token_seconds),
            token_seconds: config.verification.token_seconds,
        };
        let followed = follow_link(&self.core.context(), &self.store, found, &follower).await;
        Ok((Click { request, keys, signed_in, callback_url }, followed))
    }

    fn answer_verified(
        &self,
        click: &Click<'_>,
        admission: Option<&Admission>,
        is_first: bool,
    ) -> Result<Reply, ApiError> {
        let (request, keys) = (click.request, &click.keys);
        match (admission, click.callback_url) {
            (Some(admission), Some(target)) => {
                return self.core.redirect_admitted(request, keys, admission, true, target);
            }
            (Some(admission @ Admission::Challenge(_)), None) => {
                return self.core.answer_challenge(request, keys, admission);
            }
            _ => {}
        }
        let mut reply = click.reply(&Verified { status: true, user: None })?;
        if let Some(admission) = admission {
            self.core.give_admission(&mut reply, request, keys, admission, true)?;
        } else if is_first && self.core.config.verification.auto_sign_in {
            self.renew_session(&mut reply, click)?;
        }
        Ok(reply)
    }

    /// Writes to the new address. If the mail fails the user asks anew.
    async fn answer_consented(
        &self,
        audit: &mut Audit,
        click: &Click<'_>,
        consented: &ConsentedChange,
    ) -> Result<Reply, ApiError> {
        audit.event("email_change.consented").user(&consented.user_id);
        if let Some(token) = &consented.token {
            let url = self.core.verification_url(token, click.callback_url);
            let letter = Letter::EmailChange(Link { url: &url, minutes: self.core.verification_minutes() });
            // The consent is given by now, and stays so.
            match may_mail(&self.core.context(), &self.store, &consented.new_email).await {
                Ok(true) => self.post.notify(&self.core, audit, &consented.new_email, &letter).await,
                Ok(false) => {}
                Err(_) => drop(audit.mail_failed()),
            }
        }
        click.reply(&Consented { status: true })
    }

    /// Tells the old address, and hands the session that goes on its cookie
    /// again, as Better Auth does.
    async fn answer_changed(
        &self,
        audit: &mut Audit,
        click: &Click<'_>,
        changed: &ChangedEmail,
    ) -> Result<Reply, ApiError> {
        audit.event("email_change.succeeded").user(&changed.user.id);
        let letter = Letter::EmailChanged { new_email: &changed.user.email };
        self.post.notify(&self.core, audit, &changed.old_email, &letter).await;
        let mut reply = click.reply(&Changed { status: true, user: UserView::from(&changed.user) })?;
        if changed.kept {
            self.renew_session(&mut reply, click)?;
        }
        Ok(reply)
    }

    /// Sets the cookie of the session that the browser has again.
    fn renew_session(&self, reply: &mut Reply, click: &Click<'_>) -> Result<(), ApiError> {
        match &click.signed_in {
            Some(SignedIn { token: Some(token), live, keys }) => {
                self.core.give_session(reply, click.request, keys, token, live.session.remembered)
            }
            _ => Ok(()),
        }
    }
}

impl Click<'_> {
    /// On to where the link leads, or JSON if it leads nowhere.
    fn reply(&self, body: &impl Serialize) -> Result<Reply, ApiError> {
        match self.callback_url {
            Some(target) => Reply::redirect(target),
            None => Reply::json(body),
        }
    }
}

/// The error, for the page that the link leads to if there is one.
fn fail(audit: &mut Audit, callback_url: Option<&str>, error: LinkError) -> Result<Reply, ApiError> {
    let code = match error {
        LinkError::InvalidToken => ErrorCode::INVALID_LINK,
        LinkError::Expired => ErrorCode::TOKEN_EXPIRED,
        LinkError::UserNotFound => ErrorCode::USER_NOT_FOUND,
        LinkError::OtherUser => ErrorCode::INVALID_USER,
        LinkError::EmailTaken => ErrorCode::USER_ALREADY_EXISTS,
        LinkError::Refused => ErrorCode::SIGN_IN_REFUSED,
        LinkError::Store(error) => return Err(error.into()),
    };
    match (callback_url, code.code()) {
        (Some(target), Some(name)) => {
            audit.detail(name);
            Reply::redirect(&append_parameters(target, &[("error", name)]))
        }
        _ => Err(code.into()),
    }
}
