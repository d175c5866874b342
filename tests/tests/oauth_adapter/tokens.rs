//! Tokens of providers: what comes with a sign-in, how it is renewed, what it
//! opens, and id tokens that a client brings.

use serde_json::json;
use shared::{
    domain::ProviderTokens,
    ports::{AskProvider as _, OAuthError, OAuthProviders as _, VerifyIdToken as _},
};
use tests::fake_provider::{Endpoint, Failure, GithubEmail, GithubUser, GoogleUser, IdTokenFault};

use super::*;

impl World {
    /// Signs in with some parameter added to the authorization request.
    async fn tokens(&self, id: &str, additional: &[(&str, &str)]) -> ProviderTokens {
        let pairs = additional.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let request = AuthorizationRequest { additional: pairs.collect(), ..request() };
        let url = self.adapter.authorization_url(id, &request).await.unwrap();
        let callback = Url::parse(&self.provider.consent(&url).unwrap()).unwrap();
        let callback: HashMap<String, String> = callback.query_pairs().into_owned().collect();
        self.adapter.exchange(id, exchange(&callback)).await.unwrap().tokens
    }

    fn seconds_from_now(&self, time: Option<Timestamp>) -> i64 {
        time.unwrap().seconds() - self.clock.now().seconds()
    }
}

#[tokio::test]
async fn google_gives_an_access_token_and_an_id_token() {
    let world = World::new().await;
    let tokens = world.tokens("google", &[]).await;
    assert!(tokens.access_token.starts_with("ya29"));
    assert!((3590..=3599).contains(&world.seconds_from_now(tokens.access_token_expires_at)));
    assert_eq!(tokens.id_token.unwrap().split('.').count(), 3);
    assert_eq!((tokens.refresh_token, tokens.refresh_token_expires_at), (None, None));
    let scopes = ["openid", "https://www.googleapis.com/auth/userinfo.email"];
    assert_eq!(tokens.scopes[..2], scopes);
}

#[tokio::test]
async fn github_gives_an_access_token_that_lasts() {
    let world = World::new().await;
    let tokens = world.tokens("github", &[]).await;
    assert!(tokens.access_token.starts_with("gho"));
    assert_eq!((tokens.access_token_expires_at, tokens.refresh_token, tokens.id_token), (None, None, None));
    assert_eq!(tokens.scopes, ["read:user", "user:email"]);
}

#[tokio::test]
async fn a_refresh_token_that_is_not_replaced_stays() {
    let world = World::new().await;
    let first = world.tokens("google", &[("access_type", "offline")]).await;
    let refresh_token = first.refresh_token.unwrap();
    for _ in 0..2 {
        let next = world.adapter.refresh("google", &refresh_token).await.unwrap();
        assert_ne!(next.access_token, first.access_token);
        assert_eq!(next.refresh_token.as_ref(), Some(&refresh_token));
        assert!(next.id_token.is_some() && next.access_token_expires_at.is_some());
    }
}

#[tokio::test]
async fn a_refresh_token_that_is_replaced_is_good_for_nothing() {
    let world = World::new().await;
    world.provider.make_github_an_app();
    let first = world.tokens("github", &[]).await;
    assert!((28_790..=28_800).contains(&world.seconds_from_now(first.access_token_expires_at)));
    assert!((15_897_590..=15_897_600).contains(&world.seconds_from_now(first.refresh_token_expires_at)));
    let refresh_token = first.refresh_token.unwrap();
    let next = world.adapter.refresh("github", &refresh_token).await.unwrap();
    assert_ne!(next.refresh_token.as_ref(), Some(&refresh_token));
    let again = world.adapter.refresh("github", &refresh_token).await.unwrap_err();
    assert_eq!(again.to_string(), "refresh failed: status 200 (bad_verification_code)");
    world.adapter.refresh("github", &next.refresh_token.unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_refresh_asks_once_and_as_the_standard_wants_it() {
    let world = World::new().await;
    for (id, endpoint) in [("google", Endpoint::GoogleToken), ("github", Endpoint::GithubToken)] {
        let error = world.adapter.refresh(id, "refresh-c4n4ry").await.unwrap_err();
        assert!(matches!(error, OAuthError::RefreshFailed(_)) && !error.to_string().contains("c4n4ry"), "{error}");
        let recorded = world.provider.recorded();
        let requests: Vec<_> = recorded.iter().filter(|request| request.endpoint == endpoint).collect();
        assert_eq!(requests.len(), 1);
        let mut names: Vec<_> = requests[0].parameters.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["client_id", "client_secret", "grant_type", "refresh_token"]);
        assert_eq!(requests[0].parameters["grant_type"], "refresh_token");
    }
    let unknown = world.adapter.refresh("okta", "refresh").await;
    assert!(matches!(unknown, Err(OAuthError::UnknownProvider)));
}

#[tokio::test]
async fn an_id_token_that_cannot_be_verified_is_left_out_of_a_refresh() {
    let world = World::new().await;
    let refresh_token = world.tokens("google", &[("access_type", "offline")]).await.refresh_token.unwrap();
    for fault in [IdTokenFault::WrongSignature, IdTokenFault::WrongIssuer, IdTokenFault::AlgorithmNone] {
        world.provider.spoil_id_tokens(fault);
        let tokens = world.adapter.refresh("google", &refresh_token).await.unwrap();
        assert_eq!((tokens.id_token, tokens.refresh_token.as_ref()), (None, Some(&refresh_token)), "{fault:?}");
    }
}

#[tokio::test]
async fn google_tells_of_a_person_by_the_id_token() {
    let world = World::new().await;
    let tokens = world.tokens("google", &[]).await;
    let info = world.adapter.user_info("google", &tokens.access_token, tokens.id_token.as_deref()).await.unwrap();
    assert_eq!(info.identity.subject, "110169484474386276334");
    assert_eq!(info.identity.email.unwrap().as_str(), "ada@example.com");
    assert_eq!((&info.data["sub"], &info.data["azp"]), (&json!("110169484474386276334"), &json!("google-client-id")));
    let without = world.adapter.user_info("google", &tokens.access_token, None).await;
    assert!(is_invalid_identity(&without.unwrap_err()));
}

#[tokio::test]
async fn github_tells_of_a_person_by_its_api() {
    let world = World::new().await;
    let mut person = GithubUser::new(583_231, "grace", "grace@example.com");
    person.emails.insert(0, GithubEmail::new("other@example.com", false, true));
    for (public, shown) in [(json!(null), "grace@example.com"), (json!("public@example.com"), "public@example.com")] {
        person.email = public;
        world.provider.set_github_user(person.clone());
        let tokens = world.tokens("github", &[]).await;
        let info = world.adapter.user_info("github", &tokens.access_token, None).await.unwrap();
        assert_eq!((info.identity.subject.as_str(), info.identity.name.as_str()), ("583231", "Grace Hopper"));
        assert_eq!((&info.data["login"], &info.data["email"]), (&json!("grace"), &json!(shown)));
    }
    let error = world.adapter.user_info("github", "a-token-c4n4ry", None).await.unwrap_err();
    assert_eq!(error.to_string(), "identity refused: status 401");
}

#[tokio::test]
async fn an_id_token_of_an_app_is_verified() {
    let world = World::new().await;
    let person = GoogleUser::new("7", "ada@example.com");
    for (asked, named) in [(None, None), (Some("n"), None), (Some("n"), Some("n"))] {
        let token = world.provider.google_id_token(&person, asked);
        let verified = world.adapter.verify_id_token("google", &token, named).await.unwrap();
        assert_eq!((verified.identity.subject.as_str(), verified.identity.email_verified), ("7", true));
        assert!((3600..=3606).contains(&world.seconds_from_now(Some(verified.expires_at))));
        assert!(!token.contains(&verified.token_hash));
    }
    for (asked, named) in [(None, "n"), (Some("n"), "m")] {
        let token = world.provider.google_id_token(&person, asked);
        let error = world.adapter.verify_id_token("google", &token, Some(named)).await.unwrap_err();
        assert!(is_invalid_identity(&error), "{error}");
    }
    // Nothing but the keys was asked for, and those once.
    assert_eq!(world.provider.recorded().len(), 1);
}

#[tokio::test]
async fn every_wrong_id_token_of_an_app_is_refused() {
    let world = World::new().await;
    let person = GoogleUser::new("7", "ada@example.com");
    for fault in IdTokenFault::ALL {
        world.provider.spoil_id_tokens(fault);
        let token = world.provider.google_id_token(&person, Some(NONCE));
        let verified = world.adapter.verify_id_token("google", &token, Some(NONCE)).await;
        // An app of the same owner asks under an id of its own.
        if fault == IdTokenFault::WrongAuthorizedParty {
            verified.unwrap();
        } else {
            assert!(is_invalid_identity(&verified.unwrap_err()), "{fault:?}");
        }
    }
}

#[tokio::test]
async fn an_id_token_is_not_judged_without_the_keys() {
    let world = World::new().await;
    let token = world.provider.google_id_token(&GoogleUser::new("7", "ada@example.com"), None);
    world.provider.fail(Endpoint::GoogleCerts, Failure::Status(500));
    let error = world.adapter.verify_id_token("google", &token, None).await.unwrap_err();
    assert_eq!(error.to_string(), "provider unavailable: signing keys: status 500");
    let github = world.adapter.verify_id_token("github", &token, None).await;
    assert!(matches!(github, Err(OAuthError::IdTokenNotSupported)));
    let unknown = world.adapter.verify_id_token("okta", &token, None).await;
    assert!(matches!(unknown, Err(OAuthError::UnknownProvider)));
}
