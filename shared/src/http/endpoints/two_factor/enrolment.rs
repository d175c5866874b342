use serde::Serialize;

use super::{Status, TwoFactorEndpoint, TwoFactorStore, otpauth};
use crate::{
    domain::{BackupCode, Password},
    flows::{TwoFactorError, disable_two_factor, replace_backup_codes, show_secret, start_enrolment},
    http::{
        ApiError, Audit, AuthRequest, ErrorCode, Reply,
        body::Fields,
        endpoints::{client, signed_in::SignedIn},
    },
    mail::Letter,
    ports::{EncryptionKeys, HashPassword, SendMail},
};

/// Longest name of an issuer, in characters.
const MAX_ISSUER_LENGTH: usize = 128;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Enrolled {
    method: &'static str,
    #[serde(rename = "totpURI")]
    totp_uri: String,
    backup_codes: Vec<String>,
}

#[derive(Serialize)]
struct TotpUri {
    #[serde(rename = "totpURI")]
    totp_uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BackupCodes {
    status: bool,
    backup_codes: Vec<String>,
}

impl<S, H, K, M> TwoFactorEndpoint<S, H, K, M>
where
    S: TwoFactorStore,
    H: HashPassword,
    K: EncryptionKeys,
    M: SendMail,
{
    pub(super) async fn enable(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let mut fields = Fields::of_body(request.body.as_ref());
        let password = fields.string("password");
        let method = fields.optional_choice("method", &["otp", "totp"]);
        let issuer = fields.optional_string("issuer").filter(|issuer| !issuer.is_empty());
        if let Some(issuer) = issuer {
            fields.at_most("issuer", issuer, MAX_ISSUER_LENGTH);
            fields.single_line("issuer", issuer);
        }
        fields.finish()?;
        let signed_in = self.by_token(request, audit).await?;
        signed_in.require_fresh()?;
        let live = signed_in.live;
        let password = Password::candidate(password)?;
        if method == Some("otp") {
            return Err(ErrorCode::OTP_NOT_CONFIGURED.into());
        }
        audit.event("two_factor.enrolment_failed");
        let context = self.core.context();
        let enrolment =
            start_enrolment(&context, &self.hasher, &self.store, &self.encryption, &live.user, password).await?;
        audit.event("two_factor.enrolment_started");
        let issuer = issuer.unwrap_or(&self.core.config.mail.app_name);
        Reply::json(&Enrolled {
            method: "totp",
            totp_uri: otpauth::uri(&enrolment.secret, issuer, &live.user.email),
            backup_codes: exposed(&enrolment.backup_codes),
        })
    }

    pub(super) async fn disable(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let password = password_field(request)?;
        let SignedIn { keys, live, .. } = self.by_token(request, audit).await?;
        let password = Password::candidate(password)?;
        audit.event("two_factor.disable_failed");
        let (context, client) = (self.core.context(), client(request));
        let session = disable_two_factor(&context, &self.hasher, &self.store, &live, password, client).await?;
        audit.event("two_factor.disabled");
        if live.user.two_factor_since.is_some() {
            self.post.notify(&self.core, audit, &live.user.email, &Letter::TwoFactorDisabled).await;
        }
        let mut reply = Reply::json(&Status { status: true })?;
        self.core.give_session(&mut reply, request, &keys, &session.token, live.session.remembered)?;
        if self.core.cookies.trusted_device(&request.headers, &keys).is_some() {
            reply.set_cookie(&self.core.cookies.clear_trusted_device())?;
        }
        Ok(reply)
    }

    pub(super) async fn generate_backup_codes(
        &self,
        request: &AuthRequest,
        audit: &mut Audit,
    ) -> Result<Reply, ApiError> {
        let password = password_field(request)?;
        let SignedIn { live, .. } = self.by_token(request, audit).await?;
        let password = Password::candidate(password)?;
        audit.event("two_factor.backup_codes_failed");
        let context = self.core.context();
        let codes =
            replace_backup_codes(&context, &self.hasher, &self.store, &self.encryption, &live.user, password).await?;
        audit.event("two_factor.backup_codes_replaced");
        self.post.notify(&self.core, audit, &live.user.email, &Letter::BackupCodesReplaced).await;
        Reply::json(&BackupCodes { status: true, backup_codes: exposed(&codes) })
    }

    pub(super) async fn totp_uri(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let password = password_field(request)?;
        let SignedIn { live, .. } = self.by_token(request, audit).await?;
        let password = Password::candidate(password)?;
        audit.event("two_factor.secret_refused");
        let secret =
            show_secret(&self.core.context(), &self.hasher, &self.store, &self.encryption, &live.user, password)
                .await
                .map_err(|error| error.on_wire(ErrorCode::TOTP_NOT_ENABLED, ErrorCode::TOTP_NOT_ENABLED))?;
        audit.event("two_factor.secret_shown");
        Reply::json(&TotpUri { totp_uri: otpauth::uri(&secret, &self.core.config.mail.app_name, &live.user.email) })
    }

    /// Whoever changes their second factor, or sees it, must be signed in by
    /// the session's own token.
    async fn by_token(&self, request: &AuthRequest, audit: &mut Audit) -> Result<SignedIn, ApiError> {
        self.core.signed_in_by_token(&self.secrets, &self.store, request, audit).await.map(|(signed_in, _)| signed_in)
    }
}

fn password_field(request: &AuthRequest) -> Result<&str, ApiError> {
    let mut fields = Fields::of_body(request.body.as_ref());
    let password = fields.string("password");
    fields.finish()?;
    Ok(password)
}

fn exposed(codes: &[BackupCode]) -> Vec<String> {
    codes.iter().map(BackupCode::expose).collect()
}

impl From<TwoFactorError> for ApiError {
    fn from(error: TwoFactorError) -> Self {
        error.on_wire(ErrorCode::TWO_FACTOR_NOT_ENABLED, ErrorCode::INVALID_CODE)
    }
}
