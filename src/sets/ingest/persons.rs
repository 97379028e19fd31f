//! A partner's token run: every token once, with its person.
//!
//! Two passes over the sorted tokens. In the first, rows that share a token become one person by
//! union-find, and tokens that were known before say which person that is. In the second, persons get
//! their numbers in the order of their tokens and the run is written: threads sort ahead, one after the
//! other numbers its part, and all write. Where the records are in memory they stay sorted between the
//! passes; else they are sorted again, which costs less than writing and reading them once more.
//!
//! Memory: the budget, of which 4 bytes per row while that is at most three quarters of it (beyond, they
//! are in pages on the disk, which is slow), and 8 bytes per token that was known before.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tamis_keys::envelope::BlockCipher;
use tamis_protocols::intersection::{Numbers, Parents, UnionFind};
use tamis_protocols::wire::batch::UploadKind;

use super::super::block::BlockPlaces;
use super::super::rows::{NOBODY, PERSONS, ROWS_PER_BLOCK};
use super::super::run::{Record, RunWriter};
use super::super::sort::{SortedTokens, Workspace};
use super::paged::PagedParents;
use super::{Files, SealError, SetError, Team};

/// Who was known before: the persons of a set that is extended.
pub(in crate::sets) trait Known: Sync {
    /// The number of the first new person.
    fn next(&self) -> u32;

    /// A look-up for one thread.
    fn lookup(&self) -> Lookup<'_>;
}

/// Finds the persons of records in order: the position of a record, and the person that its token leads
/// to, if it is still there.
pub(in crate::sets) type Lookup<'k> =
    Box<dyn FnMut(&[Record], &mut dyn FnMut(usize, u32)) -> Result<(), SetError> + 'k>;

/// Persons that became one with another: from, to.
pub(in crate::sets) type Aliases = Vec<(u32, u32)>;

/// Who the rows are.
pub(in crate::sets) struct Persons {
    /// New persons.
    pub(in crate::sets) new: u32,
    /// Known persons that became one with another.
    pub(in crate::sets) aliases: Aliases,
}

/// Bytes of parents that are kept in memory, however little there is.
const LEAST: usize = 16 << 10;

/// Writes the run and the persons of `rows` rows. Parents and records together take three quarters of
/// `memory`; the rest is for sorting.
pub(in crate::sets) fn write_persons(
    files: &mut Files<'_>,
    tokens: &SortedTokens,
    rows: u32,
    known: Option<&dyn Known>,
    memory: usize,
    team: &Team<'_>,
) -> Result<Persons, SealError> {
    team.expect(2 * tokens.records() + u64::from(rows));
    let (parents, share) = (4 * rows as usize, memory / 4 * 3);
    tokens.evict(share.saturating_sub(parents))?;
    if parents <= share.max(LEAST) {
        return write(files, tokens, UnionFind::new(rows), rows, known, team);
    }
    let parents = PagedParents::new(files, rows, share)?;
    write(files, tokens, UnionFind::over(parents), rows, known, team)
}

fn write<P: Parents + Send>(
    files: &mut Files<'_>,
    tokens: &SortedTokens,
    union: UnionFind<P>,
    rows: u32,
    known: Option<&dyn Known>,
    team: &Team<'_>,
) -> Result<Persons, SealError>
where
    SealError: From<P::Error>,
{
    let (union, touched) = merge(tokens, union, known, team)?;
    let first = known.map_or(0, Known::next);
    let (numbers, aliases) = settle(union, touched, first)?;
    let run = files.create_run(UploadKind::Graph)?;
    let numbers = number(tokens, numbers, &run, team)?;
    let new = numbers.count() - first;
    let file = files.place(PERSONS, 4 * ROWS_PER_BLOCK, 4 * u64::from(rows))?;
    write_file(&file, numbers, rows, team)?;
    files.close_places(PERSONS, file)?;
    files.close_run(run)?;
    Ok(Persons { new, aliases })
}

/// Rows of tokens that were known before, and their persons.
type Touched = Vec<(u32, u32)>;

/// The first pass: unites rows that share a token.
fn merge<P: Parents + Send>(
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
                let first = slice.records.first();
                if let (Some(before), Some(first)) = (before, first)
                    && before.token() == first.token()
                {
                    same.push((before.owner(), first.owner()));
                }
                let left = compact(slice.records, |a, b| same.push((a, b)));
                before = slice.records[..left].last().copied();
                if let Some(lookup) = &mut lookup {
                    let records = &slice.records[..left];
                    lookup(records, &mut |at, person| {
                        touched.push((records[at].owner(), person));
                    })?;
                }
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                for (a, b) in same.drain(..) {
                    all.0.try_union(a, b)?;
                }
                all.1.append(&mut touched);
                team.step(slice.records.len());
                Ok::<_, SealError>(left)
            })?;
        }
        Ok(())
    })?;
    Ok(all.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Leaves each token once, with the first of its owners and the latest of its days, at the start of
/// `records`; returns how many there are, and tells which owners share one.
fn compact(records: &mut [Record], mut same: impl FnMut(u32, u32)) -> usize {
    let mut left = 0usize;
    for i in 0..records.len() {
        let next = records[i];
        match left.checked_sub(1).map(|last| &mut records[last]) {
            Some(last) if last.token() == next.token() => {
                same(last.owner(), next.owner());
                *last = last.owned(last.owner(), last.day().max(next.day()));
            }
            _ => {
                records[left] = next;
                left += 1;
            }
        }
    }
    left
}

/// Gives rows of known persons their numbers. Of several that turn out to be one person, the smallest
/// stays and the others become aliases of it.
fn settle<P: Parents>(
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

/// The second pass: numbers persons in the order of their tokens, and writes the run.
fn number<P: Parents + Send>(
    tokens: &SortedTokens,
    numbers: Numbers<P>,
    run: &RunWriter,
    team: &Team<'_>,
) -> Result<Numbers<P>, SealError>
where
    SealError: From<P::Error>,
{
    let parts = tokens.parts();
    let turns = Turns::new(numbers);
    team.share(|| {
        let (mut work, mut buffer) = (Workspace::default(), Vec::new());
        let mut gathered = Vec::new();
        while let Some((part, _room)) = parts.next() {
            let mut open: Option<Record> = None;
            tokens.take(part, &mut work, |slice| {
                team.check()?;
                let (read, last) = (slice.records.len(), slice.last);
                let left = compact(slice.records, |_, _| {});
                let mut records = &mut slice.records[..left];
                if open.is_some() || !last {
                    // A token may go on in the next slice.
                    gathered.clear();
                    gathered.extend(open.take());
                    gathered.extend_from_slice(records);
                    let left = compact(&mut gathered, |_, _| {});
                    gathered.truncate(left);
                    open = if last { None } else { gathered.pop() };
                    records = &mut gathered;
                }
                let mut turn = turns.wait(part, team)?;
                assign(&mut turn.1, records)?;
                turn.0 += usize::from(last);
                drop(turn);
                turns.passed.notify_all();
                run.put(records, &mut buffer)?;
                team.step(read);
                Ok::<_, SealError>(())
            })?;
        }
        Ok(())
    })?;
    Ok(turns.into_inner())
}

/// Replaces rows by their persons.
fn assign<P: Parents>(numbers: &mut Numbers<P>, records: &mut [Record]) -> Result<(), P::Error> {
    let mut owners = [0; 128];
    for records in records.chunks_mut(owners.len()) {
        let owners = &mut owners[..records.len()];
        for (owner, record) in owners.iter_mut().zip(&*records) {
            *owner = record.owner();
        }
        numbers.number_all(owners)?;
        for (owner, record) in owners.iter().zip(records) {
            *record = record.owned(*owner, record.day());
        }
    }
    Ok(())
}

/// Something that threads work on one after the other, part by part.
struct Turns<T> {
    /// Whose turn it is.
    state: Mutex<(usize, T)>,
    passed: Condvar,
}

/// How often a thread that waits looks whether it still should.
const LOOK: Duration = Duration::from_millis(50);

impl<T> Turns<T> {
    fn new(state: T) -> Self {
        Turns {
            state: Mutex::new((0, state)),
            passed: Condvar::new(),
        }
    }

    fn wait(&self, part: usize, team: &Team<'_>) -> Result<MutexGuard<'_, (usize, T)>, SealError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.0 != part {
            team.check()?;
            let waited = self.passed.wait_timeout(state, LOOK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(state)
    }

    fn into_inner(self) -> T {
        let state = self.state.into_inner();
        state.unwrap_or_else(PoisonError::into_inner).1
    }
}

/// Writes the person of every row.
fn write_file<P: Parents + Send>(
    file: &BlockPlaces,
    numbers: Numbers<P>,
    rows: u32,
    team: &Team<'_>,
) -> Result<(), SealError>
where
    SealError: From<P::Error>,
{
    let (blocks, numbers) = (Mutex::new(0..file.blocks()), Mutex::new(numbers));
    team.share(|| {
        let mut bytes = Vec::with_capacity(4 * ROWS_PER_BLOCK + BlockCipher::OVERHEAD);
        loop {
            team.check()?;
            let next = blocks.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(block) = next else {
                return Ok(());
            };
            let first = block * ROWS_PER_BLOCK as u64;
            let end = u64::from(rows).min(first + ROWS_PER_BLOCK as u64);
            bytes.clear();
            let mut numbers = numbers.lock().unwrap_or_else(PoisonError::into_inner);
            for row in first as u32..end as u32 {
                let person = numbers.try_known(row)?.unwrap_or(NOBODY);
                bytes.extend_from_slice(&person.to_le_bytes());
            }
            drop(numbers);
            file.put(block, &mut bytes)?;
            team.step((end - first) as usize);
        }
    })
}
