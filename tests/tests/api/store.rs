//! The stores against DynamoDB: what each port promises, without the flows
//! around it.

use std::{collections::HashSet, sync::Arc};

use futures_util::future::join_all;
use local::{Fault, FaultRule, Service, StackOptions, When};
use serde_json::{Value, json};
use shared::{
    adapters::{Aws, OsRandom, SystemClock, dynamodb::DynamoDb},
    config::Tables,
    domain::{
        Email, OAuthState, ProviderIdentity, Purpose, ResetGrant, SealedTokens, Session, SessionToken, Timestamp, User,
        UserId, VerificationToken,
    },
    ports::{
        AdmissionRows, ClaimNotice as _, Clock as _, ConsumeOAuthState as _, EndSession as _, ExpectedUser,
        ExtendSession as _, FindAccounts as _, FindCredential as _, FindOAuthState as _, FindResetToken as _,
        FindSession as _, FindUser as _, NewUser, OAuthSignIn, OAuthStore as _, RefreshTokens as _, RegisterUser as _,
        Registration, ResetOutcome, ResetPassword as _, StoreAdmission as _, StoreError, StoreOAuthState as _,
        StoreResetToken as _, UpgradePasswordHash as _,
    },
};
use tests::{App, unique_email};

use crate::support::{LIMITS_TABLE, TABLES, number, set_number};

/// The name by which the store of these tests calls DynamoDB.
const CALLER: &str = "store";

/// Somebody who signs up and in.
fn new_user<'a>(user: &'a User, password_hash: &'a str, session: &'a Session) -> NewUser<'a> {
    NewUser { user, password_hash, session: Some(session), verification: None }
}

struct Database {
    app: App,
    store: Arc<DynamoDb>,
}

impl Database {
    async fn start() -> Self {
        let app = App::start(StackOptions { instances: 1, ..StackOptions::default() }).await;
        let url = app.aws_url().to_owned();
        let aws = Aws::from_variables(|name| match name {
            "AWS_ENDPOINT_URL" => Some(url.clone()),
            "AWS_ACCESS_KEY_ID" => Some(format!("local-{CALLER}-1")),
            _ => None,
        });
        let tables = Tables {
            users: TABLES[0].to_owned(),
            accounts: TABLES[1].to_owned(),
            sessions: TABLES[2].to_owned(),
            verification_tokens: TABLES[3].to_owned(),
            rate_limits: LIMITS_TABLE.to_owned(),
        };
        Self { app, store: Arc::new(DynamoDb::new(aws.dynamodb(), tables)) }
    }

    /// Makes the store's calls of one kind go wrong.
    fn inject(&self, operation: &str, fault: Fault, when: When) {
        let rule = FaultRule::new(Service::DynamoDb, fault).operation(operation).function(CALLER);
        self.app.aws().inject(rule.when(when));
    }

    /// How often the store made a call since this was last asked.
    fn calls(&self, operation: &str) -> usize {
        let calls = self.app.aws().calls();
        self.app.aws().clear_calls();
        calls.iter().filter(|call| call.function.as_deref() == Some(CALLER) && call.operation == operation).count()
    }

    /// A user with a password and a session, stored.
    async fn registered(&self) -> (User, Session) {
        let (user, session) = user_and_session();
        let outcome = self.store.register(new_user(&user, "hash", &session)).await.unwrap();
        assert_eq!(outcome, Registration::Created);
        (user, session)
    }

    /// A reset token for a user, stored.
    async fn reset_token(&self, user: &User) -> (String, ResetGrant) {
        let grant = ResetGrant {
            email: user.email.clone(),
            user_id: Some(user.id.clone()),
            password_changed_at: user.password_changed_at,
            expires_at: now().plus_seconds(3600),
        };
        let hash = VerificationToken::generate(Purpose::PasswordReset, &OsRandom).hash();
        self.store.store_reset_token(&hash, &grant).await.unwrap();
        (hash, grant)
    }

    async fn reset(&self, (hash, grant): &(String, ResetGrant), user: &User, password_hash: &str) -> ResetOutcome {
        self.store.reset_password(hash, grant, &user.id, password_hash, now()).await.unwrap()
    }

    async fn hash_of(&self, user: &User) -> Option<String> {
        self.store.credential(&user.email).await.unwrap().unwrap().password_hash
    }

    async fn rows(&self) -> Vec<Vec<Value>> {
        let mut rows = Vec::new();
        for table in TABLES {
            rows.push(self.app.rows(table).await);
        }
        rows
    }
}

fn now() -> Timestamp {
    SystemClock.now()
}

fn later(time: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(time.millis() + millis)
}

fn user_and_session() -> (User, Session) {
    let email = Email::parse(&unique_email("store")).unwrap();
    let id = UserId::generate(&OsRandom);
    let mut user = User::new(id, "Ann".to_owned(), email, false, None, now());
    user.identities.push(user.email.identity());
    let session = new_session(&user);
    (user, session)
}

fn new_session(user: &User) -> Session {
    Session {
        handle: SessionToken::generate(&user.id, &OsRandom).handle().unwrap(),
        // A time between two seconds, which the TTL must not precede.
        expires_at: Timestamp::from_millis(now().plus_seconds(604_800).seconds() * 1000 + 1),
        created_at: now(),
        updated_at: now(),
        valid_from: user.sessions_valid_from,
        remembered: true,
        ip_address: Some("192.0.2.1".to_owned()),
        user_agent: None,
    }
}

fn identity(subject: &str, email: &Email) -> ProviderIdentity {
    ProviderIdentity {
        provider: "google".to_owned(),
        subject: subject.to_owned(),
        email: Some(email.clone()),
        email_verified: true,
        name: "Ann".to_owned(),
        image: None,
    }
}

fn oauth_state() -> (String, OAuthState) {
    let state = OAuthState {
        provider: "google".to_owned(),
        secret_version: "v1".to_owned(),
        callback_url: "/done".to_owned(),
        error_callback_url: None,
        new_user_callback_url: Some("/new".to_owned()),
        expires_at: later(now(), 600_000),
        link: None,
    };
    (VerificationToken::generate(Purpose::OAuthState, &OsRandom).hash(), state)
}

/// All of them in the same millisecond, as it happens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_attempts_to_refresh_tokens_one_gets_the_reservation() {
    let database = Database::start().await;
    let (mut user, session) = user_and_session();
    let person = identity("refresh", &user.email);
    user.identities = vec![user.email.identity(), person.identity()];
    let tokens = SealedTokens { sealed: "sealed".to_owned(), scopes: vec![] };
    assert!(database.store.register_oauth(&user, &person, Some(&tokens), &session).await.unwrap());
    let account = database.store.accounts(&user).await.unwrap().remove(1);
    let (now, until) = (now(), later(now(), 10_000));
    let attempts = (0..50).map(|number: usize| {
        let (store, account) = (Arc::clone(&database.store), account.clone());
        tokio::spawn(async move {
            let attempt = number.to_string();
            (store.reserve_refresh(&account, &attempt, until, now).await.unwrap(), attempt)
        })
    });
    let mut winners: Vec<String> = join_all(attempts)
        .await
        .into_iter()
        .map(Result::unwrap)
        .filter_map(|(won, attempt)| won.then_some(attempt))
        .collect();
    let winner = winners.remove(0);
    assert!(winners.is_empty(), "{winners:?}");
    // It knows its own when an answer was lost, and nobody else gives it up.
    let store = &database.store;
    assert!(store.reserve_refresh(&account, &winner, until, now).await.unwrap());
    store.release_refresh(&account, "another").await.unwrap();
    assert!(!store.reserve_refresh(&account, "another", until, now).await.unwrap());
    assert!(store.reserve_refresh(&account, "later", later(until, 1), until).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_registrations_of_one_address_one_succeeds() {
    let database = Database::start().await;
    let (first, _) = user_and_session();
    let attempts = (0..50).map(|_| {
        let store = Arc::clone(&database.store);
        let (mut user, session) = user_and_session();
        user.email = first.email.clone();
        user.identities = vec![user.email.identity()];
        tokio::spawn(async move {
            let outcome = store.register(new_user(&user, &format!("hash of {}", user.id), &session)).await;
            (outcome, user)
        })
    });
    let outcomes: Vec<_> = join_all(attempts).await.into_iter().map(Result::unwrap).collect();
    let winners: Vec<&User> = outcomes
        .iter()
        .filter(|(outcome, _)| matches!(outcome, Ok(Registration::Created)))
        .map(|(_, user)| user)
        .collect();
    assert_eq!(winners.len(), 1);
    let taken = outcomes.iter().filter(|(outcome, _)| matches!(outcome, Ok(Registration::EmailTaken))).count();
    assert_eq!(taken, 49, "{outcomes:?}");
    assert_eq!(database.rows().await.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1, 0]);
    let owner = database.store.credential(&first.email).await.unwrap().unwrap();
    assert_eq!(owner.user_id, winners[0].id);
    assert_eq!(owner.password_hash, Some(format!("hash of {}", winners[0].id)));
    assert_eq!(database.store.user(&winners[0].id).await.unwrap().as_ref(), Some(winners[0]));
    assert_eq!(database.app.rows("SessionsTable").await[0]["userId"]["S"], winners[0].id.as_str());
}

/// What was written comes back as it was, reserved words and all, and nothing
/// is collected before it expires.
#[tokio::test]
async fn what_was_stored_is_found() {
    let database = Database::start().await;
    let store = &database.store;
    let (user, session) = database.registered().await;
    assert_eq!(store.user(&user.id).await.unwrap().unwrap(), user);
    assert_eq!(store.session(&session.handle).await.unwrap().unwrap(), (session.clone(), user.clone()));
    let credential = store.credential(&user.email).await.unwrap().unwrap();
    assert_eq!((&credential.user_id, credential.password_hash.as_deref()), (&user.id, Some("hash")));
    assert_eq!(credential.password_changed_at, user.password_changed_at);

    let (hash, grant) = database.reset_token(&user).await;
    assert_eq!(store.reset_token(&hash).await.unwrap().unwrap(), grant);
    let blank = ResetGrant { user_id: None, ..grant };
    store.store_reset_token("blank", &blank).await.unwrap();
    assert_eq!(store.reset_token("blank").await.unwrap().unwrap(), blank);
    let (hash, state) = oauth_state();
    store.store_oauth_state(&hash, &state).await.unwrap();
    assert_eq!(store.oauth_state(&hash).await.unwrap().unwrap(), state);

    let (other, _) = user_and_session();
    assert_eq!(store.user(&other.id).await.unwrap(), None);
    assert!(store.credential(&other.email).await.unwrap().is_none());
    assert_eq!(store.session(&new_session(&user).handle).await.unwrap(), None);
    assert_eq!(store.reset_token("missing").await.unwrap(), None);
    assert_eq!(store.oauth_state("missing").await.unwrap(), None);
    // A session whose user is gone is no session.
    let orphan = new_session(&other);
    store.store_admission(AdmissionRows::Session(&orphan)).await.unwrap();
    assert_eq!(store.session(&orphan.handle).await.unwrap(), None);

    let mut expiring = 0;
    for row in database.rows().await.into_iter().flatten().filter(|row| row.get("expiresAt").is_some()) {
        let (ttl, expires_at) = (number(&row, "ttl"), number(&row, "expiresAt"));
        assert!(ttl * 1000 >= expires_at && ttl * 1000 < expires_at + 1000, "{row}");
        expiring += 1;
    }
    assert_eq!(expiring, 5);
    for row in database.app.rows("UsersTable").await.iter().chain(&database.app.rows("AccountsTable").await) {
        assert!(row.get("ttl").is_none(), "{row}");
    }
}

#[tokio::test]
async fn sessions_start_once_and_end_for_good() {
    let database = Database::start().await;
    let store = &database.store;
    let (user, session) = database.registered().await;
    let another = new_session(&user);
    store.store_admission(AdmissionRows::Session(&another)).await.unwrap();
    store.store_admission(AdmissionRows::Session(&another)).await.unwrap();
    assert_eq!(database.app.rows("SessionsTable").await.len(), 2);

    let (first, second) = (later(session.expires_at, 1000), later(session.expires_at, 2000));
    assert!(store.extend(&session, first, now()).await.unwrap());
    let (found, _) = store.session(&session.handle).await.unwrap().unwrap();
    assert_eq!(found.expires_at, first);
    // Once extended, whoever saw it before cannot extend it again; the very
    // same extension counts as done.
    assert!(!store.extend(&session, second, now()).await.unwrap());
    assert!(store.extend(&session, first, now()).await.unwrap());
    let (found, _) = store.session(&session.handle).await.unwrap().unwrap();
    assert_eq!(found.expires_at, first);
    let row = database.app.row("SessionsTable", "tokenHash", &session.handle.token_hash).await.unwrap();
    assert!(number(&row, "ttl") * 1000 >= first.millis());

    // Of many at once exactly one moves it.
    let moves = (0..20).map(|n| store.extend(&found, later(second, n), now()));
    let moved = join_all(moves).await.into_iter().filter(|moved| *moved.as_ref().unwrap()).count();
    assert_eq!(moved, 1);

    store.end_session(&session.handle).await.unwrap();
    store.end_session(&session.handle).await.unwrap();
    assert_eq!(store.session(&session.handle).await.unwrap(), None);
    let (after, _) = store.session(&another.handle).await.unwrap().unwrap();
    assert_eq!(after, another);
    // An extension does not bring it back.
    assert!(!store.extend(&session, second, now()).await.unwrap());
    assert!(!store.extend(&found, second, now()).await.unwrap());
    assert_eq!(database.app.rows("SessionsTable").await.len(), 1);
}

#[tokio::test]
async fn a_hash_is_upgraded_only_if_nobody_changed_it() {
    let database = Database::start().await;
    let (user, _) = database.registered().await;
    database.store.upgrade(&user.email, "another", "new").await.unwrap();
    assert_eq!(database.hash_of(&user).await.as_deref(), Some("hash"));
    database.store.upgrade(&user.email, "hash", "new").await.unwrap();
    assert_eq!(database.hash_of(&user).await.as_deref(), Some("new"));
    let (nobody, _) = user_and_session();
    database.store.upgrade(&nobody.email, "hash", "new").await.unwrap();
    assert!(database.store.credential(&nobody.email).await.unwrap().is_none());
    // An upgrade is no change of password: reset tokens stay good.
    let credential = database.store.credential(&user.email).await.unwrap().unwrap();
    assert_eq!(credential.password_changed_at, user.password_changed_at);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_token_sets_one_password() {
    let database = Database::start().await;
    let (user, session) = database.registered().await;
    let token = Arc::new(database.reset_token(&user).await);
    let other_token = database.reset_token(&user).await;
    let attempts = (0..50).map(|n| {
        let (store, token, user) = (Arc::clone(&database.store), Arc::clone(&token), user.clone());
        tokio::spawn(async move {
            store.reset_password(&token.0, &token.1, &user.id, &format!("hash {n}"), now()).await.unwrap()
        })
    });
    let outcomes: Vec<_> = join_all(attempts).await.into_iter().map(Result::unwrap).collect();
    let winners: Vec<usize> = (0..50).filter(|n| outcomes[*n] == ResetOutcome::Done).collect();
    assert_eq!(winners.len(), 1, "{outcomes:?}");
    assert_eq!(database.hash_of(&user).await, Some(format!("hash {}", winners[0])));
    assert_eq!(database.store.reset_token(&token.0).await.unwrap(), None);

    // All sessions are of an older generation now, and both copies of the
    // password's age have moved together.
    let (found, changed) = database.store.session(&session.handle).await.unwrap().unwrap();
    assert!(!found.is_live(&changed, now()));
    assert!(changed.sessions_valid_from > user.sessions_valid_from);
    let credential = database.store.credential(&user.email).await.unwrap().unwrap();
    assert_eq!(credential.password_changed_at, changed.password_changed_at);

    // The user's other token is of the old password.
    let before = database.rows().await;
    assert_eq!(database.reset(&other_token, &user, "late").await, ResetOutcome::Stale);
    assert_eq!(database.rows().await, before);
}

#[tokio::test]
async fn a_reset_that_must_not_happen_changes_nothing() {
    let database = Database::start().await;
    let store = &database.store;
    let (user, _) = database.registered().await;
    let (other, _) = database.registered().await;
    let good = database.reset_token(&user).await;
    let (hash, grant) = &good;

    let before = database.rows().await;
    let refused = async |name: &str, hash: &str, grant: &ResetGrant, user_id: &UserId, now: Timestamp| {
        let outcome = store.reset_password(hash, grant, user_id, "evil", now).await.unwrap();
        assert_eq!(outcome, ResetOutcome::Stale, "{name}");
        assert_eq!(database.rows().await, before, "{name}");
    };
    refused("unknown token", "unknown", grant, &user.id, now()).await;
    refused("expired token", hash, grant, &user.id, grant.expires_at).await;
    refused("expired token, later", hash, grant, &user.id, later(grant.expires_at, 1)).await;
    refused("another user", hash, grant, &other.id, now()).await;
    let others_address = ResetGrant { email: other.email.clone(), ..grant.clone() };
    refused("another address", hash, &others_address, &user.id, now()).await;
    let old = ResetGrant { password_changed_at: later(grant.password_changed_at, -1), ..grant.clone() };
    refused("older password", hash, &old, &user.id, now()).await;
    let nobody = ResetGrant { email: Email::parse("nobody@example.com").unwrap(), ..grant.clone() };
    refused("nobody's address", hash, &nobody, &UserId::generate(&OsRandom), now()).await;

    // The last moment is still good, even on a clock that lags behind.
    let behind = later(user.password_changed_at, -5000);
    let outcome = store.reset_password(hash, grant, &user.id, "good", behind).await.unwrap();
    assert_eq!(outcome, ResetOutcome::Done);
    let changed = store.user(&user.id).await.unwrap().unwrap();
    assert!(changed.sessions_valid_from > user.sessions_valid_from, "a generation never comes back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_is_taken_by_one_attempt() {
    let database = Database::start().await;
    let (hash, state) = oauth_state();
    database.store.store_oauth_state(&hash, &state).await.unwrap();
    let attempts = (0..50).map(|n| {
        let (store, hash) = (Arc::clone(&database.store), hash.clone());
        tokio::spawn(async move { store.consume_oauth_state(&hash, &format!("attempt {n}")).await.unwrap() })
    });
    let outcomes: Vec<_> = join_all(attempts).await.into_iter().map(Result::unwrap).collect();
    let winners: Vec<usize> = (0..50).filter(|n| outcomes[*n].is_some()).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(outcomes[winners[0]].as_ref(), Some(&state));
    // The winner recognises itself, nobody else.
    let again = |attempt: String| {
        let (store, hash) = (&database.store, &hash);
        async move { store.consume_oauth_state(hash, &attempt).await.unwrap() }
    };
    assert_eq!(again(format!("attempt {}", winners[0])).await, Some(state));
    assert_eq!(again("another".to_owned()).await, None);
    assert_eq!(database.store.oauth_state(&hash).await.unwrap(), None, "a used state is none");
    assert_eq!(database.store.consume_oauth_state("unknown", "attempt").await.unwrap(), None);
    assert_eq!(database.app.rows("VerificationTokensTable").await.len(), 1, "nothing was made by asking");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identity_belongs_to_one_user() {
    let database = Database::start().await;
    let store = &database.store;
    let email = Email::parse(&unique_email("oauth")).unwrap();
    let person = identity("one", &email);
    assert_eq!(store.oauth_accounts(&person).await.unwrap(), Default::default());

    let attempts = (0..20).map(|_| {
        let (store, person) = (Arc::clone(store), person.clone());
        let (mut user, session) = user_and_session();
        user.email = person.email.clone().unwrap();
        user.identities = vec![user.email.identity(), person.identity()];
        tokio::spawn(async move { (store.register_oauth(&user, &person, None, &session).await.unwrap(), user) })
    });
    let outcomes: Vec<_> = join_all(attempts).await.into_iter().map(Result::unwrap).collect();
    let winners: Vec<&User> = outcomes.iter().filter(|(created, _)| *created).map(|(_, user)| user).collect();
    assert_eq!(winners.len(), 1);
    let user = winners[0];
    assert_eq!(database.rows().await.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2, 1, 0]);
    assert_eq!(store.user(&user.id).await.unwrap().as_ref(), Some(user));
    let accounts = store.oauth_accounts(&person).await.unwrap();
    assert_eq!(accounts.linked.unwrap().user_id, user.id);
    assert_eq!(accounts.email_owner.unwrap().password_hash, None);

    // Neither the address nor the identity alone is free any more.
    for (subject, address) in [("two", email.clone()), ("one", Email::parse(&unique_email("free")).unwrap())] {
        let person = identity(subject, &address);
        let (mut stranger, session) = user_and_session();
        stranger.email = address;
        assert!(!store.register_oauth(&stranger, &person, None, &session).await.unwrap(), "{subject}");
    }
    assert_eq!(database.rows().await.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2, 1, 0]);
}

#[tokio::test]
async fn an_oauth_sign_in_finds_the_user_as_expected_or_does_nothing() {
    let database = Database::start().await;
    let store = &database.store;
    let (user, _) = database.registered().await;
    let person = identity("link", &user.email);
    let link = ExpectedUser {
        two_factor_since: None,
        link: true,
        email_verified: true,
        verify_email: false,
        refresh_link: false,
        proven: true,
    };

    let before = database.rows().await;
    let unverified =
        store.sign_in_oauth(&person, None, AdmissionRows::Session(&new_session(&user)), &link, now()).await.unwrap();
    assert_eq!(unverified, OAuthSignIn::Differs(Box::new(user.clone())));
    let mut old = new_session(&user);
    old.valid_from = later(user.sessions_valid_from, -1);
    let plain = ExpectedUser { two_factor_since: None, link: false, email_verified: false, ..link };
    let stale = store.sign_in_oauth(&person, None, AdmissionRows::Session(&old), &plain, now()).await.unwrap();
    assert_eq!(stale, OAuthSignIn::Differs(Box::new(user.clone())));
    let (nobody, _) = user_and_session();
    let gone =
        store.sign_in_oauth(&person, None, AdmissionRows::Session(&new_session(&nobody)), &plain, now()).await.unwrap();
    assert_eq!(gone, OAuthSignIn::Gone);
    assert_eq!(database.rows().await, before);

    // With the address verified it is linked, once.
    let verify = ExpectedUser { verify_email: true, email_verified: false, link: false, ..link };
    assert_eq!(
        store.sign_in_oauth(&person, None, AdmissionRows::Session(&new_session(&user)), &verify, now()).await.unwrap(),
        OAuthSignIn::Done
    );
    assert!(store.user(&user.id).await.unwrap().unwrap().email_verified);
    let session = new_session(&user);
    assert_eq!(
        store.sign_in_oauth(&person, None, AdmissionRows::Session(&session), &link, now()).await.unwrap(),
        OAuthSignIn::Done
    );
    assert!(store.session(&session.handle).await.unwrap().is_some());
    let before = database.rows().await;
    assert_eq!(
        store.sign_in_oauth(&person, None, AdmissionRows::Session(&new_session(&user)), &link, now()).await.unwrap(),
        OAuthSignIn::Gone
    );
    assert_eq!(database.rows().await, before);
    let linked = store.oauth_accounts(&person).await.unwrap().linked.unwrap();
    assert_eq!((linked.user_id, linked.generation), (user.id.clone(), user.sessions_valid_from));
    let linked = store.user(&user.id).await.unwrap().unwrap().identities;
    assert_eq!(linked, [user.email.identity(), person.identity()]);
}

/// Keys that a batch left unread are asked for again, after a pause, and a
/// batch is never taken for complete while some are missing.
#[tokio::test]
async fn unread_keys_are_asked_for_again() {
    let database = Database::start().await;
    let (user, session) = database.registered().await;
    database.inject("BatchGetItem", Fault::UnprocessedKeys, When::Times(2));
    database.calls("BatchGetItem");
    let found = database.store.session(&session.handle).await.unwrap();
    assert_eq!(found, Some((session.clone(), user.clone())));
    assert_eq!(database.calls("BatchGetItem"), 3);

    database.inject("BatchGetItem", Fault::UnprocessedKeys, When::Always);
    let error = database.store.session(&session.handle).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    let calls = database.calls("BatchGetItem");
    assert!((2..=5).contains(&calls), "{calls} calls");
    database.app.aws().clear_faults();

    // One of two keys: what was read counts, and the other is read alone.
    let person = identity("batch", &user.email);
    let first_only = json!({
        "Responses": {"AccountsTable": []},
        "UnprocessedKeys": {"AccountsTable": {
            "Keys": [{"identity": {"S": user.email.identity()}}], "ConsistentRead": true,
        }},
    });
    let half = Fault::Answer { status: 200, body: first_only.to_string() };
    database.inject("BatchGetItem", half, When::Times(1));
    let accounts = database.store.oauth_accounts(&person).await.unwrap();
    assert_eq!(accounts.email_owner.unwrap().user_id, user.id);
    assert_eq!(database.calls("BatchGetItem"), 2);
}

/// Every attribute of every kind of row, missing and of another type: always
/// an error that names it, never a panic or somebody else.
#[tokio::test]
async fn rows_of_another_shape_are_told_apart() {
    let database = Database::start().await;
    let store = &database.store;
    let (user, session) = database.registered().await;
    let (reset_hash, _) = database.reset_token(&user).await;
    let (state_hash, state) = oauth_state();
    store.store_oauth_state(&state_hash, &state).await.unwrap();
    let person = identity("corrupt", &user.email);
    let verify = ExpectedUser {
        two_factor_since: None,
        link: false,
        email_verified: false,
        verify_email: true,
        refresh_link: false,
        proven: true,
    };
    store.sign_in_oauth(&person, None, AdmissionRows::Session(&new_session(&user)), &verify, now()).await.unwrap();
    let link = ExpectedUser { two_factor_since: None, link: true, email_verified: true, verify_email: false, ..verify };
    assert_eq!(
        store.sign_in_oauth(&person, None, AdmissionRows::Session(&new_session(&user)), &link, now()).await.unwrap(),
        OAuthSignIn::Done
    );

    let read = async |kind: &str| match kind {
        "user" => store.user(&user.id).await.map(|row| row.is_some()),
        "session" => store.session(&session.handle).await.map(|row| row.is_some()),
        "credential" => store.credential(&user.email).await.map(|row| row.is_some()),
        "link" => store.oauth_accounts(&person).await.map(|accounts| accounts.linked.is_some()),
        "reset" => store.reset_token(&reset_hash).await.map(|row| row.is_some()),
        _ => store.oauth_state(&state_hash).await.map(|row| row.is_some()),
    };
    let credential_key = user.email.identity();
    let link_key = person.identity();
    let kinds: [(&str, &str, &str, &str, &[&str]); 6] = [
        ("user", "UsersTable", "id", user.id.as_str(), &["image", "recoveredAt"]),
        ("session", "SessionsTable", "tokenHash", &session.handle.token_hash, &["ipAddress", "userAgent"]),
        ("credential", "AccountsTable", "identity", &credential_key, &["passwordHash"]),
        ("link", "AccountsTable", "identity", &link_key, &["provenEmail"]),
        ("reset", "VerificationTokensTable", "tokenHash", &reset_hash, &["userId"]),
        ("state", "VerificationTokensTable", "tokenHash", &state_hash, &["errorCallbackUrl", "newUserCallbackUrl"]),
    ];
    // Written for people, or for DynamoDB, and read by nobody.
    let unread: HashSet<&str> = HashSet::from(["ttl", "purpose", "providerId", "accountId"]);
    let mut checked = 0;
    for (kind, table, key, value, optional) in kinds {
        let good = database.app.row(table, key, value).await.unwrap();
        assert!(read(kind).await.unwrap(), "{kind}");
        for name in good.as_object().unwrap().keys() {
            let account_times = table == "AccountsTable" && ["createdAt", "updatedAt"].contains(&name.as_str());
            let is_key =
                ["id", "identity", "tokenHash"].contains(&name.as_str()) || (kind == "session" && name == "userId");
            if unread.contains(name.as_str()) || account_times || is_key {
                continue;
            }
            let mut mistyped = good.clone();
            mistyped[name.as_str()] = json!({"M": {}});
            let mut missing = good.clone();
            missing.as_object_mut().unwrap().remove(name);
            for (what, row) in [("mistyped", mistyped), ("missing", missing)] {
                database.app.put_row(table, &row).await;
                let result = read(kind).await;
                let may_miss = what == "missing" && optional.contains(&name.as_str());
                match result {
                    Ok(found) => assert!(found && may_miss, "{kind}: {name} {what} was read as {found}"),
                    Err(StoreError::Corrupt { attribute, .. }) => {
                        assert!(attribute == name && !may_miss, "{kind}: {name} {what} is said of {attribute}");
                    }
                    Err(other) => panic!("{kind}: {name} {what}: {other}"),
                }
                checked += 1;
            }
        }
        database.app.put_row(table, &good).await;
        assert!(read(kind).await.unwrap(), "{kind}");
    }
    assert!(checked > 50, "{checked}");

    // Numbers that are none of ours.
    let good = database.app.row("UsersTable", "id", user.id.as_str()).await.unwrap();
    for odd in ["1.5", "1E+30"] {
        let mut row = good.clone();
        row["createdAt"] = json!({"N": odd});
        database.app.put_row("UsersTable", &row).await;
        assert!(matches!(store.user(&user.id).await, Err(StoreError::Corrupt { attribute: "createdAt", .. })), "{odd}");
    }
}

/// A write whose answer is lost is made again by the SDK, and is its own.
#[tokio::test]
async fn a_lost_answer_is_recognised() {
    let database = Database::start().await;
    let store = &database.store;
    let lose = |operation: &str| {
        database.app.aws().clear_faults();
        database.inject(operation, Fault::DropAfter, When::Times(1));
        database.calls("");
    };
    lose("TransactWriteItems");
    let (user, session) = user_and_session();
    assert_eq!(store.register(new_user(&user, "hash", &session)).await.unwrap(), Registration::Created);
    assert_eq!(database.calls("TransactWriteItems"), 2);
    assert_eq!(store.register(new_user(&user, "hash", &session)).await.unwrap(), Registration::EmailTaken);

    let token = database.reset_token(&user).await;
    lose("TransactWriteItems");
    assert_eq!(database.reset(&token, &user, "new hash").await, ResetOutcome::Done);
    assert_eq!(database.calls("TransactWriteItems"), 2);
    assert_eq!(database.reset(&token, &user, "again").await, ResetOutcome::Stale);
    assert_eq!(database.hash_of(&user).await.as_deref(), Some("new hash"));

    let (hash, state) = oauth_state();
    lose("PutItem");
    store.store_oauth_state(&hash, &state).await.unwrap();
    assert_eq!(database.calls("PutItem"), 2);
    lose("UpdateItem");
    assert_eq!(store.consume_oauth_state(&hash, "attempt").await.unwrap(), Some(state));
    assert_eq!(database.calls("UpdateItem"), 2);

    lose("UpdateItem");
    let until = later(session.expires_at, 1000);
    assert!(store.extend(&session, until, now()).await.unwrap());
    assert_eq!(database.calls("UpdateItem"), 2);
    lose("UpdateItem");
    store.upgrade(&user.email, "new hash", "newer hash").await.unwrap();
    assert_eq!(database.hash_of(&user).await.as_deref(), Some("newer hash"));
    lose("DeleteItem");
    store.end_session(&session.handle).await.unwrap();
    assert_eq!(database.calls("DeleteItem"), 2);
    assert!(database.app.rows("SessionsTable").await.is_empty());
}

/// Conflicts with somebody else's transaction pass; they are waited for a
/// while, and are never taken for an answer.
#[tokio::test]
async fn conflicts_are_waited_for() {
    let database = Database::start().await;
    let store = &database.store;
    let (user, session) = user_and_session();
    database.inject("TransactWriteItems", Fault::TransactionConflict, When::Times(3));
    assert_eq!(store.register(new_user(&user, "hash", &session)).await.unwrap(), Registration::Created);
    assert_eq!(database.calls("TransactWriteItems"), 4);

    database.inject("UpdateItem", Fault::TransactionConflict, When::Times(2));
    assert!(store.extend(&session, later(session.expires_at, 1), now()).await.unwrap());
    assert_eq!(database.calls("UpdateItem"), 3);

    database.app.aws().clear_faults();
    for operation in ["TransactWriteItems", "PutItem", "DeleteItem"] {
        database.inject(operation, Fault::TransactionConflict, When::Always);
    }
    let before = database.rows().await;
    let (other, other_session) = user_and_session();
    let errors = [
        store.register(new_user(&other, "hash", &other_session)).await.map(drop).unwrap_err(),
        store.store_admission(AdmissionRows::Session(&other_session)).await.unwrap_err(),
        store.end_session(&session.handle).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    }
    assert_eq!(database.rows().await, before);
    for operation in ["TransactWriteItems", "PutItem", "DeleteItem"] {
        let calls = database.app.aws().calls().iter().filter(|call| call.operation == operation).count();
        assert!((3..=8).contains(&calls), "{operation}: {calls}");
    }
}

/// Of the reasons of a cancelled transaction, a failed condition is an answer
/// even beside a conflict; a failed condition elsewhere is not "taken".
#[tokio::test]
async fn a_cancelled_transaction_is_read_reason_by_reason() {
    let database = Database::start().await;
    let (user, session) = user_and_session();
    let cancelled = |codes: [&str; 3]| {
        let reasons: Vec<Value> = codes.iter().map(|code| json!({"Code": code, "Message": "m"})).collect();
        let body = json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": format!("Transaction cancelled [{}]", codes.join(", ")),
            "CancellationReasons": reasons,
        });
        Fault::Answer { status: 400, body: body.to_string() }
    };
    let register = async |codes| {
        database.app.aws().clear_faults();
        database.inject("TransactWriteItems", cancelled(codes), When::Always);
        database.calls("");
        let outcome = database.store.register(new_user(&user, "hash", &session)).await;
        (outcome, database.calls("TransactWriteItems"))
    };
    let (outcome, calls) = register(["ConditionalCheckFailed", "None", "None"]).await;
    assert_eq!((outcome.unwrap(), calls), (Registration::EmailTaken, 1));
    let (outcome, calls) = register(["ConditionalCheckFailed", "None", "TransactionConflict"]).await;
    assert_eq!((outcome.unwrap(), calls), (Registration::EmailTaken, 1));
    let (outcome, calls) = register(["None", "ConditionalCheckFailed", "None"]).await;
    assert!(outcome.is_err() && calls == 1, "{outcome:?}, {calls} calls");
    let (outcome, calls) = register(["None", "None", "ValidationError"]).await;
    assert!(outcome.is_err() && calls == 1, "{outcome:?}, {calls} calls");
    let (outcome, calls) = register(["None", "TransactionConflict", "None"]).await;
    assert!(outcome.is_err() && calls > 2, "{outcome:?}, {calls} calls");
    let (outcome, calls) = register(["None", "None", "ThrottlingError"]).await;
    assert!(outcome.is_err() && (2..=4).contains(&calls), "a storm: {outcome:?}, {calls} calls");
    assert!(database.rows().await.iter().all(Vec::is_empty));
}

/// No call is repeated without end, and no error says more than its code.
#[tokio::test]
async fn outages_end_in_an_error_without_data() {
    let database = Database::start().await;
    let (user, _) = database.registered().await;
    for fault in [Fault::Throttle, Fault::InternalError, Fault::AccessDenied, Fault::DropBefore, Fault::Malformed] {
        database.app.aws().clear_faults();
        database.inject("GetItem", fault.clone(), When::Always);
        database.calls("");
        let error = database.store.user(&user.id).await.unwrap_err();
        let calls = database.calls("GetItem");
        assert!((1..=3).contains(&calls), "{fault:?}: {calls} calls");
        let text = error.to_string();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{fault:?}: {text}");
        assert!(
            !text.contains("not authorized") && !text.contains("UsersTable") && text.len() < 80,
            "{fault:?}: {text}"
        );
    }
    // A row that expires far in the future is still a row.
    database.app.aws().clear_faults();
    let mut row = database.app.row("UsersTable", "id", user.id.as_str()).await.unwrap();
    set_number(&mut row, "createdAt", i64::MAX);
    database.app.put_row("UsersTable", &row).await;
    assert_eq!(database.store.user(&user.id).await.unwrap().unwrap().created_at.millis(), i64::MAX);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_is_claimed_once_until_it_may_be_given_again() {
    let database = Database::start().await;
    let (store, until) = (&database.store, now().plus_seconds(900));
    let claims = (0..50).map(|i| async move { store.claim_notice("key", &format!("attempt {i}"), until, now()).await });
    let claimed = join_all(claims).await.into_iter().filter(|claimed| *claimed.as_ref().unwrap()).count();
    assert_eq!(claimed, 1);
    assert!(!store.claim_notice("key", "later", until, now()).await.unwrap());
    assert!(store.claim_notice("other key", "other", until, now()).await.unwrap());
    assert!(store.claim_notice("key", "after", until.plus_seconds(900), until).await.unwrap());

    database.inject("PutItem", Fault::DropAfter, When::Times(1));
    assert!(store.claim_notice("lost", "own", until, now()).await.unwrap(), "a lost answer is recognised");
    assert!(!store.claim_notice("lost", "another", until, now()).await.unwrap());
}
