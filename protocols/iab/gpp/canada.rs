//! Section 5: the Canadian TCF. Its consents are express or implied.
//!
//! Lists of vendors are written in two ways: as the specification says (a Fibonacci range or a bit field),
//! and as encoders wrote them for years (as in Europe). Nothing in the string tells which. Both are tried;
//! if both read well and say different things, the string is refused.
//!
//! Source: "GPP Extension: IAB Canada TCF", section encoding.

use jiff::Timestamp;
use serde::Serialize;

use super::{Bits, Ids, Malformed};
use crate::consent::Purposes;
use crate::iab::tcf::once;
use crate::iab::{Letters, numbers};

/// The section's version.
const VERSION: u8 = 1;

/// A Canadian TC string, as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CanadaString {
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub last_updated: Timestamp,
    /// The consent platform.
    pub cmp_id: u16,
    /// The platform's own version.
    pub cmp_version: u16,
    /// Which of the platform's screens it was.
    pub screen: u8,
    /// The language of the screen, ISO 639-1.
    pub language: Letters,
    /// Version of the vendor list.
    pub vendor_list_version: u16,
    /// Version of the policy.
    pub policy_version: u8,
    /// Whether other than the standard stacks were shown.
    pub non_standard_stacks: bool,
    /// Special features with express consent.
    #[serde(serialize_with = "numbers::purposes")]
    pub special_features: Purposes,
    /// Purposes with express consent.
    #[serde(serialize_with = "numbers::purposes")]
    pub express: Purposes,
    /// Purposes with implied consent that was not objected to.
    #[serde(serialize_with = "numbers::purposes")]
    pub implied: Purposes,
    /// Vendors with express consent.
    pub vendors_express: Ids,
    /// Vendors with implied consent.
    pub vendors_implied: Ids,
    /// What the publisher restricts: purpose, type (0 not allowed, 1 express, 2 implied consent required),
    /// vendors.
    pub restrictions: Vec<(u8, u8, Ids)>,
    /// Vendors disclosed to the person.
    pub disclosed_vendors: Option<Ids>,
    /// The publisher's own purposes.
    pub publisher: Option<CanadaPurposes>,
}

/// Purposes of the publisher itself: bit n-1 is purpose n.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CanadaPurposes {
    /// With express consent.
    #[serde(serialize_with = "numbers::purposes")]
    pub express: Purposes,
    /// With implied consent.
    #[serde(serialize_with = "numbers::purposes")]
    pub implied: Purposes,
    /// How many purposes of its own it has, at most 63.
    pub custom: u8,
    /// Of those with express consent.
    #[serde(serialize_with = "numbers::custom")]
    pub custom_express: u64,
    /// Of those with implied consent.
    #[serde(serialize_with = "numbers::custom")]
    pub custom_implied: u64,
}

/// How lists of vendors are written.
#[derive(Clone, Copy)]
enum Lists {
    Specified,
    AsInEurope,
}

impl CanadaString {
    /// Reads the section.
    pub fn parse(text: &str) -> Result<CanadaString, Malformed> {
        let specified = CanadaString::read(text, Lists::Specified);
        let other = CanadaString::read(text, Lists::AsInEurope);
        match (specified, other) {
            (Ok(one), Ok(two)) if one != two => Err(Malformed::Ambiguous),
            (Ok(string), _) | (_, Ok(string)) => Ok(string),
            (Err(error), Err(_)) => Err(error),
        }
    }

    fn read(text: &str, lists: Lists) -> Result<CanadaString, Malformed> {
        let mut segments = text.split('.');
        let core = segments.next().unwrap_or_default();
        let mut string = read_core(Bits::decode(core)?, lists)?;
        for segment in segments {
            let mut bits = Bits::decode(segment)?;
            match bits.small(3)? {
                1 => once(&mut string.disclosed_vendors, lists.vendors(&mut bits)?)?,
                3 => once(&mut string.publisher, publisher(&mut bits)?)?,
                _ => return Err(Malformed::Segment),
            }
            bits.end()?;
        }
        Ok(string)
    }
}

impl Lists {
    /// A list whose stated highest id is in it, as every encoder writes it: a reading with wrong lengths
    /// hardly ever ends on one.
    fn vendors(self, bits: &mut Bits) -> Result<Ids, Malformed> {
        let (highest, ids) = match self {
            Lists::Specified if bits.flag()? => {
                return bits.fibonacci_ranges().map(Ids::from_ranges);
            }
            Lists::Specified => {
                let highest = bits.medium(16)?;
                (highest, bits.bit_field(highest)?)
            }
            Lists::AsInEurope => {
                let highest = bits.medium(16)?;
                let ranges = bits.flag()?;
                let ids = if ranges {
                    bits.ranges(highest)?
                } else {
                    bits.bit_field(highest)?
                };
                (highest, ids)
            }
        };
        match ids.ranges().last().map_or(0, |(_, last)| *last) == highest {
            true => Ok(ids),
            false => Err(Malformed::Ids),
        }
    }
}

fn read_core(mut bits: Bits, lists: Lists) -> Result<CanadaString, Malformed> {
    if bits.small(6)? != VERSION {
        return Err(Malformed::Version);
    }
    // Fields in the order of the string.
    let string = CanadaString {
        created: bits.time()?,
        last_updated: bits.time()?,
        cmp_id: bits.medium(12)?,
        cmp_version: bits.medium(12)?,
        screen: bits.small(6)?,
        language: bits.letters()?,
        vendor_list_version: bits.medium(12)?,
        policy_version: bits.small(6)?,
        non_standard_stacks: bits.flag()?,
        special_features: bits.set(12)?,
        express: bits.set(24)?,
        implied: bits.set(24)?,
        vendors_express: lists.vendors(&mut bits)?,
        vendors_implied: lists.vendors(&mut bits)?,
        restrictions: restrictions(&mut bits, lists)?,
        disclosed_vendors: None,
        publisher: None,
    };
    // Looser here, a reading with wrong lengths would more often seem to end well.
    if bits.left() >= 24 {
        return Err(Malformed::Trailing);
    }
    bits.end()?;
    Ok(string)
}

/// Since version 1.1; what is shorter than their number is filling.
fn restrictions(bits: &mut Bits, lists: Lists) -> Result<Vec<(u8, u8, Ids)>, Malformed> {
    let count = if bits.left() < 12 {
        0
    } else {
        bits.number(12)?
    };
    let mut restrictions = Vec::new();
    for _ in 0..count {
        let (purpose, kind) = (bits.small(6)?, bits.small(2)?);
        if purpose == 0 || purpose > Purposes::HIGHEST || kind > 2 {
            return Err(Malformed::Restriction);
        }
        let vendors = match lists {
            Lists::Specified => lists.vendors(bits)?,
            Lists::AsInEurope => bits.ranges(u16::MAX)?,
        };
        restrictions.push((purpose, kind, vendors));
    }
    Ok(restrictions)
}

fn publisher(bits: &mut Bits) -> Result<CanadaPurposes, Malformed> {
    let (express, implied) = (bits.set(24)?, bits.set(24)?);
    let custom = bits.small(6)?;
    Ok(CanadaPurposes {
        express,
        implied,
        custom,
        custom_express: bits.large_set(usize::from(custom))?,
        custom_implied: bits.large_set(usize::from(custom))?,
    })
}
