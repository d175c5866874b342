//! The metrics in the lines of the log.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use local::{Fault, FaultRule, Service, StackOptions};
use serde_json::{Value, json};
use tests::{App, Browser, Call, PASSWORD, fake_provider::GoogleUser, unique_email};

use crate::{
    authorizer,
    magic_link::sign_in_by_link,
    steps::sign_in_with_google,
    support::{SECOND, assert_limited, now, other_password, sign_in},
};

const NAMESPACE: &str = "LambdaAuth/local";

/// All that there are, with their units: each costs by the month.
const METRICS: [(&str, &str); 9] = [
    ("ColdStarts", "Count"),
    ("Faults", "Count"),
    ("HashTime", "Milliseconds"),
    ("Latency", "Milliseconds"),
    ("MailFailures", "Count"),
    ("SignInFailures", "Count"),
    ("SignIns", "Count"),
    ("SignUps", "Count"),
    ("Throttled", "Count"),
];

/// A stack with metrics, one instance of each function, and limits.
async fn measured() -> App {
    let env = [("AUTH_METRICS", "true"), ("AUTH_RATE_LIMITS", "true"), ("AUTH_RATE_LIMIT_RULES", "sign-in=99/900")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    App::start(StackOptions { instances: 1, env, ..StackOptions::default() }).await
}

fn lines(app: &App) -> Vec<Value> {
    app.logs().iter().filter_map(|line| serde_json::from_str(&line.text).ok()).collect()
}

/// The metrics of a line, after a look whether CloudWatch would take them: the
/// rules are those of the specification of its embedded metric format.
#[track_caller]
fn metrics(line: &Value) -> BTreeMap<String, f64> {
    let Some(about) = line.get("_aws") else { return BTreeMap::new() };
    let members: BTreeSet<&str> = about.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, BTreeSet::from(["Timestamp", "CloudWatchMetrics"]), "{line}");
    assert!((now() - about["Timestamp"].as_i64().unwrap()).abs() < 600 * SECOND, "{line}");
    let [directive] = about["CloudWatchMetrics"].as_array().unwrap().as_slice() else { panic!("{line}") };
    let members: BTreeSet<&str> = directive.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, BTreeSet::from(["Namespace", "Dimensions", "Metrics"]), "{line}");
    assert_eq!(directive["Namespace"], NAMESPACE);
    // One set of dimensions, and none in it: nobody and nothing is told apart.
    assert_eq!(directive["Dimensions"], json!([[]]));
    let mut found = BTreeMap::new();
    for definition in directive["Metrics"].as_array().unwrap() {
        let name = definition["Name"].as_str().unwrap();
        let unit = METRICS.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("{line}")).1;
        assert_eq!(definition, &json!({"Name": name, "Unit": unit}));
        let value = line[name].as_f64().unwrap_or_else(|| panic!("{name}: {line}"));
        assert!(value >= 0.0 && found.insert(name.to_owned(), value).is_none(), "{line}");
    }
    assert!(!found.is_empty() && line.to_string().len() < 256 * 1024, "{line}");
    // What is no metric of this line is no member of it either.
    assert!(METRICS.iter().all(|(name, _)| line.get(*name).is_some() == found.contains_key(*name)), "{line}");
    found
}

/// How often each thing was counted since the log was cleared.
fn counts(app: &App) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for line in lines(app) {
        for (name, value) in metrics(&line) {
            if METRICS.contains(&(name.as_str(), "Count")) {
                assert!((value - 1.0).abs() < f64::EPSILON, "{line}");
                *counts.entry(name).or_default() += 1;
            }
        }
    }
    counts
}

fn expected(counts: &[(&str, u32)]) -> BTreeMap<String, u32> {
    counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

/// Waits until no more lines come: those of an answer may come after it.
async fn settle(app: &App) {
    let mut quiet = 0;
    let mut before = app.logs().len();
    while quiet < 10 {
        tokio::time::sleep(Duration::from_millis(30)).await;
        let now = app.logs().len();
        quiet = if now == before && now > 0 { quiet + 1 } else { 0 };
        before = now;
    }
}

/// Runs something once, and says what was counted.
async fn counted(app: &App, work: impl Future<Output = ()>) -> BTreeMap<String, u32> {
    app.clear_logs();
    work.await;
    settle(app).await;
    counts(app)
}

async fn password(app: &App, email: &str, password: &str, status: u16) -> Browser {
    let (browser, answer) = sign_in(app, email, password).await;
    assert_eq!(answer.status, status, "{}", answer.text());
    browser
}

#[tokio::test]
async fn each_thing_is_counted_once_where_it_happens() {
    let app = measured().await;
    let email = unique_email("metrics");
    let by_sign_up = counted(&app, async { drop(app.sign_up(&email).await) }).await;
    assert_eq!(by_sign_up, expected(&[("ColdStarts", 1), ("SignUps", 1)]));

    let first = counted(&app, async { drop(password(&app, &email, PASSWORD, 200).await) }).await;
    assert_eq!(first, expected(&[("ColdStarts", 1), ("SignIns", 1)]));
    let second = counted(&app, async { drop(password(&app, &email, PASSWORD, 200).await) }).await;
    assert_eq!(second, expected(&[("SignIns", 1)]));
    let wrong = counted(&app, async { drop(password(&app, &email, &other_password(1), 401).await) }).await;
    assert_eq!(wrong, expected(&[("SignInFailures", 1)]));

    let person = GoogleUser::new("metrics", &unique_email("metrics"));
    let by_google = counted(&app, async {
        sign_in_with_google(&app, &person).await;
        sign_in_with_google(&app, &person).await;
    });
    assert_eq!(by_google.await, expected(&[("ColdStarts", 1), ("SignUps", 1), ("SignIns", 1)]));
    let linked = unique_email("metrics");
    let by_link = counted(&app, async {
        sign_in_by_link(&app, &linked).await;
        sign_in_by_link(&app, &linked).await;
    });
    assert_eq!(by_link.await, expected(&[("ColdStarts", 1), ("SignUps", 1), ("SignIns", 1)]));
}

#[tokio::test]
async fn what_goes_wrong_is_counted_as_what_it_is() {
    let app = measured().await;
    let email = unique_email("metrics");
    app.sign_up(&email).await;
    password(&app, &email, PASSWORD, 200).await;
    settle(&app).await;

    // A fault of ours is no sign-in that was refused.
    let fault = app.aws().inject(FaultRule::new(Service::DynamoDb, Fault::AccessDenied).function("signin"));
    let faults = counted(&app, async { drop(password(&app, &email, PASSWORD, 503).await) }).await;
    app.aws().remove_fault(fault);
    assert_eq!(faults, expected(&[("Faults", 1)]));

    let reset = json!({"email": email});
    let fault = app.aws().inject(FaultRule::new(Service::Ses, Fault::AccessDenied));
    let mail = counted(&app, async {
        let answer = app.browser().post("/request-password-reset", &reset).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    });
    let mail = mail.await;
    app.aws().remove_fault(fault);
    assert_eq!(mail, expected(&[("ColdStarts", 1), ("MailFailures", 1)]));

    let limited = counted(&app, async {
        for _ in 0..2 {
            app.browser().post("/request-password-reset", &reset).await;
        }
        assert_limited(&app.browser().post("/request-password-reset", &reset).await);
    });
    assert_eq!(limited.await, expected(&[("Throttled", 1)]));

    // Too many guesses are no more guesses.
    let mut locked = BTreeMap::new();
    for number in 0..20 {
        let mut status = 0;
        locked = counted(&app, async { status = sign_in(&app, &email, &other_password(number)).await.1.status }).await;
        if status == 429 {
            break;
        }
        assert_eq!((status, &locked), (401, &expected(&[("SignInFailures", 1)])));
    }
    assert_eq!(locked, expected(&[("Throttled", 1)]));
}

#[tokio::test]
async fn times_are_measured_where_they_are_spent() {
    let app = measured().await;
    let email = unique_email("metrics");
    let mut browser = app.sign_up(&email).await;
    password(&app, &email, PASSWORD, 200).await;
    browser.get("/get-session").await;
    authorizer::ask(&app, "no token").await;
    authorizer::ask(&app, "no token").await;
    // Not even an event of ours: it is answered, and so it is measured.
    app.browser().send(Call::new("GET", "/get-session?x=%00")).await;
    settle(&app).await;

    let mut measured: BTreeMap<String, Vec<BTreeMap<String, f64>>> = BTreeMap::new();
    for line in lines(&app) {
        measured.entry(line["function"].as_str().unwrap().to_owned()).or_default().push(metrics(&line));
    }
    for function in ["signup", "signin"] {
        let [metrics] = measured[function].as_slice() else { panic!("{measured:?}") };
        assert!(metrics["HashTime"] > 0.0 && metrics["HashTime"] <= metrics["Latency"] + 1.0, "{metrics:?}");
    }
    for metrics in &measured["session"] {
        assert!(metrics.contains_key("Latency") && !metrics.contains_key("HashTime"), "{metrics:?}");
    }
    // Its time is not the API's; a warm question has nothing to count.
    let [cold, warm] = measured["authorizer"].as_slice() else { panic!("{measured:?}") };
    assert_eq!(cold, &BTreeMap::from([("ColdStarts".to_owned(), 1.0)]));
    assert!(warm.is_empty(), "{warm:?}");
}

#[tokio::test]
async fn there_are_none_unless_they_are_wanted() {
    let app = App::start(StackOptions::default()).await;
    let email = unique_email("metrics");
    app.sign_up(&email).await;
    password(&app, &email, PASSWORD, 200).await;
    settle(&app).await;
    let lines = lines(&app);
    assert!(lines.len() >= 2);
    assert!(lines.iter().all(|line| line.get("_aws").is_none() && line.get("Latency").is_none()), "{lines:?}");
}
