//! One cookie of a batch: a plain string, or `[context, label]` when it is sealed.

use core::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::label::LABEL_LEN;

/// A sealed cookie (`protocols/label/SPEC.md`).
pub type Label = [u8; LABEL_LEN];

/// A member of an audience.
///
/// No `Debug`: it is or hides a cookie.
#[derive(Clone, PartialEq, Eq)]
pub enum Member {
    /// The cookie itself ([`crate::wire::cookie`]), for a destination without a sealing key.
    Open(String),
    /// A cookie that only the destination can open.
    Sealed {
        /// Index into the batch's contexts.
        context: u16,
        /// The sealed cookie.
        label: Box<Label>,
    },
}

impl Serialize for Member {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Member::Open(cookie) => serializer.serialize_str(cookie),
            Member::Sealed { context, label } => {
                (context, STANDARD.encode(label.as_slice())).serialize(serializer)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor)
    }
}

struct MemberVisitor;

impl<'de> Visitor<'de> for MemberVisitor {
    type Value = Member;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a cookie, or a context index and a label")
    }

    fn visit_str<E: serde::de::Error>(self, cookie: &str) -> Result<Member, E> {
        Ok(Member::Open(cookie.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Member, A::Error> {
        let missing = || A::Error::custom("a sealed member has two parts");
        let context = parts.next_element::<u16>()?.ok_or_else(missing)?;
        let label = parts.next_element::<LabelText>()?.ok_or_else(missing)?.0;
        if parts.next_element::<serde::de::IgnoredAny>()?.is_some() {
            return Err(missing());
        }
        Ok(Member::Sealed { context, label })
    }
}

/// A label in base64, decoded without an allocation for its text.
struct LabelText(Box<Label>);

impl<'de> Deserialize<'de> for LabelText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LabelVisitor;
        impl Visitor<'_> for LabelVisitor {
            type Value = LabelText;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{LABEL_LEN} bytes in base64")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<LabelText, E> {
                decode(text).map(|label| LabelText(Box::new(label)))
            }
        }
        deserializer.deserialize_str(LabelVisitor)
    }
}

/// Exactly `N` bytes from standard base64 with padding; any other spelling is refused.
fn decode<const N: usize, E: serde::de::Error>(text: &str) -> Result<[u8; N], E> {
    let wrong = || E::custom("not base64 of the right length");
    // The estimate for the buffer counts whole groups of three: leave room for the last one.
    let mut buffer = [0; 96];
    let length = STANDARD
        .decode_slice(text, &mut buffer)
        .map_err(|_| wrong())?;
    buffer
        .get(..length)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(wrong)
}

/// 32 bytes as base64 text.
pub(super) mod base64_32 {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        super::decode(&text)
    }
}
