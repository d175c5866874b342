use serde::Serialize;
use tokio::time::Instant;

use super::{
    Core, client,
    credentials::cookie_keys,
    post::{AnswerTime, Post},
    views::{SessionView, UserView},
};
use crate::{
    adapters::SecretCache,
    domain::{MAX_NAME_LENGTH, Purpose, VerificationToken},
    flows::{Admission, FirstFactor, MagicLinkError, may_mail, redeem_magic_link, request_magic_link},
    hooks::SignInMethod,
    http::{
        ApiError, Audit, AuthRequest, Endpoint, ErrorCode, RedirectError, Reply,
        body::Fields,
        csrf,
        redirect::{absolute, append_parameters, with_parameters},
        routes::Route,
    },
    mail::{Letter, Link},
    ports::{
        CountEvents, FindCredential, FindMagicLink, FindTrustedDevice, FindUser, RedeemMagicLink, SendMail,
        StoreMagicLink,
    },
};

/// `POST /sign-in/magic-link` and `GET /magic-link/verify`
pub struct MagicLinkEndpoint<S, M> {
    /// Settings and cookies.
    pub core: Core,
    /// Signs cookie and access token.
    pub secrets: SecretCache,
    /// Users, accounts, sessions and tokens.
    pub store: S,
    /// Sends the mail.
    pub post: Post<M>,
}

#[derive(Serialize)]
struct Requested {
    status: bool,
}

#[derive(Serialize)]
struct SignedIn<'a> {
    token: &'a str,
    user: UserView<'a>,
    session: SessionView<'a>,
}

impl<S, M> Endpoint for MagicLinkEndpoint<S, M>
where
    S: FindCredential
        + StoreMagicLink
        + FindMagicLink
        + RedeemMagicLink
        + FindUser
        + FindTrustedDevice
        + CountEvents
        + Send
        + 'static,
    M: SendMail + Send + 'static,
{
    async fn handle(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        match request.info.route {
            Route::SignInMagicLink => self.request(request, audit).await,
            _ => self.verify(request, audit).await,
        }
    }
}

impl<S, M> MagicLinkEndpoint<S, M>
where
    S: FindCredential + StoreMagicLink + CountEvents,
    M: SendMail,
{
    /// Answers alike, and after the same time, whether or not the address is
    /// known and whether or not the mail could be sent.
    async fn request(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let started = Instant::now();
        let config = &self.core.config;
        let mut fields = Fields::of_body(request.body.as_ref());
        let email = fields.email("email");
        let name = fields.optional_string("name").unwrap_or_default();
        fields.at_most("name", name, MAX_NAME_LENGTH);
        fields.single_line("name", name);
        let targets = Targets::read(&mut fields);
        fields.optional_open_record("metadata");
        fields.finish()?;
        csrf::check_login(request, &config.trusted_origins)?;
        let email = email.ok_or(ErrorCode::INVALID_EMAIL)?;

        audit.event("magic_link.request_failed").email(&email);
        let seconds = config.magic_link_seconds;
        let context = self.core.context();
        let (may_mail, token) = futures_util::join!(
            may_mail(&context, &self.store, &email),
            request_magic_link(&context, &self.store, &email, name, seconds),
        );
        let (may_mail, token) = (may_mail?, token?);
        audit.event(if may_mail { "magic_link.requested" } else { "magic_link.mail_capped" });
        let answer_time = AnswerTime::of(&self.core, started);
        if may_mail {
            let url = append_parameters(&config.url("/magic-link/verify"), &targets.parameters(token.expose()));
            let letter = Letter::MagicLink(Link { url: &url, minutes: seconds / 60 });
            let sending = self.post.send(&config.mail, &email, &letter);
            answer_time.send(audit, "magic_link.mail_failed", sending).await;
        }
        answer_time.wait().await;
        Reply::json(&Requested { status: true })
    }
}

impl<S, M> MagicLinkEndpoint<S, M>
where
    S: FindMagicLink + RedeemMagicLink + FindCredential + FindUser + FindTrustedDevice,
{
    /// The mailed link. Its targets are checked again, since whoever passes a
    /// link on may have changed them; what is refused leaves it good.
    async fn verify(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let mut fields = Fields::of_query(&request.query);
        let token = fields.string("token");
        let targets = Targets::read(&mut fields);
        fields.finish()?;
        for target in targets.all() {
            csrf::check_callback_url(target, &self.core.config.trusted_origins)?;
        }

        audit.event("magic_link.failed");
        let keys = cookie_keys(&self.core, &self.secrets, request).await?;
        let factor = FirstFactor {
            method: SignInMethod::MagicLink,
            remember: true,
            client: client(request),
            device: self.core.cookies.trusted_device(&request.headers, &keys),
        };
        let redeemed = match VerificationToken::parse(Purpose::MagicLink, token) {
            Some(token) => redeem_magic_link(&self.core.context(), &self.store, &token, factor).await,
            None => Err(MagicLinkError::InvalidToken),
        };
        let signed_in = match redeemed {
            Ok(signed_in) => signed_in,
            Err(error) => return self.fail(audit, &targets, error),
        };
        let (user, admission) = (&signed_in.user, &signed_in.admission);
        let event = match (admission, signed_in.is_new) {
            (Admission::Challenge(_), _) => "magic_link.challenged",
            (_, true) => "magic_link.signed_up",
            (_, false) => "magic_link.signed_in",
        };
        audit.event(event).user(&user.id);
        if let Some(target) = targets.success(signed_in.is_new) {
            let target = absolute(&self.core.config.url(""), target);
            return self.core.redirect_admitted(request, &keys, admission, true, &target);
        }
        let Admission::Session { session, .. } = admission else {
            return self.core.answer_challenge(request, &keys, admission);
        };
        let token = self.core.access_token(&keys, user, &session.session, None)?;
        let mut reply =
            Reply::json(&SignedIn { token: &token, user: user.into(), session: (&session.session).into() })?;
        self.core.give_admission(&mut reply, request, &keys, admission, true)?;
        Ok(reply)
    }

    /// A browser is sent to where the application wants errors. What may work
    /// in a moment is 503, so that the same link can be followed again.
    fn fail(&self, audit: &mut Audit, targets: &Targets<'_>, error: MagicLinkError) -> Result<Reply, ApiError> {
        let (target, error) = match (error, targets.failure()) {
            (MagicLinkError::Store(error), _) => return Err(error.into()),
            (MagicLinkError::Refused, None) => return Err(ErrorCode::SIGN_IN_REFUSED.into()),
            (MagicLinkError::Refused, Some(target)) => (target, RedirectError::REFUSED),
            (MagicLinkError::InvalidToken, target) => (target.unwrap_or("/"), RedirectError::INVALID_TOKEN),
        };
        audit.detail(error);
        Reply::redirect(&with_parameters(&self.core.config.url(""), target, &[("error", error.code())]))
    }
}

/// Where a link leads; an empty target is none.
struct Targets<'a> {
    callback: Option<&'a str>,
    new_user: Option<&'a str>,
    error: Option<&'a str>,
}

impl<'a> Targets<'a> {
    fn read(fields: &mut Fields<'a>) -> Self {
        let mut target = |name| fields.optional_string(name).filter(|target| !target.is_empty());
        Self {
            callback: target("callbackURL"),
            new_user: target("newUserCallbackURL"),
            error: target("errorCallbackURL"),
        }
    }

    fn all(&self) -> impl Iterator<Item = &'a str> {
        [self.callback, self.new_user, self.error].into_iter().flatten()
    }

    /// The parameters of a link, in Better Auth's order.
    fn parameters(&self, token: &'a str) -> Vec<(&'static str, &'a str)> {
        let mut parameters = vec![("token", token), ("callbackURL", self.callback.unwrap_or("/"))];
        parameters.extend(self.new_user.map(|target| ("newUserCallbackURL", target)));
        parameters.extend(self.error.map(|target| ("errorCallbackURL", target)));
        parameters
    }

    /// Where to go on success; without a `callbackURL` the answer is JSON.
    fn success(&self, is_new: bool) -> Option<&'a str> {
        let new_user = self.new_user.filter(|_| is_new);
        self.callback.map(|callback| new_user.unwrap_or(callback))
    }

    fn failure(&self) -> Option<&'a str> {
        self.error.or(self.callback)
    }
}
