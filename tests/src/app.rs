//! The running service, as the tests reach it.

use std::{
    collections::BTreeSet,
    ops::Deref,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use local::{Inspector, Mail, Stack, StackOptions};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{Browser, Document, fake_provider::FakeProvider};

/// A password that every rule accepts.
pub const PASSWORD: &str = "correct horse battery";

/// How long a request for a reset mail takes in tests, in milliseconds.
const MAIL_DEADLINE_MILLIS: &str = "300";

/// An address that no other test has.
pub fn unique_email(name: &str) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{name}-{number}-{}@example.com", std::process::id())
}

/// The token in a link that resets a password, the last part of its path.
pub fn reset_token_in(link: &str) -> String {
    let path = link.split('?').next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Routes, as method and path, and the statuses that they answered.
pub type Seen = BTreeSet<(String, u16)>;

/// A local stack with a stand-in for the OAuth providers. Every answer of its
/// API is held against the document of the API.
pub struct App {
    stack: Stack,
    /// Stands in for Google and GitHub.
    pub provider: FakeProvider,
    seen: Arc<Mutex<Seen>>,
}

impl Deref for App {
    type Target = Stack;

    fn deref(&self) -> &Stack {
        &self.stack
    }
}

impl App {
    /// The stack that all tests share that leave it as they found it.
    ///
    /// It lives on a runtime of its own: that of a test ends with the test.
    pub fn shared() -> &'static Self {
        static APP: OnceLock<App> = OnceLock::new();
        APP.get_or_init(|| on_own_thread(|| Self::start(StackOptions { instances: 4, ..StackOptions::default() })))
    }

    /// A stack of a test's own, for those that break something.
    pub async fn start(mut options: StackOptions) -> Self {
        let provider = FakeProvider::start().await;
        let mut env = provider.env();
        env.push(("AUTH_MAIL_DEADLINE_MS".to_owned(), MAIL_DEADLINE_MILLIS.to_owned()));
        env.append(&mut options.env);
        options.env = env;
        options.trust_source_ip_header = true;
        // Read now, so that no request waits for it.
        Document::shared();
        let seen = Arc::<Mutex<Seen>>::default();
        options.inspector = Some(inspector(seen.clone()));
        let stack = Stack::start(options).await.unwrap_or_else(|error| panic!("the stack does not start: {error}"));
        stack
            .aws()
            .put_secret("OAuthClientsSecret", &provider.clients_json())
            .unwrap_or_else(|error| panic!("the secret cannot be set: {error}"));
        Self { stack, provider, seen }
    }

    /// A stack of a test's own with a few settings of the functions changed.
    pub async fn with_env(env: &[(&str, &str)]) -> Self {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self::start(StackOptions { env, ..StackOptions::default() }).await
    }

    /// What was answered so far.
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops everything and waits until the functions are gone.
    pub async fn stop(self) {
        self.stack.stop().await;
    }

    /// A browser on a page of the application, without cookies.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.url())
    }

    /// Signs up a new user; the browser is then signed in.
    pub async fn sign_up(&self, email: &str) -> Browser {
        let mut browser = self.browser();
        let body = json!({"name": "Ann", "email": email, "password": PASSWORD});
        let answer = browser.post("/sign-up/email", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        browser
    }

    /// The newest mail to an address, which may take a moment to come.
    pub async fn mail_to(&self, address: &str) -> Mail {
        for _ in 0..100 {
            if let Some(mail) = self.mails().into_iter().find(|mail| mail.is_to(address)) {
                return mail;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no mail to {address} came");
    }

    /// Asks for a reset mail and returns the token in its link.
    pub async fn reset_token(&self, email: &str) -> String {
        let before = self.mails().iter().filter(|mail| mail.is_to(email)).count();
        let answer =
            self.browser().post("/request-password-reset", &json!({"email": email, "redirectTo": "/reset"})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(self.mails().iter().filter(|mail| mail.is_to(email)).count(), before + 1);
        let mail = self.mail_to(email).await;
        reset_token_in(mail.links.first().unwrap_or_else(|| panic!("no link in the mail")))
    }

    /// All rows of a table.
    pub async fn rows(&self, table: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut start = Value::Null;
        loop {
            let mut request = json!({"TableName": table, "ConsistentRead": true});
            if !start.is_null() {
                request["ExclusiveStartKey"] = start;
            }
            let page = self.aws().dynamodb("Scan", &request).await.unwrap_or_else(|error| panic!("{error}"));
            rows.extend(page["Items"].as_array().unwrap_or_else(|| panic!("no items: {page}")).iter().cloned());
            start = page["LastEvaluatedKey"].clone();
            if start.is_null() {
                return rows;
            }
        }
    }

    /// The row of a table whose string attribute has a value.
    pub async fn row(&self, table: &str, attribute: &str, value: &str) -> Option<Value> {
        self.rows(table).await.into_iter().find(|row| row[attribute]["S"] == value)
    }

    /// Overwrites a row.
    pub async fn put_row(&self, table: &str, row: &Value) {
        let request = json!({"TableName": table, "Item": row});
        self.aws().dynamodb("PutItem", &request).await.unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Holds answers against the document, and remembers them.
fn inspector(seen: Arc<Mutex<Seen>>) -> Inspector {
    Inspector::new(move |exchange| {
        if let Some(route) = exchange.route {
            seen.lock().unwrap_or_else(PoisonError::into_inner).insert((route.key(), exchange.status));
        }
        Document::shared().check(exchange)
    })
}

/// Runs the future on a runtime that never ends, so that what it spawns lives
/// as long as the process.
fn on_own_thread<T, F>(start: impl FnOnce() -> F + Send + 'static) -> T
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    std::thread::spawn(move || {
        let runtime: &'static Runtime = Box::leak(Box::new(
            tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
                .unwrap_or_else(|error| panic!("no runtime: {error}")),
        ));
        runtime.block_on(start())
    })
    .join()
    .unwrap_or_else(|_| panic!("the shared stack did not start"))
}
