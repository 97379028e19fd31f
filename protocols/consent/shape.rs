//! Parting a record into what many share and what is its own, so that a million records of one form are
//! kept as that form once and a time each. SPEC.md, "Shapes".

use jiff::Timestamp;

use super::{ConsentRecord, NotCanonical};

/// Where the time stands in canonical bytes, if there is one.
const TIME: usize = 7;
const TIME_LENGTH: usize = 8;

/// What is a record's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// When it was given, in seconds since 1970.
    pub at: Option<i64>,
    /// Canonical bytes of a record that has only its number, its end and its history; empty if it has none.
    pub rest: Vec<u8>,
}

/// Parts `record`, whose canonical bytes are `bytes`: what others may share goes to `shape`, which is
/// cleared first.
pub fn part(record: &ConsentRecord, bytes: &[u8], shape: &mut Vec<u8>) -> Own {
    let personal = record.more.as_ref().is_some_and(|more| {
        more.record_id.is_some() || more.valid_until.is_some() || !more.history.is_empty()
    });
    let rest = match personal {
        false => {
            cut(bytes, shape);
            Vec::new()
        }
        true => {
            let (mut common, mut own) = (record.clone(), ConsentRecord::default());
            let (from, to) = (common.details_mut(), own.details_mut());
            to.record_id = from.record_id.take();
            to.valid_until = from.valid_until.take();
            to.history = std::mem::take(&mut from.history);
            cut(&common.to_bytes(), shape);
            own.to_bytes()
        }
    };
    let at = record.given_at.map(Timestamp::as_second);
    Own { at, rest }
}

/// The canonical bytes that were parted.
///
/// # Errors
/// What was parted is no record.
pub fn join(shape: &[u8], own: &Own) -> Result<Vec<u8>, NotCanonical> {
    let (head, tail) = shape.split_at_checked(TIME).ok_or(NotCanonical)?;
    if is_timed(shape) != own.at.is_some() {
        return Err(NotCanonical);
    }
    let mut bytes = Vec::with_capacity(shape.len() + TIME_LENGTH);
    bytes.extend_from_slice(head);
    bytes.extend(own.at.into_iter().flat_map(i64::to_be_bytes));
    bytes.extend_from_slice(tail);
    if own.rest.is_empty() {
        return Ok(bytes);
    }
    let mut record = ConsentRecord::from_bytes(&bytes)?;
    let more = ConsentRecord::from_bytes(&own.rest)?;
    let (from, to) = (more.details(), record.details_mut());
    to.record_id.clone_from(&from.record_id);
    to.valid_until = from.valid_until;
    to.history.clone_from(&from.history);
    Ok(record.to_bytes())
}

/// Whether records of this shape have a time.
pub fn is_timed(shape: &[u8]) -> bool {
    shape.get(TIME - 1).is_some_and(|fields| fields & 1 == 1)
}

/// The record that a shape is of, without its time.
///
/// # Errors
/// It is of none.
pub fn shape_of(shape: &[u8]) -> Result<ConsentRecord, NotCanonical> {
    let mut bytes = shape.to_vec();
    *bytes.get_mut(TIME - 1).ok_or(NotCanonical)? &= !1;
    ConsentRecord::from_bytes(&bytes)
}

fn cut(bytes: &[u8], shape: &mut Vec<u8>) {
    shape.clear();
    let time = match is_timed(bytes) {
        true => TIME_LENGTH,
        false => 0,
    };
    let (head, tail) = bytes.split_at(TIME.min(bytes.len()));
    shape.extend_from_slice(head);
    shape.extend_from_slice(tail.get(time..).unwrap_or_default());
}
