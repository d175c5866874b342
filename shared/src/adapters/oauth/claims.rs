use serde::Deserialize;
use serde_json::Value;

use super::profile;
use crate::domain::{Email, ProviderIdentity};

/// The standard claims about a person (OpenID Connect Core, section 5.1), as
/// far as they are read: of an id token or of a userinfo answer.
#[derive(Deserialize)]
pub(super) struct Profile {
    pub(super) sub: String,
    #[serde(default)]
    pub(super) email: Value,
    #[serde(default)]
    pub(super) email_verified: Value,
    #[serde(default)]
    pub(super) name: Value,
    #[serde(default)]
    pub(super) picture: Value,
}

impl Profile {
    /// Whether it names an address at all.
    pub(super) fn has_email(&self) -> bool {
        self.email.as_str().is_some_and(|email| !email.is_empty())
    }

    /// This one with what it lacks from another one of the same person. An
    /// address comes with the word of whoever names it.
    pub(super) fn or(self, other: Self) -> Self {
        let (email, email_verified) =
            if self.has_email() { (self.email, self.email_verified) } else { (other.email, other.email_verified) };
        let present = |value: Value, other: Value| if value.is_null() { other } else { value };
        Self {
            sub: self.sub,
            email,
            email_verified,
            name: present(self.name, other.name),
            picture: present(self.picture, other.picture),
        }
    }

    /// The identity that a provider vouches for by it.
    pub(super) fn into_identity(self, provider: &str) -> ProviderIdentity {
        let email = self.email.as_str().and_then(|address| Email::parse(address).ok());
        ProviderIdentity {
            provider: provider.to_owned(),
            // Only JSON's `true`: any other value proves nothing.
            email_verified: email.is_some() && self.email_verified == true,
            email,
            name: profile::name(&self.name).unwrap_or_default(),
            image: profile::image(&self.picture),
            subject: self.sub,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn profile(changes: Value) -> Profile {
        let mut claims = json!({"sub": "1", "email": "A@Example.com"});
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        serde_json::from_value(claims).unwrap()
    }

    fn identity(changes: Value) -> ProviderIdentity {
        profile(changes).into_identity("acme")
    }

    #[test]
    fn only_true_is_verified() {
        assert!(identity(json!({"email_verified": true})).email_verified);
        for value in [json!(false), json!("true"), json!("false"), json!(1), json!(null), json!([true])] {
            assert!(!identity(json!({"email_verified": value})).email_verified, "{value}");
        }
        assert!(!identity(json!({})).email_verified);
    }

    #[test]
    fn the_profile_is_optional_and_the_address_normalised() {
        let plain = identity(json!({}));
        assert_eq!((plain.provider.as_str(), plain.subject.as_str()), ("acme", "1"));
        assert_eq!((plain.name.as_str(), plain.image), ("", None));
        assert_eq!(plain.email.unwrap().as_str(), "a@example.com");
        let full = identity(json!({"name": "Ada", "picture": "https://x/y.png"}));
        assert_eq!((full.name.as_str(), full.image.as_deref()), ("Ada", Some("https://x/y.png")));
    }

    #[test]
    fn an_unusable_address_is_none_and_never_verified() {
        for address in [json!(null), json!(""), json!("x"), json!(7), json!(["a@example.com"])] {
            let identity = identity(json!({"email": address, "email_verified": true}));
            assert_eq!((identity.email, identity.email_verified), (None, false), "{address}");
        }
    }

    #[test]
    fn an_address_and_whether_it_is_verified_stay_together() {
        let other =
            || profile(json!({"email": "b@example.com", "email_verified": true, "name": "B", "picture": "https://b/"}));
        let own = profile(json!({"name": "A"})).or(other()).into_identity("acme");
        assert_eq!((own.email.unwrap().as_str(), own.email_verified), ("a@example.com", false));
        assert_eq!((own.name.as_str(), own.image.as_deref()), ("A", Some("https://b/")));
        for lacking in [json!({"email": null, "email_verified": false}), json!({"email": "", "email_verified": false})]
        {
            let filled = profile(lacking).or(other()).into_identity("acme");
            assert_eq!((filled.email.unwrap().as_str(), filled.email_verified), ("b@example.com", true));
        }
    }
}
