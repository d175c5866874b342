//! Every kind of token at every door: only its own lets it in, and no other
//! uses it up.
//!
//! A new kind of token is a line in [`KINDS`] and an arm of `Specimen::of`; a
//! new door is a variant of [`Door`] and an arm of `Specimen::show`.

mod doors;
mod specimens;

use std::collections::BTreeSet;

use doors::{DOORS, Door};
use specimens::Specimen;
use tests::App;

/// What somebody may hold.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    OAuthState,
    /// The state of a provider that is to be linked.
    LinkState,
    ResetToken,
    MagicLink,
    /// In the link that verifies an address.
    Verification,
    /// In the link to the old address that allows a change.
    ChangeConsent,
    /// In the link to the new address that makes the change.
    EmailChange,
    Deletion,
    /// A provider's, as an app presents it.
    IdToken,
    /// The name of the row that remembers a spent id token, which opens nothing.
    IdTokenRow,
    SessionToken,
    /// The session token with its signature, as bearer clients keep it.
    SignedSession,
    /// The name of a session, which opens nothing.
    SessionHandle,
    AccessToken,
    /// A sign-in that waits for its second factor.
    Challenge,
    TrustedDevice,
    /// What an authenticator shows: a code, and no token.
    TotpCode,
    BackupCode,
    /// A provider's access token.
    ProviderToken,
    /// Whom a browser has signed up.
    SignedUp,
    /// A browser that has signed in before.
    KnownDevice,
}

/// The kinds and the doors that they open.
const KINDS: [(Kind, &[Door]); 21] = [
    (Kind::OAuthState, &[Door::Callback]),
    (Kind::LinkState, &[Door::Callback]),
    (Kind::ResetToken, &[Door::ResetLink, Door::ResetPassword]),
    (Kind::MagicLink, &[Door::MagicLink]),
    (Kind::Verification, &[Door::VerifyEmail]),
    (Kind::ChangeConsent, &[Door::VerifyEmail]),
    (Kind::EmailChange, &[Door::VerifyEmail]),
    (Kind::Deletion, &[Door::DeletionLink, Door::DeleteUser]),
    (Kind::IdToken, &[Door::IdToken]),
    (Kind::IdTokenRow, &[]),
    (Kind::SessionToken, &[Door::SessionCookie, Door::Bearer]),
    (Kind::SignedSession, &[Door::Bearer]),
    (Kind::SessionHandle, &[]),
    (Kind::AccessToken, &[Door::Bearer]),
    (Kind::Challenge, &[Door::SendCode, Door::VerifyTotp, Door::VerifyBackupCode, Door::VerifyMailedCode]),
    (Kind::TrustedDevice, &[Door::TrustedDevice]),
    (Kind::TotpCode, &[]),
    (Kind::BackupCode, &[]),
    (Kind::ProviderToken, &[]),
    (Kind::SignedUp, &[Door::SignedUp]),
    (Kind::KnownDevice, &[Door::KnownDevice]),
];

/// A stack with every kind of token: deletions are confirmed by mail, and
/// wrong passwords lock, so that there are devices that are known.
async fn app() -> App {
    const LIMITS: [&str; 15] = [
        "default",
        "sign-in",
        "sign-up",
        "request-password-reset",
        "reset-password",
        "send-verification-email",
        "verify-email",
        "magic-link",
        "magic-link-verify",
        "two-factor",
        "callback",
        "change-password",
        "change-email",
        "mail",
        "mail-daily",
    ];
    let rules = LIMITS.map(|name| format!("{name}=1000000/600")).join(",");
    App::with_env(&[("AUTH_RATE_LIMITS", "true"), ("AUTH_RATE_LIMIT_RULES", &rules), ("AUTH_CONFIRM_DELETION", "true")])
        .await
}

#[tokio::test]
async fn a_token_opens_its_own_doors_and_no_other_uses_it_up() {
    let app = app().await;
    for (kind, own) in KINDS {
        let mut specimen = Specimen::of(kind, &app).await;
        let row = specimen.row(&app).await;
        for door in DOORS.into_iter().filter(|door| !own.contains(door)) {
            assert!(!specimen.knock(&app, door).await, "{kind:?} at {door:?}");
        }
        assert_eq!(specimen.row(&app).await, row, "{kind:?} was used up");
        for door in own {
            assert!(specimen.knock(&app, *door).await, "{kind:?} at {door:?}, its own");
            // What has opened a door may be spent.
            specimen = Specimen::of(kind, &app).await;
        }
    }
}

/// The value is right, and so is the name; only the signature is another
/// cookie's.
#[tokio::test]
async fn a_cookie_signed_for_one_purpose_is_worthless_under_another_name() {
    let app = app().await;
    let names = DOORS.iter().filter_map(|door| door.cookie()).chain(["better-auth.dont_remember"]);
    let names: BTreeSet<&str> = names.collect();
    for (kind, own) in KINDS {
        for door in own {
            let Some(name) = door.cookie() else { continue };
            let specimen = Specimen::of(kind, &app).await;
            for other in names.iter().filter(|other| **other != name) {
                assert!(!specimen.show(&app, *door, other).await, "{other} as {name} at {door:?}");
            }
            assert!(specimen.show(&app, *door, name).await, "{name} at {door:?}");
        }
    }
}
