//! Who is not taken in, and that nothing changes then.

use super::*;

/// All rows of people.
async fn everything(app: &App) -> Vec<Value> {
    let mut rows = Vec::new();
    for table in TABLES {
        let mut of_table = app.rows(table).await;
        of_table.sort_by_key(Value::to_string);
        rows.extend(of_table);
    }
    rows
}

/// A line of an export is a claim, and no proof.
#[tokio::test]
async fn nobody_is_merged_with_anybody() {
    let app = App::with_env(&[]).await;
    let [here, there, linked] = ["here", "there", "linked"].map(unique_email);
    app.sign_up(&here).await;
    let mut first = user("first", &linked);
    first["accounts"].as_array_mut().unwrap().push(link("google", "107"));
    let kept = "k".repeat(32);
    assert_eq!(run(&app, "better-auth", &Lines::new(&[first, user(&kept, &there)]), &[]).await.counts(), [2, 0, 0]);
    let before = everything(&app).await;

    let of_google = |id: &str, email: &str| {
        let mut line = user(id, email);
        line["accounts"] = json!([link("google", "107")]);
        line
    };
    let id_here = user_row(&app, &here).await.unwrap()["id"]["S"].as_str().unwrap().to_owned();
    let lines = [
        user("a", &here),
        user("b", &format!(" {} ", here.to_uppercase())),
        of_google("c", &unique_email("claims-google")),
        of_google("d", &there),
        // The id of somebody here, or of another line, with another address.
        json!({"id": id_here, "email": unique_email("claims-id"), "emailVerified": true, "accounts": []}),
        json!({"id": kept, "email": unique_email("claims-id"), "emailVerified": true, "accounts": []}),
    ];
    let run = run(&app, "better-auth", &Lines::new(&lines), &[]).await;
    assert_eq!((run.code, run.counts()), (Some(1), [0, 0, 6]), "{}", run.said);
    let expected = ["address_taken", "address_taken", "link_taken", "address_taken", "id_taken", "id_taken"];
    assert_eq!(run.refused(), (1..).zip(expected).collect::<Vec<_>>());
    assert_eq!(everything(&app).await, before);
    assert!(password_works(&app, &there, PASSWORD).await);
}

#[tokio::test]
async fn one_address_twice_in_a_file_is_one_user() {
    let app = App::shared();
    let email = unique_email("twice");
    let lines = [user("one", &email), user("two", &email.to_uppercase())];
    let run = run(app, "better-auth", &Lines::new(&lines), &[]).await;
    assert_eq!((run.code, run.counts()), (Some(1), [1, 0, 1]));
    assert_eq!(run.report[0]["code"], "address_taken");
    let users = app.rows("UsersTable").await;
    assert_eq!(users.iter().filter(|row| row["email"]["S"] == email.as_str()).count(), 1);
}

#[tokio::test]
async fn every_refusal_names_line_user_and_reason() {
    let app = App::with_env(&[]).await;
    let with = |name: &str, value: Value| {
        let mut line = user(&format!("with {name}"), &unique_email("refused"));
        line[name] = value;
        line.to_string()
    };
    let bcrypt = json!([{"providerId": "credential", "password": "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"}]);
    let unverified = {
        let mut line = user("unverified", &unique_email("refused"));
        line["emailVerified"] = json!(false);
        line["accounts"].as_array_mut().unwrap().push(link("google", "108"));
        line.to_string()
    };
    let good = user("good", &unique_email("good")).to_string();
    let long = format!("{{\"id\": \"{}\"}}", "x".repeat(2 << 20));
    let surrogate = r#"{"id": "\ud800", "email": "a@example.com", "accounts": []}"#;
    let lines: [(&str, Option<&str>); 17] = [
        ("\u{feff}{\"id\": \"first\"}", Some("malformed")),
        ("hunter2", Some("not_json")),
        ("", None),
        (r#"["id"]"#, Some("malformed")),
        (&long, Some("line_too_long")),
        (&good, None),
        ("{\"id\": \"nul\u{0}\"}", Some("not_json")),
        (surrogate, Some("not_json")),
        (&with("email", json!("")), Some("no_email")),
        (&with("email", json!(null)), Some("no_email")),
        (&with("email", json!("ann@localhost")), Some("invalid_email")),
        (&with("emailVerified", json!("no")), Some("malformed")),
        (&with("banned", json!(true)), Some("disabled")),
        (&with("accounts", bcrypt), Some("unknown_hash")),
        (&with("accounts", json!([link("google", "undefined")])), Some("invalid_link")),
        (&with("createdAt", json!("2999-01-01T00:00:00Z")), Some("malformed")),
        (&unverified, Some("unverified_ways_in")),
    ];
    let text: String = lines.iter().map(|(line, _)| format!("{line}\r\n")).collect();
    let lines_file = Lines::of_text(&text);
    let report = lines_file.path.with_file_name("refused.jsonl");
    let run = run(&app, "better-auth", &lines_file, &["--report", report.to_str().unwrap()]).await;
    assert_eq!((run.code, run.counts(), run.report.len()), (Some(1), [1, 0, 15], 0), "{}", run.said);
    let text = fs::read_to_string(report).unwrap();
    let mut told: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    told.sort_by_key(|entry| entry["line"].as_u64());
    let expected: Vec<(u64, &str)> =
        (1..).zip(&lines).filter_map(|(number, (_, code))| code.map(|code| (number, code))).collect();
    let codes: Vec<(u64, &str)> =
        told.iter().map(|entry| (entry["line"].as_u64().unwrap(), entry["code"].as_str().unwrap())).collect();
    assert_eq!(codes, expected);
    let of_line = |number: u64| told.iter().find(|entry| entry["line"] == number).unwrap();
    assert_eq!((&of_line(1)["id"], &of_line(2)["id"]), (&json!("first"), &json!(null)));
    assert_eq!(of_line(13)["id"], "with banned");
    assert!(of_line(14)["message"].as_str().unwrap().contains("bcrypt"), "{}", of_line(14));
    // Neither hashes nor addresses nor what was malformed.
    for told in [text, run.said] {
        assert!(
            !["hunter2", "$2b$", &HASH[..16], &HASH[33..49], "@"].iter().any(|secret| told.contains(secret)),
            "{told}"
        );
    }
    assert_eq!(app.rows("UsersTable").await.len(), 1);
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_writes_nothing() {
    let app = App::with_env(&[]).await;
    let taken = unique_email("taken");
    app.sign_up(&taken).await;
    let present = user("present", &unique_email("present"));
    run(&app, "better-auth", &Lines::new(std::slice::from_ref(&present)), &[]).await;
    let before = everything(&app).await;
    let lines = Lines::new(&[present, user("new", &unique_email("new")), user("taken", &taken)]);
    let dry = run(&app, "better-auth", &lines, &["--dry-run"]).await;
    assert!(dry.said.contains("nothing was written"), "{}", dry.said);
    assert_eq!(everything(&app).await, before);
    let wet = run(&app, "better-auth", &lines, &[]).await;
    assert_eq!((dry.code, dry.counts(), dry.report), (Some(1), [1, 1, 1], wet.report));
    assert_eq!(wet.said.replace("; nothing was written", ""), dry.said.replace("; nothing was written", ""));
}
