use super::AccountEndpoint;
use crate::{
    adapters::SystemClock,
    domain::MAX_NAME_LENGTH,
    http::{ApiError, Audit, AuthRequest, ErrorCode, Reply, body::Fields, endpoints::views::Status},
    ports::{Clock as _, FindSession, ProfileChange, UpdateProfile},
};

impl<S: FindSession + UpdateProfile, H, M, P, K> AccountEndpoint<S, H, M, P, K> {
    /// `POST /update-user`: name and image, within the limits of sign-up. The
    /// session cookie is sent again, as Better Auth does.
    pub(super) async fn update_user(&self, request: &AuthRequest, audit: &mut Audit) -> Result<Reply, ApiError> {
        let mut fields = Fields::of_record(request.body.as_ref());
        let name = fields.optional_string("name");
        fields.at_most("name", name.unwrap_or_default(), MAX_NAME_LENGTH);
        fields.single_line("name", name.unwrap_or_default());
        let image = fields.nullable_string("image");
        fields.picture("image", image.flatten().unwrap_or_default());
        let (names_email, names_second_factor) = (fields.is_truthy("email"), fields.is_truthy("twoFactorEnabled"));
        fields.finish()?;

        let (signed_in, token) = self.core.signed_in_by_token(&self.secrets, &self.store, request, audit).await?;
        if names_email {
            return Err(ErrorCode::EMAIL_CAN_NOT_BE_UPDATED.into());
        }
        if names_second_factor {
            return Err(ErrorCode::FIELD_NOT_ALLOWED.into());
        }
        if name.is_none() && image.is_none() {
            return Err(ErrorCode::NO_FIELDS_TO_UPDATE.into());
        }
        audit.event("user.update_failed");
        let change = ProfileChange { name, image };
        if !self.store.update_profile(&signed_in.live.user.id, change, SystemClock.now()).await? {
            return Err(ErrorCode::UNAUTHORIZED.into());
        }
        audit.event("user.updated");
        let mut reply = Reply::json(&Status { status: true })?;
        let remembered = signed_in.live.session.remembered;
        self.core.give_session(&mut reply, request, &signed_in.keys, &token, remembered)?;
        Ok(reply)
    }
}
