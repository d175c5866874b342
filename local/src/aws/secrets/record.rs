//! A secret and its versions.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    clock, random,
    template::{ACCOUNT, REGION},
};

pub(super) const CURRENT: &str = "AWSCURRENT";
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";
pub(super) const PENDING: &str = "AWSPENDING";

/// Versions that are kept, but for those of the last day.
const VERSION_LIMIT: usize = 100;
/// How long every version is kept, in seconds.
const YOUNG: f64 = 86_400.0;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) description: String,
    pub(super) created: f64,
    pub(super) changed: f64,
    pub(super) deleted: Option<f64>,
    pub(super) versions: BTreeMap<String, Version>,
    #[serde(default)]
    pub(super) rotation: Option<Rotation>,
    #[serde(default)]
    pub(super) rotated: Option<f64>,
}

/// How a secret is rotated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Rotation {
    /// ARN of the function.
    pub(super) function: String,
    /// `RotationRules`, as they were given.
    pub(super) rules: Value,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Version {
    /// Missing while a rotation has not made it yet.
    pub(super) content: Option<Content>,
    pub(super) created: f64,
    pub(super) stages: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Content {
    Text(String),
    /// Base64, as in requests and answers.
    Binary(String),
}

impl Record {
    pub(super) fn new(name: &str, description: &str) -> Self {
        let alphabet: Vec<char> = ('a'..='z').chain('A'..='Z').chain('0'..='9').collect();
        let suffix = random::text(&alphabet, 6);
        Self {
            name: name.to_owned(),
            arn: format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-{suffix}"),
            description: description.to_owned(),
            created: now(),
            changed: now(),
            deleted: None,
            versions: BTreeMap::new(),
            rotation: None,
            rotated: None,
        }
    }

    /// A new version that is current at once; its id.
    pub(super) fn set_current(&mut self, content: Content) -> String {
        let id = random::uuid();
        self.add(id.clone(), Some(content), [CURRENT.to_owned()].into());
        id
    }

    /// Adds a version, or gives one its content, and moves the stages to it.
    /// The first one of a secret is current, whatever else it is.
    pub(super) fn add(&mut self, id: String, content: Option<Content>, mut stages: BTreeSet<String>) {
        if self.versions.is_empty() {
            stages.insert(CURRENT.to_owned());
        }
        let version = || Version { content: None, created: now(), stages: BTreeSet::new() };
        self.versions.entry(id.clone()).or_insert_with(version).content = content;
        for stage in stages {
            self.move_stage(&stage, Some(&id));
        }
        self.prune();
    }

    /// Moves a stage to a version, or off all. What loses AWSCURRENT to
    /// another version becomes AWSPREVIOUS.
    pub(super) fn move_stage(&mut self, stage: &str, to: Option<&str>) {
        self.changed = now();
        let from = self.holder(stage).cloned();
        if from.as_deref() == to {
            return;
        }
        if stage == CURRENT
            && to.is_some()
            && let Some(from) = &from
        {
            self.move_stage(PREVIOUS, Some(from));
        }
        for (id, version) in &mut self.versions {
            version.stages.remove(stage);
            if Some(id.as_str()) == to {
                version.stages.insert(stage.to_owned());
                if stage == CURRENT {
                    // One version is never both.
                    version.stages.remove(PREVIOUS);
                }
            }
        }
    }

    /// Id of the version that holds a stage.
    pub(super) fn holder(&self, stage: &str) -> Option<&String> {
        self.versions.iter().find(|(_, version)| version.stages.contains(stage)).map(|(id, _)| id)
    }

    pub(super) fn current_text(&self) -> Option<String> {
        match self.versions.get(self.holder(CURRENT)?)?.content.as_ref()? {
            Content::Text(text) => Some(text.clone()),
            Content::Binary(_) => None,
        }
    }

    /// Whether there is no room for another version.
    pub(super) fn is_full(&self) -> bool {
        self.versions.len() >= VERSION_LIMIT && self.oldest_to_forget().is_none()
    }

    /// Labels on all versions together, if the given ones go to one of them.
    pub(super) fn labels_with(&self, more: &BTreeSet<String>) -> usize {
        self.versions.values().flat_map(|version| &version.stages).chain(more).collect::<BTreeSet<_>>().len()
    }

    /// Forgets the oldest versions that no stage names.
    fn prune(&mut self) {
        while self.versions.len() > VERSION_LIMIT
            && let Some(oldest) = self.oldest_to_forget()
        {
            self.versions.remove(&oldest);
        }
    }

    fn oldest_to_forget(&self) -> Option<String> {
        let deprecated = self.versions.iter().filter(|(_, version)| version.stages.is_empty());
        let (id, oldest) = deprecated.min_by(|(_, a), (_, b)| a.created.total_cmp(&b.created))?;
        (oldest.created + YOUNG < now()).then(|| id.clone())
    }
}

/// Seconds since 1970, to the millisecond, as AWS writes times in JSON.
pub(super) fn now() -> f64 {
    (clock::since_epoch().as_secs_f64() * 1000.0).round() / 1000.0
}
