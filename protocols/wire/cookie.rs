//! What a cookie is in the open: one rule for a party's file, an upload and a delivery.
//!
//! A text of 1 to [`MAX_COOKIE`] bytes of UTF-8 without control characters (Unicode category Cc), so
//! that it fits in a label, is a JSON string, and is one line of a destination's list. A sealed cookie
//! hides the same; whoever opens it applies the rule.

/// Longest cookie in bytes; the shortest is 1. As many as a label holds.
pub const MAX_COOKIE: usize = crate::label::COOKIE_MAX;

/// The bytes as a cookie; `None` if they break the rule.
pub fn parse(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let fits = (1..=MAX_COOKIE).contains(&text.len());
    (fits && !text.chars().any(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cookie_is_one_to_sixty_three_bytes_of_text() {
        let longest = "z".repeat(MAX_COOKIE);
        for good in ["c", "a b", "é", "\u{a0}", longest.as_str()] {
            assert_eq!(parse(good.as_bytes()), Some(good));
        }
        assert_eq!(parse(b""), None);
        assert_eq!(parse("z".repeat(MAX_COOKIE + 1).as_bytes()), None);
        // 32 characters, 64 bytes.
        assert_eq!(parse("é".repeat(32).as_bytes()), None);
        assert_eq!(parse(b"c\xff"), None);
    }

    #[test]
    fn control_characters_cannot_break_a_line_or_hide_in_a_cookie() {
        for bad in ["a\nb", "a\0", "\u{1b}[2J", "\u{7f}", "a\u{85}b"] {
            assert_eq!(parse(bad.as_bytes()), None);
        }
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic_and_only_text_passes(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(text) = parse(&bytes) {
                prop_assert_eq!(text.as_bytes(), &bytes[..]);
            }
        }
    }
}
