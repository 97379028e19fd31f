//! The forms that fields of a leaf have.

use super::leaf::LeafError;

/// An error that names the field, unless its value `holds`.
pub(super) fn require(field: &'static str, holds: bool) -> Result<(), LeafError> {
    holds.then_some(()).ok_or(LeafError::Field(field))
}

/// Lowercase hexadecimal digits, `length` of them.
pub(super) fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// `[a-z][a-z0-9-]{1,31}`.
pub(super) fn is_name(text: &str) -> bool {
    let rest = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (2..=32).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(rest)
}
