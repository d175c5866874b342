//! What a stranger makes of the links, and of a mail scanner that follows them.

use super::*;

/// Somebody moves an account to an address that is not theirs. Its owner, or
/// a program that reads their mail, follows the link without being signed in.
#[tokio::test]
async fn a_click_at_the_new_address_gives_no_stranger_an_account_to_it() {
    let app = App::with_env(&[]).await;
    let (mut stranger, email) = verified_user(&app, "stranger").await;
    let victim = unique_email("victim");
    let change = consented(&app, &mut stranger, &email, &victim).await;
    let before = Snapshot::take(&app).await;
    let link = link_to(&app, &victim).await;
    assert_redirect(&app.browser().get(&link).await, "/?error=INVALID_USER");
    assert_error(&follow(&mut app.browser(), &change).await, 401, "INVALID_USER");
    assert_eq!(Snapshot::take(&app).await, before);
    assert!(!password_works(&app, &victim, PASSWORD).await);
    assert_eq!(address_of(&mut stranger).await, email);

    // The address is still its owner's to sign up with.
    let (mut owner, _) = oauth::sign_in_with_google(&app, &GoogleUser::new(&victim, &victim)).await;
    let (own, strangers) = (owner.current_user().await.unwrap(), stranger.current_user().await.unwrap());
    assert_eq!(own["email"], victim);
    assert_ne!(own["id"], strangers["id"]);
}

/// Somebody has a session of another's, and reads none of their mail.
#[tokio::test]
async fn a_click_at_the_old_address_gives_no_thief_the_account() {
    let app = App::with_env(&[]).await;
    let (browser, email) = verified_user(&app, "robbed").await;
    let mut thief = browser.clone();
    let thiefs = unique_email("thief");
    change_token(&app, &mut thief, &email, &thiefs).await;
    let link = link_to(&app, &email).await;
    assert_redirect(&app.browser().get(&link).await, "/?error=INVALID_USER");
    assert_eq!((count_all(&app, &thiefs), address_of(&mut thief).await), (0, json!(email)));
}

#[tokio::test]
async fn a_session_of_yesterday_begins_no_change() {
    let app = App::with_env(&[]).await;
    let unverified = unique_email("stale-unverified");
    let (verified, email) = verified_user(&app, "stale").await;
    for (mut browser, email) in [(verified, email), (app.sign_up(&unverified).await, unverified)] {
        make_stale(&app, &email).await;
        let new_email = unique_email("stale-new");
        let before = Snapshot::take(&app).await;
        assert_error(&request(&mut browser, &new_email).await, 403, "SESSION_NOT_FRESH");
        assert_eq!(Snapshot::take(&app).await, before);
        assert_eq!((count_all(&app, &email), count_all(&app, &new_email)), (0, 0));

        let (mut again, _) = sign_in(&app, &email, PASSWORD).await;
        assert_eq!(request(&mut again, &new_email).await.status, 200, "who signs in again may");
    }
}

/// What a provider has vouched for is the address of then, and no other.
#[tokio::test]
async fn a_recovery_of_the_new_address_voids_links_that_proved_the_old_one() {
    let app = App::with_env(&[]).await;
    let (email, new_email) = (unique_email("proven"), unique_email("proven-new"));
    let person = GoogleUser::new(&email, &email);
    let google = async |person: &GoogleUser| {
        let (mut browser, answer) = oauth::sign_in_with_google(&app, person).await;
        (answer.header("location").to_owned(), browser.current_user().await.map(|user| user["email"].clone()))
    };
    let (mut browser, _) = oauth::sign_in_with_google(&app, &person).await;
    let change = consented(&app, &mut browser, &email, &new_email).await;
    assert_eq!(follow(&mut browser, &change).await.status, 200);
    // It goes on, and the link knows the generation of the new address.
    assert_eq!(google(&person).await, ("/done".to_owned(), Some(json!(new_email))));

    let password = "the owner's own password";
    reset_to(&app, &new_email, password).await;
    let refused = ("/failed?from=test&error=account_not_linked".to_owned(), None);
    assert_eq!(google(&person).await, refused);
    let (mut owner, _) = sign_in(&app, &new_email, password).await;
    let accounts = owner.get("/list-accounts").await.json();
    assert_eq!(accounts.as_array().unwrap().len(), 1, "{accounts}");
    assert_eq!(accounts[0]["providerId"], "credential");

    // The provider vouches for the new address by now, as for any link that is
    // to be made; and then a recovery leaves the link alone.
    let moved = GoogleUser::new(&email, &new_email);
    let unverified = GoogleUser { email_verified: json!(false), ..moved.clone() };
    assert_eq!(google(&unverified).await, refused);
    let signed_in = ("/done".to_owned(), Some(json!(new_email)));
    assert_eq!(google(&moved).await, signed_in);
    reset_to(&app, &new_email, "another of the owner's").await;
    assert_eq!(google(&unverified).await, signed_in);
    invariants::check(&app, &[]).await;
}
