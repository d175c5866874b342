//! The demo with the real functions: its user, and its providers. The front end
//! is a small one that only hands requests on.

use std::{
    path::{Path, PathBuf},
    sync::Once,
};

use local::{Data, Demo, DemoOptions, StackOptions};
use serde_json::{Value, json};
use tests::{Answer, Browser, Call};
use url::Url;

use crate::support::*;

fn options() -> DemoOptions {
    let parts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../local/tests/demo");
    DemoOptions { web: front_end(&parts.join("web")), api: parts.join("api"), ..DemoOptions::default() }
}

/// A copy of the front end: what is built lies beside its sources.
fn front_end(sources: &Path) -> PathBuf {
    static COPIED: Once = Once::new();
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("demo-front-end");
    COPIED.call_once(|| {
        std::fs::create_dir_all(&copy).unwrap();
        for file in std::fs::read_dir(sources).unwrap().flatten() {
            std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
        }
    });
    copy
}

/// A browser on the front end.
fn browser(demo: &Demo) -> Browser {
    Browser::new(&demo.web_url())
}

async fn sign_in(browser: &mut Browser, demo: &Demo) -> Answer {
    let user = demo.user();
    browser.post("/sign-in/email", &json!({"email": user.email, "password": user.password})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demos_user_is_made_once_under_either_profile() {
    for profile in ["development", "production"] {
        let directory = std::env::temp_dir().join(format!("demo-user-{profile}-{}", std::process::id()));
        let start = || {
            let parameters = vec![("Profile".to_owned(), profile.to_owned())];
            let data = Data::Path(directory.clone());
            Demo::start(DemoOptions {
                stack: StackOptions { parameters, data, ..StackOptions::default() },
                ..options()
            })
        };
        let demo = start().await.unwrap();
        let answer = sign_in(&mut browser(&demo), &demo).await;
        assert_eq!(answer.status, 200, "{profile}: {}", answer.text());
        assert_eq!(answer.json()["user"]["emailVerified"], true);

        let mails = demo.stack().mails();
        let subjects: Vec<&str> = mails.iter().map(|mail| mail.subject.as_str()).collect();
        assert_eq!(subjects, ["Reset your password", "Verify your e-mail address"]);
        let link = mails[0].links[0].clone();
        assert!(link.starts_with(&demo.web_url()), "{link}");
        let answer = browser(&demo).get(&link).await;
        assert!(answer.status == 302 && answer.header("location").contains("token="), "{answer:?}");

        let start_page = browser(&demo).get(&demo.stack().url()).await.text();
        assert!(start_page.contains(&demo.user().email) && start_page.contains(&demo.user().password));
        assert!(start_page.contains(&demo.web_url().replace('/', "&#x2f;")));
        demo.stop().await;

        let demo = start().await.unwrap();
        assert_eq!(demo.stack().mails().len(), 2, "nothing is sent again");
        assert_eq!(sign_in(&mut browser(&demo), &demo).await.status, 200);
        demo.stop().await;
        std::fs::remove_dir_all(directory).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateways_own_pages_may_send_requests() {
    let demo = Demo::start(options()).await.unwrap();
    let mut page = Browser::new(&demo.stack().url());
    assert_eq!(sign_in(&mut page, &demo).await.status, 200);
    assert_eq!(page.post("/sign-out", &json!({})).await.status, 200);
    let mut other = Browser::new(&demo.stack().url());
    other.origin = Some("http://127.0.0.1:1".to_owned());
    assert_eq!(sign_in(&mut other, &demo).await.status, 403, "nobody else's may");
    demo.stop().await;
}

/// Asks for a sign-in; where the provider's page is, seen by a browser there.
async fn provider_page(demo: &Demo, app: &mut Browser, provider: &str) -> (Browser, String) {
    provider_page_with(demo, app, provider, json!({})).await
}

/// The same with further parameters for the provider.
async fn provider_page_with(demo: &Demo, app: &mut Browser, provider: &str, more: Value) -> (Browser, String) {
    let body =
        json!({"provider": provider, "callbackURL": "/in", "errorCallbackURL": "/out", "additionalParams": more});
    let answer = app.post("/sign-in/social", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut url = answer.json()["url"].as_str().unwrap().to_owned();
    let mut page = Browser::new(&demo.provider_url());
    loop {
        assert!(url.starts_with(&demo.provider_url()), "{url}");
        let answer = page.get(&url).await;
        if answer.status == 200 {
            assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
            assert!(answer.text().contains(&demo.user().email) && !answer.text().contains("<script"));
            return (page, url);
        }
        url = Url::parse(&url).unwrap().join(answer.header("location")).unwrap().into();
    }
}

/// Sends the form of that page, and returns where the application is led.
async fn choose(demo: &Demo, app: &mut Browser, (mut page, url): (Browser, String), fields: &str) -> String {
    let form = ("content-type", "application/x-www-form-urlencoded");
    let mut answer = page.send(Call::new("POST", url.as_str()).header(form.0, form.1).body(fields.to_owned())).await;
    let mut url = Url::parse(&url).unwrap();
    loop {
        assert_eq!(answer.status, 303, "{}", answer.text());
        url = url.join(answer.header("location")).unwrap();
        if url.as_str().starts_with(&demo.web_url()) {
            break;
        }
        answer = page.get(url.as_str()).await;
    }
    let answer = app.get(url.as_str()).await;
    assert_eq!(answer.status, 302, "{}", answer.text());
    answer.header("location").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_with_every_provider() {
    let demo = Demo::start(options()).await.unwrap();
    for provider in ["google", "github", "acme"] {
        let mut app = browser(&demo);
        let page = provider_page(&demo, &mut app, provider).await;
        assert_eq!(choose(&demo, &mut app, page, "person=ben%40example.com").await, "/in");
        let user = app.get("/get-session").await.json()["user"].clone();
        assert_eq!((&user["email"], &user["name"]), (&json!("ben@example.com"), &json!("Ben Otieno")), "{provider}");
        assert_eq!(user["emailVerified"], true);
        let accounts = app.get("/list-accounts").await.json();
        let providers: Vec<_> = accounts.as_array().unwrap().iter().map(|account| &account["providerId"]).collect();
        assert!(providers.contains(&&json!(provider)), "{accounts}");
    }

    // The demo's own user has a password too: that account is joined.
    let mut app = browser(&demo);
    let page = provider_page(&demo, &mut app, "google").await;
    choose(&demo, &mut app, page, &format!("person={}", encoded(&demo.user().email))).await;
    let accounts = app.get("/list-accounts").await.json();
    assert_eq!(accounts.as_array().unwrap().len(), 2, "{accounts}");

    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn google_gives_a_refresh_token_to_those_who_ask_for_one() {
    let demo = Demo::start(options()).await.unwrap();
    for (asked, status) in [(json!({"access_type": "offline", "prompt": "select_account"}), 200), (json!({}), 400)] {
        let mut app = browser(&demo);
        let page = provider_page_with(&demo, &mut app, "google", asked).await;
        let email = format!("person=other&verified=yes&email=refresh-{status}%40example.com");
        assert!(choose(&demo, &mut app, page, &email).await.ends_with("/in"));
        let account = app.get("/list-accounts").await.json()[0]["id"].clone();
        let answer = app.post("/refresh-token", &json!({"accountId": account})).await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_providers_vouch_for_no_address_that_is_not_verified() {
    let demo = Demo::start(options()).await.unwrap();
    for provider in ["google", "acme"] {
        let mut app = browser(&demo);
        let page = provider_page(&demo, &mut app, provider).await;
        let fields = format!("person=other&name=Eve&email=eve-{provider}%40example.com");
        let to = choose(&demo, &mut app, page, &fields).await;
        let user = app.get("/get-session").await.json()["user"].clone();
        assert_eq!(user["emailVerified"], false, "{provider}: {to} {user}");
        assert_eq!(user["name"], "Eve");
    }
    // Whoever claims the address of somebody else does not get in.
    for provider in ["google", "github", "acme"] {
        let mut app = browser(&demo);
        let page = provider_page(&demo, &mut app, provider).await;
        let fields = format!("person=other&email={}", encoded(&demo.user().email.to_uppercase()));
        let to = choose(&demo, &mut app, page, &fields).await;
        assert!(to.contains("/out?error="), "{provider}: {to}");
        assert!(app.get("/get-session").await.json().is_null(), "{provider}");
    }
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_providers_take_no_for_an_answer_and_nothing_that_is_wrong() {
    let demo = Demo::start(options()).await.unwrap();
    for provider in ["google", "github", "acme"] {
        let mut app = browser(&demo);
        let page = provider_page(&demo, &mut app, provider).await;
        let to = choose(&demo, &mut app, page, "person=nobody").await;
        assert!(to.contains("/out?error=access_denied"), "{provider}: {to}");
    }
    // Nobody is sent to an address that is not the application's.
    let url = demo.provider_url();
    let elsewhere = "response_type=code&scope=openid&state=s&redirect_uri=http%3A%2F%2Fevil.example%2F";
    for path in [
        format!("/google/auth?client_id=demo-google&{elsewhere}"),
        format!("/acme/auth?client_id=demo-acme&{elsewhere}"),
        format!("/github/login/oauth/authorize?client_id=demo-github&{elsewhere}"),
    ] {
        let answer = Browser::new(&url).get(&format!("{url}{path}")).await;
        assert_eq!((answer.status, answer.header("location")), (400, ""), "{path}");
        assert!(!answer.text().contains("evil"), "{}", answer.text());
    }
    // Nor is a code given for a wrong secret, nor a profile for no token.
    let form = "client_id=demo-github&client_secret=wrong&code=x&grant_type=authorization_code".to_owned();
    let call = Call::new("POST", format!("{url}/github/login/oauth/access_token")).header("accept", "application/json");
    let answer = browser(&demo).send(call.header("content-type", "application/x-www-form-urlencoded").body(form)).await;
    assert_eq!(answer.json()["error"], "incorrect_client_credentials");
    assert_eq!(browser(&demo).get(&format!("{url}/github/api/user")).await.status, 401);
    demo.stop().await;
}
