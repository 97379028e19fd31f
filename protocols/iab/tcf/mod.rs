//! TC strings: what a consent platform recorded for vendors of the Global Vendor List.
//!
//! Flow: [`TcString::parse`] reads the core and every segment; [`TcString::judge`] says on a day whether it
//! counts; [`Valid::permits`] answers for a vendor, a purpose and a basis.
//!
//! Source: IAB Tech Lab, "Transparency and Consent String with Global Vendor & CMP List Formats", TC String
//! Format; TCF Policies for what makes a string invalid.

use jiff::Timestamp;
use serde::Serialize;

use super::bits::{Bits, Letters};
use super::{Ids, LONGEST, Malformed, numbers};
use crate::consent::Purposes;

mod question;
mod validity;

pub(super) use validity::CONSENT_ALONE;
pub use validity::{Invalid, Valid};

/// The version of the format, in the first six bits: the letter C.
const VERSION: u8 = 2;

/// A TC string, as it was written. Whether it counts is another question: [`TcString::judge`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TcString {
    /// When it was made; a whole day, by the rules.
    pub created: Timestamp,
    /// When it last changed; a whole day, by the rules.
    pub last_updated: Timestamp,
    /// The consent platform.
    pub cmp_id: u16,
    /// The platform's own version.
    pub cmp_version: u16,
    /// Which of the platform's screens it was.
    pub screen: u8,
    /// The language of the screen, ISO 639-1.
    pub language: Letters,
    /// Version of the Global Vendor List.
    pub vendor_list_version: u16,
    /// Version of the TCF policy.
    pub policy_version: u8,
    /// Whether it holds for one service alone.
    pub service_specific: bool,
    /// Whether the texts were other than the standard ones.
    pub non_standard_texts: bool,
    /// Special features opted in to, 1 to 12.
    #[serde(serialize_with = "numbers::purposes")]
    pub special_features: Purposes,
    /// Purposes consented to.
    #[serde(serialize_with = "numbers::purposes")]
    pub purposes_consent: Purposes,
    /// Purposes for which legitimate interest was explained and not objected to.
    #[serde(serialize_with = "numbers::purposes")]
    pub purposes_interest: Purposes,
    /// Whether purpose 1 was not disclosed at all.
    pub purpose_one_treatment: bool,
    /// The country whose law applies, ISO 3166-1; AA where none was said.
    pub publisher_country: Letters,
    /// Vendors consented to.
    pub vendors_consent: Ids,
    /// Vendors whose legitimate interest was explained and not objected to.
    pub vendors_interest: Ids,
    /// What the publisher restricts.
    pub restrictions: Vec<Restriction>,
    /// Vendors disclosed to the person; mandatory since TCF 2.3.
    pub disclosed_vendors: Option<Ids>,
    /// Vendors that the publisher allowed out of band; a segment of the past.
    pub allowed_vendors: Option<Ids>,
    /// The publisher's own purposes.
    pub publisher: Option<PublisherPurposes>,
}

/// A publisher's restriction of vendors for one purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restriction {
    /// The purpose, 1 to 24.
    pub purpose: u8,
    /// What is demanded.
    pub kind: RestrictionKind,
    /// Of whom.
    pub vendors: Ids,
}

/// What a publisher demands of a vendor for a purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RestrictionKind {
    /// 0: not to process for it.
    NotAllowed,
    /// 1: to rest on consent.
    RequireConsent,
    /// 2: to rest on legitimate interest.
    RequireInterest,
}

/// Purposes of the publisher itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PublisherPurposes {
    /// Purposes consented to.
    #[serde(serialize_with = "numbers::purposes")]
    pub consent: Purposes,
    /// Purposes on legitimate interest.
    #[serde(serialize_with = "numbers::purposes")]
    pub interest: Purposes,
    /// How many purposes of its own it has, at most 63.
    pub custom: u8,
    /// Those consented to: bit n-1 is purpose n.
    #[serde(serialize_with = "numbers::custom")]
    pub custom_consent: u64,
    /// Those on legitimate interest.
    #[serde(serialize_with = "numbers::custom")]
    pub custom_interest: u64,
}

impl TcString {
    /// Reads a TC string: the core, then segments in any order, each at most once.
    pub fn parse(text: &str) -> Result<TcString, Malformed> {
        if text.len() > LONGEST {
            return Err(Malformed::TooLong);
        }
        let mut segments = text.split('.');
        let core = segments.next().unwrap_or_default();
        let mut string = read_core(Bits::decode(core)?)?;
        for segment in segments {
            string.read_segment(Bits::decode(segment)?)?;
        }
        Ok(string)
    }

    fn read_segment(&mut self, mut bits: Bits) -> Result<(), Malformed> {
        match bits.small(3)? {
            1 => once(&mut self.disclosed_vendors, bits.vendors()?)?,
            2 => once(&mut self.allowed_vendors, bits.vendors()?)?,
            3 => once(&mut self.publisher, publisher(&mut bits)?)?,
            _ => return Err(Malformed::Segment),
        }
        bits.end()
    }
}

fn read_core(mut bits: Bits) -> Result<TcString, Malformed> {
    if bits.small(6)? != VERSION {
        return Err(Malformed::Version);
    }
    // Fields in the order of the string.
    let string = TcString {
        created: bits.time()?,
        last_updated: bits.time()?,
        cmp_id: bits.medium(12)?,
        cmp_version: bits.medium(12)?,
        screen: bits.small(6)?,
        language: bits.letters()?,
        vendor_list_version: bits.medium(12)?,
        policy_version: bits.small(6)?,
        service_specific: bits.flag()?,
        non_standard_texts: bits.flag()?,
        special_features: bits.set(12)?,
        purposes_consent: bits.set(24)?,
        purposes_interest: bits.set(24)?,
        purpose_one_treatment: bits.flag()?,
        publisher_country: bits.letters()?,
        vendors_consent: bits.vendors()?,
        vendors_interest: bits.vendors()?,
        restrictions: restrictions(&mut bits)?,
        disclosed_vendors: None,
        allowed_vendors: None,
        publisher: None,
    };
    bits.end()?;
    Ok(string)
}

fn restrictions(bits: &mut Bits) -> Result<Vec<Restriction>, Malformed> {
    let count = bits.number(12)?;
    let mut restrictions = Vec::new();
    for _ in 0..count {
        let purpose = bits.small(6)?;
        let kind = match bits.small(2)? {
            0 => RestrictionKind::NotAllowed,
            1 => RestrictionKind::RequireConsent,
            2 => RestrictionKind::RequireInterest,
            _ => return Err(Malformed::Restriction),
        };
        if purpose == 0 || purpose > Purposes::HIGHEST {
            return Err(Malformed::Restriction);
        }
        let vendors = bits.ranges(u16::MAX)?;
        restrictions.push(Restriction {
            purpose,
            kind,
            vendors,
        });
    }
    Ok(restrictions)
}

fn publisher(bits: &mut Bits) -> Result<PublisherPurposes, Malformed> {
    let (consent, interest) = (bits.set(24)?, bits.set(24)?);
    let custom = bits.small(6)?;
    Ok(PublisherPurposes {
        consent,
        interest,
        custom,
        custom_consent: bits.large_set(usize::from(custom))?,
        custom_interest: bits.large_set(usize::from(custom))?,
    })
}

/// Fills a place that must be empty.
pub(super) fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Malformed> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Malformed::Segment),
    }
}
