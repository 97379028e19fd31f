//! The engine of one machine.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tamis_protocols::intersection::PersonSet;
use tamis_protocols::wire::batch::UploadKind;

use super::answers::answers;
use super::found::{Found, Marks};
use super::questions::{AT_ONCE, prepare};
use super::threads::share;
use super::walk::{PAGES, Walk};
use super::{Engine, MatchError, MatchPlan, Question, TokenRange};

/// Ranges that one thread takes at once, at most: where one ends in the middle of a page, the next goes on
/// there.
const TOGETHER: usize = 32;
/// Pieces for a thread at least, so that all end at about the same time.
const PIECES: usize = 8;

/// Matches with threads, each taking some ranges of the token space after the other.
///
/// Memory: per thread 32 pages of every layer; what is found, and the answers, both at most 1 bit per person
/// and question; see also [`super::found`] and [`super::questions`].
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

    /// Answers the questions as far as the tokens of some ranges tell. The answers of ranges that
    /// together are the whole token space, united, are the answers of the plan.
    ///
    /// # Errors
    /// [`MatchError`]; never a partial answer.
    pub fn evaluate_ranges(
        &self,
        plan: &MatchPlan<'_>,
        ranges: &[TokenRange],
        cancel: &AtomicBool,
    ) -> Result<Vec<PersonSet>, MatchError> {
        check(plan)?;
        let walks = plan.questions.len().div_ceil(AT_ONCE) * ranges.len();
        let done = AtomicUsize::new(0);
        let step = || {
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            (plan.progress)(done as f64 / walks as f64);
        };
        let mut answers = Vec::with_capacity(plan.questions.len());
        for questions in plan.questions.chunks(AT_ONCE) {
            answers.extend(self.walk(plan, questions, ranges, &step, cancel)?);
        }
        Ok(answers)
    }

    fn walk(
        &self,
        plan: &MatchPlan<'_>,
        questions: &[Question],
        ranges: &[TokenRange],
        step: &(dyn Fn() + Sync),
        cancel: &AtomicBool,
    ) -> Result<Vec<PersonSet>, MatchError> {
        let prepared = prepare(plan, questions, cancel)?;
        let found = Found::new(plan.partner.persons(), questions.len());
        let together = ranges.len() / (self.threads * PIECES);
        let pieces: Vec<&[TokenRange]> = ranges.chunks(together.clamp(1, TOGETHER)).collect();
        share(self.threads, pieces.len(), cancel, |taken| {
            let mut walk = Walk::new(plan, &prepared, Marks::new(&found));
            while let Some(piece) = taken.take()? {
                for range in pieces[piece] {
                    walk.range(*range)?;
                    step();
                }
            }
            Ok(())
        })?;
        let chunks = found.settle(plan.partner.aliases());
        answers(&prepared, questions.len(), &chunks, self.threads, cancel)
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
        self.evaluate_ranges(plan, &plan.ranges(), cancel)
    }
}

impl MatchPlan<'_> {
    /// Cuts the token space into ranges, the units of work: each has at most 32 whole pages of any layer.
    pub fn ranges(&self) -> Vec<TokenRange> {
        let layers = (self.advertiser.layers().iter()).chain(self.partner.layers());
        let indexes = layers.map(|layer| layer.run().index());
        let starts = indexes.flat_map(|index| {
            let pages = (0..index.len()).step_by(PAGES);
            pages.filter_map(|page| index.start(page))
        });
        let mut cuts: Vec<u128> = starts.chain([0]).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let ends = cuts.iter().skip(1).copied().map(Some).chain([None]);
        let ranges = cuts.iter().zip(ends);
        ranges
            .map(|(from, to)| TokenRange { from: *from, to })
            .collect()
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
