use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{claims::Profile, jwks::KeySet};
use crate::domain::{Purpose, Timestamp};

/// Longest id token that is looked at, in bytes.
const MAX_LENGTH: usize = 16 * 1024;
/// Longest subject (OpenID Connect Core, section 2).
const MAX_SUBJECT_LENGTH: usize = 255;
/// Difference between two machines' clocks that is forgiven, in seconds.
const LEEWAY: i64 = 5;
/// Oldest id token that is taken, in seconds; Better Auth's limit.
const MAX_AGE: i64 = 60 * 60;

/// What an id token must say.
pub(super) struct Expected<'a> {
    /// Accepted `iss`.
    pub(super) issuers: &'a [String],
    /// Accepted `alg`; never `none` or one with a shared secret.
    pub(super) algorithms: &'a [Algorithm],
    /// The client id.
    pub(super) audience: &'a str,
    /// Who brings it.
    pub(super) bearer: Bearer<'a>,
    /// The current time.
    pub(super) now: Timestamp,
}

/// Who brings an id token.
#[derive(Clone, Copy)]
pub(super) enum Bearer<'a> {
    /// The token endpoint, in answer to a request of this service.
    TokenEndpoint {
        /// Nonce of the authorization request; none at a refresh.
        nonce: Option<&'a str>,
    },
    /// A client that asked the provider itself.
    Client {
        /// The nonce that the client says it asked with, if it says one.
        nonce: Option<&'a str>,
    },
}

/// The claims that are read. Those without a default must be there, each of
/// its one type: a subject that is a number, or a repeated claim, does not parse.
#[derive(Deserialize)]
pub(super) struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    nonce: Option<String>,
    #[serde(default)]
    email: Value,
    #[serde(default)]
    email_verified: Value,
    #[serde(default)]
    name: Value,
    #[serde(default)]
    picture: Value,
}

impl Claims {
    /// When a token of these claims is no longer taken.
    pub(super) fn expires_at(&self) -> Timestamp {
        let seconds = self.exp.min(self.iat.saturating_add(MAX_AGE)).saturating_add(LEEWAY);
        Timestamp::from_millis(0).plus_seconds(seconds).plus_seconds(1)
    }

    /// Who they are about.
    pub(super) fn into_profile(self) -> Profile {
        let Self { sub, email, email_verified, name, picture, .. } = self;
        Profile { sub, email, email_verified, name, picture }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(audience) => std::slice::from_ref(audience),
            Self::Many(audiences) => audiences,
        }
    }
}

/// Why an id token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("id token is malformed")]
    Malformed,
    #[error("id token is signed with another algorithm")]
    Algorithm,
    #[error("id token has critical headers or another type")]
    Header,
    /// A newer key set might have the key.
    #[error("id token is signed with an unknown key")]
    UnknownKey,
    #[error("id token has a wrong signature or lacks claims")]
    Invalid,
    #[error("id token has a wrong issuer")]
    Issuer,
    #[error("id token has a wrong audience")]
    Audience,
    #[error("id token has a wrong authorized party")]
    AuthorizedParty,
    #[error("id token is expired, too old or not yet valid")]
    Time,
    #[error("id token has a wrong nonce")]
    Nonce,
    #[error("id token has an unusable subject")]
    Subject,
}

/// Verifies an id token (OpenID Connect Core, section 3.1.3.7).
///
/// The key is chosen by `kid` from `keys` alone, and only for an algorithm that
/// is expected and that the key is for; header parameters that name a key
/// elsewhere are not looked at.
///
/// # Errors
/// [`Refused`].
pub(super) fn verify(token: &str, keys: &KeySet, expected: &Expected<'_>) -> Result<Claims, Refused> {
    if token.len() > MAX_LENGTH {
        return Err(Refused::Malformed);
    }
    // Fails for `none` and for everything else that is no algorithm.
    let header = decode_header(token).map_err(|_| Refused::Malformed)?;
    if !expected.algorithms.contains(&header.alg) {
        return Err(Refused::Algorithm);
    }
    let is_jwt = header.typ.as_deref().is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"));
    if header.crit.is_some() || !is_jwt {
        return Err(Refused::Header);
    }
    let kid = header.kid.ok_or(Refused::Malformed)?;
    let key = keys.get(&kid, header.alg).ok_or(Refused::UnknownKey)?;

    // The library checks the signature. Its claim checks let absent claims
    // pass and use a clock of their own; `check` replaces them.
    let mut validation = Validation::new(header.alg);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let claims = decode::<Claims>(token, key, &validation).map_err(|_| Refused::Invalid)?.claims;
    check(&claims, expected)?;
    Ok(claims)
}

/// What a token is remembered by. Only what is signed counts: on a curve, one
/// content has two signatures that anybody can make of one another.
pub(super) fn hash(token: &str) -> String {
    Purpose::IdToken.key_of(token.rsplit_once('.').map_or(token, |(signed, _)| signed))
}

/// The claims of a token that was verified before it was kept.
pub(super) fn read_kept(token: &str) -> Option<Map<String, Value>> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// Checks claims whose signature is right.
fn check(claims: &Claims, expected: &Expected<'_>) -> Result<(), Refused> {
    if !expected.issuers.contains(&claims.iss) {
        return Err(Refused::Issuer);
    }
    let audiences = claims.aud.as_slice();
    if !audiences.iter().any(|audience| audience == expected.audience) {
        return Err(Refused::Audience);
    }
    // An app on a phone asks under an id of its own for a token of ours.
    let by_app = matches!(expected.bearer, Bearer::Client { .. }) && audiences.len() == 1;
    match claims.azp.as_deref() {
        Some(party) if party != expected.audience && !by_app => return Err(Refused::AuthorizedParty),
        None if audiences.len() > 1 => return Err(Refused::AuthorizedParty),
        _ => {}
    }
    let now = expected.now.seconds();
    let (earliest, latest) = (now.saturating_sub(LEEWAY), now.saturating_add(LEEWAY));
    let in_time = claims.exp > earliest
        && claims.iat <= latest
        && claims.iat >= earliest.saturating_sub(MAX_AGE)
        && claims.nbf.is_none_or(|not_before| not_before <= latest);
    if !in_time {
        return Err(Refused::Time);
    }
    let (Bearer::TokenEndpoint { nonce } | Bearer::Client { nonce }) = expected.bearer;
    if nonce.is_some() && claims.nonce.as_deref() != nonce {
        return Err(Refused::Nonce);
    }
    let subject = &claims.sub;
    let usable =
        (1..=MAX_SUBJECT_LENGTH).contains(&subject.len()) && subject.bytes().all(|byte| byte.is_ascii_graphic());
    if usable { Ok(()) } else { Err(Refused::Subject) }
}

#[cfg(test)]
mod tests;
