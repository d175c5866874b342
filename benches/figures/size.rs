//! Size of the binaries as they are uploaded.

use std::{fs, io::Write as _, path::Path};

use flate2::{Compression, write::DeflateEncoder};
use local::{build, template::Template};

use crate::{
    Error,
    table::{Row, megabytes},
};

/// Largest binary that still reaches the goal, in bytes of its zip file.
const LIMIT: u64 = 3_500_000;
/// What a zip file of one entry holds beside its data and twice its name.
const HEADERS: u64 = 30 + 46 + 22;
/// The name that Lambda asks for.
const ENTRY: &str = "bootstrap";

/// A line for each function.
pub fn zipped_binaries(template: &Template) -> Result<Vec<Row>, Error> {
    template.functions.iter().map(|function| zipped_binary(&function.name)).collect()
}

fn zipped_binary(name: &str) -> Result<Row, Error> {
    let zipped = zipped(&build::binary(name, true))?;
    Ok(Row {
        measure: format!("zipped {name}"),
        ours: megabytes(zipped),
        peer: String::new(),
        ratio: String::new(),
        goal: "≤ 3.5 MB".to_owned(),
        reached: Some(zipped <= LIMIT),
    })
}

fn zipped(file: &Path) -> Result<u64, Error> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&fs::read(file)?)?;
    let data = encoder.finish()?;
    Ok(HEADERS + 2 * ENTRY.len() as u64 + data.len() as u64)
}
