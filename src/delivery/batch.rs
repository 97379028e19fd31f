//! From the changes of one delivery to numbered messages of at most 10,000.
//!
//! Deterministic: the same head and the same changes in the same order give the same bytes, so a
//! worker that was stopped makes the batches anew, skips the acknowledged ones and sends the rest.
//! Bounded memory: one batch, at most [`MAX_BODY`](tamis_protocols::wire::delivery::MAX_BODY) bytes and its changes.

use std::iter::Peekable;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use tamis_keys::{Secret, purpose::Webhook};
use tamis_protocols::wire::cookie;
use tamis_protocols::wire::delivery::{
    Audience, Context, Kind, Label, MAX_CHANGES, Member, MembersChanged, Message, MessageError,
};

/// What all batches of a delivery share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// When the delivery was queued, RFC 3339 in UTC. Not the time of the attempt.
    pub queued_at: jiff::Timestamp,
    /// The audience as the destination knows it.
    pub audience: Audience,
    /// The collaboration's id.
    pub collaboration: String,
    /// The destination's name.
    pub destination: String,
    /// The delivery's id.
    pub delivery: String,
}

/// A cookie as the service holds it.
#[derive(Clone, PartialEq, Eq)]
pub enum Cookie {
    /// In the open, as [`cookie::parse`] takes it.
    Open(Vec<u8>),
    /// Sealed to the destination.
    Sealed {
        /// The upload's HPKE encapsulated key.
        enc: [u8; 32],
        /// The label.
        label: Box<Label>,
    },
}

/// One change. A cookie appears at most once in a delivery.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// Joins the audience.
    Add(Cookie),
    /// Leaves the audience.
    Remove(Cookie),
}

/// A message ready to be signed and sent.
pub struct Batch {
    /// Position in the delivery, from 0.
    pub sequence: u32,
    /// Whether the delivery ends here.
    pub last: bool,
    /// The `webhook-id`.
    pub id: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Why batches end early; nothing of them may be taken for the whole.
#[derive(Debug, thiserror::Error)]
pub enum BatchError<E> {
    /// The changes could not be read.
    #[error("the changes of the delivery cannot be read")]
    Source(#[source] E),
    /// An open cookie that is not 1 to 63 bytes of text.
    #[error("an open cookie of the delivery is not 1 to 63 bytes of text")]
    Cookie,
    /// The head is not fit to be sent.
    #[error("the delivery cannot be written as a message")]
    Message(#[from] MessageError),
    /// More batches than can be numbered.
    #[error("the delivery has too many batches")]
    TooMany,
}

/// The batches of a delivery, in order. Always at least one, so that even a delivery without changes
/// is acknowledged. After an error the iterator is spent.
pub struct Batches<I: Iterator> {
    head: Head,
    changes: Peekable<I>,
    next: Option<u32>,
}

impl<I, E> Batches<I>
where
    I: Iterator<Item = Result<Change, E>>,
{
    /// Starts at sequence 0. The order of `changes` must be the same every time it is made.
    pub fn new(head: Head, changes: I) -> Self {
        Batches {
            head,
            changes: changes.peekable(),
            next: Some(0),
        }
    }

    fn batch(&mut self, sequence: u32) -> Result<Batch, BatchError<E>> {
        let mut contexts: Vec<Context> = Vec::new();
        let (mut add, mut remove) = (Vec::new(), Vec::new());
        for change in self.changes.by_ref().take(MAX_CHANGES) {
            match change.map_err(BatchError::Source)? {
                Change::Add(cookie) => add.push(member(cookie, &mut contexts)?),
                Change::Remove(cookie) => remove.push(member(cookie, &mut contexts)?),
            }
        }
        let last = self.changes.peek().is_none();
        let head = &self.head;
        let message = Message {
            kind: Kind::MembersChanged,
            timestamp: head.queued_at.to_string(),
            data: MembersChanged {
                audience: head.audience.clone(),
                collaboration: head.collaboration.clone(),
                destination: head.destination.clone(),
                delivery: head.delivery.clone(),
                sequence,
                last,
                contexts,
                remove,
                add,
            },
        };
        Ok(Batch {
            sequence,
            last,
            id: message.id(),
            body: message.to_bytes()?,
        })
    }
}

impl<I, E> Iterator for Batches<I>
where
    I: Iterator<Item = Result<Change, E>>,
{
    type Item = Result<Batch, BatchError<E>>;

    fn next(&mut self) -> Option<Self::Item> {
        let sequence = self.next.take()?;
        let batch = self.batch(sequence);
        if let Ok(Batch { last: false, .. }) = batch {
            let Some(following) = sequence.checked_add(1) else {
                return Some(Err(BatchError::TooMany));
            };
            self.next = Some(following);
        }
        Some(batch)
    }
}

/// Where the digest of a delivery's receipt starts: a value that only service and destination know.
///
/// The receipt is in the log. From a known start, whoever knows the audience could tell that a body
/// had no members in it, hash that, and learn whether a withdrawal or the passing of a day removed
/// anybody.
pub fn receipt_start(secret: &Secret<Webhook>, delivery: &str) -> [u8; 32] {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose()) else {
        unreachable!("HMAC takes keys of any length");
    };
    mac.update(b"tamis/v1/receipt\0");
    mac.update(delivery.as_bytes());
    mac.finalize().into_bytes().into()
}

/// The digest that a delivery's receipt commits to, batch by batch:
/// `SHA-256(previous ‖ SHA-256(body))`, from [`receipt_start`]. A destination can compute it too.
pub fn receipt_digest(previous: &[u8; 32], body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(Sha256::digest(body));
    hash.finalize().into()
}

/// Contexts are numbered in the order in which labels first need them.
fn member<E>(from: Cookie, contexts: &mut Vec<Context>) -> Result<Member, BatchError<E>> {
    match from {
        Cookie::Open(bytes) => {
            let text = cookie::parse(&bytes).ok_or(BatchError::Cookie)?;
            Ok(Member::Open(text.to_owned()))
        }
        Cookie::Sealed { enc, label } => {
            // Labels of one upload lie together: look from the end.
            let known = contexts.iter().rposition(|context| context.enc == enc);
            let index = known.unwrap_or_else(|| {
                contexts.push(Context { enc });
                contexts.len() - 1
            });
            let context = u16::try_from(index).map_err(|_| BatchError::TooMany)?;
            Ok(Member::Sealed { context, label })
        }
    }
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
