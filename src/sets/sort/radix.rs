//! Sorting records in memory: most significant bits first.
//!
//! The first words of the records are spread evenly over a known range, so their next bits say where a
//! record belongs, up to a few places. One pass counts, one moves every record to its bucket, and
//! a bucket of a few records is sorted by insertion. Where more buckets would be needed than the cache has
//! lines for, every bucket is divided once more. What is not spread evenly ends in large buckets, which
//! are sorted by comparison.

use std::ops::Range;

use super::Record;

/// Records of a bucket, on average.
const BUCKET: usize = 6;
/// Buckets of one pass, at most (a power of two).
const BUCKETS: usize = 1 << 13;
/// Records that insertion sorts quicker than anything else.
const SMALL: usize = 24;

/// The memory of the sort: one or two records for each to be sorted. It grows as needed.
#[derive(Default)]
pub(super) struct Radix {
    /// Where records may be put that are to be sorted; see [`Radix::room`].
    loaded: Vec<Record>,
    moved: Vec<Record>,
    ends: Vec<u32>,
    inner: Vec<u32>,
}

/// Which bucket a first word belongs to.
#[derive(Clone, Copy)]
struct Digit {
    base: u64,
    shift: u32,
}

impl Digit {
    /// Cuts `base..=last` into up to `wanted` buckets, a power of two; returns how many there are.
    fn new(base: u64, last: u64, wanted: usize) -> (Self, usize) {
        let span = last - base;
        let bits = u64::BITS - span.leading_zeros();
        let shift = bits.saturating_sub(wanted.ilog2()).min(63);
        (Digit { base, shift }, (span >> shift) as usize + 1)
    }

    #[inline]
    fn of(self, record: &Record) -> usize {
        (record.words()[0].wrapping_sub(self.base) >> self.shift) as usize
    }
}

impl Radix {
    /// Room for `records` records to be sorted, whose content does not matter.
    pub(super) fn room(&mut self, records: usize) -> &mut [Record] {
        grow(&mut self.loaded, records)
    }

    /// The records of `chunks`, which are in order, one behind the other.
    pub(super) fn gather(&mut self, chunks: &[Vec<Record>]) -> &mut [Record] {
        let records = chunks.iter().map(Vec::len).sum();
        let (room, mut at) = (grow(&mut self.moved, records), 0);
        for chunk in chunks {
            room[at..at + chunk.len()].copy_from_slice(chunk);
            at += chunk.len();
        }
        room
    }

    /// Gives the memory back.
    pub(super) fn shrink(&mut self) {
        *self = Radix::default();
    }

    /// Sorts the first `loaded` records of the room together with those of `chunks`. The first word of
    /// every record is in `base..=last`.
    pub(super) fn sort(
        &mut self,
        loaded: usize,
        chunks: &[Vec<Record>],
        base: u64,
        last: u64,
    ) -> &mut [Record] {
        let records = loaded + chunks.iter().map(Vec::len).sum::<usize>();
        let wanted = (records / BUCKET).max(1).next_power_of_two();
        // Two passes of alike width, or one.
        let (outer, deep) = match wanted <= BUCKETS {
            true => (wanted, false),
            false => (1 << wanted.ilog2().div_ceil(2).min(BUCKETS.ilog2()), true),
        };
        let (digit, buckets) = Digit::new(base, last, outer);
        let moved = grow(&mut self.moved, records);
        let rest = &self.loaded[..loaded];
        let sources = || chunks.iter().map(Vec::as_slice).chain([rest]);
        scatter(sources, digit, buckets, &mut self.ends, moved);
        if !deep {
            each_bucket(&self.ends, |_, bucket| small(&mut moved[bucket]));
            return &mut self.moved[..records];
        }
        let out = grow(&mut self.loaded, records);
        let inner = &mut self.inner;
        each_bucket(&self.ends, |i, bucket| {
            let first = base + ((i as u64) << digit.shift);
            let end = first.saturating_add((1 << digit.shift) - 1).min(last);
            let wanted = (bucket.len() / BUCKET).max(1).next_power_of_two();
            let (digit, buckets) = Digit::new(first, end, wanted.min(BUCKETS));
            let (from, to) = (&moved[bucket.clone()], &mut out[bucket]);
            scatter(|| [from].into_iter(), digit, buckets, inner, to);
            each_bucket(inner, |_, bucket| small(&mut to[bucket]));
        });
        &mut self.loaded[..records]
    }
}

fn grow(buffer: &mut Vec<Record>, records: usize) -> &mut [Record] {
    if buffer.len() < records {
        buffer.reserve_exact(records - buffer.len());
        buffer.resize(records, Record::default());
    }
    &mut buffer[..records]
}

/// Moves every record to its bucket in `out`; leaves in `ends` where each bucket ends.
fn scatter<'r, I: Iterator<Item = &'r [Record]>>(
    sources: impl Fn() -> I,
    digit: Digit,
    buckets: usize,
    ends: &mut Vec<u32>,
    out: &mut [Record],
) {
    ends.clear();
    ends.resize(buckets, 0);
    for source in sources() {
        for record in source {
            ends[digit.of(record)] += 1;
        }
    }
    let mut start = 0;
    for end in ends.iter_mut() {
        start += std::mem::replace(end, start);
    }
    for source in sources() {
        for record in source {
            let end = &mut ends[digit.of(record)];
            out[*end as usize] = *record;
            *end += 1;
        }
    }
}

fn each_bucket(ends: &[u32], mut each: impl FnMut(usize, Range<usize>)) {
    let mut start = 0;
    for (i, end) in ends.iter().enumerate() {
        let end = *end as usize;
        if end > start {
            each(i, start..end);
        }
        start = end;
    }
}

/// Sorts a bucket.
#[inline]
fn small(records: &mut [Record]) {
    if records.len() > SMALL {
        return records.sort_unstable();
    }
    for i in 1..records.len() {
        let (record, mut at) = (records[i], i);
        while at > 0 && less(&record, &records[at - 1]) {
            records[at] = records[at - 1];
            at -= 1;
        }
        records[at] = record;
    }
}

/// The order of records; their first words nearly always tell.
#[inline]
fn less(a: &Record, b: &Record) -> bool {
    let (a, b) = (a.words(), b.words());
    a[0] < b[0] || (a[0] == b[0] && (a[1], a[2]) < (b[1], b[2]))
}
