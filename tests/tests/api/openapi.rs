//! The API's document, `infra/openapi.yaml`, against the code, and the service
//! against the document.

mod coverage;

use std::{collections::BTreeSet, time::Duration};

use local::StackOptions;
use serde_json::{Value, json};
use shared::{
    config::BASE_PATH,
    http::{ErrorCode, ROUTES, RedirectError, RouteInfo},
};
use tests::{Answer, App, Call, Document, app::Seen};
use tokio::time::timeout;

use crate::{
    node,
    python::{script, tool},
};

const FORM: &str = "application/x-www-form-urlencoded";

fn operation<'a>(document: &'a Value, info: &RouteInfo) -> &'a Value {
    &document["paths"][info.path][info.method.to_lowercase()]
}

/// Statuses and codes of all errors in a part of the document.
fn errors(document: &Value) -> BTreeSet<(u16, String)> {
    let operations = ROUTES.iter().map(|info| operation(document, info));
    let responses = operations.flat_map(|operation| operation["responses"].as_object().unwrap());
    let errors = responses.flat_map(|(status, response)| {
        let schema = &response["content"]["application/json"]["schema"];
        let parts = schema["allOf"].as_array().into_iter().flatten();
        let codes = parts.flat_map(|part| part["properties"]["code"]["enum"].as_array().into_iter().flatten());
        codes.map(|code| (status.parse().unwrap(), code.as_str().unwrap().to_owned()))
    });
    errors.collect()
}

#[test]
fn the_document_has_the_routes_of_the_code() {
    let document = Document::shared().json();
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters") {
            let function = operation["x-function"].as_str().unwrap();
            documented.insert((method.to_uppercase(), path.clone(), function.to_owned()));
        }
    }
    let served =
        ROUTES.iter().map(|info| (info.method.to_owned(), info.path.to_owned(), info.function.name().to_owned()));
    assert_eq!(documented, served.collect());
}

#[test]
fn the_document_has_the_error_codes_of_the_code() {
    let document = Document::shared().json();
    let coded = ErrorCode::ALL.iter().filter_map(|error| Some((error.status().as_u16(), error.code()?.to_owned())));
    let coded: BTreeSet<_> = coded.collect();
    assert_eq!(errors(document), coded);
    let explained = document["x-error-codes"].as_object().unwrap().keys().cloned();
    assert_eq!(explained.collect::<BTreeSet<_>>(), coded.into_iter().map(|(_, code)| code).collect());
}

#[test]
fn the_document_has_the_redirect_errors_of_the_code() {
    let document = Document::shared().json();
    let coded: BTreeSet<&str> = RedirectError::ALL.iter().map(|error| error.code()).collect();
    let lists = ROUTES.iter().filter_map(|info| operation(document, info)["x-redirect-errors"].as_array());
    let documented = lists.flatten().map(|code| code.as_str().unwrap());
    assert_eq!(documented.collect::<BTreeSet<_>>(), coded);
    let explained = document["x-redirect-errors"].as_object().unwrap().keys().map(String::as_str);
    assert_eq!(explained.collect::<BTreeSet<_>>(), coded);
}

#[test]
fn every_operation_says_what_it_takes_and_that_it_may_be_too_much() {
    let document = Document::shared().json();
    for info in ROUTES {
        let operation = operation(document, info);
        let place = operation["operationId"].as_str().unwrap();
        assert_eq!(operation["requestBody"]["content"][FORM].is_object(), info.accepts_form, "{place}");
        let responses = operation["responses"].as_object().unwrap();
        for status in ["429", "503"] {
            assert_eq!(responses[status]["headers"]["Retry-After"]["required"], true, "{place} {status}");
        }
        for status in ["413", "415"] {
            let takes_body = operation["requestBody"].is_object();
            assert_eq!(responses.contains_key(status), takes_body, "{place} {status}");
        }
        for status in responses.keys().filter(|status| status.starts_with('3')) {
            assert_eq!(responses[status]["headers"]["Location"]["required"], true, "{place} {status}");
        }
    }
}

#[tokio::test]
async fn the_document_is_openapi_and_its_examples_fit_its_schemas() {
    let (clean, problems) = script("api_lint.py", &[], "").await;
    assert!(clean, "{problems}");
}

/// By a linter of the field, with rules beyond those of OpenAPI.
#[tokio::test]
async fn the_document_is_linted() {
    let (clean, report) = node::lint_document().await;
    assert!(clean, "{report}");
}

#[tokio::test]
async fn the_page_is_that_of_the_document() {
    let (current, output) = script("api_page.py", &["--check"], "").await;
    assert!(current, "docs/api.md is out of date: run tests/python/api_page.py {output}");
}

/// Property-based: valid and invalid requests of every operation, by a user
/// with a cookie, by one with a bearer token, and by nobody.
#[tokio::test]
async fn the_service_answers_as_the_document_says() {
    let env = vec![("AUTH_MAIL_DEADLINE_MS".to_owned(), "100".to_owned())];
    let app = App::start(StackOptions { env, instances: 4, ..StackOptions::default() }).await;
    let url = format!("{}{BASE_PATH}", app.url());
    let run = async |credential| {
        let storage = concat!(env!("CARGO_TARGET_TMPDIR"), "/hypothesis");
        let variables =
            [("BASE_URL", url.as_str()), ("CREDENTIAL", credential), ("HYPOTHESIS_STORAGE_DIRECTORY", storage)];
        let arguments =
            ["--config-file", "schemathesis.toml", "run", "../../infra/openapi.yaml", "--url", &url, "--no-color"];
        let run = timeout(Duration::from_mins(10), tool("schemathesis", &arguments, &variables));
        let (conforms, report) = run.await.unwrap();
        (!conforms).then(|| format!("By {credential}:\n{report}"))
    };
    let (cookie, bearer, nobody) = tokio::join!(run("cookie"), run("bearer"), run("none"));
    let reports: Vec<String> = [cookie, bearer, nobody].into_iter().flatten().collect();
    assert!(reports.is_empty(), "{}", reports.join("\n"));
}
