//! A secret and its versions.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    clock, random,
    template::{ACCOUNT, REGION},
};

pub(super) const CURRENT: &str = "AWSCURRENT";
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";

/// Versions without a stage that are kept.
const DEPRECATED_LIMIT: usize = 100;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) description: String,
    pub(super) created: f64,
    pub(super) changed: f64,
    pub(super) deleted: Option<f64>,
    pub(super) versions: BTreeMap<String, Version>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) content: Content,
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
        }
    }

    /// A new version that is current at once; its id.
    pub(super) fn set_current(&mut self, content: Content) -> String {
        let id = random::uuid();
        self.add(id.clone(), content, [CURRENT.to_owned()].into());
        id
    }

    /// Adds a version and moves the stages to it.
    pub(super) fn add(&mut self, id: String, content: Content, stages: BTreeSet<String>) {
        let version = Version { content, created: now(), stages: BTreeSet::new() };
        self.versions.insert(id.clone(), version);
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
        match &self.versions.get(self.holder(CURRENT)?)?.content {
            Content::Text(text) => Some(text.clone()),
            Content::Binary(_) => None,
        }
    }

    /// Forgets the oldest versions that no stage names.
    fn prune(&mut self) {
        let deprecated = |version: &Version| version.stages.is_empty();
        while self.versions.values().filter(|version| deprecated(version)).count() > DEPRECATED_LIMIT {
            let oldest = self
                .versions
                .iter()
                .filter(|(_, version)| deprecated(version))
                .min_by(|(_, a), (_, b)| a.created.total_cmp(&b.created))
                .map(|(id, _)| id.clone());
            let Some(oldest) = oldest else { return };
            self.versions.remove(&oldest);
        }
    }
}

/// Seconds since 1970, to the millisecond, as AWS writes times in JSON.
pub(super) fn now() -> f64 {
    (clock::since_epoch().as_secs_f64() * 1000.0).round() / 1000.0
}
