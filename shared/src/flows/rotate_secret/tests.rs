use std::sync::Mutex;

use super::*;
use crate::ports::{SecretVersions, StoreResult};

const OLD: &str = "00000000-0000-4000-8000-000000000001";
const NEW: &str = "00000000-0000-4000-8000-000000000002";

/// A secret in memory, with the current version `OLD` and the pending `NEW`.
struct Secret(Mutex<State>);

struct State {
    current: &'static str,
    pending: Option<&'static str>,
    value: Option<String>,
    fills: usize,
    promotions: usize,
    /// Whether the answer of a promotion is lost.
    loses_answers: bool,
    is_down: bool,
}

impl Secret {
    fn new(value: Option<&str>) -> Self {
        let value = value.map(str::to_owned);
        Self(Mutex::new(State {
            current: OLD,
            pending: Some(NEW),
            value,
            fills: 0,
            promotions: 0,
            loses_answers: false,
            is_down: false,
        }))
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap())
    }

    fn call<T>(&self, act: impl FnOnce(&mut State) -> T) -> StoreResult<T> {
        self.with(|state| if state.is_down { Err(lost()) } else { Ok(act(state)) })
    }

    async fn take(&self, step: RotationStep) -> Result<(), RotationError> {
        self.take_for(step, "secret", NEW).await
    }

    async fn take_for(&self, step: RotationStep, secret_id: &str, version: &str) -> Result<(), RotationError> {
        let context = Context::for_tests();
        let policy = AccessTokenPolicy { issuer: "i".into(), audience: "a".into(), lifetime: 900 };
        let rotation = Rotation { step, secret_id: secret_id.to_owned(), version: version.to_owned() };
        rotate_secret(&context, &policy, self, &rotation).await
    }
}

fn lost() -> StoreError {
    StoreError::Unavailable { operation: "test", reason: "lost".to_owned() }
}

impl RotateSigningSecret for Secret {
    async fn versions(&self) -> StoreResult<SecretVersions> {
        self.call(|state| {
            let mut versions = vec![SecretVersion {
                id: state.current.to_owned(),
                is_current: true,
                is_pending: state.pending == Some(state.current),
            }];
            if let Some(pending) = state.pending.filter(|pending| *pending != state.current) {
                versions.push(SecretVersion { id: pending.to_owned(), is_current: false, is_pending: true });
            } else if state.current == OLD {
                versions.push(SecretVersion { id: NEW.to_owned(), is_current: false, is_pending: false });
            }
            SecretVersions { names: vec!["secret".to_owned(), "arn:secret".to_owned()], versions }
        })
    }

    async fn pending_value(&self, version: &str) -> StoreResult<Option<Zeroizing<String>>> {
        assert_eq!(version, NEW);
        self.call(|state| state.value.clone().map(Zeroizing::new))
    }

    async fn fill(&self, version: &str, value: &str) -> StoreResult<()> {
        assert_eq!(version, NEW);
        self.call(|state| {
            state.fills += 1;
            state.value.get_or_insert_with(|| value.to_owned());
        })
    }

    async fn promote(&self, version: &str, current: Option<&str>) -> StoreResult<()> {
        assert_eq!((version, current), (NEW, Some(OLD)));
        self.call(|state| {
            state.promotions += 1;
            state.current = NEW;
            state.loses_answers
        })
        .and_then(|is_lost| if is_lost { Err(lost()) } else { Ok(()) })
    }
}

use RotationStep::{CreateSecret, FinishSecret, SetSecret, TestSecret};

const STEPS: [RotationStep; 4] = [CreateSecret, SetSecret, TestSecret, FinishSecret];

#[tokio::test]
async fn four_steps_make_a_new_secret_the_current_one() {
    let secret = Secret::new(None);
    for step in STEPS {
        assert_eq!(secret.with(|state| state.current), OLD, "before {step:?}");
        secret.take(step).await.unwrap();
    }
    let value = secret.with(|state| state.value.clone()).unwrap();
    assert!(value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{value}");
    assert_eq!(secret.with(|state| state.current), NEW);
}

#[tokio::test]
async fn a_step_that_is_taken_again_changes_nothing() {
    let secret = Secret::new(None);
    for step in STEPS {
        secret.take(step).await.unwrap();
        let value = secret.with(|state| state.value.clone());
        secret.take(step).await.unwrap();
        assert_eq!(secret.with(|state| state.value.clone()), value, "{step:?}");
    }
    for step in STEPS {
        secret.take(step).await.unwrap();
    }
    assert_eq!(secret.with(|state| (state.fills, state.promotions)), (1, 1));
}

#[tokio::test]
async fn a_step_that_is_left_out_is_missed() {
    let secret = Secret::new(None);
    for step in [SetSecret, TestSecret, FinishSecret] {
        assert!(matches!(secret.take(step).await, Err(RotationError::NoValue)), "{step:?}");
    }
    assert_eq!(secret.with(|state| (state.current, state.fills, state.promotions)), (OLD, 0, 0));
}

#[tokio::test]
async fn what_would_not_sign_is_never_promoted() {
    for weak in ["", "short", &"s".repeat(31), &format!("{}\n\n\n", "s".repeat(31))] {
        let secret = Secret::new(Some(weak));
        // A value that is there is kept, whatever it is: whoever set it will
        // want to know.
        secret.take(CreateSecret).await.unwrap();
        for step in [TestSecret, FinishSecret] {
            assert!(matches!(secret.take(step).await, Err(RotationError::Weak(_))), "{step:?}");
        }
        assert_eq!(secret.with(|state| (state.current, state.value.clone())), (OLD, Some(weak.to_owned())));
    }
}

#[tokio::test]
async fn only_the_pending_version_of_the_one_secret_is_touched() {
    let secret = Secret::new(None);
    for step in STEPS {
        let other = secret.take_for(step, "another", NEW).await;
        assert!(matches!(other, Err(RotationError::OtherSecret)), "{step:?}");
        let unknown = secret.take_for(step, "arn:secret", "00000000-0000-4000-8000-000000000003").await;
        assert!(matches!(unknown, Err(RotationError::UnknownVersion)), "{step:?}");
        // The current one needs nothing.
        secret.take_for(step, "arn:secret", OLD).await.unwrap();
    }
    secret.with(|state| state.pending = None);
    for step in STEPS {
        assert!(matches!(secret.take(step).await, Err(RotationError::NotPending)), "{step:?}");
    }
    assert_eq!(secret.with(|state| (state.current, state.fills, state.promotions)), (OLD, 0, 0));
}

#[tokio::test]
async fn a_promotion_whose_answer_was_lost_is_recognised() {
    let secret = Secret::new(Some(&"v".repeat(64)));
    secret.with(|state| state.loses_answers = true);
    secret.take(FinishSecret).await.unwrap();
    assert_eq!(secret.with(|state| (state.current, state.promotions)), (NEW, 1));
}

#[tokio::test]
async fn errors_hold_no_value() {
    let value = "v4lue".to_owned() + &"s".repeat(20);
    let secret = Secret::new(Some(&value));
    let error = secret.take(TestSecret).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("v4lue"), "{error:?}");
    secret.with(|state| state.is_down = true);
    for step in STEPS {
        assert_eq!(secret.take(step).await.unwrap_err().to_string(), "test: lost");
    }
}
