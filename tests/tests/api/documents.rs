//! What the documents say about the tests.

use std::{collections::BTreeSet, fs, path::PathBuf};

use local::build::workspace_root;

/// The tests that a document names, as `module::name` between backticks.
fn named_tests(document: &str) -> BTreeSet<&str> {
    document.split('`').skip(1).step_by(2).filter(|code| code.contains("::")).collect()
}

/// Source of a module: of `shared` for its unit tests, else of the tests here.
fn file_of(module: &str) -> PathBuf {
    let root = workspace_root();
    let path = match module.strip_prefix("shared::") {
        Some(module) => root.join("shared/src").join(module.replace("::", "/")),
        None => root.join("tests/tests/api").join(module.replace("::", "/")),
    };
    let file = path.with_extension("rs");
    if file.exists() { file } else { path.join("mod.rs") }
}

fn exists(test: &str) -> bool {
    let (module, name) = test.rsplit_once("::").unwrap();
    fs::read_to_string(file_of(module)).is_ok_and(|source| source.contains(&format!("fn {name}(")))
}

#[test]
fn every_test_that_the_security_page_names_exists() {
    let document = fs::read_to_string(workspace_root().join("docs/security.md")).unwrap();
    let named = named_tests(&document);
    assert!(!named.is_empty());
    let missing: Vec<&str> = named.into_iter().filter(|test| !exists(test)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}
