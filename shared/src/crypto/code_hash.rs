use subtle::ConstantTimeEq as _;

use super::Keyring;

/// Short codes that are kept as hashes. Each kind has a key of its own.
///
/// They are few enough to be tried one by one, so that a plain hash would hide
/// nothing from whoever reads the table; without the key there is nothing to
/// try them against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashedCode {
    /// A backup code, of a user.
    Backup,
    /// A mailed code, of a challenge or a session.
    Mailed,
}

impl HashedCode {
    const fn purpose(self) -> &'static str {
        match self {
            Self::Backup => "hash/backup-code",
            Self::Mailed => "hash/mailed-code",
        }
    }
}

/// The hash of a code, under the current key and for one owner: HMAC-SHA-256
/// in 43 characters.
pub fn hash_code(keys: &Keyring, kind: HashedCode, owner: &str, code: &str) -> String {
    keys.current.companion(kind.purpose(), &message(owner, code))
}

/// The one of `known` that is the hash of a code for its owner, under any
/// accepted key. The work does not depend on where it is.
pub fn find_code<'a>(
    keys: &Keyring,
    kind: HashedCode,
    owner: &str,
    code: &str,
    known: &'a [String],
) -> Option<&'a str> {
    let mut found = None;
    for secret in keys.accepted() {
        let hash = secret.companion(kind.purpose(), &message(owner, code));
        for candidate in known {
            if bool::from(candidate.as_bytes().ct_eq(hash.as_bytes())) {
                found = Some(candidate.as_str());
            }
        }
    }
    found
}

/// An owner is an id or a key of ours and holds no colon.
fn message(owner: &str, code: &str) -> String {
    format!("{owner}:{code}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SigningSecret;

    #[test]
    fn only_the_same_code_kind_owner_and_key_match() {
        let secret = |version: &str| SigningSecret::new(version.to_owned(), &version.repeat(32)).unwrap();
        let keys = |current: &str, previous: Option<&str>| Keyring {
            current: secret(current),
            previous: previous.map(secret),
        };
        let old = keys("a", None);
        let known = [hash_code(&old, HashedCode::Backup, "ann", "1"), hash_code(&old, HashedCode::Backup, "ann", "2")];
        let find = |keys: &Keyring, kind, owner, code| find_code(keys, kind, owner, code, &known).map(str::to_owned);
        assert_eq!(find(&old, HashedCode::Backup, "ann", "2"), Some(known[1].clone()));
        assert_eq!(find(&keys("b", Some("a")), HashedCode::Backup, "ann", "1"), Some(known[0].clone()));
        assert_eq!(find(&keys("b", None), HashedCode::Backup, "ann", "1"), None);
        assert_eq!(find(&old, HashedCode::Backup, "bob", "1"), None);
        assert_eq!(find(&old, HashedCode::Mailed, "ann", "1"), None);
        assert_eq!(find(&old, HashedCode::Backup, "ann", "3"), None);
    }
}
