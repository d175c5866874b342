use serde_json::{Map, Value, json};

/// A person at Google, as the claims of an id token. `null` leaves a claim out.
#[derive(Clone, Debug)]
pub struct GoogleUser {
    /// Subject.
    pub sub: Value,
    /// Address.
    pub email: Value,
    /// Whether Google vouches for the address.
    pub email_verified: Value,
    /// Display name.
    pub name: Value,
    /// URL of a picture.
    pub picture: Value,
    /// Further claims, which replace those above and all others.
    pub extra: Map<String, Value>,
}

impl GoogleUser {
    /// Somebody with a verified address.
    pub fn new(sub: &str, email: &str) -> Self {
        Self {
            sub: json!(sub),
            email: json!(email),
            email_verified: json!(true),
            name: json!("Ada Lovelace"),
            picture: json!("https://lh3.googleusercontent.com/a/ada"),
            extra: Map::new(),
        }
    }

    pub(super) fn claims(&self) -> Map<String, Value> {
        let claims = [
            ("sub", &self.sub),
            ("email", &self.email),
            ("email_verified", &self.email_verified),
            ("name", &self.name),
            ("picture", &self.picture),
        ];
        let present = claims.into_iter().filter(|(_, value)| !value.is_null());
        present.map(|(name, value)| (name.to_owned(), value.clone())).collect()
    }
}

/// A person at GitHub.
#[derive(Clone, Debug)]
pub struct GithubUser {
    /// Account number.
    pub id: Value,
    /// User name.
    pub login: String,
    /// Display name; often `null`.
    pub name: Value,
    /// Public address of the profile; often `null`.
    pub email: Value,
    /// URL of a picture.
    pub avatar_url: Value,
    /// All addresses.
    pub emails: Vec<GithubEmail>,
}

/// An address of a person at GitHub.
#[derive(Clone, Debug)]
pub struct GithubEmail {
    /// Address.
    pub email: String,
    /// Whether it is the one that GitHub writes to.
    pub primary: bool,
    /// Whether its owner has confirmed it.
    pub verified: bool,
}

impl GithubEmail {
    /// An address.
    pub fn new(email: &str, primary: bool, verified: bool) -> Self {
        Self { email: email.to_owned(), primary, verified }
    }
}

impl GithubUser {
    /// Somebody whose only address is verified and not public.
    pub fn new(id: u64, login: &str, email: &str) -> Self {
        Self {
            id: json!(id),
            login: login.to_owned(),
            name: json!("Grace Hopper"),
            email: Value::Null,
            avatar_url: json!(format!("https://avatars.githubusercontent.com/u/{id}?v=4")),
            emails: vec![GithubEmail::new(email, true, true)],
        }
    }

    pub(super) fn profile(&self) -> Value {
        json!({
            "login": self.login, "id": self.id, "type": "User", "name": self.name, "email": self.email,
            "avatar_url": self.avatar_url,
        })
    }

    pub(super) fn addresses(&self) -> Value {
        let entry = |address: &GithubEmail| {
            let visibility = address.primary.then_some("private");
            json!({"email": address.email, "primary": address.primary, "verified": address.verified, "visibility": visibility})
        };
        self.emails.iter().map(entry).collect()
    }
}
