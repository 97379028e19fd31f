//! Phone numbers to E.164, through a port of Google's libphonenumber. SPEC.md, "Phone".
//!
//! Flow: a cell in a usual spelling whose number is valid by tables made of the library's metadata
//! ([`plan`]) is done in a tenth of the time; every other cell goes to the library itself. Both give the
//! same answer.

mod automaton;
mod numbers;
mod plan;
mod spelling;

#[cfg(test)]
mod tests;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

use self::spelling::Spelling;
use super::{Malformed, digest::hashed};

pub(super) use self::spelling::E164;

/// Longer cells are no phone numbers (the library's own limit), in bytes.
const MAX_BYTES: usize = 250;

/// A default region: two letters of ISO 3166-1 that the library has numbers for.
pub(super) fn region(code: &str) -> Option<Region> {
    let region = Region::from_code(&code.trim().to_ascii_uppercase()).ok()?;
    (region != Region::World).then_some(())?;
    PHONE_NUMBER_UTIL.get_country_code_for_region(region)?;
    Some(region)
}

/// The number of a cell in a usual spelling, if it is valid. Nothing says nothing: ask [`e164`].
pub(super) fn usual(cell: &str, region: Option<Region>) -> Option<E164> {
    let spelling = Spelling::of(cell.trim())?;
    match (spelling.plus, region) {
        (true, _) => plan::international(spelling.digits()),
        (false, Some(region)) => plan::national(spelling.digits(), region),
        (false, None) => None,
    }
}

/// The number in E.164: `+`, country code, national number; an extension is dropped.
pub(super) fn e164(cell: &str, region: Option<Region>) -> Result<String, Malformed> {
    let cell = cell.trim();
    if cell.is_empty() {
        return Err(Malformed::Empty);
    }
    if let Some(digest) = hashed(cell) {
        return Err(digest);
    }
    if cell.len() > MAX_BYTES {
        return Err(Malformed::NotAPhoneNumber);
    }
    let number = PHONE_NUMBER_UTIL.parse(cell, region).map_err(|_| {
        if region.is_none() && !cell.contains('+') && cell.bytes().any(|b| b.is_ascii_digit()) {
            Malformed::NeedsCountryCode
        } else {
            Malformed::NotAPhoneNumber
        }
    })?;
    if PHONE_NUMBER_UTIL.is_valid_number(&number) {
        Ok(PHONE_NUMBER_UTIL
            .format(&number, PhoneNumberFormat::E164)
            .into_owned())
    } else if with_plus_it_would_be_valid(cell) {
        Err(Malformed::DoubleZeroPrefix)
    } else {
        Err(Malformed::InvalidPhoneNumber)
    }
}

/// Whether `00` stands where the owner meant `+`. Only said, never repaired: in the default region the
/// cell means something else.
fn with_plus_it_would_be_valid(cell: &str) -> bool {
    cell.strip_prefix("00").is_some_and(|rest| {
        PHONE_NUMBER_UTIL
            .parse(format!("+{rest}"), None)
            .is_ok_and(|number| PHONE_NUMBER_UTIL.is_valid_number(&number))
    })
}
