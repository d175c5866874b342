//! Password hashes, access tokens, cookie signatures and the keys they use.

mod access_token;
mod code_hash;
mod hash_time;
mod imported_hash;
mod keys;
mod password_hash;
mod provider_tokens;
mod sealing;
mod signature;
mod totp;

pub use access_token::{AccessTokenPolicy, AccessTokens, InvalidAccessToken, VerifiedToken, looks_like_jwt};
pub use code_hash::{HashedCode, find_code, hash_code};
pub use hash_time::timed as timed_hashing;
pub use imported_hash::adopt_hash;
pub use keys::{Keyring, MIN_SECRET_LENGTH, SigningSecret, WeakSecret};
pub use password_hash::{Argon2Hasher, HashPolicy, MAX_HASH_COST};
pub use provider_tokens::{open_tokens, seal_tokens};
pub use sealing::{CannotOpen, Sealed, is_outdated, open, seal};
pub use signature::{SignatureVerdict, sign, verify};
pub use totp::{TOTP_DIGITS, TOTP_PERIOD, TotpSecret};
