use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Keyring;
use crate::{
    domain::{Email, Session, SessionHandle, Timestamp, User, alphanumeric},
    ports::Random,
};

/// Media type of the token (RFC 9068, section 2.1): no other JWT of ours, and
/// no stranger's, has it.
const TYPE: &str = "at+jwt";
/// Longest token that is looked at, in bytes.
const MAX_LENGTH: usize = 8 * 1024;
/// Difference between two machines' clocks that is forgiven, in seconds.
const LEEWAY: i64 = 5;

/// Header parameters that are refused.
const FOREIGN_PARAMETERS: [&str; 7] = ["crit", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"];

/// What access tokens say and how long they live.
#[derive(Clone, Debug)]
pub struct AccessTokenPolicy {
    /// `iss` claim.
    pub issuer: String,
    /// `aud` claim.
    pub audience: String,
    /// Life in seconds; a token never outlives its session.
    pub lifetime: i64,
}

/// The claims of an access token (RFC 9068, with the user's profile).
#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    sid: &'a str,
    email: &'a Email,
    name: &'a str,
    email_verified: bool,
    iat: i64,
    nbf: i64,
    exp: i64,
    iss: &'a str,
    aud: &'a str,
    jti: String,
}

/// The claims that must be there, each of its one type. `aud` as an array,
/// times as strings or fractions, and repeated claims do not parse.
#[derive(Deserialize)]
struct Presented {
    sub: String,
    sid: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    #[serde(rename = "iss")]
    _iss: String,
    #[serde(rename = "aud")]
    _aud: String,
    #[serde(rename = "jti")]
    _jti: String,
    // Of whatever type: no check depends on them. A claim that is named here
    // cannot come twice.
    #[serde(default)]
    email: Value,
    #[serde(default)]
    name: Value,
    #[serde(default)]
    email_verified: Value,
}

/// What a token says that checked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedToken {
    /// The session that it speaks for, which may be over.
    pub session: SessionHandle,
    /// Its `exp`, in seconds since the epoch.
    pub expires: i64,
    /// The user's address when it was issued.
    pub email: Option<String>,
    /// The user's name when it was issued.
    pub name: Option<String>,
    /// Whether the address was verified when it was issued.
    pub email_verified: bool,
}

/// Why a token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAccessToken {
    /// No accepted secret has the token's `kid`; a newer one might.
    #[error("unknown key")]
    UnknownKey,
    /// Anything else.
    #[error("invalid token")]
    Invalid,
}

/// Issues and checks access tokens: JWTs signed with HS256 and the shared
/// secret, which back ends verify on their own.
pub struct AccessTokens<'a> {
    /// The secrets.
    pub keys: &'a Keyring,
    /// What the tokens say.
    pub policy: &'a AccessTokenPolicy,
}

impl AccessTokens<'_> {
    /// A token for a live session, which expires at `not_after` at the latest.
    ///
    /// # Errors
    /// Only if the JWT library cannot serialise the claims.
    pub fn issue(
        &self,
        user: &User,
        session: &Session,
        now: Timestamp,
        not_after: Option<i64>,
        random: &dyn Random,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let iat = now.seconds();
        let claims = Claims {
            sub: user.id.as_str(),
            sid: &session.handle.token_hash,
            email: &user.email,
            name: &user.name,
            email_verified: user.email_verified,
            iat,
            nbf: iat,
            exp: iat
                .saturating_add(self.policy.lifetime)
                .min(session.expires_at.seconds())
                .min(not_after.unwrap_or(i64::MAX)),
            iss: &self.policy.issuer,
            aud: &self.policy.audience,
            jti: alphanumeric(random, 22),
        };
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(self.keys.current.version().to_owned());
        encode(&header, &claims, &EncodingKey::from_secret(self.keys.current.access_token_key()))
    }

    /// What a token says. Whether its session still lives is the caller's to
    /// find out.
    ///
    /// Algorithm, type, key id, issuer, audience and all times are pinned;
    /// header parameters that would name a key elsewhere are refused.
    ///
    /// # Errors
    /// [`InvalidAccessToken`].
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<VerifiedToken, InvalidAccessToken> {
        use InvalidAccessToken::Invalid;

        if token.len() > MAX_LENGTH {
            return Err(Invalid);
        }
        let header = decode_header(token).map_err(|_| Invalid)?;
        if header.alg != Algorithm::HS256 || header.typ.as_deref() != Some(TYPE) || has_foreign_parameter(token) {
            return Err(Invalid);
        }
        let kid = header.kid.ok_or(Invalid)?;
        let secret = self.keys.version(&kid).ok_or(InvalidAccessToken::UnknownKey)?;

        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["sub", "exp", "nbf", "iss", "aud"]);
        validation.set_issuer(&[&self.policy.issuer]);
        validation.set_audience(&[&self.policy.audience]);
        // The library's clock is its own; times are compared below, with ours.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let key = DecodingKey::from_secret(secret.access_token_key());
        let claims = decode::<Presented>(token, &key, &validation).map_err(|_| Invalid)?.claims;

        let now = now.seconds();
        let in_time =
            now < claims.exp.saturating_add(LEEWAY) && claims.nbf <= now + LEEWAY && claims.iat <= now + LEEWAY;
        if !in_time {
            return Err(Invalid);
        }
        let text = |claim: Value| claim.as_str().map(str::to_owned);
        Ok(VerifiedToken {
            session: SessionHandle::parse(&claims.sub, &claims.sid).ok_or(Invalid)?,
            expires: claims.exp,
            email: text(claims.email),
            name: text(claims.name),
            email_verified: claims.email_verified == true,
        })
    }
}

/// Whether the header has a parameter that names a key elsewhere or asks for
/// more than we do, with whatever value (RFC 7515, section 4.1).
fn has_foreign_parameter(token: &str) -> bool {
    let header = token.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let header = header.and_then(|json| serde_json::from_slice::<serde_json::Map<String, Value>>(&json).ok());
    header.is_none_or(|header| FOREIGN_PARAMETERS.into_iter().any(|name| header.contains_key(name)))
}

/// Whether a bearer token has the form of a JWT: three parts (RFC 7515,
/// section 7.1). Session tokens have one part, or two when signed.
pub fn looks_like_jwt(token: &str) -> bool {
    token.bytes().filter(|byte| *byte == b'.').count() == 2
}
