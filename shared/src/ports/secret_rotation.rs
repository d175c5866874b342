use std::future::Future;

use zeroize::Zeroizing;

use super::StoreResult;

/// The versions of the signing secret, for the one function that makes them.
pub trait RotateSigningSecret: Sync {
    /// The secret's names, and its versions without their values.
    fn versions(&self) -> impl Future<Output = StoreResult<SecretVersions>> + Send;

    /// The value of a pending version; `None` if it has none yet.
    fn pending_value(&self, version: &str) -> impl Future<Output = StoreResult<Option<Zeroizing<String>>>> + Send;

    /// Gives a pending version its value. Of any number of calls for one
    /// version the first counts; the others leave its value as it is.
    fn fill(&self, version: &str, value: &str) -> impl Future<Output = StoreResult<()>> + Send;

    /// Makes a version the current one in place of another, which becomes the
    /// previous one. Fails if the current one is not the one that is named.
    fn promote(&self, version: &str, current: Option<&str>) -> impl Future<Output = StoreResult<()>> + Send;
}

/// What is known of a secret without reading a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretVersions {
    /// Name and ARN of the secret.
    pub names: Vec<String>,
    /// The versions that have a stage.
    pub versions: Vec<SecretVersion>,
}

/// A version of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretVersion {
    /// Its id, the `kid` of what it signs.
    pub id: String,
    /// Whether it signs now.
    pub is_current: bool,
    /// Whether it is in the making.
    pub is_pending: bool,
}

impl SecretVersions {
    /// The version of an id.
    pub fn version(&self, id: &str) -> Option<&SecretVersion> {
        self.versions.iter().find(|version| version.id == id)
    }

    /// Id of the version that signs now.
    pub fn current(&self) -> Option<&str> {
        self.versions.iter().find(|version| version.is_current).map(|version| version.id.as_str())
    }
}
