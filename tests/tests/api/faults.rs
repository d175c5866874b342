//! Every flow, with every AWS call that it makes going wrong in every way.
//!
//! A cell of the matrix is a flow, one of its calls and a fault, which happens
//! once or always. Whatever happens, a request ends in one of two ways: it
//! succeeds and its work is done; or it says 503 with `Retry-After` (a
//! callback whose state is spent sends the browser on with
//! `temporarily_unavailable`) and nothing has changed. Then the fault ends,
//! the client tries again, and gets what it wanted.
//!
//! One case is beyond anybody's reach: a write that happens every time while
//! its answer is lost every time. Nobody can know of it, so that the client is
//! told 503. It is then all done or not at all, and trying again helps.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use local::{Fault, FaultRule, Service, StackOptions, When};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tests::{Answer, App, Authenticator, Browser, Call, PASSWORD, enrol, fake_provider::GithubUser, unique_email};
use tokio::task::JoinSet;

use crate::{
    invariants, magic_link,
    mails::link_to,
    steps::{Snapshot, age_sessions, try_sign_up, verify_email},
    support::{assert_redirect, number, only_session, reset, sessions_of, sign_in, user_row},
};

/// Longest time that a request may take, whatever hangs.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// Cells after which a function starts anew.
const CELLS_OF_A_PROCESS: u32 = 10;
/// The password after a reset.
const NEW_PASSWORD: &str = "another horse battery";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    SignUp,
    SignIn,
    GetSession,
    /// A get-session that extends the session.
    Extend,
    SignOut,
    ResetRequest,
    ResetConfirm,
    RevokeAll,
    ChangePassword,
    /// The deletion of a user who has another session.
    DeleteUser,
    SocialStart,
    CallbackOfNewUser,
    CallbackOfLinkedUser,
    CallbackThatLinks,
    LinkRequest,
    LinkOfNewUser,
    LinkOfVerifiedUser,
    LinkOfUnverifiedUser,
    VerificationRequest,
    /// A link that is followed in another browser than the one that signed up.
    Recover,
    ChangeRequest,
    ChangeConsent,
    ChangeEmail,
    /// The start of an enrolment.
    Enrol,
    /// A code that completes a sign-in.
    SecondFactor,
    /// The end of a second factor.
    Disable,
}

use Flow::{
    CallbackOfLinkedUser, CallbackOfNewUser, CallbackThatLinks, ChangeConsent, ChangeEmail, ChangePassword,
    ChangeRequest, DeleteUser, Disable, Enrol, Extend, GetSession, LinkOfNewUser, LinkOfUnverifiedUser,
    LinkOfVerifiedUser, LinkRequest, Recover, ResetConfirm, ResetRequest, RevokeAll, SecondFactor, SignIn, SignOut,
    SignUp, SocialStart, VerificationRequest,
};

const FLOWS: [Flow; 26] = [
    SignUp,
    SignIn,
    GetSession,
    Extend,
    SignOut,
    ResetRequest,
    ResetConfirm,
    RevokeAll,
    ChangePassword,
    DeleteUser,
    SocialStart,
    CallbackOfNewUser,
    CallbackOfLinkedUser,
    CallbackThatLinks,
    LinkRequest,
    LinkOfNewUser,
    LinkOfVerifiedUser,
    LinkOfUnverifiedUser,
    VerificationRequest,
    Recover,
    ChangeRequest,
    ChangeConsent,
    ChangeEmail,
    Enrol,
    SecondFactor,
    Disable,
];

impl Flow {
    const fn function(self) -> &'static str {
        match self {
            SignUp => "signup",
            SignIn | SocialStart => "signin",
            GetSession | Extend | RevokeAll => "session",
            ChangePassword | DeleteUser => "account",
            SignOut => "signout",
            ResetRequest => "reset-request",
            ResetConfirm => "reset-confirm",
            CallbackOfNewUser | CallbackOfLinkedUser | CallbackThatLinks => "oauth-callback",
            LinkRequest | LinkOfNewUser | LinkOfVerifiedUser | LinkOfUnverifiedUser => "magic-link",
            VerificationRequest | Recover | ChangeConsent | ChangeEmail => "verify-email",
            ChangeRequest => "account",
            Enrol | SecondFactor | Disable => "two-factor",
        }
    }

    const fn is_callback(self) -> bool {
        matches!(self, CallbackOfNewUser | CallbackOfLinkedUser | CallbackThatLinks)
    }

    const fn is_link(self) -> bool {
        matches!(self, LinkOfNewUser | LinkOfVerifiedUser | LinkOfUnverifiedUser)
    }

    const fn is_address_link(self) -> bool {
        matches!(self, Recover | ChangeConsent | ChangeEmail)
    }

    /// Whether its mail only tells of what has happened.
    const fn tells(self) -> bool {
        matches!(self, ResetConfirm | ChangePassword | DeleteUser | Disable)
    }

    /// Whether asking again sends a mail that was lost.
    const fn mails_again(self) -> bool {
        matches!(self, ResetRequest | LinkRequest | VerificationRequest | ChangeRequest)
    }

    /// The calls of a warm function, in order. A transaction goes by the first
    /// of its tables.
    const fn calls(self) -> &'static [(&'static str, &'static str)] {
        match self {
            SignUp => &[("TransactWriteItems", "AccountsTable"), ("SendEmail", "")],
            SignIn => &[("GetItem", "AccountsTable"), ("GetItem", "UsersTable"), ("PutItem", "SessionsTable")],
            GetSession => &[("BatchGetItem", "SessionsTable")],
            Extend => &[("BatchGetItem", "SessionsTable"), ("UpdateItem", "SessionsTable")],
            SignOut => &[("DeleteItem", "SessionsTable")],
            ResetRequest | LinkRequest => {
                &[("GetItem", "AccountsTable"), ("PutItem", "VerificationTokensTable"), ("SendEmail", "")]
            }
            ResetConfirm => &[
                ("GetItem", "VerificationTokensTable"),
                ("TransactWriteItems", "VerificationTokensTable"),
                ("SendEmail", ""),
            ],
            RevokeAll => &[("BatchGetItem", "SessionsTable"), ("UpdateItem", "UsersTable")],
            ChangePassword => &[
                ("BatchGetItem", "SessionsTable"),
                ("GetItem", "AccountsTable"),
                ("TransactWriteItems", "AccountsTable"),
                ("SendEmail", ""),
            ],
            DeleteUser => &[
                ("BatchGetItem", "SessionsTable"),
                ("Query", "SessionsTable"),
                ("BatchWriteItem", "SessionsTable"),
                ("TransactWriteItems", "UsersTable"),
                ("Query", "SessionsTable"),
                ("SendEmail", ""),
            ],
            SocialStart => &[("PutItem", "VerificationTokensTable")],
            CallbackOfNewUser => &[
                ("UpdateItem", "VerificationTokensTable"),
                ("BatchGetItem", "AccountsTable"),
                ("TransactWriteItems", "AccountsTable"),
            ],
            CallbackOfLinkedUser | CallbackThatLinks => &[
                ("UpdateItem", "VerificationTokensTable"),
                ("BatchGetItem", "AccountsTable"),
                ("TransactWriteItems", "UsersTable"),
            ],
            LinkOfNewUser => {
                &[("GetItem", "VerificationTokensTable"), ("TransactWriteItems", "VerificationTokensTable")]
            }
            LinkOfVerifiedUser | LinkOfUnverifiedUser => &[
                ("GetItem", "VerificationTokensTable"),
                ("GetItem", "UsersTable"),
                ("TransactWriteItems", "VerificationTokensTable"),
            ],
            VerificationRequest => &[
                ("GetItem", "AccountsTable"),
                ("GetItem", "UsersTable"),
                ("PutItem", "VerificationTokensTable"),
                ("SendEmail", ""),
            ],
            Recover => &[
                ("BatchGetItem", "VerificationTokensTable"),
                ("BatchGetItem", "AccountsTable"),
                ("TransactWriteItems", "VerificationTokensTable"),
            ],
            ChangeRequest => {
                &[("BatchGetItem", "SessionsTable"), ("TransactWriteItems", "UsersTable"), ("SendEmail", "")]
            }
            ChangeConsent => &[
                ("BatchGetItem", "VerificationTokensTable"),
                ("BatchGetItem", "SessionsTable"),
                ("BatchGetItem", "AccountsTable"),
                ("GetItem", "AccountsTable"),
                ("TransactWriteItems", "VerificationTokensTable"),
                ("SendEmail", ""),
            ],
            ChangeEmail => &[
                ("BatchGetItem", "VerificationTokensTable"),
                ("BatchGetItem", "SessionsTable"),
                ("BatchGetItem", "AccountsTable"),
                ("TransactWriteItems", "VerificationTokensTable"),
                ("SendEmail", ""),
            ],
            Enrol => &[
                ("BatchGetItem", "SessionsTable"),
                ("GetItem", "AccountsTable"),
                ("TransactWriteItems", "AccountsTable"),
            ],
            SecondFactor => &[
                ("UpdateItem", "VerificationTokensTable"),
                ("UpdateItem", "AccountsTable"),
                ("GetItem", "UsersTable"),
                ("TransactWriteItems", "AccountsTable"),
            ],
            Disable => &[
                ("BatchGetItem", "SessionsTable"),
                ("GetItem", "AccountsTable"),
                ("TransactWriteItems", "AccountsTable"),
                ("SendEmail", ""),
            ],
        }
    }
}

/// Where a cell's fault sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At one of the calls of a warm function.
    Warm(&'static str, &'static str),
    /// At the reads of secrets of a function that starts for this request.
    Start,
}

impl Place {
    fn rule(self, flow: Flow, fault: Fault, when: When) -> FaultRule {
        let rule = match self {
            Self::Start => FaultRule::new(Service::SecretsManager, fault),
            Self::Warm("SendEmail", _) => FaultRule::new(Service::Ses, fault),
            Self::Warm(operation, table) => FaultRule::new(Service::DynamoDb, fault).operation(operation).table(table),
        };
        rule.function(flow.function()).when(when)
    }

    fn is_write(self) -> bool {
        !matches!(self, Self::Start | Self::Warm("GetItem" | "BatchGetItem" | "Query", _))
    }

    fn is_mail(self) -> bool {
        matches!(self, Self::Warm("SendEmail", _))
    }
}

#[derive(Clone, Debug)]
struct Cell {
    flow: Flow,
    place: Place,
    fault: Fault,
    always: bool,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = if self.always { "always" } else { "once" };
        write!(f, "{:?} × {:?} × {:?} {when}", self.flow, self.place, self.fault)
    }
}

/// All cells, the slow ones first so that they do not come last.
fn matrix() -> Vec<Cell> {
    let mut cells = Vec::new();
    for flow in FLOWS {
        let mut warm: Vec<Place> =
            flow.calls().iter().map(|(operation, table)| Place::Warm(operation, table)).collect();
        // A rule that hits a call hits the first of its kind.
        let mut seen = BTreeSet::new();
        warm.retain(|place| seen.insert(format!("{place:?}")));
        // Before their last calls, some flows are those before them.
        let known = match flow {
            Extend | RevokeAll | CallbackOfLinkedUser | LinkOfVerifiedUser | ChangeRequest | ChangeConsent => 1,
            CallbackThatLinks | Disable | LinkOfUnverifiedUser | VerificationRequest => 2,
            ChangeEmail => 3,
            _ => 0,
        };
        let keyless = ["reset-request", "reset-confirm"].contains(&flow.function()) || flow == LinkRequest;
        let reads_secrets = known == 0 && !keyless;
        for place in warm.into_iter().skip(known).chain(reads_secrets.then_some(Place::Start)) {
            let mut faults = vec![
                Fault::Hang,
                Fault::Throttle,
                Fault::InternalError,
                Fault::AccessDenied,
                Fault::DropBefore,
                Fault::DropAfter,
                Fault::Malformed,
            ];
            let is_batch = matches!(place, Place::Warm("BatchGetItem" | "BatchWriteItem", _));
            if place.is_write() && !place.is_mail() && !is_batch {
                faults.push(Fault::TransactionConflict);
            }
            if matches!(place, Place::Warm("TransactWriteItems", _)) {
                faults.push(throttled_transaction());
            }
            if is_batch {
                faults.push(Fault::UnprocessedKeys);
            }
            for fault in faults {
                cells.extend([false, true].map(|always| Cell { flow, place, fault: fault.clone(), always }));
            }
        }
    }
    cells.sort_by_key(|cell| cell.fault != Fault::Hang);
    cells
}

/// DynamoDB says of each item why the transaction was cancelled; throttling is
/// one such reason.
fn throttled_transaction() -> Fault {
    let reasons = json!([{"Code": "None"}, {"Code": "ThrottlingError", "Message": "Throughput exceeds"}]);
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled [None, ThrottlingError]",
        "CancellationReasons": reasons,
    });
    Fault::Answer { status: 400, body: body.to_string() }
}

/// How a request may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// With success, and its work done.
    Done,
    /// With "later", and nothing changed.
    Later,
    /// With "later" although the work may have been done.
    Unknown,
    /// With success, but without something that does not matter to the client:
    /// the extension of a session, or a mail that nobody may learn of.
    Lesser,
}

impl Cell {
    /// What is expected; strict, so that a retry that is lost shows.
    fn end(&self) -> End {
        // What is refused, or answered with garbage, is not asked again.
        let is_permanent = self.always || [Fault::AccessDenied, Fault::Malformed].contains(&self.fault);
        let is_secondary =
            self.place.is_mail() || (self.flow == Extend && self.place == Place::Warm("UpdateItem", "SessionsTable"));
        match self.place {
            // The function reads its secrets again when the request comes.
            Place::Start if !self.always => End::Done,
            // The owner is told of what has happened already.
            _ if self.place.is_mail() && self.flow.tells() => End::Done,
            // A session's extension is not waited for.
            _ if is_secondary && self.flow == Extend && self.fault == Fault::Hang => End::Lesser,
            _ if !is_permanent => End::Done,
            _ if is_secondary => End::Lesser,
            _ if self.fault == Fault::DropAfter && self.place.is_write() => End::Unknown,
            _ => End::Later,
        }
    }
}

/// A client about to send the request of a flow.
struct Client<'a> {
    app: &'a App,
    flow: Flow,
    email: String,
    person: GithubUser,
    browser: Browser,
    reset_token: String,
    callback: String,
    link_token: String,
    /// The address that the user changes to.
    new_email: String,
    /// The link that is followed.
    link: String,
    authenticator: Option<Authenticator>,
}

impl<'a> Client<'a> {
    /// Does all that comes before the request.
    async fn prepare(app: &'a App, flow: Flow) -> Self {
        let email = unique_email("fault");
        let person = person(&email);
        let mut client = Self {
            app,
            flow,
            email: email.clone(),
            person: person.clone(),
            browser: app.browser(),
            reset_token: String::new(),
            callback: String::new(),
            link_token: String::new(),
            new_email: unique_email("fault-new"),
            link: String::new(),
            authenticator: None,
        };
        match flow {
            SignUp | SocialStart | CallbackOfNewUser | LinkOfNewUser => {}
            SignIn | ResetRequest | LinkRequest | LinkOfUnverifiedUser => drop(app.sign_up(&email).await),
            GetSession | SignOut => client.browser = app.sign_up(&email).await,
            Extend => {
                client.browser = app.sign_up(&email).await;
                age_sessions(app, &email, 2).await;
            }
            ResetConfirm => {
                client.browser = app.sign_up(&email).await;
                client.reset_token = app.reset_token(&email).await;
            }
            RevokeAll | ChangePassword | DeleteUser => {
                client.browser = app.sign_up(&email).await;
                sign_in(app, &email, PASSWORD).await;
            }
            VerificationRequest => drop(app.sign_up(&email).await),
            Recover => {
                app.sign_up(&email).await;
                client.link = link_to(app, &email).await;
            }
            ChangeRequest | ChangeConsent | ChangeEmail => {
                client.browser = app.sign_up(&email).await;
                verify_email(app, &email).await;
                client.get_link().await;
            }
            CallbackOfLinkedUser => sign_in_with_github(app, &person).await,
            CallbackThatLinks | LinkOfVerifiedUser => {
                app.sign_up(&email).await;
                verify_email(app, &email).await;
            }
            Enrol => client.browser = app.sign_up(&email).await,
            SecondFactor | Disable => {
                client.browser = app.sign_up(&email).await;
                let authenticator = enrol(&mut client.browser).await;
                if flow == SecondFactor {
                    client.browser = sign_in(app, &email, PASSWORD).await.0;
                    authenticator.set_last_step(app, 0).await;
                }
                client.authenticator = Some(authenticator);
            }
        }
        client.go_to_provider().await;
        client.ask_for_link().await;
        client
    }

    /// Gets a fresh link.
    async fn ask_for_link(&mut self) {
        if self.flow.is_link() {
            self.link_token = magic_link::token_for(self.app, &self.email).await;
        }
    }

    /// Gets to where the provider sends the browser back.
    async fn go_to_provider(&mut self) {
        if self.flow.is_callback() {
            self.browser.cookies.clear();
            self.callback = callback_url(self.app, &mut self.browser, &self.person).await;
        }
    }

    /// Asks for the change, and goes as far as the link that is followed.
    async fn get_link(&mut self) {
        if self.flow == ChangeRequest {
            return;
        }
        let answer = self.browser.post("/change-email", &json!({"newEmail": self.new_email})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        self.link = link_to(self.app, &self.email).await;
        if self.flow == ChangeEmail {
            assert_redirect(&self.browser.get(&self.link).await, "/");
            self.link = link_to(self.app, &self.new_email).await;
        }
    }

    async fn send(&mut self) -> Answer {
        let email = self.email.clone();
        match self.flow {
            SignUp => try_sign_up(&mut self.browser, &email).await,
            SignIn => self.browser.post("/sign-in/email", &json!({"email": email, "password": PASSWORD})).await,
            GetSession | Extend => self.browser.get("/get-session").await,
            SignOut => self.browser.post("/sign-out", &json!({})).await,
            ResetRequest => {
                let body = json!({"email": email, "redirectTo": "/reset"});
                self.browser.post("/request-password-reset", &body).await
            }
            ResetConfirm => reset(self.app, &self.reset_token, NEW_PASSWORD).await,
            RevokeAll => self.browser.post("/revoke-sessions", &json!({})).await,
            ChangePassword => {
                let body = json!({"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD});
                self.browser.post("/change-password", &body).await
            }
            DeleteUser => self.browser.post("/delete-user", &json!({"password": ""})).await,
            VerificationRequest => self.app.browser().post("/send-verification-email", &json!({"email": email})).await,
            Recover => self.app.browser().get(&self.link).await,
            ChangeConsent | ChangeEmail => self.browser.get(&self.link).await,
            ChangeRequest => self.browser.post("/change-email", &json!({"newEmail": self.new_email})).await,
            SocialStart => {
                let body = json!({"provider": "github", "callbackURL": "/done"});
                self.browser.post("/sign-in/social", &body).await
            }
            CallbackOfNewUser | CallbackOfLinkedUser | CallbackThatLinks => {
                self.browser.send(Call::new("GET", self.callback.clone())).await
            }
            LinkRequest => self.browser.post("/sign-in/magic-link", &json!({"email": email})).await,
            LinkOfNewUser | LinkOfVerifiedUser | LinkOfUnverifiedUser => {
                self.browser.get(&format!("/magic-link/verify?token={}", self.link_token)).await
            }
            Enrol => self.browser.post("/two-factor/enable", &json!({"password": PASSWORD})).await,
            SecondFactor => self.browser.post("/two-factor/verify-totp", &json!({"code": self.code()})).await,
            Disable => self.browser.post("/two-factor/disable", &json!({"password": PASSWORD})).await,
        }
    }

    fn code(&self) -> String {
        self.authenticator.as_ref().map(Authenticator::shown).unwrap_or_default()
    }

    /// Whether an answer claims success. What it says beside success and
    /// "later" is a fault.
    fn claims_success(&self, answer: &Answer) -> Result<bool, String> {
        let location = answer.header("location");
        match answer.status {
            200 if !self.flow.is_callback() => Ok(true),
            302 if self.flow.is_address_link() && (location == "/" || location.contains("/reset-password?token=")) => {
                Ok(true)
            }
            302 if location == "/done" => Ok(true),
            302 if location == "/failed?error=temporarily_unavailable" => Ok(false),
            503 => {
                let retry_after = answer.header("retry-after").parse::<u32>().is_ok();
                let right = retry_after && answer.code() == "SERVICE_UNAVAILABLE" && answer.set_cookies().is_empty();
                right.then_some(false).ok_or_else(|| format!("bad 503: {:?} {}", answer.headers, answer.text()))
            }
            status => Err(format!("answered {status} {location} {}", answer.text())),
        }
    }

    /// Checks that the work of the flow is done: in the tables, and for the
    /// client, who goes on from here.
    async fn check_done(&mut self, before: &Snapshot, answer: &Answer, mails: usize) -> Result<(), String> {
        let after = Snapshot::take(self.app).await;
        // Rows gained and lost: users, accounts, sessions, tokens.
        let expected = match self.flow {
            SignUp => [(1, 0), (1, 0), (1, 0), (1, 0)],
            SignIn => [(0, 0), (0, 0), (1, 0), (0, 0)],
            GetSession => [(0, 0); 4],
            Extend => [(0, 0), (0, 0), (1, 1), (0, 0)],
            SignOut => [(0, 0), (0, 0), (0, 1), (0, 0)],
            ResetRequest | SocialStart | LinkRequest => [(0, 0), (0, 0), (0, 0), (1, 0)],
            ResetConfirm => [(1, 1), (1, 1), (0, 0), (0, 1)],
            RevokeAll => [(1, 1), (0, 0), (0, 0), (0, 0)],
            ChangePassword => [(1, 1), (1, 1), (1, 1), (0, 0)],
            DeleteUser => [(0, 1), (0, 1), (0, 2), (0, 0)],
            CallbackOfNewUser => [(1, 0), (2, 0), (1, 0), (1, 1)],
            // The link keeps the newest tokens.
            CallbackOfLinkedUser => [(0, 0), (1, 1), (1, 0), (1, 1)],
            CallbackThatLinks => [(1, 1), (1, 0), (1, 0), (1, 1)],
            LinkOfNewUser => [(1, 0), (1, 0), (1, 0), (0, 1)],
            LinkOfVerifiedUser => [(0, 0), (0, 0), (1, 0), (0, 1)],
            LinkOfUnverifiedUser => [(1, 1), (1, 1), (1, 0), (0, 1)],
            VerificationRequest => [(0, 0), (0, 0), (0, 0), (1, 0)],
            Recover => [(1, 1), (1, 1), (0, 0), (2, 1)],
            ChangeRequest => [(1, 1), (0, 0), (0, 0), (1, 0)],
            ChangeConsent => [(1, 1), (0, 0), (0, 0), (1, 1)],
            ChangeEmail => [(1, 1), (1, 1), (1, 1), (0, 1)],
            Enrol => [(0, 0), (1, 0), (0, 0), (0, 0)],
            SecondFactor => [(0, 0), (1, 1), (1, 0), (0, 1)],
            Disable => [(1, 1), (0, 1), (1, 1), (0, 0)],
        };
        let difference = before.difference(&after);
        ensure(difference == expected, || format!("success, but the tables changed by {difference:?}"))?;
        if self.flow == Extend {
            let row = only_session(self.app, &self.email).await;
            let shown = answer.json()["expiresAt"].as_str().unwrap_or_default().to_owned();
            let stored = shared::domain::Timestamp::from_millis(number(&row, "expiresAt")).to_string();
            ensure(shown == stored, || format!("the answer says {shown}, the table {stored}"))?;
            ensure(!answer.set_cookies().is_empty(), || "the cookie was not extended".to_owned())?;
        }
        let mails_itself = matches!(
            self.flow,
            ResetRequest | LinkRequest | VerificationRequest | ChangeRequest | ChangeConsent | ChangeEmail
        );
        if mails_itself {
            let sent = self.mails();
            ensure(sent > mails, || "no mail".to_owned())?;
        }
        self.check_satisfied().await
    }

    fn mails(&self) -> usize {
        self.app.mails().iter().filter(|mail| mail.is_to(&self.email) || mail.is_to(&self.new_email)).count()
    }

    /// Checks that the client has what it wanted.
    async fn check_satisfied(&mut self) -> Result<(), String> {
        let (app, email) = (self.app, self.email.clone());
        match self.flow {
            SignUp | SignIn | GetSession | Extend | CallbackOfNewUser | CallbackOfLinkedUser | CallbackThatLinks
            | LinkOfNewUser | LinkOfVerifiedUser | LinkOfUnverifiedUser | SecondFactor | Disable => {
                let user = self.browser.current_user().await;
                let is_right = user.as_ref().is_some_and(|user| user["email"] == email);
                ensure(is_right, || format!("signed in as {user:?}"))
            }
            SignOut => {
                let left = sessions_of(app, &email).await.len();
                ensure(left == 0 && self.browser.cookies.is_empty(), || format!("{left} sessions left"))
            }
            ResetRequest | LinkRequest => {
                let mail = app.mails().into_iter().find(|mail| mail.to.contains(&email)).ok_or("no mail")?;
                let answer = app.browser().get(mail.links[0].split("/api/auth").last().unwrap_or_default()).await;
                let to = answer.header("location");
                let is_good = if self.flow == ResetRequest { to.contains("token=") } else { !to.contains("error=") };
                ensure(answer.status == 302 && is_good, || format!("the link leads to {to}"))
            }
            ResetConfirm => {
                let statuses =
                    (sign_in(app, &email, NEW_PASSWORD).await.1.status, sign_in(app, &email, PASSWORD).await.1.status);
                ensure(statuses == (200, 401), || format!("new and old password: {statuses:?}"))?;
                let user = self.browser.current_user().await;
                ensure(user.is_none(), || "the old session lives".to_owned())
            }
            RevokeAll => {
                let user = self.browser.current_user().await;
                ensure(user.is_none() && self.browser.cookies.is_empty(), || "signed in".to_owned())
            }
            ChangePassword => {
                let statuses =
                    (sign_in(app, &email, NEW_PASSWORD).await.1.status, sign_in(app, &email, PASSWORD).await.1.status);
                ensure(statuses == (200, 401), || format!("new and old password: {statuses:?}"))
            }
            DeleteUser => {
                let status = sign_in(app, &email, PASSWORD).await.1.status;
                ensure(status == 401, || format!("a sign-in is answered {status}"))
            }
            VerificationRequest => {
                let answer = app.browser().get(&link_to(app, &email).await).await;
                let to = answer.header("location");
                ensure(to.contains("/reset-password?token="), || format!("the link leads to {to}"))
            }
            Recover => {
                let verified = user_row(app, &email).await.is_some_and(|user| user["emailVerified"]["BOOL"] == true);
                let status = sign_in(app, &email, PASSWORD).await.1.status;
                ensure(verified && status == 401, || format!("verified: {verified}, old password: {status}"))
            }
            ChangeRequest | ChangeConsent => {
                let to = if self.flow == ChangeRequest { &email } else { &self.new_email };
                let link = link_to(app, to).await;
                let answer = self.browser.get(&link).await;
                ensure(answer.header("location") == "/", || format!("the link leads to {}", answer.header("location")))
            }
            ChangeEmail => {
                let statuses = (
                    sign_in(app, &self.new_email, PASSWORD).await.1.status,
                    sign_in(app, &email, PASSWORD).await.1.status,
                );
                ensure(statuses == (200, 401), || format!("new and old address: {statuses:?}"))
            }
            Enrol => {
                let answer = self.browser.post("/two-factor/get-totp-uri", &json!({"password": PASSWORD})).await;
                ensure(answer.status == 200, || format!("no secret: {}", answer.text()))
            }
            SocialStart => {
                let state = self.browser.cookies.keys().any(|name| name.ends_with("better-auth.state"));
                ensure(state, || "no state cookie".to_owned())
            }
        }
    }

    /// Tries again as a client does, now that nothing goes wrong any more.
    async fn retry(&mut self, unknown: bool) -> Result<(), String> {
        self.go_to_provider().await;
        let answer = self.send().await;
        match (self.flow, answer.status) {
            // What it did before it was told to come back.
            (SignUp, 422) if unknown => {
                let (browser, answer) = sign_in(self.app, &self.email, PASSWORD).await;
                ensure(answer.status == 200, || format!("taken, but not by me: {}", answer.text()))?;
                self.browser = browser;
            }
            (ResetConfirm, 400) if unknown => {}
            (flow, 302) if unknown && flow.is_link() => {
                ensure(answer.header("location").ends_with("?error=INVALID_TOKEN"), || "spent by nobody".to_owned())?;
                self.ask_for_link().await;
                let answer = self.send().await;
                ensure(answer.status == 200, || format!("the next link: {}", answer.text()))?;
            }
            (RevokeAll | ChangePassword | DeleteUser, 401) if unknown => self.browser.cookies.clear(),
            (ChangeEmail, 302) if unknown => {}
            // The mail to the new address was never sent: the user asks anew.
            (ChangeConsent, 302) if unknown => {
                self.get_link().await;
                let answer = self.send().await;
                ensure(self.claims_success(&answer)?, || format!("asked anew: {}", answer.text()))?;
            }
            // The challenge is used up, or the old session replaced: as in any
            // other browser, the way in is to sign in.
            (SecondFactor | Disable, 401) if unknown => {
                self.browser = sign_in(self.app, &self.email, PASSWORD).await.0;
                if let (SecondFactor, Some(authenticator)) = (self.flow, &self.authenticator) {
                    authenticator.set_last_step(self.app, 0).await;
                    let answer = self.send().await;
                    ensure(answer.status == 200, || format!("the code: {}", answer.text()))?;
                }
            }
            _ => ensure(self.claims_success(&answer)?, || format!("the retry: {} {}", answer.status, answer.text()))?,
        }
        self.check_satisfied().await
    }
}

fn ensure(holds: bool, problem: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(problem()) }
}

impl Cell {
    async fn run(&self, app: &App, used: &mut HashMap<&'static str, u32>) -> Result<(), String> {
        let function = self.flow.function();
        let used = used.entry(function).or_default();
        if *used == 0 && self.place != Place::Start {
            warm_up(app, self.flow).await;
        }
        let mut client = Client::prepare(app, self.flow).await;
        // The SDK rations retries, and a new process has its full ration.
        *used += 1;
        if self.place == Place::Start || *used > CELLS_OF_A_PROCESS {
            app.kill_instances(function).await;
            *used = 0;
            if self.place != Place::Start {
                warm_up(app, self.flow).await;
            }
        }
        let before = Snapshot::take(app).await;
        let mails = client.mails();
        let when = if self.always { When::Always } else { When::Times(1) };
        let fault = app.aws().inject(self.place.rule(self.flow, self.fault.clone(), when));

        let started = Instant::now();
        let answer = client.send().await;
        let took = started.elapsed();
        let hits = app.aws().fault_hits(fault);
        app.aws().clear_faults();
        ensure(hits > 0, || "the fault never happened".to_owned())?;
        ensure(took < TIME_LIMIT, || format!("took {took:?}"))?;

        let success = client.claims_success(&answer)?;
        let unchanged = async |client: &Client<'_>| {
            let after = Snapshot::take(app).await;
            // A callback's state is spent before the rest begins.
            let same = if client.flow.is_callback() && answer.status == 302 {
                after.without_tokens() == before.without_tokens()
            } else if client.flow == DeleteUser {
                // The sessions go first, as many as can be.
                after.without("SessionsTable") == before.without("SessionsTable")
            } else {
                after == before
            };
            ensure(same, || format!("{}, but the tables changed by {:?}", answer.status, before.difference(&after)))
        };
        match (self.end(), success) {
            (End::Done, true) => client.check_done(&before, &answer, mails).await?,
            (End::Later, false) => {
                unchanged(&client).await?;
                client.retry(false).await?;
            }
            (End::Unknown, false) => client.retry(true).await?,
            (End::Lesser, true) if self.place.is_mail() => {
                let sent = client.mails() - mails;
                let lost = self.fault == Fault::DropAfter;
                ensure((sent > 0) == lost && sent <= 3, || format!("{sent} mails"))?;
                if self.flow.mails_again() {
                    client.retry(false).await?;
                } else if self.flow == ChangeConsent {
                    client.get_link().await;
                    client.retry(false).await?;
                } else {
                    client.check_satisfied().await?;
                }
            }
            (End::Lesser, true) => {
                let lost = self.fault == Fault::DropAfter;
                if !lost {
                    unchanged(&client).await?;
                }
                ensure(answer.set_cookies().is_empty(), || "extended the cookie only".to_owned())?;
                client.check_satisfied().await?;
            }
            (expected, _) => return Err(format!("{expected:?} expected: {} {}", answer.status, answer.text())),
        }
        ensure(app.aws().calls().len() < 50_000, || "calls without end".to_owned())
    }
}

/// Sends the function a request that needs all of its secrets, those of the
/// providers too.
async fn warm_up(app: &App, flow: Flow) {
    match flow.function() {
        "signin" => drop(callback_url(app, &mut app.browser(), &person("warm@example.com")).await),
        "oauth-callback" => sign_in_with_github(app, &person("warm@example.com")).await,
        "session" => drop(app.browser().get("/get-session").await),
        "magic-link" => drop(app.browser().get("/magic-link/verify?token=x").await),
        "account" => drop(app.browser().post("/verify-password", &json!({"password": "x"})).await),
        "verify-email" => drop(app.browser().get(&format!("/verify-email?token={}", "A".repeat(43))).await),
        "two-factor" => drop(enrol(&mut app.sign_up(&unique_email("warm")).await).await),
        _ => {}
    }
}

/// Somebody at GitHub, whose answers are cheaper to make than Google's.
fn person(email: &str) -> GithubUser {
    let digest = Sha256::digest(email.as_bytes());
    let id = digest.iter().take(6).fold(0, |id, byte| (id << 8) | u64::from(*byte));
    GithubUser::new(id, "fault", email)
}

/// Asks to sign in and consents: the URL that the browser is sent back to.
async fn callback_url(app: &App, browser: &mut Browser, person: &GithubUser) -> String {
    let body = json!({"provider": "github", "callbackURL": "/done", "errorCallbackURL": "/failed"});
    let answer = browser.post("/sign-in/social", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    app.provider.set_github_user(person.clone());
    app.provider.consent(answer.json()["url"].as_str().unwrap()).unwrap()
}

async fn sign_in_with_github(app: &App, person: &GithubUser) {
    let mut browser = app.browser();
    let url = callback_url(app, &mut browser, person).await;
    let answer = browser.send(Call::new("GET", url)).await;
    assert_eq!(answer.header("location"), "/done", "{}", answer.text());
}

async fn start() -> App {
    let env = [("AUTH_MAIL_DEADLINE_MS", "600"), ("AUTH_VERIFY_ON_SIGN_UP", "true")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    App::start(StackOptions { instances: 1, env, ..StackOptions::default() }).await
}

/// The matrix names every call of every flow.
#[tokio::test]
async fn the_matrix_is_complete() {
    let app = start().await;
    for flow in [CallbackOfNewUser, Enrol] {
        warm_up(&app, flow).await;
    }
    for flow in FLOWS {
        let mut client = Client::prepare(&app, flow).await;
        app.aws().clear_calls();
        let answer = client.send().await;
        assert!(client.claims_success(&answer).unwrap(), "{flow:?}: {}", answer.text());
        let calls = app.aws().calls();
        let mut calls: Vec<(&str, &str)> = calls
            .iter()
            .map(|call| (call.operation.as_str(), call.tables.first().map_or("", String::as_str)))
            .collect();
        // The first two are made at once.
        if [ChangeConsent, ChangeEmail].contains(&flow) {
            calls[..2].sort_unstable_by(|one, other| other.cmp(one));
        }
        assert_eq!(calls, flow.calls(), "{flow:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_a_request_is_done_or_changes_nothing() {
    const STACKS: usize = 6;
    let queue = Arc::new(Mutex::new(VecDeque::from(matrix())));
    let cells = queue.lock().unwrap().len();
    assert!(cells > 350, "{cells}");
    let mut workers = JoinSet::new();
    for _ in 0..STACKS {
        let queue = Arc::clone(&queue);
        workers.spawn(async move {
            let app = start().await;
            let mut failures = Vec::new();
            let mut used = HashMap::new();
            loop {
                let Some(cell) = queue.lock().unwrap().pop_front() else { break };
                let began = Instant::now();
                let result = cell.run(&app, &mut used).await;
                eprintln!("CELL {:?} {cell} {}", began.elapsed(), result.clone().err().unwrap_or_default());
                if let Err(problem) = result {
                    app.aws().clear_faults();
                    failures.push(format!("{cell}: {problem}"));
                }
            }
            invariants::check(&app, &[]).await;
            failures
        });
    }
    let failures: BTreeSet<String> = workers.join_all().await.into_iter().flatten().collect();
    let text: Vec<&str> = failures.iter().map(String::as_str).collect();
    assert!(failures.is_empty(), "{} of {cells} cells:\n{}", failures.len(), text.join("\n"));
}

/// A table that throttles three calls in ten slows requests down, turns few of
/// them away, and sees no storm of retries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn throttling_turns_few_away_and_starts_no_storm() {
    const CLIENTS: usize = 60;
    let app = App::start(StackOptions { instances: 2, ..StackOptions::default() }).await;
    app.aws().clear_calls();
    app.aws().inject(FaultRule::new(Service::DynamoDb, Fault::Throttle).when(When::Probability(0.3)));
    let clients = (0..CLIENTS).map(async |_| {
        let (mut browser, email) = (app.browser(), unique_email("throttled"));
        let mut requests = 0;
        loop {
            requests += 1;
            let answer = try_sign_up(&mut browser, &email).await;
            if answer.status == 200 {
                break;
            }
            assert_eq!((answer.status, answer.code().as_str()), (503, "SERVICE_UNAVAILABLE"));
        }
        loop {
            requests += 1;
            let answer = browser.get("/get-session").await;
            if answer.status == 200 {
                assert_eq!(answer.json()["user"]["email"], email, "{}", answer.text());
                return requests;
            }
            assert_eq!((answer.status, answer.code().as_str()), (503, "SERVICE_UNAVAILABLE"));
        }
    });
    let requests: usize = join_all(clients).await.into_iter().sum();
    let calls = app.aws().calls().iter().filter(|call| call.service == Service::DynamoDb).count();
    app.aws().clear_faults();
    // Of 120 requests about three meet three refusals in a row.
    let turned_away = requests - 2 * CLIENTS;
    assert!(turned_away <= 15, "{turned_away} of {requests}");
    assert!(calls > requests && calls <= 3 * requests, "{calls} calls for {requests} requests");
    assert_eq!(app.rows("UsersTable").await.len(), CLIENTS);
    invariants::check(&app, &[]).await;
}
