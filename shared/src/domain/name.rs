/// Longest accepted user name, in characters.
pub const MAX_NAME_LENGTH: usize = 128;

/// Longest accepted URL of a user's image, in characters.
pub const MAX_IMAGE_LENGTH: usize = 2048;

/// How much of a client's `User-Agent` a session keeps, in characters.
pub const MAX_USER_AGENT_LENGTH: usize = 512;

/// The first `max` characters of `text`.
pub fn truncate_chars(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}
