/// Longest accepted user name, in characters.
pub const MAX_NAME_LENGTH: usize = 128;

/// A display name that nobody is there to correct, as this service keeps names:
/// in one line, and not too long.
pub fn display_name(text: &str) -> String {
    truncate_chars(&text.replace(char::is_control, ""), MAX_NAME_LENGTH)
}

/// Longest accepted URL of a user's image, in characters.
pub const MAX_IMAGE_LENGTH: usize = 2048;

/// Whether front ends may put it into a page as the address of a picture: of the
/// web, or of the page's own site. Other schemes run scripts.
pub fn is_picture(url: &str) -> bool {
    let end = url.find([':', '/', '?', '#']).unwrap_or(url.len());
    match url.split_at_checked(end) {
        Some((scheme, rest)) if rest.starts_with(':') => {
            ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
        }
        _ => true,
    }
}

/// How much of a client's `User-Agent` a session keeps, in characters.
pub const MAX_USER_AGENT_LENGTH: usize = 512;

/// The first `max` characters of `text`.
pub fn truncate_chars(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}
