//! Files beside the database.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use crate::Error;

/// A JSON file that is replaced as a whole, or nothing when all is in memory.
#[derive(Debug)]
pub(super) struct JsonFile {
    path: Option<PathBuf>,
}

impl JsonFile {
    pub(super) fn new(directory: Option<&Path>, name: &str) -> Self {
        Self { path: directory.map(|directory| directory.join(name)) }
    }

    /// What was saved last, if anything was.
    pub(super) fn load<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        let Some(path) = &self.path else {
            return Ok(None);
        };
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(format!("reading {}", path.display()))(error)),
        };
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| Error::Data { path: path.clone(), problem: error.to_string() })
    }

    /// Replaces the file in one step: a crash leaves the old one or the new.
    pub(super) fn save<T: Serialize>(&self, value: &T) -> Result<(), Error> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let temporary = path.with_extension("tmp");
        let write = || -> io::Result<()> {
            // The secrets are in it.
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
            file.write_all(&serde_json::to_vec_pretty(value)?)?;
            file.sync_all()?;
            fs::rename(&temporary, path)
        };
        write().map_err(Error::io(format!("writing {}", path.display())))
    }
}
