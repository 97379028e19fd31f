//! Which tokens can stand on which page of a run, and where the page lies in the file.
//!
//! ```text
//! pages u32 ‖ lows u32 ‖ stretches u32 ‖ 0 u32                              (little-endian)
//! high u64 × pages ‖ ( page u32 ‖ low u64 ) × lows ‖ ( page u32 ‖ number u32 ) × stretches
//! ```
//! A page *starts* at a token that is above all tokens of the page before, or equal to the last of them, and
//! not above its own first. Eight bytes of it suffice unless the page before ends with a token of the same
//! eight: tokens are uniformly random, so that this is rare, but whoever sends tokens may make it common.
//! A *stretch* is of pages that follow each other in the order of tokens and in the file as well.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::super::SetError;
use super::super::block::{BlockFile, BlockReader};

const HEAD: usize = 16;
const HIGH: usize = 8;
const LOW: usize = 12;
const STRETCH: usize = 8;

/// The index of a run. Memory: 8 bytes per page and per stretch, 16 more where pages part tokens that are
/// alike in their first half.
pub(crate) struct Index {
    highs: Vec<u64>,
    /// Second half of where a page starts, if it is not 0, by page.
    lows: Vec<(u32, u64)>,
    /// First page of every stretch, and its number in the file.
    stretches: Vec<(u32, u32)>,
}

/// First and last token of a page.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ends {
    pub(super) first: u128,
    pub(super) last: u128,
}

impl Index {
    /// Of pages, by number.
    pub(super) fn new(pages: Vec<Ends>) -> Self {
        // Where a token fills more than a page, the page that it begins in comes first.
        let mut order: Vec<(Ends, u32)> = pages.into_iter().zip(0..).collect();
        order.sort_unstable();
        let mut index = Index {
            highs: Vec::with_capacity(order.len()),
            lows: Vec::new(),
            stretches: Vec::new(),
        };
        let mut before: Option<(Ends, u32)> = None;
        for (page, (ends, number)) in (0..).zip(order) {
            let half = |token: u128| (token >> 64) as u64;
            if before.is_some_and(|(before, _)| half(before.last) == half(ends.first)) {
                index.lows.push((page, ends.first as u64));
            }
            if before.is_none_or(|(_, before)| before.checked_add(1) != Some(number)) {
                index.stretches.push((page, number));
            }
            index.highs.push(half(ends.first));
            before = Some((ends, number));
        }
        index
    }

    /// Pages.
    pub(crate) fn len(&self) -> usize {
        self.highs.len()
    }

    /// Where a page starts; `None` beyond the last.
    #[inline]
    pub(crate) fn start(&self, page: usize) -> Option<u128> {
        let high = u128::from(*self.highs.get(page)?) << 64;
        Some(high | u128::from(self.low(page).unwrap_or(0)))
    }

    fn low(&self, page: usize) -> Option<u64> {
        let found = self
            .lows
            .binary_search_by_key(&(page as u64), |(page, _)| u64::from(*page));
        found.ok().map(|at| self.lows[at].1)
    }

    /// The first of `pages` that does not start below `token`; the end of them if all do.
    pub(crate) fn from(&self, pages: Range<usize>, token: u128) -> usize {
        let (mut low, mut high) = (pages.start, pages.end);
        while low < high {
            let middle = low.midpoint(high);
            match self.start(middle).is_some_and(|start| start < token) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low
    }

    /// The pages that may hold a token of `from..to`, to the end if `to` is `None`.
    pub(crate) fn pages(&self, from: u128, to: Option<u128>) -> Range<usize> {
        self.pages_of(0..self.len(), from, to)
    }

    /// Those of `pages`.
    pub(super) fn pages_of(
        &self,
        pages: Range<usize>,
        from: u128,
        to: Option<u128>,
    ) -> Range<usize> {
        let mut start = self.from(pages.clone(), from);
        // The page before may end with tokens of the range, unless the range starts where this one does.
        if start > pages.start && (self.start(start) != Some(from) || self.low(start).is_some()) {
            start -= 1;
        }
        let end = to.map_or(pages.end, |to| self.from(start..pages.end, to));
        start..end
    }

    /// Where `pages` lie in the file: numbers that follow each other.
    pub(super) fn numbers(&self, pages: Range<usize>) -> impl Iterator<Item = Range<u32>> + '_ {
        let first = |at: usize| {
            self.stretches
                .get(at)
                .map_or(self.len(), |(page, _)| *page as usize)
        };
        let mut at = self
            .stretches
            .partition_point(|(page, _)| *page as usize <= pages.start);
        let mut page = pages.start;
        std::iter::from_fn(move || {
            let (start, number) = *self.stretches.get(at.checked_sub(1)?)?;
            let end = first(at).min(pages.end);
            if page >= end {
                return None;
            }
            let from = number + (page as u32 - start);
            let numbers = from..from + (end - page) as u32;
            (page, at) = (end, at + 1);
            Some(numbers)
        })
    }

    /// The number of a page in the file; 0 of one that is not there.
    pub(super) fn number(&self, page: usize) -> u32 {
        let numbers = self.numbers(page..page + 1).next();
        numbers.map_or(0, |numbers| numbers.start)
    }

    /// Its file.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(
            HEAD + HIGH * self.highs.len() + LOW * self.lows.len() + STRETCH * self.stretches.len(),
        );
        for count in [self.highs.len(), self.lows.len(), self.stretches.len(), 0] {
            bytes.extend_from_slice(&(count as u32).to_le_bytes());
        }
        for high in &self.highs {
            bytes.extend_from_slice(&high.to_le_bytes());
        }
        for (page, low) in &self.lows {
            bytes.extend_from_slice(&page.to_le_bytes());
            bytes.extend_from_slice(&low.to_le_bytes());
        }
        for (page, number) in &self.stretches {
            bytes.extend_from_slice(&page.to_le_bytes());
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// Reads its file, and checks that it does not contradict itself.
    pub(super) fn read(file: &Arc<BlockFile>) -> Result<Self, SetError> {
        let mut reader = BlockReader::new(file.clone());
        let mut head = [0; HEAD];
        reader.read_all(&mut head)?;
        let [pages, lows, stretches, rest] = u32s(&head);
        let counts = [pages, lows, stretches].map(u64::from);
        let bytes = [HIGH, LOW, STRETCH].map(|bytes| bytes as u64);
        let length: u64 = counts
            .iter()
            .zip(bytes)
            .map(|(count, bytes)| count * bytes)
            .sum();
        // Also so that no more memory is taken than the file is long.
        if rest != 0 || file.bytes() != HEAD as u64 + length {
            return Err(contradiction(file.path()));
        }
        let mut index = Index {
            highs: Vec::with_capacity(pages as usize),
            lows: Vec::with_capacity(lows as usize),
            stretches: Vec::with_capacity(stretches as usize),
        };
        each(&mut reader, pages, |high| {
            index.highs.push(u64::from_le_bytes(high))
        })?;
        each(&mut reader, lows, |entry: [u8; LOW]| {
            let [a, b, c, d, low @ ..] = entry;
            let page = u32::from_le_bytes([a, b, c, d]);
            index.lows.push((page, u64::from_le_bytes(low)));
        })?;
        each(&mut reader, stretches, |entry: [u8; STRETCH]| {
            let [page, number] = u32s(&entry);
            index.stretches.push((page, number));
        })?;
        match index.is_possible() {
            true => Ok(index),
            false => Err(contradiction(file.path())),
        }
    }

    /// Whether pages start in order, and every page is in the file once: else one could stand for another.
    fn is_possible(&self) -> bool {
        let pages = self.len();
        let sorted = match self.lows.is_empty() {
            true => self.highs.is_sorted(),
            false => (1..pages).all(|page| self.start(page - 1) <= self.start(page)),
        };
        let lows = self.lows.is_sorted_by(|a, b| a.0 < b.0)
            && (self.lows.iter()).all(|(page, _)| (1..pages).contains(&(*page as usize)));
        let firsts = self.stretches.iter().map(|(page, _)| *page as usize);
        let ends = firsts.clone().skip(1).chain([pages]);
        let lengths = firsts.clone().zip(ends);
        let lengths = lengths.map(|(first, end)| end.saturating_sub(first));
        let numbers = self.stretches.iter().map(|(_, number)| *number as usize);
        let mut places: Vec<(usize, usize)> = numbers.zip(lengths).collect();
        places.sort_unstable();
        let mut next = 0;
        let once = places.iter().all(|(number, length)| {
            let fits = *number == next && *length > 0;
            next += length;
            fits
        });
        sorted && lows && firsts.clone().next().unwrap_or(0) == 0 && once && next == pages
    }
}

/// Reads entries.
fn each<const N: usize>(
    reader: &mut BlockReader,
    count: u32,
    mut entry: impl FnMut([u8; N]),
) -> Result<(), SetError> {
    let mut left = count as usize;
    let mut buffer = vec![[0; N]; left.min(512)];
    while left > 0 {
        let now = left.min(buffer.len());
        reader.read_all(buffer[..now].as_flattened_mut())?;
        buffer[..now].iter().for_each(|bytes| entry(*bytes));
        left -= now;
    }
    Ok(())
}

fn u32s<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let mut numbers = [0; N];
    for (number, bytes) in numbers.iter_mut().zip(bytes.as_chunks().0) {
        *number = u32::from_le_bytes(*bytes);
    }
    numbers
}

fn contradiction(path: &Path) -> SetError {
    SetError::format(path, "contradicts itself")
}
