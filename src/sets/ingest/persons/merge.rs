//! The first pass: rows that share a token become one person.

use std::sync::{Mutex, PoisonError};

use tamis_protocols::intersection::{Numbers, Parents, UnionFind};

use super::super::super::run::Record;
use super::super::super::sort::{SortedTokens, Workspace};
use super::super::{SealError, Team};
use super::{Aliases, Known};

/// Pairs of rows that are united at a time where parents are far away, of 32 bytes each.
const PAIRS: usize = 1 << 19;

/// Rows of tokens that were known before, and their persons.
pub(super) type Touched = Vec<(u32, u32)>;

/// The first pass: unites rows that share a token.
pub(super) fn merge<P: Parents + Send>(
    tokens: &SortedTokens,
    union: UnionFind<P>,
    known: Option<&dyn Known>,
    team: &Team<'_>,
) -> Result<(UnionFind<P>, Touched), SealError>
where
    SealError: From<P::Error>,
{
    let parts = tokens.parts();
    let all = Mutex::new((union, Touched::new()));
    team.share(|| {
        let mut work = Workspace::default();
        let mut lookup = known.map(Known::lookup);
        let (mut same, mut touched) = (Vec::new(), Vec::new());
        while let Some((part, _room)) = parts.next() {
            let mut before: Option<Record> = None;
            tokens.peek(part, &mut work, |slice| {
                team.check()?;
                let mut left = compact(slice.records, |a, b| same.push((a, b)));
                before = follow(before, &slice.records[..left], |a, b| same.push((a, b)));
                if let Some(lookup) = &mut lookup {
                    let records = &slice.records[..left];
                    lookup(records, &mut |at, person| {
                        touched.push((records[at].owner(), person));
                    })?;
                    left = let_in(&mut slice.records[..left]);
                }
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                all.1.append(&mut touched);
                if !P::FAR {
                    for (a, b) in same.drain(..) {
                        all.0.try_union(a, b)?;
                    }
                } else if same.len() >= PAIRS {
                    unite(&mut all.0, &mut same)?;
                }
                drop(all);
                team.step(slice.records.len());
                Ok::<_, SealError>(left)
            })?;
        }
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(unite(&mut all.0, &mut same)?)
    })?;
    Ok(all.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Unites pairs whose parents are far away.
fn unite<P: Parents>(union: &mut UnionFind<P>, same: &mut Vec<(u32, u32)>) -> Result<(), P::Error> {
    for pairs in same.chunks(PAIRS) {
        union.union_all(pairs)?;
    }
    same.clear();
    Ok(())
}

/// The last record of a slice, whose token may go on in the next: with an owner that is let in, if it has
/// one. Tells who has the first token as well as the last one of the slice before.
fn follow(
    before: Option<Record>,
    records: &[Record],
    mut same: impl FnMut(u32, u32),
) -> Option<Record> {
    let (Some(first), Some(last)) = (records.first(), records.last()) else {
        return before;
    };
    let Some(before) = before.filter(|before| before.token() == first.token() && before.day() > 0)
    else {
        return Some(*last);
    };
    if first.day() > 0 {
        same(before.owner(), first.owner());
    }
    Some(match last.day() == 0 && last.token() == before.token() {
        true => before,
        false => *last,
    })
}

/// Leaves each token once, with the first of its owners that are let in and the latest of its days, at the
/// start of `records`; returns how many there are, and tells which owners share one.
pub(super) fn compact(records: &mut [Record], mut same: impl FnMut(u32, u32)) -> usize {
    let mut left = 0usize;
    for i in 0..records.len() {
        let next = records[i];
        match left.checked_sub(1).map(|last| &mut records[last]) {
            Some(last) if last.token() == next.token() => {
                if last.day() == 0 {
                    *last = next;
                } else if next.day() > 0 {
                    same(last.owner(), next.owner());
                    *last = last.owned(last.owner(), last.day().max(next.day()));
                }
            }
            _ => {
                records[left] = next;
                left += 1;
            }
        }
    }
    left
}

/// Leaves the records of rows that are let in at the start, in order; returns how many they are.
pub(in crate::sets::ingest) fn let_in(records: &mut [Record]) -> usize {
    let mut left = 0;
    for i in 0..records.len() {
        records[left] = records[i];
        left += usize::from(records[i].day() > 0);
    }
    left
}

/// Gives rows of known persons their numbers. Of several that turn out to be one person, the smallest
/// stays and the others become aliases of it.
pub(super) fn settle<P: Parents>(
    mut union: UnionFind<P>,
    mut touched: Touched,
    first: u32,
) -> Result<(Numbers<P>, Aliases), P::Error> {
    touched.sort_unstable_by_key(|(row, person)| (*person, *row));
    for pair in touched.windows(2) {
        if pair[0].1 == pair[1].1 {
            union.try_union(pair[0].0, pair[1].0)?;
        }
    }
    touched.dedup_by_key(|(_, person)| *person);
    let (mut numbers, mut aliases) = (union.into_numbers_from(first), Vec::new());
    for (row, person) in touched {
        let now = numbers.settle(row, person)?;
        if now != person {
            aliases.push((person, now));
        }
    }
    Ok((numbers, aliases))
}
