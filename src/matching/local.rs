//! The engine of one machine.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tamis_protocols::intersection::PersonSet;
use tamis_protocols::wire::batch::UploadKind;

use super::bits::Bits;
use super::marks::Marks;
use super::questions::{AT_ONCE, Prepared, prepare};
use super::threads::share;
use super::walk::{PAGES, Walk};
use super::{Engine, MatchError, MatchPlan, Question, TokenRange};

/// Matches with threads, each taking one range of the token space after the other.
///
/// Memory: per thread 64 pages of every layer; per question 1 bit per person, twice while the answers
/// are compressed; see also [`super::questions`].
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
        let persons = plan.partner.persons();
        let found: Vec<Bits> = questions.iter().map(|_| Bits::new(persons)).collect();
        share(self.threads, ranges.len(), cancel, |pieces| {
            let mut walk = Walk::new(plan, &prepared, Marks::new(&found));
            while let Some(piece) = pieces.take()? {
                walk.range(ranges[piece])?;
                step();
            }
            Ok(())
        })?;
        let answers: Vec<Mutex<PersonSet>> = found.iter().map(|_| Mutex::default()).collect();
        share(self.threads, found.len(), cancel, |pieces| {
            while let Some(question) = pieces.take()? {
                let answer = answer(plan, &prepared, question, &found[question]);
                *answers[question].lock().map_err(|_| MatchError::Thread)? = answer;
            }
            Ok(())
        })?;
        let answers = answers.into_iter().map(Mutex::into_inner);
        answers
            .map(|set| set.map_err(|_| MatchError::Thread))
            .collect()
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
    /// Cuts the token space into ranges, the units of work: each has at most 64 whole pages of any layer.
    pub fn ranges(&self) -> Vec<TokenRange> {
        let layers = (self.advertiser.layers().iter()).chain(self.partner.layers());
        let starts = layers.flat_map(|layer| layer.run().firsts().iter().step_by(PAGES));
        let mut cuts: Vec<u128> = starts.copied().chain([0]).collect();
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

/// Makes one of persons that became one, and leaves out who is gone, suppressed or cannot be reached.
fn answer(plan: &MatchPlan<'_>, prepared: &Prepared, question: usize, found: &Bits) -> PersonSet {
    for (from, to) in plan.partner.aliases() {
        if found.take(*from) {
            found.set(*to);
        }
    }
    plan.partner.gone().iter().for_each(|person| {
        found.take(person);
    });
    let at = prepared.reachable[question].map(|destination| &prepared.at[destination]);
    let words = found.words(|i, word| {
        let reachable = at.map_or(u64::MAX, |at| at.word(i));
        word & reachable & !prepared.suppressed.word(i)
    });
    PersonSet::from_words(&words)
}
