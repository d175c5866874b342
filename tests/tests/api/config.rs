//! Functions with bad settings.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::http::ROUTES;
use tests::{App, Call};

fn pids(app: &App) -> BTreeMap<String, Vec<u32>> {
    let names = app.template().functions.iter().map(|function| function.name.clone());
    names.map(|name| (name.clone(), app.pool(&name).unwrap().processes().iter().map(|p| p.pid()).collect())).collect()
}

/// Every request is told to come back later, the log says why once, all of it
/// in one line, and nothing is started over and over.
#[tokio::test]
async fn bad_settings_are_named_and_every_request_is_put_off() {
    let app = App::with_env(&[("AUTH_SESSION_SECONDS", "soon"), ("AUTH_NONSENSE", "1"), ("AUTH_MAIL_FROM", "")]).await;
    let at_start = pids(&app);
    for _ in 0..2 {
        for info in ROUTES {
            let path = info.path.replace("{token}", "x").replace("{provider}", "google");
            let mut call = Call::new(info.method, path);
            if info.method == "POST" {
                call = call.json(&json!({"email": "a@example.com", "password": "a password"}));
            }
            let answer = app.browser().send(call).await;
            assert_eq!((answer.status, answer.code().as_str()), (503, "SERVICE_UNAVAILABLE"), "{info:?}");
            assert!(answer.header("retry-after").parse::<u32>().is_ok(), "{info:?}: {:?}", answer.headers);
            assert!(answer.set_cookies().is_empty(), "{info:?}");
            let text = answer.text();
            assert!(!text.contains("AUTH_"), "the client learns of the settings: {text}");
        }
    }
    // Nothing was asked of AWS by anybody who does not know what to ask for.
    assert!(app.aws().calls().is_empty(), "{:?}", app.aws().calls());
    assert_eq!(pids(&app), at_start);
    assert!(at_start.values().all(|pids| pids.len() == 1), "{at_start:?}");

    for function in &app.template().functions {
        let lines: Vec<Value> = app
            .logs()
            .iter()
            .filter(|line| line.function == function.name)
            .filter_map(|line| serde_json::from_str::<Value>(&line.text).ok())
            .filter(|line| line["message"] == "invalid settings")
            .collect();
        assert_eq!(lines.len(), 1, "{}: {lines:?}", function.name);
        assert_eq!(lines[0]["level"], "ERROR");
        let reason = lines[0]["reason"].as_str().unwrap();
        for fault in [
            "AUTH_SESSION_SECONDS must be a whole number from 60 to 34560000",
            "AUTH_NONSENSE is not a setting",
            "AUTH_MAIL_FROM is not set",
        ] {
            assert!(reason.contains(fault), "{}: {reason}", function.name);
        }
    }
}
