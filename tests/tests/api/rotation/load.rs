//! A rotation while everybody uses the service.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    pin::Pin,
    rc::Rc,
    time::Duration,
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use serde_json::json;
use tests::{App, Browser, Call, PASSWORD, enrol, fake_provider::GoogleUser, unique_email};

use super::{access_token, holder, is_accepted, rotate, start};
use crate::{
    magic_link,
    steps::{callback_url, sign_in_with_google, trust_device, try_sign_up},
    support::{kid, sign_in},
};

/// Users, each of whom goes on until it is over.
type Users<'a> = FuturesUnordered<Pin<Box<dyn Future<Output = ()> + 'a>>>;

/// Does something while the users do what they do.
async fn among<T>(users: &mut Users<'_>, work: impl Future<Output = T>) -> T {
    tokio::select! {
        result = work => result,
        Some(()) = users.next() => panic!("a user has left"),
    }
}

/// What the users have in common.
#[derive(Default)]
struct Crowd {
    is_over: Cell<bool>,
    /// Rounds that each of them has done.
    rounds: RefCell<Vec<Rc<Cell<u32>>>>,
    /// Keys that new access tokens were signed with.
    kids: RefCell<BTreeSet<String>>,
}

impl Crowd {
    /// Runs rounds of a user until it is over.
    async fn run(&self, mut round: impl AsyncFnMut()) {
        let done = Rc::new(Cell::new(0));
        self.rounds.borrow_mut().push(done.clone());
        while !self.is_over.get() {
            round().await;
            done.set(done.get() + 1);
        }
    }

    /// Waits until every user has done that many rounds more.
    async fn progress(&self, users: usize, rounds: u32) {
        let now = || self.rounds.borrow().iter().map(|done| done.get()).collect::<Vec<_>>();
        let before = now();
        loop {
            let after = now();
            let from = |user: usize| before.get(user).copied().unwrap_or_default();
            if after.len() >= users && after.iter().enumerate().all(|(user, done)| *done >= from(user) + rounds) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn saw(&self, jwt: &str) {
        self.kids.borrow_mut().insert(kid(jwt));
    }

    /// Somebody who has been signed in for a while, by cookie and by tokens.
    async fn member(&self, app: &App, mut browser: Browser) {
        let (mut first, mut latest) = (None, None);
        self.run(async || {
            assert!(browser.current_user().await.is_some(), "the cookie is refused");
            let jwt = access_token(&browser).await;
            self.saw(&jwt);
            for token in [&first, &latest].into_iter().flatten().chain([&jwt]) {
                assert!(is_accepted(app, token).await, "an access token of {} is refused", kid(token));
            }
            first.get_or_insert_with(|| jwt.clone());
            latest = Some(jwt);
        })
        .await;
    }

    /// Somebody who signs in again and again, and out.
    async fn visitor(&self, app: &App, email: &str) {
        self.run(async || {
            let (mut browser, answer) = sign_in(app, email, PASSWORD).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            self.saw(answer.json()["token"].as_str().unwrap());
            assert!(is_accepted(app, answer.json()["token"].as_str().unwrap()).await, "a new token is refused");
            assert!(is_accepted(app, answer.header("set-auth-token")).await, "a new signed token is refused");
            assert!(browser.current_user().await.is_some(), "a new cookie is refused");
            let stays = browser.clone();
            assert_eq!(browser.post("/sign-out", &json!({})).await.status, 200);
            assert!(stays.clone().current_user().await.is_none(), "sign-out did not understand the cookie");
        })
        .await;
    }

    /// New people.
    async fn newcomers(&self, app: &App) {
        self.run(async || {
            let mut browser = app.browser();
            let answer = try_sign_up(&mut browser, &unique_email("new")).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert!(browser.current_user().await.is_some(), "a new cookie is refused");
            assert!(is_accepted(app, answer.json()["token"].as_str().unwrap()).await, "a new token is refused");
        })
        .await;
    }

    /// Somebody who comes by Google.
    async fn guest(&self, app: &App, person: &GoogleUser) {
        self.run(async || {
            let mut browser = sign_in_with_google(app, person).await;
            assert!(browser.current_user().await.is_some(), "a new cookie is refused");
        })
        .await;
    }
}

/// Nothing that is valid is refused: not while the secret is rotated, when
/// each function has one instance that knows the old one only, and not when
/// more come up that sign with the new one.
#[tokio::test]
async fn a_rotation_under_load_refuses_nothing() {
    let app = start(3).await;
    let crowd = Crowd::default();
    let mut members = Vec::new();
    for number in 0..6 {
        members.push(app.sign_up(&unique_email(&format!("member-{number}"))).await);
    }
    let mut veteran = members[0].clone();
    let veteran_jwt = access_token(&veteran).await;
    let email = unique_email("visitor");
    app.sign_up(&email).await;
    let person = GoogleUser::new("guest", &unique_email("guest"));
    sign_in_with_google(&app, &person).await;
    let mut on_the_way = app.browser();
    let callback = callback_url(&app, &mut on_the_way, &person).await;
    let old = holder(&app, super::CURRENT).await.unwrap();

    // One after the other is served by one instance of each function.
    let mut users = Users::new();
    users.push(Box::pin(crowd.member(&app, members.remove(0))));
    among(&mut users, crowd.progress(1, 3)).await;
    let new = among(&mut users, rotate(&app)).await;
    // Many at once make more instances start.
    for member in members {
        users.push(Box::pin(crowd.member(&app, member)));
    }
    for _ in 0..2 {
        users.push(Box::pin(crowd.visitor(&app, &email)));
        users.push(Box::pin(crowd.newcomers(&app)));
    }
    users.push(Box::pin(crowd.guest(&app, &person)));
    let count = users.len();
    among(&mut users, crowd.progress(count, 5)).await;
    assert!(app.pool("session").unwrap().processes().len() > 1);
    // The state of a sign-in from before is still good.
    let answer = among(&mut users, on_the_way.send(Call::new("GET", callback))).await;
    assert_eq!(answer.header("location"), "/done", "{}", answer.text());
    crowd.is_over.set(true);
    while users.next().await.is_some() {}

    assert_eq!(*crowd.kids.borrow(), BTreeSet::from([old, new]));
    assert!(veteran.current_user().await.is_some());
    assert!(is_accepted(&app, &veteran_jwt).await);
    assert!(on_the_way.current_user().await.is_some());
    for line in app.logs() {
        assert!(!line.text.contains(r#""status":5"#), "{}", line.text);
    }
}

/// The same with everybody there already, and with what was signed or mailed
/// before it and is shown after it: a challenge, a trusted device, a link.
#[tokio::test]
async fn a_rotation_amid_a_crowd_refuses_nothing() {
    let app = start(3).await;
    let crowd = Crowd::default();
    let mut members = Vec::new();
    for number in 0..3 {
        members.push(app.sign_up(&unique_email(&format!("crowd-{number}"))).await);
    }
    let (visitor, careful) = (unique_email("crowd-visitor"), unique_email("crowd-careful"));
    app.sign_up(&visitor).await;
    let person = GoogleUser::new("crowd-guest", &unique_email("crowd-guest"));
    sign_in_with_google(&app, &person).await;
    let authenticator = enrol(&mut app.sign_up(&careful).await).await;
    let mut device = app.browser();
    trust_device(&app, &mut device, &careful).await;
    let (mut pending, answer) = sign_in(&app, &careful, PASSWORD).await;
    assert_eq!(answer.json()["twoFactorRedirect"], true, "{}", answer.text());
    let link = magic_link::token_for(&app, &unique_email("crowd-link")).await;
    let old = holder(&app, super::CURRENT).await.unwrap();

    let mut users = Users::new();
    for member in members {
        users.push(Box::pin(crowd.member(&app, member)));
    }
    users.push(Box::pin(crowd.visitor(&app, &visitor)));
    users.push(Box::pin(crowd.newcomers(&app)));
    users.push(Box::pin(crowd.guest(&app, &person)));
    let count = users.len();
    among(&mut users, crowd.progress(count, 2)).await;
    let new = among(&mut users, rotate(&app)).await;
    among(&mut users, crowd.progress(count, 4)).await;
    let late = async {
        let code = authenticator.code(&app).await;
        let answer = pending.post("/two-factor/verify-totp", &json!({"code": code})).await;
        assert_eq!(answer.status, 200, "the challenge is refused: {}", answer.text());
        let body = json!({"email": careful, "password": PASSWORD});
        let answer = device.post("/sign-in/email", &body).await;
        assert!(answer.json()["twoFactorRedirect"].is_null(), "the device is refused: {}", answer.text());
        let answer = app.browser().get(&format!("/magic-link/verify?token={link}")).await;
        assert_eq!(answer.status, 200, "the link is refused: {}", answer.text());
    };
    among(&mut users, late).await;
    crowd.is_over.set(true);
    while users.next().await.is_some() {}
    // Who knows the old one signs with it for a while yet.
    assert!(crowd.kids.borrow().is_subset(&BTreeSet::from([old, new])));
    for line in app.logs() {
        assert!(!line.text.contains(r#""status":5"#), "{}", line.text);
    }
}
