//! What `docs/scaling.md` reckons with is what the functions do.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};
use tests::costs;

fn measured() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/scaling/measured.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Calls, round trips, units of capacity, mails. `cargo run -p tests --example
/// measure -- --counts` renews them.
#[tokio::test]
async fn the_counts_of_the_cost_model_are_those_of_the_functions() {
    let app = costs::start(false).await;
    let measured = measured();
    let counted = costs::count(&app).await;
    let mut wrong = Vec::new();
    for (name, counts) in &counted {
        for (part, value) in counts.to_json().as_object().unwrap() {
            let recorded = &measured["requests"][*name][part];
            if recorded != value {
                wrong.push(format!("{name}, {part}: recorded {recorded}, counted {value}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}: see infra/scaling/measure.rs --counts, then run infra/scaling/page.py");
    let names: BTreeSet<&str> = measured["requests"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, counted.keys().copied().collect());
    for function in &app.template().functions {
        let recorded = &measured["functions"][&function.name]["memory_mb"];
        assert_eq!(recorded.as_u64(), Some(function.memory_mb), "{}", function.name);
    }
}

/// A transaction is billed twice, a strong read of a small row once, and a
/// write whose condition does not hold is billed as well.
#[test]
fn what_is_recorded_is_billed_as_dynamodb_bills_it() {
    let measured = measured();
    let request = |name: &str| measured["requests"][name].clone();
    let sign_up = request("sign-up");
    for table in ["AccountsTable", "UsersTable", "VerificationTokensTable"] {
        assert_eq!(sign_up["write_units"][table], 2.0, "{sign_up}");
    }
    let session = request("get-session");
    assert_eq!(session["read_units"], json!({"SessionsTable": 1.0, "UsersTable": 1.0}));
    assert_eq!(session["write_units"], json!({}));
    // The window that is not there yet refuses the first count.
    let start = request("provider-start");
    assert_eq!(start["calls"], json!(["PutItem VerificationTokens", "UpdateItem RateLimits", "UpdateItem RateLimits"]));
    assert_eq!(start["write_units"]["RateLimitsTable"], 2.0, "{start}");
}
