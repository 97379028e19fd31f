//! The ranges that the types alone do not enforce.

use super::{MAX_CHANGES, Member, Message, MessageError};
use crate::wire::cookie;

/// Whether every field is in its range; the same rules for writing and for reading.
pub(super) fn check(message: &Message) -> Result<(), MessageError> {
    use MessageError::OutOfRange;
    let data = &message.data;
    // `Z` alone: one instant has one spelling, so a batch has one form.
    if !message.timestamp.ends_with('Z') || message.timestamp.parse::<jiff::Timestamp>().is_err() {
        return Err(OutOfRange("timestamp"));
    }
    require(is_id(&data.audience.id), "audience.id")?;
    require(is_name(&data.audience.name, 1, 64), "audience.name")?;
    require(is_id(&data.collaboration), "collaboration")?;
    require(is_name(&data.destination, 2, 32), "destination")?;
    require(is_id(&data.delivery), "delivery")?;
    if data.add.len() + data.remove.len() > MAX_CHANGES {
        return Err(MessageError::TooManyChanges);
    }
    require(data.contexts.len() <= MAX_CHANGES, "contexts")?;
    for member in data.remove.iter().chain(&data.add) {
        match member {
            Member::Open(text) => require(cookie::parse(text.as_bytes()).is_some(), "cookie")?,
            Member::Sealed { context, .. } => {
                require(usize::from(*context) < data.contexts.len(), "context index")?;
            }
        }
    }
    Ok(())
}

fn require(holds: bool, field: &'static str) -> Result<(), MessageError> {
    if holds {
        Ok(())
    } else {
        Err(MessageError::OutOfRange(field))
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// `[a-z][a-z0-9-]*` of `least` to `most` characters.
fn is_name(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}
