//! The engine of one machine.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use tamis_protocols::intersection::{PersonSet, merge_runs};
use tamis_protocols::wire::batch::UploadKind;

use super::bits::Bits;
use super::questions::{Prepared, prepare};
use super::{Engine, MatchError, MatchPlan};
use crate::sets::TokenCursor;

/// Ranges of the token space per thread, so that no thread waits long for another.
const RANGES_PER_THREAD: usize = 8;

/// Matches with threads, each taking one range of the token space after the other.
///
/// Memory: per thread one block of either set; per question 1 bit per advertiser row and 1 bit per
/// person; per destination asked for 1 bit per person; see also [`super::questions`].
pub struct LocalEngine {
    threads: usize,
}

impl LocalEngine {
    /// An engine with `threads` threads, at least one.
    pub fn new(threads: usize) -> Self {
        LocalEngine {
            threads: threads.max(1),
        }
    }
}

impl Default for LocalEngine {
    /// Two threads.
    fn default() -> Self {
        LocalEngine::new(2)
    }
}

impl Engine for LocalEngine {
    fn evaluate(
        &self,
        plan: &MatchPlan<'_>,
        cancel: &AtomicBool,
    ) -> Result<Vec<PersonSet>, MatchError> {
        check(plan)?;
        let prepared = prepare(plan, cancel)?;
        let persons = plan.partner.persons();
        let found: Vec<Bits> = plan.questions.iter().map(|_| Bits::new(persons)).collect();
        let ranges = ranges(plan, self.threads * RANGES_PER_THREAD);
        let next = AtomicUsize::new(0);
        let failed = AtomicBool::new(false);
        let work = || {
            while let Some((from, to)) = ranges.get(next.fetch_add(1, Ordering::Relaxed)) {
                let stop = || cancel.load(Ordering::Relaxed) || failed.load(Ordering::Relaxed);
                let done = walk(plan, &prepared, &found, *from, *to, &stop);
                if done.is_err() {
                    failed.store(true, Ordering::Relaxed);
                    return done;
                }
            }
            Ok(())
        };
        let results: Vec<Result<(), MatchError>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..self.threads).map(|_| scope.spawn(work)).collect();
            let joined = threads.into_iter().map(|thread| thread.join());
            joined
                .map(|result| result.unwrap_or(Err(MatchError::Thread)))
                .collect()
        });
        // The cause first: threads that stopped because another failed say only "cancelled".
        let mut outcome = Ok(());
        for result in results {
            outcome = match (outcome, result) {
                (Ok(()), result) | (Err(MatchError::Cancelled), result @ Err(_)) => result,
                (earlier, _) => earlier,
            };
        }
        outcome?;
        Ok(found
            .iter()
            .enumerate()
            .map(|(question, bits)| answer(&prepared, question, bits))
            .collect())
    }
}

fn check(plan: &MatchPlan<'_>) -> Result<(), MatchError> {
    let (advertiser, partner) = (plan.advertiser, plan.partner);
    if advertiser.kind() != UploadKind::Crm || partner.kind() != UploadKind::Graph {
        return Err(MatchError::Plan("one must be a crm and the other a graph"));
    }
    if advertiser.collaboration() != partner.collaboration() {
        return Err(MatchError::Plan("they belong to different collaborations"));
    }
    if advertiser.epoch() != partner.epoch() {
        return Err(MatchError::Plan("their tokens are of different epochs"));
    }
    if !plan.suppressed.is_sorted() {
        return Err(MatchError::Plan("the suppressed tokens are not in order"));
    }
    Ok(())
}

/// Cuts the token space where the blocks of the larger run start, in about equal shares.
fn ranges(plan: &MatchPlan<'_>, count: usize) -> Vec<(u128, Option<u128>)> {
    let (left, right) = (
        plan.advertiser.tokens().firsts(),
        plan.partner.tokens().firsts(),
    );
    let firsts = if left.len() > right.len() {
        left
    } else {
        right
    };
    let mut cuts: Vec<u128> = (1..count)
        .filter_map(|i| firsts.get(firsts.len() * i / count).copied())
        .collect();
    cuts.dedup();
    cuts.retain(|cut| *cut != 0);
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    let ends = cuts.iter().copied().map(Some).chain([None]);
    starts.zip(ends).collect()
}

/// Walks both runs over one range and notes every person found.
fn walk(
    plan: &MatchPlan<'_>,
    prepared: &Prepared,
    found: &[Bits],
    from: u128,
    to: Option<u128>,
    stop: &dyn Fn() -> bool,
) -> Result<(), MatchError> {
    let mut left = TokenCursor::new(plan.advertiser.tokens(), from, to);
    let mut right = TokenCursor::new(plan.partner.tokens(), from, to);
    loop {
        if stop() {
            return Err(MatchError::Cancelled);
        }
        let (Some(rows), Some(persons)) = (left.window()?, right.window()?) else {
            return Ok(());
        };
        let used = merge_runs(rows.tokens, persons.tokens, |i, j| {
            // The token must stand on a row of the person that is still valid.
            if u16::from_le_bytes(persons.days[j]) < prepared.today {
                return;
            }
            let row = u32::from_le_bytes(rows.owners[i]);
            let person = u32::from_le_bytes(persons.owners[j]);
            for (asked, found) in prepared.rows.iter().zip(found) {
                if asked.get(row) {
                    found.set(person);
                }
            }
        });
        left.advance(used.left);
        right.advance(used.right);
    }
}

/// Leaves out who is suppressed or cannot be reached.
fn answer(prepared: &Prepared, question: usize, found: &Bits) -> PersonSet {
    let at = prepared.reachable[question].map(|destination| &prepared.at[destination]);
    let words = found.words(|i, word| {
        let reachable = at.map_or(u64::MAX, |at| at.word(i));
        word & reachable & !prepared.suppressed.word(i)
    });
    PersonSet::from_words(&words)
}
