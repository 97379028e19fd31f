//! The numbers of one calling code, compiled from the library's own metadata: the fast way to a number
//! that is written in a usual form and is valid. It only ever accepts; whatever it does not recognise the
//! library decides. Each step names the library's function that it repeats.
//!
//! Memory: the tables of the calling codes that were met, up to about 1 MiB for each pattern, a few MiB for
//! all the codes of the world.

use std::sync::OnceLock;

use rlibphonenumber::{PHONE_NUMBER_UTIL, Region};

use super::numbers::Numbers;
use super::spelling::E164;

/// Calling codes have one to three digits.
const CODES: usize = 1_000;
/// Digits of a national number that the library takes.
const MOST_DIGITS: usize = 17;

static PLANS: [OnceLock<Known>; CODES] = [const { OnceLock::new() }; CODES];

/// What is known of a calling code.
enum Known {
    /// There is no such code.
    Nothing,
    /// Something about it is unusual: the library decides.
    Unusual,
    /// Its numbers.
    Plan(Box<Plan>),
}

/// The numbers of one calling code.
struct Plan {
    code: String,
    /// Those that share it, the main one first.
    regions: Vec<Numbers>,
}

/// The number that `digits`, written after a `+`, stand for.
pub(super) fn international(digits: &[u8]) -> Option<E164> {
    // `extract_country_code`: the first code that is one; none begins with 0.
    let mut code = 0;
    if digits.first() == Some(&b'0') {
        return None;
    }
    for (place, digit) in digits.iter().take(3).enumerate() {
        code = 10 * code + usize::from(digit - b'0');
        match known(code) {
            Known::Nothing => {}
            Known::Unusual => return None,
            Known::Plan(plan) => return plan.international(digits.get(place + 1..)?),
        }
    }
    None
}

/// The number that `digits`, written without a `+`, stand for in `region`.
pub(super) fn national(digits: &[u8], region: Region) -> Option<E164> {
    let code = PHONE_NUMBER_UTIL.get_country_code_for_region(region)?;
    match known(usize::try_from(code).ok()?) {
        Known::Plan(plan) => plan.national(digits, region),
        _ => None,
    }
}

fn known(code: usize) -> &'static Known {
    const NOTHING: &Known = &Known::Nothing;
    match PLANS.get(code) {
        Some(plan) if code > 0 => plan.get_or_init(|| compile(code)),
        _ => NOTHING,
    }
}

fn compile(code: usize) -> Known {
    let number = code as i32; // below 1,000
    let Some(regions) = PHONE_NUMBER_UTIL.get_regions_for_country_calling_code(number) else {
        return Known::Nothing;
    };
    let regions: Option<Vec<Numbers>> = regions.map(|region| Numbers::of(number, region)).collect();
    match regions {
        Some(regions) if !regions.is_empty() => Known::Plan(Box::new(Plan {
            code: code.to_string(),
            regions,
        })),
        _ => Known::Unusual,
    }
}

impl Plan {
    /// `parse_helper` after a calling code, where no national prefix follows it.
    fn international(&self, number: &[u8]) -> Option<E164> {
        match self.regions.first()?.prefix(number) {
            Some(_) => None,
            None => self.valid(number),
        }
    }

    /// `parse_helper` without a calling code.
    fn national(&self, digits: &[u8], region: Region) -> Option<E164> {
        let home = self.regions.iter().find(|home| home.region() == region)?;
        // `maybe_strip_international_prefix_and_normalize`: what follows begins with a calling code.
        if let Some(end) = home.abroad(digits) {
            let rest = digits.get(end..)?;
            return if rest.len() > 3 {
                international(rest)
            } else {
                None
            };
        }
        // `maybe_extract_country_code`: the code may stand there without a plus.
        if let Some(rest) = digits.strip_prefix(self.code.as_bytes()) {
            if !home.look(digits).general {
                let taken = home.prefix(rest).is_none() && home.look(rest).general;
                return if taken {
                    self.international(rest)
                } else {
                    None
                };
            }
            if digits.len() > home.longest() {
                return None;
            }
        }
        self.valid(home.without_prefix(digits)?)
    }

    /// `is_valid_number`, and the number in E.164.
    fn valid(&self, number: &[u8]) -> Option<E164> {
        if !(2..=MOST_DIGITS).contains(&number.len()) {
            return None;
        }
        let valid = match self.regions.as_slice() {
            [only] => only.look(number).valid,
            // `get_region_for_number_from_region_list`: the first region that leads or has it.
            regions => regions.iter().find_map(|region| {
                let valid = region.look(number).valid;
                (valid || region.leads(number)).then_some(valid)
            })?,
        };
        valid
            .then(|| E164::of(self.code.as_bytes(), number))
            .flatten()
    }
}
