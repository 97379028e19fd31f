//! The postal identifier: surname, first initial, street number, postcode. SPEC.md, "Postal".

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::Malformed;

/// Between the four parts; no part can contain it.
const SEPARATOR: char = '|';

/// More of a cell than this is not read, in characters: names and numbers are shorter.
const MAX_CHARS: usize = 200;

/// The cells that make a postal identifier.
#[derive(Clone, Copy)]
pub struct PostalParts<'a> {
    /// Family name.
    pub surname: &'a str,
    /// First name; only its first letter counts.
    pub given_name: &'a str,
    /// House number, with its letter if any.
    pub street_number: &'a str,
    /// Postcode.
    pub postcode: &'a str,
}

/// The canonical form: the four folded parts, joined.
pub(super) fn canonical(parts: &PostalParts<'_>) -> Result<String, Malformed> {
    let cells = [
        parts.surname,
        parts.given_name,
        parts.street_number,
        parts.postcode,
    ];
    if cells.iter().all(|cell| cell.trim().is_empty()) {
        return Err(Malformed::Empty);
    }
    let mut canonical = String::with_capacity(32);
    for (place, cell) in cells.into_iter().enumerate() {
        if place > 0 {
            canonical.push(SEPARATOR);
        }
        let before = canonical.len();
        let keep = if place == 1 { 1 } else { usize::MAX };
        fold(cell, keep, &mut canonical);
        if canonical.len() == before {
            return Err(Malformed::PostalPartMissing);
        }
    }
    Ok(canonical)
}

/// Compatibility-decomposed, without marks, lowercase, letters and digits only; at most `keep` characters.
fn fold(cell: &str, keep: usize, out: &mut String) {
    if cell.is_ascii() {
        let plain = cell.bytes().take(MAX_CHARS);
        let plain = plain.filter(u8::is_ascii_alphanumeric).take(keep);
        out.extend(plain.map(|byte| byte.to_ascii_lowercase() as char));
        return;
    }
    let lower: String = cell
        .chars()
        .take(MAX_CHARS)
        .nfkd()
        .flat_map(char::to_lowercase)
        .collect();
    out.extend(
        lower
            .nfkd()
            .filter(|c| c.is_alphanumeric() && !is_combining_mark(*c))
            .take(keep),
    );
}
