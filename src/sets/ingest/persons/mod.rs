//! A partner's token run: every token once, with its person.
//!
//! Two passes over the sorted tokens. In the first, rows that share a token become one person by
//! union-find, and tokens that were known before say which person that is. In the second, persons get
//! their numbers in the order of their tokens and the run is written: threads sort ahead, one after the
//! other numbers its part, and all write. Where the records are in memory they stay sorted between the
//! passes; else they are sorted again, which costs less than writing and reading them once more.
//!
//! A token of day 0 is of a row that is not let in: it says whom a refresh takes out, makes nobody a person
//! and joins nobody with another.
//!
//! Memory: the budget, of which 4 bytes per row while that is at most three quarters of it (beyond, they
//! are in pages on the disk, and looked at in the order of the rows), and 8 bytes per token that was known
//! before. Where records must make way for parents, the allocator may keep their memory until the job is
//! done: of an upload, whose rows are counted as they come, at most half the budget; where the rows are known
//! before, the buffers of the intakes, an eighth.

mod merge;
mod number;
mod rows;

use tamis_protocols::intersection::{Parents, UnionFind};
use tamis_protocols::wire::batch::UploadKind;

use super::super::rows::{PERSONS, ROWS_PER_BLOCK};
use super::super::run::Record;
use super::super::sort::SortedTokens;
use super::paged::PagedParents;
use super::{Files, MAX_ROWS, SealError, SetError, Team};
pub(super) use merge::let_in;
use merge::{merge, settle};
use number::number;
use rows::write_file;

/// Who was known before: the persons of a set that is extended.
pub(in crate::sets) trait Known: Sync {
    /// The number of the first new person.
    fn next(&self) -> u32;

    /// A look-up for one thread.
    fn lookup(&self) -> Lookup<'_>;
}

/// Is shown records in order, each token once (or, by an advertiser, as often as it is there), and tells the
/// position of a record and the person that its token leads to, if it is still there and the row joins it.
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

/// Bytes that the parents of `rows` rows take.
pub(super) fn parents(rows: u32) -> usize {
    4 * rows as usize
}

/// Bytes of parents that are kept in memory, however little there is.
const LEAST: usize = 16 << 10;

/// Writes the run and the persons of `rows` rows. Parents and records together take three quarters of
/// `memory`, the rest is for sorting; or, if that is too little for the parents, half of it is for sorting,
/// the more at a time.
pub(in crate::sets) fn write_persons(
    files: &mut Files<'_>,
    mut tokens: SortedTokens,
    rows: u32,
    known: Option<&dyn Known>,
    memory: usize,
    team: &Team<'_>,
) -> Result<Persons, SealError> {
    if u64::from(known.map_or(0, Known::next)) + u64::from(rows) > MAX_ROWS {
        let text = "the set would have more persons than one holds (2³¹)";
        return Err(SealError::Refused(text.to_owned()));
    }
    team.expect(2 * tokens.records() + u64::from(rows));
    let (parents, share) = (parents(rows), memory / 4 * 3);
    tokens.evict(share.saturating_sub(parents))?;
    if parents <= share.max(LEAST) {
        return write(files, &tokens, UnionFind::new(rows), rows, known, team);
    }
    tokens.widen(memory / 2);
    let parents = PagedParents::new(files, rows, memory / 8)?;
    write(files, &tokens, UnionFind::over(parents), rows, known, team)
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
    let numbers = number(tokens, numbers, &run, known.is_some(), team)?;
    let new = numbers.count() - first;
    let file = files.place(PERSONS, 4 * ROWS_PER_BLOCK, 4 * u64::from(rows))?;
    write_file(&file, numbers, rows, team)?;
    files.close_places(PERSONS, file)?;
    files.close_run(run)?;
    Ok(Persons { new, aliases })
}
