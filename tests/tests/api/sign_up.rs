//! Sign-up.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{Answer, App, Call, PASSWORD, unique_email};

use crate::{invariants, support::*};

fn body(email: &str) -> Value {
    json!({"name": "Ann", "email": email, "password": PASSWORD})
}

/// Signs up with the usual body, changed; `None` leaves a field out.
async fn sign_up_with(email: &str, changes: &[(&str, Option<Value>)]) -> Answer {
    let mut body = body(email);
    for (name, value) in changes {
        match value {
            Some(value) => body[name] = value.clone(),
            None => drop(body.as_object_mut().unwrap().remove(*name)),
        }
    }
    App::shared().browser().post("/sign-up/email", &body).await
}

async fn exists(email: &str) -> bool {
    user_row(App::shared(), email).await.is_some()
}

#[tokio::test]
async fn a_new_user_is_signed_in() {
    let app = App::shared();
    let email = unique_email("new");
    let mut browser = app.sign_up(&email).await;
    let user = browser.current_user().await.unwrap();
    assert_eq!(user["email"], email);
    assert_eq!(user["name"], "Ann");
    assert_eq!(user["emailVerified"], false);
    assert_eq!(user["image"], Value::Null);
}

#[tokio::test]
async fn the_answer_holds_the_user_an_access_token_and_the_session_cookie() {
    let app = App::shared();
    let email = unique_email("answer");
    let mut browser = app.browser();
    let answer = browser.post("/sign-up/email", &body(&email)).await;
    let (user, token) = (answer.json()["user"].clone(), answer.json()["token"].as_str().unwrap().to_owned());
    assert_eq!(user["email"], email);
    assert_eq!(user["id"].as_str().unwrap().len(), 32);
    assert_eq!(user["createdAt"], user["updatedAt"]);
    assert_eq!(cookie_names(&answer), ["better-auth.session_token"]);
    assert!(answer.set_cookies()[0].ends_with("; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax"));
    assert_eq!(answer.header("set-auth-token"), set_cookie(&answer, "better-auth.session_token").unwrap());
    let call = Call::new("GET", "/get-session").header("authorization", format!("Bearer {token}"));
    assert_eq!(app.browser().send(call).await.json()["user"]["id"], user["id"]);
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let received = |field: &str, expected: &str, value: &Value| {
        let name = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        format!("[body.{field}] Invalid input: expected {expected}, received {name}")
    };
    let mut cases: Vec<(&str, Option<Value>, String)> = Vec::new();
    for field in ["name", "email", "password", "image"] {
        for value in [json!(1), json!(1.5), json!(null), json!(true), json!(["x"]), json!({})] {
            let message = received(field, "string", &value);
            cases.push((field, Some(value), message));
        }
    }
    for value in [json!(1), json!(null), json!([]), json!({}), json!(""), json!("false")] {
        let message = received("rememberMe", "boolean", &value);
        cases.push(("rememberMe", Some(value), message));
    }
    for field in ["name", "email", "password"] {
        cases.push((field, None, format!("[body.{field}] Invalid input: expected string, received undefined")));
    }
    cases.push(("callbackURL", Some(json!(null)), received("callbackURL", "string", &Value::Null)));
    let too_small = "[body.password] Too small: expected string to have >=1 characters";
    cases.push(("password", Some(json!("")), too_small.to_owned()));
    let empty_array = "[body.password] Invalid input: expected string, received array; \
                       [body.password] Too small: expected array to have >=1 items";
    cases.push(("password", Some(json!([])), empty_array.to_owned()));
    for email in
        ["", "x", "a@b", "a@b.c", "a b@ex.com", "a@ex..com", "a@-ex.com", ".a@ex.com", "a..b@ex.com", "a@[127.0.0.1]"]
    {
        cases.push(("email", Some(json!(email)), "[body.email] Invalid email address".to_owned()));
    }
    let too_long = "[body.name] Too big: expected string to have <=128 characters";
    cases.push(("name", Some(json!("é".repeat(129))), too_long.to_owned()));
    cases.push((
        "image",
        Some(json!(format!("https://x/{}", "y".repeat(2048)))),
        "[body.image] Too big: expected string to have <=2048 characters".to_owned(),
    ));
    let email = unique_email("wrong-field");
    for (field, value, message) in cases {
        let answer = sign_up_with(&email, &[(field, value.clone())]).await;
        assert_error(&answer, 400, "VALIDATION_ERROR");
        assert_eq!(answer.json()["message"], message, "{field} = {value:?}");
    }
    let answer = App::shared().browser().post("/sign-up/email", &json!({})).await;
    let missing = ["name", "email", "password"]
        .map(|field| format!("[body.{field}] Invalid input: expected string, received undefined"));
    assert_eq!(answer.json()["message"], missing.join("; "));
    assert!(!exists(&email).await);
}

#[tokio::test]
async fn control_characters_in_the_name_are_refused() {
    for name in ["Ann\r\nBcc: x", "Ann\u{0}", "\u{1b}[31mAnn"] {
        let email = unique_email("control");
        assert_error(&sign_up_with(&email, &[("name", Some(json!(name)))]).await, 400, "VALIDATION_ERROR");
        assert!(!exists(&email).await);
    }
}

#[tokio::test]
async fn a_callback_url_that_is_no_string_has_no_code() {
    for value in [json!(1), json!(true), json!([]), json!({}), json!(1.5)] {
        let answer = sign_up_with(&unique_email("callback"), &[("callbackURL", Some(value))]).await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (400, r#"{"message":"Invalid callbackURL: expected a string"}"#)
        );
    }
}

#[tokio::test]
async fn a_password_has_8_to_128_code_points() {
    let app = App::shared();
    for (password, code) in [
        ("seven77".to_owned(), "PASSWORD_TOO_SHORT"),
        ("🔑".repeat(7), "PASSWORD_TOO_SHORT"),
        ("a".repeat(129), "PASSWORD_TOO_LONG"),
        ("🔑".repeat(129), "PASSWORD_TOO_LONG"),
        ("a".repeat(60_000), "PASSWORD_TOO_LONG"),
    ] {
        let email = unique_email("length");
        assert_error(&sign_up_with(&email, &[("password", Some(json!(password)))]).await, 400, code);
        assert!(!exists(&email).await);
    }
    for password in ["eight888".to_owned(), "🔑".repeat(8), "a".repeat(127) + "b", "🔑".repeat(127) + "b"] {
        let email = unique_email("length");
        assert_eq!(sign_up_with(&email, &[("password", Some(json!(password)))]).await.status, 200);
        assert!(password_works(app, &email, &password).await);
        let mut changed = password.clone();
        changed.pop();
        changed.push('c');
        assert!(!password_works(app, &email, &changed).await, "the last character counts");
    }
}

#[tokio::test]
async fn a_password_is_taken_to_the_letter() {
    let app = App::shared();
    for password in ["trailing space ", "nul\u{0}inside", "\u{200f}right to left", "Case Matters"] {
        let email = unique_email("letter");
        assert_eq!(sign_up_with(&email, &[("password", Some(json!(password)))]).await.status, 200);
        assert!(password_works(app, &email, password).await);
        for other in [
            password.trim(),
            &password.replace('\u{0}', ""),
            &password.replace('\u{200f}', ""),
            &password.to_lowercase(),
            password.split('\u{0}').next().unwrap(),
        ] {
            assert_eq!(password_works(app, &email, other).await, other == password, "{other:?} for {password:?}");
        }
    }
}

#[tokio::test]
async fn another_spelling_of_a_taken_address_is_taken() {
    let app = App::shared();
    let email = unique_email("victim-k");
    app.sign_up(&email).await;
    let spellings = [
        email.to_uppercase(),
        format!("  {email}\t"),
        email.replace('@', "＠"),
        email.replacen('v', "ⓥ", 1),
        email.replacen('k', "\u{212a}", 1),
        email.replace("example.com", "ｅxample.com"),
    ];
    for spelling in &spellings {
        let answer = sign_up_with(spelling, &[]).await;
        assert_error(&answer, 422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL");
        assert_eq!(answer.json()["message"], "User already exists. Use another email.");
        assert!(answer.set_cookies().is_empty());
        assert!(password_works(app, spelling, PASSWORD).await, "{spelling}");
    }
    for never in [email.replacen('i', "ı", 1), email.replacen('v', "ß", 1), email.replacen('-', "\u{200d}-", 1)] {
        assert_error(&sign_up_with(&never, &[]).await, 400, "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn an_international_domain_and_its_ascii_form_are_one() {
    let unicode = unique_email("idn").replace("example.com", "bücher.example");
    let ascii = unicode.replace("bücher", "xn--bcher-kva");
    assert_eq!(sign_up_with(&unicode, &[]).await.json()["user"]["email"], ascii);
    assert_error(&sign_up_with(&ascii, &[]).await, 422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL");
}

#[tokio::test]
async fn what_is_no_single_address_is_refused() {
    let long_local = format!("{}@example.com", "a".repeat(65));
    let long = format!("{}@{}example.com", "a".repeat(64), "long.".repeat(40));
    let huge = format!("{}@example.com", "a".repeat(3000));
    for email in [
        "a@ex.com,evil@x.com",
        "a@ex.com\nBcc: x",
        "a@ex.com\r\nBcc: evil@x.com",
        "\"a b\"@ex.com",
        "<a@ex.com>",
        "a@ex.com%0aBcc:x",
        "a@b@ex.com",
        "a@ex.com\u{0}",
        &long_local,
        &long,
        &huge,
    ] {
        assert_error(&sign_up_with(email, &[]).await, 400, "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn an_unremembered_session_ends_with_the_browser_and_after_a_day() {
    let app = App::shared();
    let email = unique_email("forget");
    let before = now();
    let answer = sign_up_with(&email, &[("rememberMe", Some(json!(false)))]).await;
    assert_eq!(cookie_names(&answer), ["better-auth.session_token", "better-auth.dont_remember"]);
    for cookie in answer.set_cookies() {
        assert!(cookie.ends_with("%3D; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
    }
    assert!(set_cookie(&answer, "better-auth.dont_remember").unwrap().starts_with("true."));
    let expiry = number(&only_session(app, &email).await, "expiresAt");
    assert!((before + DAY..=now() + DAY).contains(&expiry));
}

#[tokio::test]
async fn a_remembered_session_lives_a_week() {
    let app = App::shared();
    let email = unique_email("remember");
    let before = now();
    assert_eq!(sign_up_with(&email, &[("rememberMe", Some(json!(true)))]).await.status, 200);
    let row = only_session(app, &email).await;
    let expiry = number(&row, "expiresAt");
    assert!((before + 7 * DAY..=now() + 7 * DAY).contains(&expiry));
    assert!(number(&row, "ttl") * SECOND >= expiry, "the row outlives the session");
}

#[tokio::test]
async fn fields_that_are_the_services_own_are_ignored() {
    let email = unique_email("privileged");
    let answer = sign_up_with(
        &email,
        &[
            ("emailVerified", Some(json!(true))),
            ("email_verified", Some(json!(true))),
            ("role", Some(json!("admin"))),
            ("id", Some(json!("A".repeat(32)))),
            ("userId", Some(json!("A".repeat(32)))),
            ("twoFactorEnabled", Some(json!(false))),
            ("createdAt", Some(json!("2001-01-01T00:00:00.000Z"))),
            ("sessionsValidFrom", Some(json!(0))),
            ("identities", Some(json!(["email:victim@example.com"]))),
        ],
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let user = &answer.json()["user"];
    assert_eq!(user["emailVerified"], false);
    assert_ne!(user["id"], "A".repeat(32));
    let row = user_row(App::shared(), &email).await.unwrap();
    assert_eq!(row["emailVerified"]["BOOL"], false);
    assert_eq!(row["identities"]["L"], json!([{"S": format!("email:{email}")}]));
    assert!(number(&row, "createdAt") > now() - DAY);
    assert!(row.get("role").is_none() && row.get("twoFactorEnabled").is_none());
}

#[tokio::test]
async fn the_password_is_stored_as_a_salted_argon2id_hash() {
    let app = App::shared();
    let mut hashes = Vec::new();
    for _ in 0..2 {
        let email = unique_email("hash");
        app.sign_up(&email).await;
        let row = app.row("AccountsTable", "identity", &format!("email:{email}")).await.unwrap();
        hashes.push(row["passwordHash"]["S"].as_str().unwrap().to_owned());
    }
    assert!(hashes.iter().all(|hash| hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")), "{hashes:?}");
    assert_ne!(hashes[0], hashes[1]);
}

#[tokio::test]
async fn a_form_signs_up_too() {
    let app = App::shared();
    let email = unique_email("form");
    let form = |fields: &str| {
        Call::new("POST", "/sign-up/email")
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .body(format!("name=first&email={}&password=correct+horse+battery{fields}", encoded(&email)))
    };
    assert_error(&app.browser().send(form("&rememberMe=false")).await, 400, "VALIDATION_ERROR");
    let answer = app.browser().send(form("&name=last")).await;
    assert_eq!(answer.json()["user"]["name"], "last", "{}", answer.text());
    assert!(password_works(app, &email, PASSWORD).await);
}

#[tokio::test]
async fn a_picture_is_kept() {
    for image in ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "blob:https://x/y"] {
        let answer = sign_up_with(&unique_email("image"), &[("image", Some(json!(image)))]).await;
        assert_error(&answer, 400, "VALIDATION_ERROR");
    }
    for image in ["https://example.com/ann.png", "HTTP://example.com/a", "/pictures/ann.png", "ann.png?a:b", ""] {
        let answer = sign_up_with(&unique_email("image"), &[("image", Some(json!(image)))]).await;
        assert_eq!(answer.json()["user"]["image"], image);
    }
}

#[tokio::test]
async fn bodies_that_are_no_object_are_refused() {
    for (text, kind) in [
        ("null", "null"),
        ("[]", "array"),
        ("\"x\"", "string"),
        ("1", "number"),
        ("true", "boolean"),
        ("", "undefined"),
    ] {
        let call = Call::new("POST", "/sign-up/email").header("content-type", "application/json").body(text);
        let answer = App::shared().browser().send(call).await;
        assert_error(&answer, 400, "VALIDATION_ERROR");
        let expected = format!(
            "[body] Invalid input: expected object, received {kind}; [body] Invalid input: expected record, received {kind}"
        );
        assert_eq!(answer.json()["message"], expected);
    }
}

/// Whatever a body is, it is refused cleanly, and no part of it is believed.
#[tokio::test]
async fn hostile_bodies_are_refused_and_store_nothing() {
    let app = App::shared();
    let email = unique_email("hostile-body");
    let good = body(&email).to_string();
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let twice = good.replacen('{', &format!("{{\"email\":\"{email}\","), 1);
    let other_case = good.replacen('{', &format!("{{\"EMAIL\":\"{email}\","), 1);
    let keys: Vec<String> = (0..4000).map(|i| format!("\"k{i}\":{{}}")).collect();
    let bodies: Vec<(Vec<u8>, &[u16])> = vec![
        (b"{".to_vec(), &[400]),
        (format!("[\"Ann\",\"{email}\",\"{PASSWORD}\",\"//evil\"]").into_bytes(), &[400]),
        (format!("\u{feff}{good}").into_bytes(), &[400]),
        (utf16, &[400]),
        (b"\xff\xfe".to_vec(), &[400]),
        (good.replace("Ann", "Ann\\ud800").into_bytes(), &[400]),
        ([good.as_bytes(), b"\xff"].concat(), &[400]),
        (format!("{good}{good}").into_bytes(), &[400]),
        (format!("{good} x").into_bytes(), &[400]),
        (twice.into_bytes(), &[400]),
        (other_case.into_bytes(), &[400]),
        (good.replace("\"Ann\"", "1e400").into_bytes(), &[400]),
        (vec![b'['; 60_000], &[400]),
        ([b"{\"a\":".repeat(10_000), b"1".to_vec()].concat(), &[400]),
        (format!("{{{}}}", keys.join(",")).into_bytes(), &[400]),
        (vec![b'['; 5_000_000], &[413]),
        (vec![b' '; 64 * 1024 + 1], &[413]),
        (good.replace("Ann", &"x".repeat(64 * 1024)).into_bytes(), &[413]),
        (vec![b'a'; 5_900_000], &[413]),
    ];
    for (body, statuses) in bodies {
        let start = format!("{} bytes, {:?}", body.len(), String::from_utf8_lossy(&body[..body.len().min(40)]));
        let call = Call::new("POST", "/sign-up/email").header("content-type", "application/json").body(body);
        let answer = app.browser().send(call).await;
        assert!(statuses.contains(&answer.status), "{start}: {} {}", answer.status, answer.text());
        assert!(answer.json()["code"].is_string(), "{start}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/json");
        assert!(answer.set_cookies().is_empty());
    }
    assert!(!exists(&email).await);
    // The same address signs up once the body is right.
    app.sign_up(&email).await;
}

#[tokio::test]
async fn a_body_of_exactly_64_kib_is_read() {
    let mut body = body(&unique_email("large")).to_string();
    body.push_str(&" ".repeat(64 * 1024 - body.len()));
    let call = Call::new("POST", "/sign-up/email").header("content-type", "application/json").body(body);
    assert_eq!(App::shared().browser().send(call).await.status, 200);
}

#[tokio::test]
async fn other_media_types_are_refused_by_name() {
    let app = App::shared();
    let email = unique_email("media");
    let allowed = "Allowed types: application/x-www-form-urlencoded, application/json";
    for media_type in [
        "text/plain",
        "text/plain;charset=UTF-8",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "application/vnd.api+json",
    ] {
        let call =
            Call::new("POST", "/sign-up/email").header("content-type", media_type).body(body(&email).to_string());
        let answer = app.browser().send(call).await;
        assert_error(&answer, 415, "UNSUPPORTED_MEDIA_TYPE");
        assert_eq!(answer.json()["message"], format!("Content-Type \"{media_type}\" is not allowed. {allowed}"));
    }
    let answer = app.browser().send(Call::new("POST", "/sign-up/email").body(body(&email).to_string())).await;
    assert_error(&answer, 415, "UNSUPPORTED_MEDIA_TYPE");
    assert_eq!(answer.json()["message"], format!("Content-Type is required. {allowed}"));
    assert!(!exists(&email).await);
    let call = Call::new("POST", "/sign-up/email")
        .header("content-type", "Application/JSON; charset=utf-8")
        .body(body(&email).to_string());
    assert_eq!(app.browser().send(call).await.status, 200);
}

#[tokio::test]
async fn a_long_user_agent_is_cut() {
    let app = App::shared();
    let email = unique_email("agent");
    let agent = format!("\u{1b}[31m{}", "x".repeat(8000)).replace('\u{1b}', "%1b");
    let call = Call::new("POST", "/sign-up/email").header("user-agent", agent).json(&body(&email));
    assert_eq!(app.browser().send(call).await.status, 200);
    let row = only_session(app, &email).await;
    assert_eq!(row["userAgent"]["S"].as_str().unwrap().chars().count(), 512);
}

/// One address in several spellings, fifty times at once, with fifty passwords.
#[tokio::test]
async fn an_address_is_taken_once() {
    let app = racing().await;
    let email = unique_email("race");
    let spellings = [email.clone(), email.to_uppercase(), format!(" {email} "), email.replace('e', "E")];
    let browser = app.browser();
    let attempts = (0..50).map(|i| {
        let body = json!({"name": "Ann", "email": spellings[i % spellings.len()], "password": other_password(i)});
        browser.send_only(Call::new("POST", "/sign-up/email").json(&body))
    });
    let answers = join_all(attempts).await;
    let winners: Vec<usize> = (0..50).filter(|i| answers[*i].status == 200).collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    for (i, answer) in answers.iter().enumerate().filter(|(i, _)| *i != winners[0]) {
        assert_eq!((answer.status, answer.code().as_str()), (422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL"), "{i}");
    }
    assert_eq!((app.rows("UsersTable").await.len(), app.rows("SessionsTable").await.len()), (1, 1));
    assert!(password_works(&app, &email, &other_password(winners[0])).await);
    assert!(!password_works(&app, &email, &other_password((winners[0] + 1) % 50)).await);
    let passwords: Vec<String> = (0..50).map(other_password).collect();
    invariants::check(&app, &passwords).await;
}
