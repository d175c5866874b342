//! Randomness from the operating system, and the ids made of it.

use std::fmt::Write as _;

/// Random bytes.
///
/// The operating system's source does not fail on any system that runs this;
/// were it to, ids would repeat and secrets be guessable, so that stops here.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::expect_used, clippy::disallowed_methods, reason = "see above; the stack plays the world")]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A random UUID (version 4), as AWS uses for request and version ids.
pub(crate) fn uuid() -> String {
    let [mut a, b] = [u64::from_be_bytes(bytes()), u64::from_be_bytes(bytes())];
    a = (a & !0xf000) | 0x4000;
    let b = (b & !(0b11 << 62)) | (0b10 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xffff,
        b >> 48,
        b & 0xffff_ffff_ffff
    )
}

/// `2 * N` random hexadecimal digits.
pub(crate) fn hex<const N: usize>() -> String {
    bytes::<N>().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `length` characters, each drawn evenly from `alphabet`.
pub(crate) fn text(alphabet: &[char], length: usize) -> String {
    let mut out = String::with_capacity(length);
    let count = alphabet.len();
    if count == 0 {
        return out;
    }
    // Draws above the last whole multiple would favour the first characters.
    let limit = u32::MAX - u32::MAX % u32::try_from(count).unwrap_or(u32::MAX);
    while out.chars().count() < length {
        let draw = u32::from_be_bytes(bytes());
        if draw < limit {
            out.extend(alphabet.get(draw as usize % count));
        }
    }
    out
}

/// True with the given probability.
pub(crate) fn chance(probability: f64) -> bool {
    f64::from(u32::from_be_bytes(bytes())) / f64::from(u32::MAX) < probability
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_version_4_and_differ() {
        let (one, two) = (uuid(), uuid());
        assert_eq!(one.len(), 36);
        assert_eq!(one.as_bytes()[14], b'4');
        assert!("89ab".contains(one.as_bytes()[19] as char));
        assert_ne!(one, two);
    }

    #[test]
    fn text_draws_from_the_alphabet_only() {
        let drawn = text(&['a', 'b'], 64);
        assert_eq!(drawn.len(), 64);
        assert!(drawn.contains('a') && drawn.contains('b'));
        assert!(drawn.chars().all(|c| c == 'a' || c == 'b'));
    }
}
