//! What the documents say about the tests.

use std::{collections::BTreeSet, fs, path::PathBuf};

use local::build::workspace_root;

/// A table of a Markdown page: the cells of its lines, its head first.
type Table<'a> = Vec<Vec<&'a str>>;

fn read(path: &str) -> String {
    fs::read_to_string(workspace_root().join(path)).unwrap()
}

/// The tables of a page, without the line below the head.
fn tables(page: &str) -> Vec<Table<'_>> {
    let mut tables = vec![Table::new()];
    for line in page.lines() {
        match line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) {
            Some(cells) => tables.last_mut().unwrap().push(cells.split(" | ").collect()),
            None if line.starts_with("|---") => {}
            None => tables.push(Table::new()),
        }
    }
    tables.retain(|table| !table.is_empty());
    tables
}

/// The tests that a text names, as `module::name` between backticks.
fn named_tests(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).filter(|code| code.contains("::")).collect()
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
    let document = read("docs/security.md");
    let named = named_tests(&document);
    assert!(!named.is_empty());
    let missing: Vec<&str> = named.into_iter().filter(|test| !exists(test)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_claim_of_the_security_page_names_a_test() {
    let document = read("docs/security.md");
    let mut shown = tables(&document);
    shown.retain(|table| table[0].last() == Some(&"shown by"));
    assert!(shown.len() > 10, "{}", shown.len());
    for table in &shown {
        for row in &table[1..] {
            assert_eq!(row.len(), table[0].len(), "{row:?}");
            assert!(!named_tests(row.last().unwrap()).is_empty(), "nothing shows it: {row:?}");
        }
    }
    for list in ["asked for", "do", "don't"] {
        let table = shown.iter().find(|table| table[0][0] == list).unwrap();
        assert_eq!(table.len() - 1, 10, "{list}");
    }
}

/// What the comparison with Better Auth lets pass is what people are told.
#[test]
fn every_difference_that_the_comparison_allows_is_in_the_page() {
    let page = read("docs/differences.md");
    let rows: BTreeSet<&str> = tables(&page).into_iter().flatten().map(|row| row[0]).collect();
    let allowed = read("tests/npm/differences.mjs");
    let entries = allowed.matches("\n\t\treason: ").count();
    let named: Vec<&str> =
        allowed.lines().filter_map(|line| line.trim().strip_prefix("row: \"")?.strip_suffix("\",")).collect();
    assert!(entries > 50, "{entries}");
    assert_eq!(named.len(), entries, "each entry names a row of the page");
    let missing: Vec<&str> = named.into_iter().filter(|row| !rows.contains(row)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}
