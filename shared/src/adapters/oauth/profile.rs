use serde_json::Value;

use crate::domain::{MAX_IMAGE_LENGTH, display_name};

/// A display name.
pub(super) fn name(value: &Value) -> Option<String> {
    text(value).map(display_name)
}

/// The URL of a picture. Dropped when it is over-long or not of the web, since
/// front ends put it into pages.
pub(super) fn image(value: &Value) -> Option<String> {
    let of_the_web = |url: &&str| url.starts_with("https://") || url.starts_with("http://");
    text(value).filter(of_the_web).filter(|url| url.chars().count() <= MAX_IMAGE_LENGTH).map(str::to_owned)
}

fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::MAX_NAME_LENGTH;

    #[test]
    fn names_are_cut_and_pictures_are_checked() {
        assert_eq!(name(&json!("é".repeat(200))), Some("é".repeat(MAX_NAME_LENGTH)));
        assert_eq!((name(&json!("")), name(&json!(null)), name(&json!(7))), (None, None, None));
        assert_eq!(image(&json!("https://x/y.png")).as_deref(), Some("https://x/y.png"));
        for url in [json!(""), json!(null), json!("javascript:alert(1)"), json!("//x/y.png"), json!(["https://x"])] {
            assert_eq!(image(&url), None, "{url}");
        }
        assert_eq!(image(&json!(format!("https://x/{}", "y".repeat(MAX_IMAGE_LENGTH)))), None);
    }
}
