//! The second pass: persons get their numbers, in the order of their tokens.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tamis_protocols::intersection::{Numbers, Parents};

use super::super::super::run::{Record, RunWriter};
use super::super::super::sort::{SortedTokens, Workspace};
use super::super::{SealError, Team};
use super::merge::{compact, let_in};

/// Numbers persons and writes the run. Of a `delta`, some tokens may be of rows that are not let in.
pub(super) fn number<P: Parents + Send>(
    tokens: &SortedTokens,
    numbers: Numbers<P>,
    run: &RunWriter,
    delta: bool,
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
                let mut records = slice.records;
                if !slice.left {
                    let left = compact(records, |_, _| {});
                    records = &mut records[..left];
                }
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
                if delta && !slice.left {
                    let kept = let_in(records);
                    records = &mut records[..kept];
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
    if P::FAR {
        let mut owners: Vec<u32> = records.iter().map(|record| record.owner()).collect();
        numbers.number_far(&mut owners)?;
        for (owner, record) in owners.iter().zip(records) {
            *record = record.owned(*owner, record.day());
        }
        return Ok(());
    }
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
