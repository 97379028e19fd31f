//! Sections 7 to 27: the United States as a whole, and state by state.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::layout::{Extra, Field, Layout};
use super::{Bits, Malformed};

/// A section of the United States, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateSection {
    layout: &'static Layout,
    version: u8,
    /// The values of all fields, one after the other.
    values: Vec<u8>,
    gpc: Option<bool>,
    sensitive: Option<Vec<u8>>,
}

impl StateSection {
    /// Reads a section that is laid out in one of `layouts`. No text fits two: where one has its zeros after
    /// the last field, the other has a field that is never 0.
    pub(super) fn parse(layouts: &'static [Layout], text: &str) -> Result<StateSection, Malformed> {
        let (core, rest) = match text.split_once('.') {
            Some((core, rest)) => (core, Some(rest)),
            None => (text, None),
        };
        let core = Bits::decode(core)?;
        let mut outcome = Err(Malformed::Version);
        for layout in layouts {
            match (StateSection::core(layout, core.clone()), &outcome) {
                (Ok(_), Ok(_)) => return Err(Malformed::Ambiguous),
                (Err(Malformed::Version), _) | (Err(_), Ok(_)) => {}
                (read, _) => outcome = read,
            }
        }
        let mut section = outcome?;
        if let Some(rest) = rest {
            section.read_extra(rest)?;
        }
        Ok(section)
    }

    fn core(layout: &'static Layout, mut bits: Bits) -> Result<StateSection, Malformed> {
        let version = bits.small(6)?;
        if !layout.versions.contains(&version) {
            return Err(Malformed::Version);
        }
        let mut values = Vec::new();
        for (field, count) in layout.fields {
            for _ in 0..*count {
                let value = value(&mut bits)?;
                if *field == Field::MspaCoveredTransaction && value == 0 {
                    return Err(Malformed::Value);
                }
                values.push(value);
            }
        }
        bits.end()?;
        Ok(StateSection {
            layout,
            version,
            values,
            gpc: None,
            sensitive: None,
        })
    }

    /// The one segment that may follow the core.
    fn read_extra(&mut self, text: &str) -> Result<(), Malformed> {
        let mut bits = Bits::decode(text)?;
        match self.layout.extra {
            Extra::None => return Err(Malformed::Segment),
            Extra::Gpc => {
                if bits.small(2)? != 1 {
                    return Err(Malformed::Segment);
                }
                self.gpc = Some(bits.flag()?);
            }
            Extra::Sensitive(count) => {
                let values = (0..count).map(|_| value(&mut bits));
                self.sensitive = Some(values.collect::<Result<_, _>>()?);
            }
        }
        bits.end()
    }

    /// Which section it is.
    pub fn layout(&self) -> &'static Layout {
        self.layout
    }

    /// The version in its first six bits: of the layout, from Maryland on of the privacy agreement.
    pub fn version(&self) -> u8 {
        self.version
    }

    /// Its fields with their values, in their order.
    pub fn fields(&self) -> impl Iterator<Item = (Field, &[u8])> {
        let mut left = self.values.as_slice();
        self.layout.fields.iter().map_while(move |(field, count)| {
            let (values, after) = left.split_at_checked(*count)?;
            left = after;
            Some((*field, values))
        })
    }

    /// The values of one field; none where the section has no such field.
    pub fn field(&self, field: Field) -> Option<&[u8]> {
        self.fields()
            .find(|(known, _)| *known == field)
            .map(|(_, values)| values)
    }

    /// The Global Privacy Control of the browser; none where the section does not say.
    pub fn gpc(&self) -> Option<bool> {
        self.gpc
    }

    /// Consents to sensitive data in a segment of their own, two bits each; none where it has none.
    pub fn sensitive(&self) -> Option<&[u8]> {
        self.sensitive.as_deref()
    }
}

/// Two bits; no field has a value 3.
fn value(bits: &mut Bits) -> Result<u8, Malformed> {
    match bits.small(2)? {
        3 => Err(Malformed::Value),
        value => Ok(value),
    }
}

/// The version, every field by its name with its values, then what follows the core, if it is there.
impl Serialize for StateSection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("Version", &self.version)?;
        for (field, values) in self.fields() {
            match values {
                [value] => map.serialize_entry(field.as_str(), value)?,
                values => map.serialize_entry(field.as_str(), values)?,
            }
        }
        if let Some(gpc) = self.gpc {
            map.serialize_entry("Gpc", &gpc)?;
        }
        if let Some(sensitive) = &self.sensitive {
            map.serialize_entry(Field::SensitiveDataProcessing.as_str(), sensitive)?;
        }
        map.end()
    }
}
