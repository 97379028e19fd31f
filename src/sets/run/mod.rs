//! The token run of a layer: every token with its owner, in pages that are sorted and sealed.
//!
//! Flow: threads that have sorted a stretch of the token space give it to one [`RunWriter`], in any
//! order; [`RunFile`] opens the run with its [`Index`] of pages at hand, so that any range of the token
//! space, a thread's or one day a node's share, is found without reading the rest; a [`Window`] holds the pages of one range and opens them when they are looked at.
//!
//! The owner of a token is an advertiser's row or a partner's person. What matching asks about an owner
//! (its last valid day; the class of an advertiser's row, that is which segments it is in) stands beside
//! the token, so that a match touches memory in order. Format: SPEC.md beside the folder.

mod behind;
mod find;
mod index;
mod page;
mod read;
#[cfg(test)]
mod tests;
mod window;
mod write;

pub(crate) use find::Finder;
pub(crate) use index::Index;
pub(crate) use page::PageView;
pub(crate) use read::RunFile;
pub(crate) use window::Window;
pub(super) use write::{RunWriter, write_index};

pub(super) const TOKENS: &str = "tokens";
pub(super) const INDEX: &str = "tokens.index";

/// A token and what is known about its owner: 24 bytes that sort as token, owner, day, class.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Record([u64; 3]);

impl Record {
    /// A token of `owner`, which is valid to `day` (days since 1970-01-01) and of class `class`.
    pub fn new(token: [u8; 16], owner: u32, day: u16, class: u16) -> Self {
        let token = u128::from_be_bytes(token);
        let rest = u64::from(owner) << 32 | u64::from(day) << 16 | u64::from(class);
        Record([(token >> 64) as u64, token as u64, rest])
    }

    /// From the three words that [`Record::words`] gave.
    pub(super) fn from_words(words: [u64; 3]) -> Self {
        Record(words)
    }

    /// Token, first and last half; owner, day and class.
    pub(super) fn words(self) -> [u64; 3] {
        self.0
    }

    pub(super) fn token(self) -> u128 {
        u128::from(self.0[0]) << 64 | u128::from(self.0[1])
    }

    pub(super) fn owner(self) -> u32 {
        (self.0[2] >> 32) as u32
    }

    pub(super) fn day(self) -> u16 {
        (self.0[2] >> 16) as u16
    }

    pub(super) fn class(self) -> u16 {
        self.0[2] as u16
    }

    /// The same token and day with another owner and class.
    pub(super) fn of(self, owner: u32, class: u16) -> Self {
        let rest = u64::from(owner) << 32 | u64::from(self.day()) << 16 | u64::from(class);
        Record([self.0[0], self.0[1], rest])
    }

    /// The same token with another owner and day.
    pub(super) fn owned(self, owner: u32, day: u16) -> Self {
        let rest = u64::from(owner) << 32 | u64::from(day) << 16 | u64::from(self.class());
        Record([self.0[0], self.0[1], rest])
    }
}
