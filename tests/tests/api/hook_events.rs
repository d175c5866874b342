//! What hooks are told. The endpoints run in this process, with hooks that
//! remember, on the database of a stack.

use std::sync::{Arc, Mutex};

use futures_util::future::{BoxFuture, FutureExt as _, ready};
use lambda_http::request::LambdaRequest;
use serde_json::{Value, json};
use shared::{
    adapters::{Aws, OAuthClientSecret, OsRandom, SecretCache, Ses, SystemClock, dynamodb::DynamoDb, oauth::Providers},
    config::Config,
    crypto::Argon2Hasher,
    domain::{SessionHandle, User, UserId},
    hooks::{Decision, Hooks, SignInMethod},
    http::{
        Audit, AuthRequest, Endpoint, Function,
        endpoints::{AccountEndpoint, Core, Post, ResetConfirmEndpoint, SignOutEndpoint, SignUpEndpoint},
    },
};
use tests::{App, PASSWORD, unique_email};

use crate::support::user_row;

/// Hooks that allow everything and remember it.
#[derive(Default)]
struct Recorder(Mutex<Vec<String>>);

impl Recorder {
    fn note(&self, event: &str, user: &UserId) {
        self.0.lock().unwrap().push(format!("{event} {user}"));
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Hooks for Recorder {
    fn sign_up<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Decision> {
        self.note("signs up", &user.id);
        ready(Decision::Allow).boxed()
    }

    fn sign_in<'a>(&'a self, user: &'a User, method: SignInMethod<'a>) -> BoxFuture<'a, Decision> {
        self.note(&format!("signs in by {method:?}"), &user.id);
        ready(Decision::Allow).boxed()
    }

    fn signed_out<'a>(&'a self, session: &'a SessionHandle) -> BoxFuture<'a, ()> {
        self.note("signed out", &session.user_id);
        ready(()).boxed()
    }

    fn password_changed<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, ()> {
        self.note("changed the password", user);
        ready(()).boxed()
    }

    fn deleted<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, ()> {
        self.note("was deleted", user);
        ready(()).boxed()
    }
}

/// A stack, and what an endpoint is made of.
struct Parts {
    app: App,
    config: Config,
    aws: Aws,
    hooks: Arc<Recorder>,
}

impl Parts {
    async fn start() -> Self {
        let app = App::with_env(&[]).await;
        let function = app.template().function("account").unwrap();
        let config = Config::from_variables(function.environment.clone()).unwrap();
        let url = app.aws_url().to_owned();
        let aws = Aws::from_variables(|name| match name {
            "AWS_ENDPOINT_URL" => Some(url.clone()),
            "AWS_ACCESS_KEY_ID" => Some("local-hooks-1".to_owned()),
            _ => None,
        });
        Self { app, config, aws, hooks: Arc::default() }
    }

    fn core(&self) -> Core {
        Core { hooks: self.hooks.clone(), ..Core::new(self.config.clone()) }
    }

    fn secrets(&self) -> SecretCache {
        SecretCache::new(self.aws.secrets_manager(), self.config.secret_id.clone())
    }

    fn store(&self) -> DynamoDb {
        DynamoDb::new(self.aws.dynamodb(), self.config.tables.clone())
    }

    fn hasher(&self) -> Argon2Hasher<OsRandom> {
        Argon2Hasher::new(self.config.hashing, OsRandom)
    }

    fn providers(&self) -> Providers<OAuthClientSecret> {
        let clients = OAuthClientSecret::new(self.aws.secrets_manager(), self.config.oauth_secret_id.clone());
        Providers::new(self.config.providers.clone(), self.config.url(""), clients, Arc::new(SystemClock))
    }

    fn post(&self) -> Post<Ses> {
        Post::new(Ses::new(self.aws.ses(self.config.mail.deadline()), &self.config.mail))
    }

    async fn id_of(&self, email: &str) -> String {
        user_row(&self.app, email).await.unwrap()["id"]["S"].as_str().unwrap().to_owned()
    }
}

/// Sends a request straight to an endpoint.
async fn send(endpoint: &impl Endpoint, function: Function, path: &str, cookie: &str, body: Value) {
    let event = json!({
        "version": "2.0",
        "routeKey": format!("POST /api/auth{path}"),
        "rawPath": format!("/api/auth{path}"),
        "rawQueryString": "",
        "headers": {"host": "localhost", "cookie": cookie},
        "requestContext": {
            "requestId": "r", "stage": "$default", "routeKey": format!("POST /api/auth{path}"),
            "http": {"method": "POST", "path": format!("/api/auth{path}"), "sourceIp": "192.0.2.1"},
            "timeEpoch": 0,
        },
        "isBase64Encoded": false,
    });
    let request = lambda_http::Request::from(serde_json::from_value::<LambdaRequest>(event).unwrap());
    let mut request = AuthRequest::from_event(function, request).unwrap();
    request.body = Some(body);
    let reply = endpoint.handle(&request, &mut Audit::default()).await.unwrap();
    assert_eq!(reply.status(), 200);
}

#[tokio::test]
async fn hooks_are_told_of_sign_ups_sign_outs_and_resets() {
    let parts = Parts::start().await;
    let email = unique_email("hook-events");
    let (core, secrets, store) = (parts.core(), parts.secrets(), parts.store());
    let sign_up = SignUpEndpoint { core, secrets, hasher: parts.hasher(), store, post: parts.post() };
    let body = json!({"name": "Ann", "email": email, "password": PASSWORD});
    send(&sign_up, Function::Signup, "/sign-up/email", "", body).await;
    let id = parts.id_of(&email).await;
    assert_eq!(parts.hooks.take(), [format!("signs up {id}"), format!("signs in by SignUp {id}")]);

    let (browser, answer) = crate::support::sign_in(&parts.app, &email, PASSWORD).await;
    assert_eq!(answer.status, 200);
    let cookie = format!("better-auth.session_token={}", browser.session_cookie().unwrap());
    let sign_out = SignOutEndpoint { core: parts.core(), secrets: parts.secrets(), store: parts.store() };
    send(&sign_out, Function::Signout, "/sign-out", &cookie, json!({})).await;
    assert_eq!(parts.hooks.take(), [format!("signed out {id}")]);
    send(&sign_out, Function::Signout, "/sign-out", "", json!({})).await;
    assert!(parts.hooks.take().is_empty(), "nobody was signed in");

    let token = parts.app.reset_token(&email).await;
    let reset =
        ResetConfirmEndpoint { core: parts.core(), hasher: parts.hasher(), store: parts.store(), post: parts.post() };
    let body = json!({"token": token, "newPassword": PASSWORD});
    send(&reset, Function::ResetConfirm, "/reset-password", "", body).await;
    assert_eq!(parts.hooks.take(), [format!("changed the password {id}")]);
}

#[tokio::test]
async fn hooks_are_told_of_changes_of_the_password_and_deletions() {
    let parts = Parts::start().await;
    let email = unique_email("hook-account");
    let account = AccountEndpoint {
        core: parts.core(),
        secrets: parts.secrets(),
        hasher: parts.hasher(),
        store: parts.store(),
        post: parts.post(),
        providers: parts.providers(),
        encryption: parts.secrets(),
    };
    let mut browser = parts.app.sign_up(&email).await;
    let id = parts.id_of(&email).await;
    let cookie = format!("better-auth.session_token={}", browser.session_cookie().unwrap());
    let body = json!({"currentPassword": PASSWORD, "newPassword": "another good password"});
    send(&account, Function::Account, "/change-password", &cookie, body).await;
    assert_eq!(parts.hooks.take(), [format!("changed the password {id}")]);

    let body = json!({"email": email, "password": "another good password"});
    assert_eq!(browser.post("/sign-in/email", &body).await.status, 200);
    let cookie = format!("better-auth.session_token={}", browser.session_cookie().unwrap());
    send(&account, Function::Account, "/delete-user", &cookie, json!({"password": "another good password"})).await;
    assert_eq!(parts.hooks.take(), [format!("was deleted {id}")]);
}
