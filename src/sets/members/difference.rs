//! What a destination must be told: two member files compared in one walk.

use std::sync::Arc;

use super::super::SetError;
use super::super::block::BlockFile;
use super::{Change, Cookie, Entries, Entry, MemberFile};

/// What a destination that was told `before` must be told to be at `after`, ascending by tag. A cookie
/// that is in both, if sealed anew, is no change. Memory: one block of each file. After an error there
/// are no further items.
///
/// # Errors
/// As items: a file is damaged or cannot be read.
pub fn changes(
    before: Option<&MemberFile>,
    after: &MemberFile,
) -> impl Iterator<Item = Result<Change, SetError>> + use<> {
    let mut old = before.map(|before| Side::new(before.file.clone()));
    let mut new = Some(Side::new(after.file.clone()));
    let mut failed = false;
    std::iter::from_fn(move || {
        if failed {
            return None;
        }
        let next = next_change(&mut old, &mut new).transpose();
        failed = matches!(next, Some(Err(_)));
        next
    })
}

fn next_change(old: &mut Option<Side>, new: &mut Option<Side>) -> Result<Option<Change>, SetError> {
    loop {
        let (left, right) = (peek(old)?, peek(new)?);
        let change = match (left, right) {
            (None, None) => return Ok(None),
            (Some(a), Some(b)) if a == b => {
                take(old);
                take(new);
                continue;
            }
            (Some(a), b) if b.is_none_or(|b| a < b) => take(old).map(Change::Remove),
            _ => take(new).map(Change::Add),
        };
        return Ok(change);
    }
}

fn peek(side: &mut Option<Side>) -> Result<Option<[u8; 16]>, SetError> {
    match side {
        None => Ok(None),
        Some(side) => side.peek(),
    }
}

fn take(side: &mut Option<Side>) -> Option<Cookie> {
    side.as_mut().and_then(Side::take)
}

/// One file of a comparison, opened when it is first looked at.
struct Side {
    file: Arc<BlockFile>,
    entries: Option<Entries>,
    present: Option<Entry>,
}

impl Side {
    fn new(file: Arc<BlockFile>) -> Self {
        Side {
            file,
            entries: None,
            present: None,
        }
    }

    fn peek(&mut self) -> Result<Option<[u8; 16]>, SetError> {
        if self.present.is_none() {
            let entries = match &mut self.entries {
                Some(entries) => entries,
                none => none.insert(Entries::new(self.file.clone())?),
            };
            self.present = entries.next()?;
        }
        Ok(self.present.as_ref().map(|(tag, ..)| *tag))
    }

    fn take(&mut self) -> Option<Cookie> {
        let (_, origin, bytes) = self.present.take()?;
        Some(Cookie { origin, bytes })
    }
}
