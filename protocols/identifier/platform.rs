//! Fields that Google and Meta match one by one: names, places, dates of birth. SPEC.md, "Platform fields".
//!
//! Nothing of this enters a token: it serves exports to a platform under that platform's own rule.

use jiff::civil::Date;
use rlibphonenumber::Region;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::{Canonical, Malformed, Profile};

/// Titles and suffixes that Google asks to leave out of names.
const TITLES: [&str; 12] = [
    "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "jr", "sr", "ii", "iii", "iv",
];

/// A field of a person that a platform matches by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// First name.
    GivenName,
    /// Family name.
    Surname,
    /// Date of birth: `YYYY-MM-DD`, `YYYYMMDD` or `M/D/YYYY`.
    DateOfBirth,
    /// City.
    City,
    /// State or region.
    State,
    /// Postcode.
    Postcode,
    /// Country, ISO 3166-1 alpha-2.
    Country,
}

/// What goes to the platform for a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// The platform takes the SHA-256 of this.
    Hashed(Canonical),
    /// The platform takes this as it is.
    Plain(Canonical),
}

/// The field under the profile's rule.
pub(super) fn field(
    profile: Profile,
    region: Option<Region>,
    field: Field,
    cell: &str,
) -> Result<FieldValue, Malformed> {
    let value = match (profile, field) {
        (Profile::Google1, Field::GivenName | Field::Surname) => google_name(cell),
        (Profile::Meta1, Field::GivenName | Field::Surname) => words(cell),
        (Profile::Meta1, Field::City | Field::State) => letters_and_digits(cell),
        (Profile::Meta1, Field::Postcode) => meta_postcode(cell, region),
        (Profile::Google1, Field::Postcode) => google_postcode(cell, region),
        (Profile::Meta1, Field::DateOfBirth) => date(cell)?,
        (Profile::Meta1, Field::Country) => country(cell)?.to_ascii_lowercase(),
        (Profile::Google1, Field::Country) => country(cell)?.to_ascii_uppercase(),
        (Profile::Google1, Field::City | Field::State | Field::DateOfBirth)
        | (Profile::Onboarding1 | Profile::Uid2_1, _) => return Err(Malformed::NotInProfile),
    };
    if value.is_empty() {
        return Err(Malformed::Empty);
    }
    let plain = profile == Profile::Google1 && matches!(field, Field::Country | Field::Postcode);
    Ok(if plain {
        FieldValue::Plain(Canonical(value))
    } else {
        FieldValue::Hashed(Canonical(value))
    })
}

/// Lowercase, NFC, accents kept, no punctuation, single spaces between words.
fn words(cell: &str) -> String {
    let lower = cell.to_lowercase();
    let kept: String = lower
        .nfc()
        .filter(|c| c.is_alphanumeric() || is_combining_mark(*c) || c.is_whitespace())
        .collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// As [`words`], without titles and suffixes.
fn google_name(cell: &str) -> String {
    let words = words(cell);
    let kept: Vec<&str> = words
        .split(' ')
        .filter(|word| !TITLES.contains(word))
        .collect();
    kept.join(" ")
}

/// As [`words`], without the spaces.
fn letters_and_digits(cell: &str) -> String {
    words(cell).replace(' ', "")
}

/// No dash; the first five digits in the US.
fn meta_postcode(cell: &str, region: Option<Region>) -> String {
    let whole = letters_and_digits(cell);
    if region == Some(Region::US) {
        whole.chars().take(5).collect()
    } else {
        whole
    }
}

/// Trimmed; outside the US without an extension after a dash.
fn google_postcode(cell: &str, region: Option<Region>) -> String {
    let cell = cell.trim();
    if region == Some(Region::US) {
        return cell.to_owned();
    }
    cell.split('-').next().unwrap_or_default().trim().to_owned()
}

/// Two ASCII letters.
fn country(cell: &str) -> Result<&str, Malformed> {
    let cell = cell.trim();
    if cell.is_empty() {
        return Err(Malformed::Empty);
    }
    if cell.len() == 2 && cell.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        Ok(cell)
    } else {
        Err(Malformed::BadField)
    }
}

/// `YYYYMMDD` of a date that exists.
fn date(cell: &str) -> Result<String, Malformed> {
    let cell = cell.trim();
    if cell.is_empty() {
        return Err(Malformed::Empty);
    }
    let numbers: Vec<&str> = cell.split(['/', '-']).collect();
    let (year, month, day) = match numbers.as_slice() {
        [month, day, year] if cell.contains('/') => (*year, *month, *day),
        [year, month, day] => (*year, *month, *day),
        [whole] if whole.len() == 8 && whole.is_ascii() => (&whole[..4], &whole[4..6], &whole[6..]),
        _ => return Err(Malformed::BadField),
    };
    let number = |text: &str| text.parse::<i16>().map_err(|_| Malformed::BadField);
    let small = |text: &str| text.parse::<i8>().map_err(|_| Malformed::BadField);
    let date = Date::new(number(year)?, small(month)?, small(day)?);
    let date = date.map_err(|_| Malformed::BadField)?;
    if date.year() < 1000 {
        return Err(Malformed::BadField);
    }
    Ok(format!(
        "{:04}{:02}{:02}",
        date.year(),
        date.month(),
        date.day()
    ))
}
