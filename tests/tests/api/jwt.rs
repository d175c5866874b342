//! Access tokens as a back end sees them, and forged ones.

use serde_json::Value;
use tests::{App, Call, unique_email};

use crate::{
    fastapi,
    python::{script, script_in},
    support::kid,
};

/// The same good and forged tokens go to the verifier of `examples/fastapi` and
/// to the service, which have to agree on every one.
#[tokio::test]
async fn a_back_end_and_the_service_agree_on_every_token() {
    let app = App::shared();
    let mut browser = app.sign_up(&unique_email("jwt")).await;
    let token = browser.get("/token").await.json()["token"].as_str().unwrap().to_owned();
    let key = format!("{}={}", kid(&token), app.aws().secret("SigningSecret").unwrap());
    let base = ["--secret", &key, "--issuer", &app.url(), "--audience", &app.url()];

    let vectors = script("make_vectors.py", &[&base[..], &["--token", &token]].concat(), "").await;
    let list: Vec<Value> = serde_json::from_str(&vectors.1).unwrap();
    assert!(vectors.0 && list.len() >= 80, "{} vectors", list.len());
    let verdicts = script_in(fastapi::environment().await, "verify_jwt.py", &base, &vectors.1).await;
    assert!(verdicts.0, "back end: {}", verdicts.1);

    let stranger = app.browser();
    for vector in list.iter().filter(|vector| vector["header"] != false) {
        let bearer = format!("Bearer {}", vector["token"].as_str().unwrap());
        let answer = stranger.send_only(Call::new("GET", "/token").header("authorization", bearer)).await;
        // A forged name of a session that does not exist is refused as well.
        let expected = if vector["valid"] == true { 200 } else { 401 };
        assert_eq!(answer.status, expected, "{}: {}", vector["name"], answer.text());
    }
}
