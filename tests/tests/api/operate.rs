//! The tools for operators, `infra/check` and `infra/restore`, and their pages.

use local::build::workspace_root;

use crate::python::run;

/// By `tests/operate`: it starts this service, and an emulated account beside it.
#[tokio::test]
async fn the_tools_for_operators_do_what_their_pages_say() {
    let root = workspace_root();
    let (passed, output) = run(&root.join("tests/operate/run"), &root, &[], &[], "").await;
    assert!(passed, "{output}");
}
