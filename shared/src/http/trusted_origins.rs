use url::Url;

/// Base against which paths are resolved to see whether they stay on it.
const PLACEHOLDER_ORIGIN: &str = "https://placeholder.invalid";

/// The origins that may call with cookies, and that browsers may be sent to.
///
/// Entries are exact origins (`https://app.example.com`), origins with
/// wildcards (`https://*.example.com`), hosts with wildcards (`*.example.com`,
/// any http scheme), or the origin of an app's own scheme (`myapp://`).
/// `*` stands for any run of characters but `/` and `\`, `?` for one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedOrigins(Vec<Pattern>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Origin(String),
    OriginGlob(String),
    HostGlob(String),
    App { scheme: String, authority: String },
}

impl TrustedOrigins {
    /// The base origin and a comma-separated list.
    ///
    /// # Errors
    /// A sentence about the first entry that is none of the known forms.
    pub fn parse(base_origin: &str, list: &str) -> Result<Self, String> {
        let mut patterns = vec![Pattern::Origin(base_origin.to_owned())];
        for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            patterns.push(Pattern::parse(entry).ok_or_else(|| format!("has an entry that is no origin: {entry}"))?);
        }
        Ok(Self(patterns))
    }

    /// Whether an `Origin` or `Referer` header names a trusted origin.
    pub fn allows_origin(&self, header: &str) -> bool {
        !header.starts_with('/') && self.matches(header)
    }

    /// Whether a browser may be redirected there: a URL on a trusted origin,
    /// or a path that no browser or router reads as another host.
    pub fn allows_redirect(&self, target: &str) -> bool {
        if target.chars().any(char::is_control) {
            return false;
        }
        if target.starts_with('/') { is_safe_path(target) } else { self.matches(target) }
    }

    fn matches(&self, url: &str) -> bool {
        let Ok(url) = Url::parse(url) else { return false };
        self.0.iter().any(|pattern| pattern.matches(&url))
    }
}

impl Pattern {
    fn parse(entry: &str) -> Option<Self> {
        let is_glob = entry.contains(['*', '?']);
        // A pattern without a letter of its own would trust everybody.
        let host = entry.split_once("://").map_or(entry, |(_, host)| host);
        if is_glob && !host.bytes().any(|b| b.is_ascii_alphanumeric()) {
            return None;
        }
        let Some((scheme, rest)) = entry.split_once("://") else {
            let is_host = entry.bytes().all(|b| b.is_ascii_alphanumeric() || b"*?.-:".contains(&b));
            return (is_glob && is_host).then(|| Self::HostGlob(entry.to_ascii_lowercase()));
        };
        let rest = rest.trim_end_matches('/').to_ascii_lowercase();
        let scheme = scheme.to_ascii_lowercase();
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        match scheme.as_str() {
            "http" | "https" if rest.is_empty() || rest.contains(['/', '@', '#', '\\']) => None,
            "http" | "https" if is_glob => Some(Self::OriginGlob(format!("{scheme}://{rest}"))),
            "http" | "https" => {
                let origin = Url::parse(entry).ok()?.origin();
                origin.is_tuple().then(|| Self::Origin(origin.ascii_serialization()))
            }
            // What runs script or reads files is never an app of ours.
            "javascript" | "data" | "vbscript" | "blob" | "file" | "about" => None,
            _ if is_glob || !is_scheme || rest.contains('/') => None,
            _ => Some(Self::App { scheme, authority: rest }),
        }
    }

    fn matches(&self, url: &Url) -> bool {
        let is_http = matches!(url.scheme(), "http" | "https");
        match self {
            Self::Origin(origin) => is_http && url.origin().ascii_serialization() == *origin,
            Self::OriginGlob(glob) => {
                is_http && url.origin().is_tuple() && {
                    let origin = url.origin().ascii_serialization();
                    glob_matches(glob, &origin) && names_an_address_if_numeric(glob, url)
                }
            }
            Self::HostGlob(glob) => {
                is_http && host_and_port(url).is_some_and(|host| glob_matches(glob, &host)) && {
                    names_an_address_if_numeric(glob, url)
                }
            }
            Self::App { scheme, authority } => {
                url.scheme() == scheme && (authority.is_empty() || url.authority().eq_ignore_ascii_case(authority))
            }
        }
    }
}

fn host_and_port(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// A pattern of digits, dots and wildcards, as `192.168.*`, means addresses: a
/// name such as `192.168.evil.example` must not match it.
fn names_an_address_if_numeric(glob: &str, url: &Url) -> bool {
    let host = glob.split_once("://").map_or(glob, |(_, host)| host);
    let host = host.split(':').next().unwrap_or_default();
    let numeric =
        host.bytes().any(|b| b.is_ascii_digit()) && host.bytes().all(|b| b.is_ascii_digit() || b"*?.".contains(&b));
    !numeric || matches!(url.host(), Some(url::Host::Ipv4(_)))
}

/// Whether a root-relative path stays on its origin for every browser and
/// router: no second slash at the start, no backslash, no encoded separator
/// in the path (RFC 3986, section 4.2; WHATWG URL).
fn is_safe_path(path: &str) -> bool {
    if path.starts_with("//") || path.contains('\\') {
        return false;
    }
    let end = path.find(['?', '#']).unwrap_or(path.len());
    let before = path.get(..end).unwrap_or_default().to_ascii_lowercase();
    let hides_control = percent_encoding::percent_decode_str(&before).any(|byte| byte.is_ascii_control());
    if before.contains("%2f") || before.contains("%5c") || hides_control {
        return false;
    }
    // Dots are resolved before the last look: `/..//host` is `//host`.
    Url::parse(PLACEHOLDER_ORIGIN)
        .and_then(|base| base.join(path))
        .is_ok_and(|url| url.origin().ascii_serialization() == PLACEHOLDER_ORIGIN && !url.path().starts_with("//"))
}

/// Iterative glob: linear but for one remembered `*`, so that no pattern makes
/// it slow.
fn glob_matches(glob: &str, text: &str) -> bool {
    let (glob, text): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
    let (mut g, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(&letter) = text.get(t) {
        let separator = matches!(letter, '/' | '\\');
        match glob.get(g) {
            Some('*') => {
                star = Some((g, t));
                g += 1;
            }
            Some('?') if !separator => {
                g += 1;
                t += 1;
            }
            Some(&expected) if expected == letter => {
                g += 1;
                t += 1;
            }
            _ => {
                // Let the last star swallow one more letter, if it may.
                let Some((at, from)) = star else { return false };
                if text.get(from).is_none_or(|c| matches!(c, '/' | '\\')) {
                    return false;
                }
                star = Some((at, from + 1));
                g = at + 1;
                t = from + 1;
            }
        }
    }
    glob.get(g..).unwrap_or_default().iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn trusted() -> TrustedOrigins {
        TrustedOrigins::parse(
            "https://auth.example.com",
            "https://app.example.com, https://*.preview.example.com, *.example.org, http://localhost:5173, \
             192.168.*.*, myapp://, other://callback",
        )
        .unwrap()
    }

    #[test]
    fn trusted_origins_pass() {
        for origin in [
            "https://auth.example.com",
            "https://app.example.com",
            "https://app.example.com/any/path?x=1",
            "https://APP.example.com:443",
            "https://one.preview.example.com",
            "https://a.b.preview.example.com",
            "http://x.example.org",
            "https://x.example.org",
            "http://localhost:5173",
            "http://192.168.1.20",
            "myapp://anything",
            "other://callback",
        ] {
            assert!(trusted().allows_origin(origin), "{origin}");
            assert!(trusted().allows_redirect(origin), "{origin}");
        }
    }

    #[test]
    fn look_alikes_do_not() {
        for origin in [
            "",
            "null",
            "/",
            "https://evil.example",
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com@evil.example",
            "https://evil.example#@app.example.com",
            "https://evil.example\\@app.example.com",
            "https://app.example.com:443@evil.example",
            "https://app.example.com.evil.example",
            "https://evilapp.example.com",
            "https://app.example.com%00.evil.example",
            "https://evil.example?.preview.example.com",
            "https://preview.example.com",
            "https://evilpreview.example.com",
            "https://x.example.org.evil.example",
            "https://evil.example/.example.org",
            "http://192.168.evil.example",
            "http://192.168.1.evil.example",
            "http://localhost:51730",
            "http://localhost",
            "javascript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "blob:https://app.example.com/1",
            "java\nscript:x",
            "other://elsewhere",
            "https:/evil.example",
            "https:evil.example",
        ] {
            assert!(!trusted().allows_origin(origin), "{origin}");
            assert!(!trusted().allows_redirect(origin) || origin == "/", "{origin}");
        }
    }

    #[test]
    fn paths_stay_on_their_origin() {
        for path in ["/", "/dashboard", "/a/b?next=//evil", "/a#//evil", "/a?x=%2f%5c", "/a/../b"] {
            assert!(trusted().allows_redirect(path), "{path}");
            assert!(!trusted().allows_origin(path), "{path}");
        }
        for path in [
            "//evil",
            "/\\evil",
            "\\\\evil",
            "/%5cevil",
            "/%2f/evil",
            "/%2Fevil",
            "/..//evil",
            "/a/..//evil",
            "/%09/evil",
            "/%0d%0aevil",
            "/\tevil",
            "/\nevil",
            "///evil",
            "evil",
            "evil/path",
            "?x",
            "#x",
            ".",
            "%2f%2fevil",
            "/a\u{0}",
            "/a\r\nSet-Cookie: x",
        ] {
            assert!(!trusted().allows_redirect(path), "{path:?}");
        }
    }

    #[test]
    fn entries_that_are_no_origins_are_refused() {
        for entry in [
            "app.example.com",
            "https://",
            "javascript://x",
            "https://a.example/path",
            "https://u@a.example",
            "*/x",
            "://x",
            "*",
            "https://*",
            "*.*",
        ] {
            let outcome = TrustedOrigins::parse("https://a.example", entry);
            assert!(outcome.is_err(), "{entry}: {outcome:?}");
        }
    }

    proptest! {
        #[test]
        fn a_redirect_that_is_allowed_leads_to_a_trusted_host(text in "(https?:)?[/\\\\]{0,3}[a-z@:.?#%/\\\\\t]{0,30}(app\\.example\\.com)?[a-z@:.?#%/\\\\]{0,20}") {
            if trusted().allows_redirect(&text) {
                let base = Url::parse("https://auth.example.com").unwrap();
                let url = base.join(&text).unwrap();
                prop_assert!(trusted().allows_origin(url.as_str()), "{text:?} leads to {url}");
            }
        }

        #[test]
        fn globs_agree_with_a_plain_definition(glob in "[ab*?]{0,8}", text in "[ab/]{0,8}") {
            fn plain(glob: &[char], text: &[char]) -> bool {
                match (glob.split_first(), text.split_first()) {
                    (None, None) => true,
                    (Some(('*', rest)), _) => {
                        plain(rest, text) || text.split_first().is_some_and(|(c, t)| *c != '/' && plain(glob, t))
                    }
                    (Some(('?', rest)), Some((c, t))) => *c != '/' && plain(rest, t),
                    (Some((g, rest)), Some((c, t))) => g == c && plain(rest, t),
                    _ => false,
                }
            }
            let (g, t): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
            prop_assert_eq!(glob_matches(&glob, &text), plain(&g, &t));
        }
    }
}
