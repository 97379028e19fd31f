//! What a destination receives: the body of one webhook, at most 10,000 changes to one audience.
//!
//! The service cuts the difference between what a destination was last told and what it shall hold
//! into numbered batches. The bytes of a batch depend on nothing but the delivery, so a batch that is
//! sent again is the same batch, and `{delivery}-{sequence}` names it for good ([`message_id`]).
//!
//! The destination learns the audience's name and use and its own cookies. It does not learn why a
//! cookie is a member, which cookies belong to one person, or anything about the advertiser's row.
//! In full: DELIVERY.md beside this file's folder.

mod check;
mod member;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use member::{Label, Member};

use crate::wire::api::AudienceUse;

/// Changes in one batch, additions and removals together.
pub const MAX_CHANGES: usize = 10_000;

/// Upper bound of an encoded batch in bytes; a receiver may refuse anything longer unread.
pub const MAX_BODY: usize = 2 * 1024 * 1024;

/// The one kind of message there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Cookies join or leave an audience.
    #[serde(rename = "audience.members.changed")]
    MembersChanged,
}

/// The body of one webhook.
///
/// No `Debug`: it carries cookies.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// When the delivery was queued, RFC 3339 in UTC; the same in every batch and every attempt.
    pub timestamp: String,
    /// The changes.
    pub data: MembersChanged,
}

/// A batch of changes to one audience at one destination.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MembersChanged {
    /// The audience, as the destination knows it.
    pub audience: Audience,
    /// The collaboration it belongs to, 32 hexadecimal digits; labels are bound to it.
    pub collaboration: String,
    /// The destination's own name; labels are bound to it.
    pub destination: String,
    /// The delivery, 32 hexadecimal digits.
    pub delivery: String,
    /// Position of this batch in the delivery, from 0 without gaps.
    pub sequence: u32,
    /// Whether the delivery ends here.
    pub last: bool,
    /// The sealing contexts that the labels of this batch refer to by index.
    pub contexts: Vec<Context>,
    /// Cookies that leave the audience. Applied first.
    pub remove: Vec<Member>,
    /// Cookies that join the audience.
    pub add: Vec<Member>,
}

/// An audience, as a destination knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audience {
    /// 32 hexadecimal digits.
    pub id: String,
    /// Name, `[a-z][a-z0-9-]{0,63}`.
    pub name: String,
    /// What to do with the members.
    #[serde(rename = "use")]
    pub purpose: AudienceUse,
}

/// One upload's sealing context (`protocols/label/SPEC.md`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// HPKE encapsulated key, 32 bytes.
    #[serde(with = "member::base64_32")]
    pub enc: [u8; 32],
}

/// Why bytes are not a message. Never quotes what it read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Longer than [`MAX_BODY`].
    #[error("the body is longer than {MAX_BODY} bytes")]
    TooLong,
    /// Not the JSON document of DELIVERY.md.
    #[error("the body is not a delivery message: see line {line}, column {column}")]
    Malformed {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// A field has a value outside its range.
    #[error("the field `{0}` is out of range")]
    OutOfRange(&'static str),
    /// More changes than [`MAX_CHANGES`].
    #[error("the batch has more than {MAX_CHANGES} changes")]
    TooManyChanges,
}

impl Message {
    /// The bytes to sign and to send: compact JSON, fields in the order of the specification.
    ///
    /// # Errors
    /// Refuses a message that [`Message::from_bytes`] would refuse.
    pub fn to_bytes(&self) -> Result<Vec<u8>, MessageError> {
        check::check(self)?;
        let bytes = serde_json::to_vec(self).map_err(malformed)?;
        if bytes.len() > MAX_BODY {
            return Err(MessageError::TooLong);
        }
        Ok(bytes)
    }

    /// Reads a body strictly: unknown or repeated fields, values out of range and trailing bytes are
    /// refused. Memory: about twice the body, which is at most [`MAX_BODY`].
    ///
    /// # Errors
    /// Says where the bytes stop being a message.
    pub fn from_bytes(bytes: &[u8]) -> Result<Message, MessageError> {
        if bytes.len() > MAX_BODY {
            return Err(MessageError::TooLong);
        }
        let message: Message = serde_json::from_slice(bytes).map_err(malformed)?;
        check::check(&message)?;
        Ok(message)
    }

    /// The `webhook-id` under which this message travels.
    pub fn id(&self) -> String {
        message_id(&self.data.delivery, self.data.sequence)
    }
}

/// The `webhook-id` of a batch: the same for every attempt, so that a receiver applies it once.
pub fn message_id(delivery: &str, sequence: u32) -> String {
    format!("{delivery}-{sequence}")
}

#[expect(clippy::needless_pass_by_value, reason = "used as a map_err function")]
fn malformed(error: serde_json::Error) -> MessageError {
    MessageError::Malformed {
        line: error.line(),
        column: error.column(),
    }
}
