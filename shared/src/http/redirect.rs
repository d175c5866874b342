//! Redirect targets with parameters added.

use url::{Url, form_urlencoded};

/// `target`, made absolute and otherwise left as it is. It was checked before;
/// what does not resolve falls back to the base.
pub fn absolute(base_url: &str, target: &str) -> String {
    Url::parse(base_url).and_then(|base| base.join(target)).map_or_else(|_| base_url.to_owned(), Into::into)
}

/// `target`, made absolute, with the parameters set; others are kept.
/// `target` was checked before; what does not resolve falls back to the base.
pub fn with_parameters(base_url: &str, target: &str, parameters: &[(&str, &str)]) -> String {
    let base = Url::parse(base_url);
    let Ok(mut url) = base.and_then(|base| base.join(target)) else {
        return base_url.to_owned();
    };
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| !parameters.iter().any(|(set, _)| set == name))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut().clear().extend_pairs(kept).extend_pairs(parameters);
    url.into()
}

/// `target` as it is, with parameters appended before its fragment; a relative
/// one stays relative.
pub fn append_parameters(target: &str, parameters: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let (target, fragment) = match target.split_once('#') {
        Some((target, fragment)) => (target, Some(fragment)),
        None => (target, None),
    };
    let separator = match target.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    format!("{target}{separator}{query}{fragment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_set_on_absolute_targets() {
        let set = |target| with_parameters("https://auth.example.com", target, &[("token", "a b")]);
        assert_eq!(set("/reset"), "https://auth.example.com/reset?token=a+b");
        assert_eq!(set("/reset?x=1&token=old#top"), "https://auth.example.com/reset?x=1&token=a+b#top");
        assert_eq!(set("https://app.example.com"), "https://app.example.com/?token=a+b");
    }

    #[test]
    fn a_target_becomes_absolute_and_stays_what_it_is() {
        let absolute = |target| absolute("https://auth.example.com/api/auth", target);
        assert_eq!(absolute("/"), "https://auth.example.com/");
        assert_eq!(absolute("/a?b=c d#e"), "https://auth.example.com/a?b=c%20d#e");
        assert_eq!(absolute("https://app.example.com"), "https://app.example.com/");
        assert_eq!(absolute("myapp://done"), "myapp://done");
    }

    #[test]
    fn parameters_are_appended_to_relative_targets() {
        let append = |target| append_parameters(target, &[("error", "no way"), ("d", "é")]);
        assert_eq!(append("/err"), "/err?error=no+way&d=%C3%A9");
        assert_eq!(append("/err?x=1"), "/err?x=1&error=no+way&d=%C3%A9");
        assert_eq!(append("/err?#here"), "/err?error=no+way&d=%C3%A9#here");
    }
}
