use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_704_110_400_000);
const KEPT_ID: &str = "nBfnJlnAcUnKJPsyMWZUVkB5ZDmUdIYQ";
const BCRYPT: &str = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";

fn candidate() -> Candidate {
    Candidate { email: Some(" Ann@Example.COM ".into()), email_verified: true, ..Candidate::default() }
}

fn hash() -> Option<String> {
    Some(format!("{}:{}", "0".repeat(32), "a".repeat(128)))
}

fn link(provider: &str, subject: &str) -> Link {
    Link { provider: provider.into(), subject: subject.into() }
}

fn of(candidate: Candidate) -> Result<Newcomer, Refusal> {
    newcomer(Source::BetterAuth, KEPT_ID, candidate, &Rules::default(), NOW)
}

fn refusal(candidate: Candidate) -> Refusal {
    of(candidate).err().unwrap()
}

#[test]
fn a_user_is_made_as_a_sign_up_makes_one() {
    let created = Timestamp::from_millis(1_600_000_000_000);
    let image = Some("https://example.com/a.png".to_owned());
    let links = vec![link("Google", "107"), link("github", "583231")];
    let candidate = Candidate {
        name: "Ann\n\u{0}Lee".into(),
        image: image.clone(),
        created_at: Some(created),
        password: hash(),
        links,
        ..candidate()
    };
    let Newcomer { user, password_hash, links, lost_image } = of(candidate).ok().unwrap();
    assert_eq!((user.id.as_str(), user.email.as_str()), (KEPT_ID, "ann@example.com"));
    assert_eq!((user.name.as_str(), user.image, user.email_verified, lost_image), ("AnnLee", image, true, false));
    assert_eq!((user.created_at, user.updated_at), (created, created));
    // Nothing that the other system has begun goes on.
    assert_eq!([user.sessions_valid_from, user.password_changed_at, user.recovered_at], [NOW; 3]);
    assert_eq!(user.identities, ["email:ann@example.com", "google:107", "github:583231"]);
    assert!(password_hash.unwrap().starts_with("$scrypt$"));
    // Whatever the provider said there, it has to say here.
    assert!(links.iter().all(|link| !link.email_verified && link.email.is_none()));
}

#[test]
fn ids_stay_or_become_always_the_same() {
    let derived = user_id(Source::AuthJs, "clx1");
    assert_eq!(derived, user_id(Source::AuthJs, "clx1"));
    assert_ne!(derived, user_id(Source::Cognito, "clx1"));
    assert_ne!(derived, user_id(Source::AuthJs, "clx2"));
    assert_eq!(user_id(Source::AuthJs, KEPT_ID).as_str(), KEPT_ID);
}

#[test]
fn who_cannot_come_is_told_why() {
    assert_eq!(refusal(Candidate { email: None, ..candidate() }), Refusal::NoEmail);
    assert_eq!(refusal(Candidate { email: Some("ann".into()), ..candidate() }), Refusal::InvalidEmail);
    for other in ["ⓐnn@example.com", "ａnn@example.com", "ﬁnn@example.com"] {
        assert_eq!(refusal(Candidate { email: Some(other.into()), ..candidate() }), Refusal::InvalidEmail, "{other}");
    }
    assert!(of(Candidate { email: Some("ANN@Bücher.example".into()), ..candidate() }).is_ok());
    assert_eq!(refusal(Candidate { is_disabled: true, ..candidate() }), Refusal::Disabled);
    assert_eq!(refusal(Candidate { password: Some(BCRYPT.into()), ..candidate() }), Refusal::UnknownHash("bcrypt"));
    let plain = refusal(Candidate { password: Some("hunter2".into()), ..candidate() });
    assert!(matches!(plain, Refusal::UnknownHash(_)) && !plain.to_string().contains("hunter2"));
    let later = Some(Timestamp::from_millis(NOW.millis() + 1));
    assert!(matches!(refusal(Candidate { created_at: later, ..candidate() }), Refusal::Malformed { .. }));
}

#[test]
fn a_second_factor_is_left_behind_on_demand_only() {
    for (second_factor, expected) in
        [(SecondFactor::Yes, Refusal::SecondFactor), (SecondFactor::Unknown, Refusal::SecondFactorUnknown)]
    {
        let with_factor = || Candidate { second_factor, ..candidate() };
        assert_eq!(refusal(with_factor()), expected);
        let rules = Rules { without_second_factor: true, ..Rules::default() };
        assert!(newcomer(Source::BetterAuth, KEPT_ID, with_factor(), &rules, NOW).is_ok());
    }
}

#[test]
fn an_unverified_address_has_one_way_in_at_most() {
    let unverified = |password, links| of(Candidate { email_verified: false, password, links, ..candidate() });
    assert!(unverified(hash(), vec![]).is_ok());
    assert!(unverified(None, vec![link("google", "1")]).is_ok());
    assert!(unverified(None, vec![]).is_ok());
    let both = unverified(hash(), vec![link("google", "1")]).err();
    let two = unverified(None, vec![link("google", "1"), link("github", "1")]).err();
    assert_eq!([both, two], [Some(Refusal::UnverifiedWaysIn), Some(Refusal::UnverifiedWaysIn)]);
}

#[test]
fn a_link_names_one_person_at_a_provider_that_the_service_knows() {
    let linked = |links| of(Candidate { links, ..candidate() }).map(|newcomer| newcomer.links.len());
    let unknown = Refusal::UnknownProvider("discord".into());
    assert_eq!(linked(vec![link("discord", "1")]), Err(unknown));
    for (provider, subject) in [
        ("google", ""),
        ("google", "undefined"),
        ("google", "null"),
        ("google", "1\n"),
        ("google", &"1".repeat(256)),
        ("github", "ann"),
        ("github", "007"),
    ] {
        let refused = linked(vec![link(provider, subject)]);
        assert!(matches!(refused, Err(Refusal::InvalidLink { .. })), "{provider} {subject:?}");
    }
    let twice = linked(vec![link("google", "1"), link("Google", "1")]);
    assert!(matches!(twice, Err(Refusal::InvalidLink { .. })));
    let many = |count: usize| linked((0..count).map(|number| link("google", &number.to_string())).collect());
    assert_eq!(many(MAX_IDENTITIES - 1), Ok(MAX_IDENTITIES - 1));
    assert!(many(MAX_IDENTITIES).is_err());
}

#[test]
fn providers_are_called_as_the_options_say() {
    let rules =
        Rules { providers: vec![("Okta".into(), Some("acme".into())), ("discord".into(), None)], ..Rules::default() };
    let candidate = Candidate { links: vec![link("Okta", "00u1"), link("discord", "1")], ..candidate() };
    let newcomer = newcomer(Source::Cognito, "1", candidate, &rules, NOW).ok().unwrap();
    assert_eq!(newcomer.user.identities, ["email:ann@example.com", "acme:00u1"]);
}

#[test]
fn a_picture_that_no_page_shows_stays_behind() {
    for url in ["javascript:alert(1)", "data:image/png;base64,AAAA", &format!("https://x/{}", "y".repeat(2048))] {
        let newcomer = of(Candidate { image: Some(url.into()), ..candidate() }).ok().unwrap();
        assert!(newcomer.lost_image && newcomer.user.image.is_none(), "{url}");
    }
}
