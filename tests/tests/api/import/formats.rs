//! What the sources export, and who signs in then.

use tests::fake_provider::{GithubUser, GoogleUser};

use super::*;
use crate::{magic_link, oauth};

/// The id of the user whom a browser is signed in as.
async fn id_of(browser: &mut tests::Browser) -> String {
    browser.current_user().await.unwrap()["id"].as_str().unwrap().to_owned()
}

async fn stored_id(app: &App, email: &str) -> String {
    user_row(app, email).await.unwrap()["id"]["S"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_linked_provider_signs_in_the_same_user() {
    let app = App::shared();
    let (email, subject) = (unique_email("linked"), unique_email("subject"));
    let mut line = user("linked", &email);
    line["accounts"].as_array_mut().unwrap().extend([link("google", &subject), link("github", "7700001")]);
    assert_eq!(run(app, "better-auth", &Lines::new(&[line]), &[]).await.code, Some(0));
    let id = stored_id(app, &email).await;
    let row = account(app, &format!("google:{subject}")).await.unwrap();
    assert!(row.get("provenEmail").is_none(), "that is Google's to say");

    let (mut by_google, _) = oauth::sign_in_with_google(app, &GoogleUser::new(&subject, &email)).await;
    let (mut by_github, _) = oauth::sign_in_with_github(app, &GithubUser::new(7_700_001, "ann", &email)).await;
    assert_eq!([id_of(&mut by_google).await, id_of(&mut by_github).await], [id.clone(), id]);
    let row = account(app, &format!("google:{subject}")).await.unwrap();
    assert_eq!(row["provenEmail"]["S"], json!(email));
    assert!(password_works(app, &email, PASSWORD).await);
    // Another identity with the same name is somebody else.
    let (mut other, _) = oauth::sign_in_with_github(app, &GithubUser::new(7_700_002, "ann", &unique_email("o"))).await;
    assert_ne!(id_of(&mut other).await, id_of(&mut by_github).await);
}

#[tokio::test]
async fn users_of_auth_js_come_by_provider_or_by_link() {
    let app = App::shared();
    let (github, mail) = (unique_email("auth-js"), unique_email("auth-js"));
    let account =
        json!({"provider": "github", "providerAccountId": "7700003", "type": "oauth", "access_token": "gho_c4n4ry"});
    let lines = [
        json!({"id": "cm1", "name": "Ann", "email": github, "emailVerified": null, "image": null, "accounts": [account]}),
        json!({"id": 2, "name": null, "email": mail, "emailVerified": "2024-01-01T12:00:00.000Z", "accounts": []}),
    ];
    let lines = Lines::new(&lines);
    let ids = lines.path.with_file_name("ids.jsonl");
    let first = run(app, "auth-js", &lines, &["--ids", ids.to_str().unwrap()]).await;
    assert_eq!((first.code, first.counts()), (Some(0), [2, 0, 0]), "{}", first.said);
    let (mut browser, _) = oauth::sign_in_with_github(app, &GithubUser::new(7_700_003, "ann", &github)).await;
    let user = browser.current_user().await.unwrap();
    assert_eq!((&user["email"], &user["emailVerified"]), (&json!(github), &json!(true)), "GitHub has verified it");
    let mut browser = magic_link::sign_in_by_link(app, &mail).await;
    assert_eq!(browser.current_user().await.unwrap()["name"], "");

    // Which id became which, again and again.
    let mut expected = [("cm1", stored_id(app, &github).await), ("2", stored_id(app, &mail).await)];
    expected.sort();
    let told = || {
        let text = fs::read_to_string(&ids).unwrap();
        let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        lines.sort_by_key(|line| line["from"].to_string());
        lines
    };
    let is_told =
        |told: &[Value]| told.iter().zip(&expected).all(|(line, (from, id))| line == &json!({"from": from, "id": id}));
    assert!(told().len() == 2 && is_told(&told()), "{:?}", told());
    let second = run(app, "auth-js", &lines, &["--ids", ids.to_str().unwrap()]).await;
    assert_eq!(second.counts(), [0, 2, 0]);
    assert!(told().len() == 2 && is_told(&told()), "{:?}", told());
}

#[tokio::test]
async fn users_of_cognito_come_by_provider_link_or_a_new_password() {
    let app = App::shared();
    let [federated, native, reset, unproven] = ["federated", "native", "reset", "unproven"].map(unique_email);
    let subject = unique_email("subject");
    let cognito = |sub: &str, email: &str, more: &[(&str, &str)]| {
        let given = [("sub", sub), ("email", email), ("name", "Ann")];
        let attributes = given.iter().chain(more).map(|(name, value)| json!({"Name": name, "Value": value}));
        json!({
            "Username": sub, "UserAttributes": attributes.collect::<Vec<_>>(), "Enabled": true, "UserStatus": "CONFIRMED",
            "UserCreateDate": "2024-01-01T12:00:00.123000+00:00", "UserLastModifiedDate": "2024-01-01T12:00:00.123000+00:00",
        })
    };
    let identities = json!([{"userId": subject, "providerName": "Google", "providerType": "Google"}]).to_string();
    let lines = [
        cognito("8c3b0001", &federated, &[("email_verified", "false"), ("identities", &identities)]),
        cognito("8c3b0002", &native, &[("email_verified", "true")]),
        cognito("8c3b0003", &reset, &[("email_verified", "true")]),
        cognito("8c3b0004", &unproven, &[]),
    ];
    let run = run(app, "cognito", &Lines::new(&lines), &[]).await;
    assert_eq!((run.code, run.counts()), (Some(0), [4, 0, 0]), "{}", run.said);

    let (mut browser, _) = oauth::sign_in_with_google(app, &GoogleUser::new(&subject, &federated)).await;
    let user = browser.current_user().await.unwrap();
    assert_eq!((&user["email"], &user["createdAt"]), (&json!(federated), &json!("2024-01-01T12:00:00.123Z")));
    let mut browser = magic_link::sign_in_by_link(app, &native).await;
    assert_eq!(id_of(&mut browser).await, stored_id(app, &native).await);
    // Nobody has to have verified an address for a mail to it to be enough.
    for email in [&reset, &unproven] {
        assert!(!password_works(app, email, PASSWORD).await);
        reset_to(app, email, PASSWORD).await;
        assert!(password_works(app, email, PASSWORD).await, "{email}");
    }
}

/// `list-users` is silent about authenticators: nobody loses one by it.
#[tokio::test]
async fn a_second_factor_that_the_export_hides_is_not_lost_unawares() {
    let app = App::shared();
    let listed =
        json!([{"Name": "sub", "Value": unique_email("listed")}, {"Name": "email", "Value": unique_email("listed")}]);
    let lines = Lines::new(&[json!({"Username": "ann", "Attributes": listed, "Enabled": true})]);
    let strict = run(app, "cognito", &lines, &[]).await;
    assert_eq!((strict.code, strict.counts()), (Some(1), [0, 0, 1]), "{}", strict.said);
    assert_eq!(strict.refused(), [(1, "second_factor_unknown")]);
    let lenient = run(app, "cognito", &lines, &["--without-second-factor"]).await;
    assert_eq!((lenient.code, lenient.counts()), (Some(0), [1, 0, 0]), "{}", lenient.said);
}

/// Where the service does not know a provider, nobody's way in is lost unawares.
#[tokio::test]
async fn what_cannot_come_along_is_left_behind_on_demand_only() {
    let app = App::shared();
    let [discord, factor] = ["discord", "factor"].map(unique_email);
    let mut lines = [user("discord", &discord), user("factor", &factor)];
    lines[0]["accounts"].as_array_mut().unwrap().push(link("discord", "1"));
    lines[1]["twoFactorEnabled"] = json!(true);
    let lines = Lines::new(&lines);
    let strict = run(app, "better-auth", &lines, &[]).await;
    assert_eq!((strict.code, strict.counts()), (Some(1), [0, 0, 2]));
    assert_eq!(strict.refused(), [(1, "unknown_provider"), (2, "second_factor")]);
    let lenient = run(app, "better-auth", &lines, &["--without-provider", "discord", "--without-second-factor"]).await;
    assert_eq!((lenient.code, lenient.counts()), (Some(0), [2, 0, 0]), "{}", lenient.said);
    assert!(account(app, "discord:1").await.is_none());
    for email in [discord, factor] {
        let (mut browser, _) = sign_in(app, &email, PASSWORD).await;
        assert_eq!(browser.current_user().await.unwrap()["twoFactorEnabled"], false);
    }
}
