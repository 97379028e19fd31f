//! GPP strings: a header that lists sections, one for each jurisdiction, and the sections.
//!
//! Flow: [`GppString::parse`] reads the header and every section that is known, in full; sections that are
//! not known are kept as their number. [`GppString::opted_out`] says what a person in the United States
//! opted out of; a TC string is asked as any other (`super::tcf`).
//!
//! Source: IAB Tech Lab, "Global Privacy Platform String" 1.0 and the specification of each section;
//! SPEC.md for the layouts and for what the sections leave open.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::bits::Bits;
use super::tcf::TcString;
use super::{Ids, LONGEST, Malformed};

mod canada;
mod layout;
mod opt_out;
mod states;
mod us_privacy;

pub use canada::{CanadaPurposes, CanadaString};
pub use layout::{Field, Layout};
pub use opt_out::OptOuts;
pub use states::StateSection;
pub use us_privacy::{Answer, UsPrivacy};

/// The header's type, in the first six bits: the letter D.
const HEADER: u8 = 3;
/// The version of the header.
const VERSION: u8 = 1;

/// A GPP string: its sections in the order of the header, which is rising.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GppString {
    /// The sections.
    pub sections: Vec<Section>,
}

/// One section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Section {
    /// 2: the European TCF.
    Europe(Box<TcString>),
    /// 5: the Canadian TCF.
    Canada(Box<CanadaString>),
    /// 6: US Privacy, since 2024 replaced by those that follow.
    UsPrivacy(UsPrivacy),
    /// 7 to 27: the United States as a whole or one state.
    State(StateSection),
    /// Any other: it is not read.
    Unknown(u16),
}

impl Section {
    /// Its number in the header.
    pub fn id(&self) -> u16 {
        match self {
            Section::Europe(_) => 2,
            Section::Canada(_) => 5,
            Section::UsPrivacy(_) => 6,
            Section::State(section) => section.layout().id,
            Section::Unknown(id) => *id,
        }
    }

    /// Its short name in the API of consent platforms; none where it is not known.
    pub fn name(&self) -> Option<&'static str> {
        match self {
            Section::Europe(_) => Some("tcfeuv2"),
            Section::Canada(_) => Some("tcfcav1"),
            Section::UsPrivacy(_) => Some("uspv1"),
            Section::State(section) => Some(section.layout().name),
            Section::Unknown(_) => None,
        }
    }

    /// Where an American section holds: `US` or `US-` and the state.
    pub fn place(&self) -> Option<&'static str> {
        match self {
            Section::UsPrivacy(_) => Some("US"),
            Section::State(section) => Some(section.layout().place),
            _ => None,
        }
    }

    fn parse(id: u16, text: &str) -> Result<Section, Malformed> {
        Ok(match id {
            2 => Section::Europe(Box::new(TcString::parse(text)?)),
            5 => Section::Canada(Box::new(CanadaString::parse(text)?)),
            6 => Section::UsPrivacy(UsPrivacy::parse(text)?),
            _ => match Layout::of(id) {
                [] => Section::Unknown(id),
                layouts => Section::State(StateSection::parse(layouts, text)?),
            },
        })
    }
}

/// Its number, its name and what it says.
impl Serialize for Section {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id())?;
        map.serialize_entry("name", &self.name())?;
        match self {
            Section::Europe(string) => map.serialize_entry("says", string)?,
            Section::Canada(string) => map.serialize_entry("says", string)?,
            Section::UsPrivacy(section) => map.serialize_entry("says", section)?,
            Section::State(section) => map.serialize_entry("says", section)?,
            Section::Unknown(_) => map.serialize_entry("says", &())?,
        }
        map.end()
    }
}

impl GppString {
    /// Reads a GPP string. As many sections as the header lists must be there; one that is known and does
    /// not read well spoils the whole.
    pub fn parse(text: &str) -> Result<GppString, Malformed> {
        if text.len() > LONGEST {
            return Err(Malformed::TooLong);
        }
        let mut parts = text.split('~');
        let ids = header(parts.next().unwrap_or_default())?;
        let texts: Vec<&str> = parts.collect();
        if ids.len() != texts.len() {
            return Err(Malformed::Sections);
        }
        let pairs = ids.iter().zip(texts);
        let sections = pairs.map(|(id, text)| Section::parse(id, text));
        Ok(GppString {
            sections: sections.collect::<Result<_, _>>()?,
        })
    }

    /// The section of the European TCF, if there is one.
    pub fn europe(&self) -> Option<&TcString> {
        self.sections.iter().find_map(|section| match section {
            Section::Europe(string) => Some(&**string),
            _ => None,
        })
    }
}

/// The numbers of the sections. They rise, so none is there twice.
fn header(text: &str) -> Result<Ids, Malformed> {
    let mut bits = Bits::decode(text)?;
    if bits.small(6)? != HEADER || bits.small(6)? != VERSION {
        return Err(Malformed::Version);
    }
    let ranges = bits.fibonacci_ranges()?;
    bits.end()?;
    Ok(Ids::from_ranges(ranges))
}
