//! Cookies, named, signed and attributed as Better Auth's.

use http::{HeaderMap, header::COOKIE};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::{
    config::Config,
    crypto::{Keyring, SignatureVerdict, sign, verify},
    domain::{Email, KnownDevice, Purpose, Timestamp, UserId, VerificationToken},
};

/// What JavaScript's `encodeURIComponent` leaves alone.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

const SESSION_TOKEN: &str = "better-auth.session_token";
const SESSION_DATA: &str = "better-auth.session_data";
const DONT_REMEMBER: &str = "better-auth.dont_remember";
const STATE: &str = "better-auth.state";
const TWO_FACTOR: &str = "better-auth.two_factor";
const TRUST_DEVICE: &str = "better-auth.trust_device";
const KNOWN_DEVICE: &str = "better-auth.known_device";
const SIGN_UP: &str = "better-auth.sign_up";

/// Life of the cookie that ties an OAuth sign-in to its browser, in seconds.
const STATE_SECONDS: i64 = 300;
/// Life of the cookie by which a device is known, in seconds: 365 days.
const KNOWN_DEVICE_SECONDS: i64 = 365 * 24 * 60 * 60;

/// Writes `Set-Cookie` headers and reads cookies back.
#[derive(Clone, Debug)]
pub struct CookieJar {
    secure: bool,
    domain: Option<String>,
}

/// What the session cookie of a request amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presented {
    /// There is none, or nothing that we ever signed.
    Nothing,
    /// One with the right form whose signature no known secret made. A newer
    /// secret might have.
    BadSignature,
    /// Exactly one value carries a valid signature.
    Signed(String),
    /// Different values carry valid signatures: somebody planted one.
    Ambiguous(Vec<String>),
}

impl CookieJar {
    /// Cookies for the configured origin.
    pub fn new(config: &Config) -> Self {
        Self { secure: config.is_https(), domain: config.cookie_domain.clone() }
    }

    /// Whether a request carries any cookie, which is when its origin matters.
    pub fn has_cookies(headers: &HeaderMap) -> bool {
        headers.contains_key(COOKIE)
    }

    /// The session cookie of a request.
    pub fn session_token(&self, headers: &HeaderMap, keys: &Keyring) -> Presented {
        self.signed(headers, keys, SESSION_TOKEN)
    }

    /// Whether the request carries our word that the session is not to be remembered.
    pub fn dont_remember(&self, headers: &HeaderMap, keys: &Keyring) -> bool {
        matches!(self.signed(headers, keys, DONT_REMEMBER), Presented::Signed(_))
    }

    /// Whether a cookie of ours, beside the session's, has the right form and a
    /// signature that no known secret made. A newer secret might have.
    pub fn has_unknown_signature(&self, headers: &HeaderMap, keys: &Keyring) -> bool {
        [STATE, TWO_FACTOR, TRUST_DEVICE, KNOWN_DEVICE, SIGN_UP]
            .iter()
            .any(|name| self.signed(headers, keys, name) == Presented::BadSignature)
    }

    /// The state cookie of a request.
    pub fn state(&self, headers: &HeaderMap, keys: &Keyring) -> Presented {
        self.signed(headers, keys, STATE)
    }

    /// Whether there is a `session_data` cookie, which this service never sets
    /// but which another deployment behind the same name may have left.
    pub fn has_session_data(&self, headers: &HeaderMap) -> bool {
        self.values(headers, SESSION_DATA).next().is_some()
    }

    /// Sets the session cookie; without `max_age` it ends with the browser.
    pub fn set_session_token(&self, keys: &Keyring, token: &str, max_age: Option<i64>) -> String {
        self.build(SESSION_TOKEN, &encode(&sign(keys, &self.purpose(SESSION_TOKEN), token)), max_age)
    }

    /// The signed session token as a bearer client keeps it.
    pub fn signed_session_token(&self, keys: &Keyring, token: &str) -> String {
        sign(keys, &self.purpose(SESSION_TOKEN), token)
    }

    /// Checks a signed session token that came as a bearer token.
    pub fn verify_session_token(&self, keys: &Keyring, signed: &str) -> Presented {
        match verify(keys, &self.purpose(SESSION_TOKEN), signed) {
            SignatureVerdict::Valid(token) => Presented::Signed(token.to_owned()),
            SignatureVerdict::Invalid => Presented::BadSignature,
            SignatureVerdict::Malformed => Presented::Nothing,
        }
    }

    /// Sets the cookie that says that the session is not to be remembered.
    pub fn set_dont_remember(&self, keys: &Keyring) -> String {
        self.build(DONT_REMEMBER, &encode(&sign(keys, &self.purpose(DONT_REMEMBER), "true")), None)
    }

    /// Clears that cookie.
    pub fn clear_dont_remember(&self) -> String {
        self.build(DONT_REMEMBER, "", Some(0))
    }

    /// Clears the `session_data` cookie.
    pub fn clear_session_data(&self) -> String {
        self.build(SESSION_DATA, "", Some(0))
    }

    /// Sets the state cookie.
    pub fn set_state(&self, keys: &Keyring, state: &str) -> String {
        self.build(STATE, &encode(&sign(keys, &self.purpose(STATE), state)), Some(STATE_SECONDS))
    }

    /// Clears the state cookie.
    pub fn clear_state(&self) -> String {
        self.build(STATE, "", Some(0))
    }

    /// Sets the cookie of a sign-in that waits for its second factor.
    pub fn set_challenge(&self, keys: &Keyring, token: &VerificationToken, seconds: i64) -> String {
        self.build(TWO_FACTOR, &encode(&sign(keys, &self.purpose(TWO_FACTOR), token.expose())), Some(seconds))
    }

    /// Clears that cookie.
    pub fn clear_challenge(&self) -> String {
        self.build(TWO_FACTOR, "", Some(0))
    }

    /// The token of the sign-in that waits for its second factor.
    pub fn challenge(&self, headers: &HeaderMap, keys: &Keyring) -> Option<VerificationToken> {
        self.token(headers, keys, TWO_FACTOR, Purpose::TwoFactorChallenge)
    }

    /// Sets the cookie of a trusted device.
    pub fn set_trusted_device(&self, keys: &Keyring, token: &VerificationToken, seconds: i64) -> String {
        self.build(TRUST_DEVICE, &encode(&sign(keys, &self.purpose(TRUST_DEVICE), token.expose())), Some(seconds))
    }

    /// Clears that cookie.
    pub fn clear_trusted_device(&self) -> String {
        self.build(TRUST_DEVICE, "", Some(0))
    }

    /// The token of a trusted device.
    pub fn trusted_device(&self, headers: &HeaderMap, keys: &Keyring) -> Option<VerificationToken> {
        self.token(headers, keys, TRUST_DEVICE, Purpose::TrustedDevice)
    }

    /// Sets the cookie by which a browser remembers whom it signed up, until the
    /// link that verifies the address expires, however long the browser keeps it.
    pub fn set_signed_up(&self, keys: &Keyring, user_id: &UserId, seconds: i64, now: Timestamp) -> String {
        let value = format!("{user_id}.{}", now.plus_seconds(seconds).millis());
        self.build(SIGN_UP, &encode(&sign(keys, &self.purpose(SIGN_UP), &value)), Some(seconds))
    }

    /// The id of the user whom the browser signed up.
    pub fn signed_up(&self, headers: &HeaderMap, keys: &Keyring, now: Timestamp) -> Option<UserId> {
        let Presented::Signed(value) = self.signed(headers, keys, SIGN_UP) else { return None };
        let (id, expires_at) = value.split_once('.')?;
        let is_live = now < Timestamp::from_millis(expires_at.parse().ok()?);
        UserId::parse(id).filter(|_| is_live)
    }

    /// Clears a session cookie that was set for this host alone before its
    /// siblings shared them, if the request may carry one: it would stand beside
    /// the present one for ever.
    pub fn clear_left_over_session(&self, headers: &HeaderMap) -> Option<String> {
        let is_shadowed = self.domain.is_some() && self.values(headers, SESSION_TOKEN).count() > 1;
        is_shadowed.then(|| Self { domain: None, ..self.clone() }.build(SESSION_TOKEN, "", Some(0)))
    }

    fn token(&self, headers: &HeaderMap, keys: &Keyring, name: &str, purpose: Purpose) -> Option<VerificationToken> {
        match self.signed(headers, keys, name) {
            Presented::Signed(value) => VerificationToken::parse(purpose, &value),
            _ => None,
        }
    }

    /// Sets the cookie by which a device is known to a user's sign-ins.
    pub fn set_known_device(&self, keys: &Keyring, device: &KnownDevice) -> String {
        let signed = sign(keys, &self.purpose(KNOWN_DEVICE), device.as_str());
        self.build(KNOWN_DEVICE, &encode(&signed), Some(KNOWN_DEVICE_SECONDS))
    }

    /// What the request shows of having signed in to this address before. A
    /// cookie that somebody planted beside ours takes nothing away.
    pub fn known_device(&self, headers: &HeaderMap, keys: &Keyring, email: &Email) -> Option<KnownDevice> {
        let values = match self.signed(headers, keys, KNOWN_DEVICE) {
            Presented::Signed(value) => vec![value],
            Presented::Ambiguous(values) => values,
            Presented::Nothing | Presented::BadSignature => return None,
        };
        values.iter().find_map(|value| KnownDevice::parse(value, email))
    }

    /// Clears everything that belongs to a session.
    pub fn clear_session(&self) -> [String; 3] {
        [SESSION_TOKEN, SESSION_DATA, DONT_REMEMBER].map(|name| self.build(name, "", Some(0)))
    }

    /// Clears the session, but not whether the next one is remembered.
    pub fn clear_live_session(&self) -> [String; 2] {
        [SESSION_TOKEN, SESSION_DATA].map(|name| self.build(name, "", Some(0)))
    }

    fn name(&self, name: &str) -> String {
        if self.secure { format!("__Secure-{name}") } else { name.to_owned() }
    }

    fn purpose(&self, name: &str) -> String {
        format!("cookie/{name}")
    }

    fn build(&self, name: &str, value: &str, max_age: Option<i64>) -> String {
        let mut cookie = format!("{}={value}", self.name(name));
        if let Some(seconds) = max_age {
            cookie.push_str(&format!("; Max-Age={seconds}"));
        }
        if let Some(domain) = &self.domain {
            cookie.push_str(&format!("; Domain={domain}"));
        }
        cookie.push_str("; Path=/; HttpOnly");
        if self.secure {
            cookie.push_str("; Secure");
        }
        cookie.push_str("; SameSite=Lax");
        cookie
    }

    /// Values of all cookies of a name. Cookies that do not parse are passed
    /// over: junk from elsewhere on the domain must not sign anybody out.
    fn values<'a>(&self, headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = String> + 'a {
        let name = self.name(name);
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|header| std::str::from_utf8(header.as_bytes()).ok())
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.split_once('='))
            .filter(move |(key, _)| key.trim() == name)
            .map(|(_, value)| decode(value.trim().trim_matches('"')))
    }

    fn signed(&self, headers: &HeaderMap, keys: &Keyring, name: &str) -> Presented {
        let purpose = self.purpose(name);
        let mut signed: Vec<String> = Vec::new();
        let mut bad_signature = false;
        for value in self.values(headers, name) {
            match verify(keys, &purpose, &value) {
                SignatureVerdict::Valid(value) if !signed.iter().any(|known| known == value) => {
                    signed.push(value.to_owned());
                }
                SignatureVerdict::Invalid => bad_signature = true,
                _ => {}
            }
        }
        match (signed.len(), signed.pop()) {
            (1, Some(value)) => Presented::Signed(value),
            (_, Some(value)) => {
                signed.push(value);
                Presented::Ambiguous(signed)
            }
            (_, None) if bad_signature => Presented::BadSignature,
            (_, None) => Presented::Nothing,
        }
    }
}

/// JavaScript's `encodeURIComponent`.
pub fn encode(value: &str) -> String {
    utf8_percent_encode(value, COMPONENT).to_string()
}

/// Percent-decodes; a value that does not decode to UTF-8 is left as it is.
pub fn decode(value: &str) -> String {
    percent_decode_str(value).decode_utf8().map_or_else(|_| value.to_owned(), |text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;
    use crate::{adapters::OsRandom, crypto::SigningSecret, domain::User};

    fn keys() -> Keyring {
        Keyring { current: SigningSecret::new("v1".into(), &"k".repeat(32)).unwrap(), previous: None }
    }

    fn jar(secure: bool) -> CookieJar {
        CookieJar { secure, domain: None }
    }

    fn headers(cookies: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(COOKIE, HeaderValue::from_bytes(cookie.as_bytes()).unwrap());
        }
        headers
    }

    fn pair(set_cookie: &str) -> &str {
        set_cookie.split(';').next().unwrap()
    }

    #[test]
    fn attributes_are_those_of_better_auth() {
        let cookie = jar(false).set_session_token(&keys(), "abc", Some(604_800));
        assert!(cookie.starts_with("better-auth.session_token=abc."), "{cookie}");
        assert!(cookie.ends_with("%3D; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
        let cookie = jar(true).set_session_token(&keys(), "abc", None);
        assert!(cookie.starts_with("__Secure-better-auth.session_token=abc."), "{cookie}");
        assert!(cookie.ends_with("%3D; Path=/; HttpOnly; Secure; SameSite=Lax"), "{cookie}");
        let shared = CookieJar { secure: true, domain: Some("example.com".into()) };
        assert!(shared.clear_state().contains("=; Max-Age=0; Domain=example.com; Path=/"));
    }

    #[test]
    fn a_cookie_is_read_among_junk() {
        let cookie = jar(false).set_session_token(&keys(), "abc", None);
        let junk = format!(";;; a=b=c; \"; {}; better-auth.session_token=garbage; x", pair(&cookie));
        assert_eq!(jar(false).session_token(&headers(&["é=ü", &junk]), &keys()), Presented::Signed("abc".into()));
        assert_eq!(jar(false).session_token(&headers(&["better-auth.session_token=x"]), &keys()), Presented::Nothing);
        assert_eq!(jar(false).session_token(&headers(&[]), &keys()), Presented::Nothing);
    }

    #[test]
    fn a_planted_twin_makes_both_worthless() {
        let (one, two) =
            (jar(true).set_session_token(&keys(), "one", None), jar(true).set_session_token(&keys(), "two", None));
        let both = format!("{}; {}", pair(&one), pair(&two));
        let values = vec!["one".to_owned(), "two".to_owned()];
        assert_eq!(jar(true).session_token(&headers(&[&both]), &keys()), Presented::Ambiguous(values));
        let plain = jar(false).set_session_token(&keys(), "evil", None);
        let mixed = format!("{}; {}", pair(&plain), pair(&one));
        assert_eq!(jar(true).session_token(&headers(&[&mixed]), &keys()), Presented::Signed("one".into()));
        let unsigned = format!("__Secure-better-auth.session_token=evil.{}; {}", "A".repeat(43) + "=", pair(&one));
        assert_eq!(jar(true).session_token(&headers(&[&unsigned]), &keys()), Presented::Signed("one".into()));
    }

    #[test]
    fn one_cookie_is_worthless_as_another() {
        let state = jar(false).set_state(&keys(), "abc");
        let as_session = pair(&state).replace("state", "session_token");
        assert_eq!(jar(false).session_token(&headers(&[&as_session]), &keys()), Presented::BadSignature);
    }

    #[test]
    fn a_device_is_known_by_its_cookie() {
        let [ann, bob] = ["ann@example.com", "bob@example.com"].map(|text| Email::parse(text).unwrap());
        let user = |email: &Email| {
            let id = UserId::generate(&OsRandom);
            User::new(id, "A".into(), email.clone(), true, None, Timestamp::from_millis(1000))
        };
        let device = KnownDevice::generate(&user(&ann), &OsRandom);
        let cookie = jar(true).set_known_device(&keys(), &device);
        assert!(cookie.ends_with("; Max-Age=31536000; Path=/; HttpOnly; Secure; SameSite=Lax"), "{cookie}");
        let known = |cookies: &[&str], email| jar(true).known_device(&headers(cookies), &keys(), email);
        assert_eq!(known(&[pair(&cookie)], &ann), Some(device.clone()));
        assert_eq!(known(&[pair(&cookie)], &bob), None);
        let other = jar(true).set_known_device(&keys(), &KnownDevice::generate(&user(&bob), &OsRandom));
        assert_eq!(known(&[pair(&other), pair(&cookie)], &ann), Some(device));
        let forged = pair(&jar(true).set_session_token(&keys(), "x", None)).replace("session_token", "known_device");
        assert_eq!(known(&[&forged, "__Secure-better-auth.known_device=x"], &ann), None);
    }

    #[test]
    fn who_signed_up_is_remembered_for_a_while() {
        let (id, now) = (UserId::generate(&OsRandom), Timestamp::from_millis(1_000_000));
        let cookie = jar(false).set_signed_up(&keys(), &id, 60, now);
        assert!(cookie.contains("; Max-Age=60; "), "{cookie}");
        let known = |cookie: &str, now| jar(false).signed_up(&headers(&[cookie]), &keys(), now);
        assert_eq!(known(pair(&cookie), now.plus_seconds(59)), Some(id.clone()));
        assert_eq!(known(pair(&cookie), now.plus_seconds(60)), None);
        for value in [id.as_str(), &format!("{id}."), &format!("{id}.x"), ".9999999999999"] {
            let signed = encode(&sign(&keys(), "cookie/better-auth.sign_up", value));
            assert_eq!(known(&format!("better-auth.sign_up={signed}"), now), None, "{value}");
        }
    }

    #[test]
    fn what_an_earlier_setting_left_is_cleared() {
        let shared = CookieJar { secure: true, domain: Some("example.com".into()) };
        let (one, two) = ("__Secure-better-auth.session_token=a", "__Secure-better-auth.session_token=b");
        let cleared = shared.clear_left_over_session(&headers(&[&format!("{one}; {two}")])).unwrap();
        assert_eq!(cleared, "__Secure-better-auth.session_token=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax");
        assert_eq!(shared.clear_left_over_session(&headers(&[one])), None);
        assert_eq!(jar(true).clear_left_over_session(&headers(&[one, two])), None);
    }

    proptest! {
        #[test]
        fn no_cookie_header_panics(bytes in proptest::collection::vec(32_u8.., 0..200)) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let mut headers = HeaderMap::new();
                headers.append(COOKIE, value);
                prop_assert_eq!(jar(false).session_token(&headers, &keys()), Presented::Nothing);
            }
        }

        #[test]
        fn encoding_is_that_of_javascript(text in "\\PC{0,40}") {
            prop_assert_eq!(decode(&encode(&text)), text);
        }
    }
}
