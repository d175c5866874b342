//! Notes of what was installed and built, so that neither is done twice.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
};

use crate::Error;

/// What holds no source, or is written by a build.
const MADE: [&str; 4] = ["node_modules", "dist", "next-env.d.ts", "tsconfig.tsbuildinfo"];

/// What something was made of, in a file beside it.
pub(super) struct Stamp {
    path: PathBuf,
    text: String,
}

impl Stamp {
    /// A stamp at `path`, of these files below `directory` and of `more`.
    pub(super) fn new(path: PathBuf, directory: &Path, files: &[PathBuf], more: &str) -> Result<Self, Error> {
        let mut hasher = DefaultHasher::new();
        for file in files {
            file.hash(&mut hasher);
            let path = directory.join(file);
            let content = fs::read(&path).map_err(Error::io(format!("reading {}", path.display())))?;
            content.hash(&mut hasher);
        }
        more.hash(&mut hasher);
        Ok(Self { path, text: format!("{:016x}\n", hasher.finish()) })
    }

    /// A name of it.
    pub(super) fn name(&self) -> &str {
        self.text.trim_end()
    }

    /// Whether it was made of just that.
    pub(super) fn holds(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|text| text == self.text)
    }

    /// Says that it was.
    pub(super) fn set(&self) -> Result<(), Error> {
        // Nothing may have been needed, and nothing been made.
        let directory = self.path.parent().map_or(Ok(()), fs::create_dir_all);
        let written = directory.and_then(|()| fs::write(&self.path, &self.text));
        written.map_err(Error::io(format!("writing {}", self.path.display())))
    }
}

/// The sources below a directory, relative to it and in order: all files but
/// hidden ones and those of [`MADE`].
pub(super) fn sources(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    collect(directory, Path::new(""), &mut files).map_err(Error::io(format!("reading {}", directory.display())))?;
    files.sort();
    Ok(files)
}

fn collect(root: &Path, below: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let name = entry.file_name();
        let text = name.to_string_lossy();
        if text.starts_with('.') || MADE.contains(&text.as_ref()) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(root, &below.join(&name), files)?;
        } else {
            files.push(below.join(&name));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_holds_until_something_changes() {
        let directory = std::env::temp_dir().join(format!("local-stamp-{}", std::process::id()));
        let write = |name: &str, text: &str| {
            let path = directory.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let stamp =
            |more: &str| Stamp::new(directory.join(".stamp"), &directory, &sources(&directory).unwrap(), more).unwrap();
        write("app/page.tsx", "one");
        write("node_modules/x/index.js", "x");
        assert_eq!(sources(&directory).unwrap(), [PathBuf::from("app/page.tsx")]);
        assert!(!stamp("a").holds());
        stamp("a").set().unwrap();
        assert!(stamp("a").holds() && !stamp("b").holds());
        write("node_modules/x/index.js", "y");
        assert!(stamp("a").holds(), "what is installed does not count");
        write("app/page.tsx", "two");
        assert!(!stamp("a").holds());
        write("app/page.tsx", "one");
        write("app/more.tsx", "");
        assert!(!stamp("a").holds());
        fs::remove_dir_all(directory).unwrap();
    }
}
