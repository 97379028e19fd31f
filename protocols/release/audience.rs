//! Deciding an audience: which cells and pieces of cells go to the destination, and how many persons
//! that is.
//!
//! Flow: hold-out apart, the hits are counted cell by cell; each cell that they touch gets a verdict from
//! noisy sizes (`verdict.rs`); what the verdicts let through is emitted, and counted, with noise.
//!
//! Invariant: every Boolean combination of what was emitted is empty or has at least `cell_min` persons,
//! because both pieces of a cut cell have. Withdrawals come later, and may shrink a cell; it then is too
//! small to be cut, or emitted, again.
//!
//! The same work is done whatever comes of it: the same draws, the same passes over the hits and what was
//! there before, for every cell that could lose some hits a choice of which.
//!
//! Memory: 40 bytes a cell, and what is chosen of each. Time: proportional to hits, what was there before,
//! and cells.

use super::verdict::Verdict;
use super::{Cells, Choice, Decision, Emitted, Noise, Policy};
use crate::intersection::PersonSet;

/// What is asked of the gate.
pub struct Ask<'a> {
    /// Who satisfies the expression and has a live cookie at the destination.
    pub hits: &'a PersonSet,
    /// What the destination has of this audience, as part of what the cells were refined by.
    pub previous: Option<&'a Emitted>,
    /// A share that is kept back for comparison.
    pub holdout: Option<Holdout<'a>>,
}

/// A hold-out: control members are never delivered.
pub struct Holdout<'a> {
    /// Share of the hits in percent, 1 to 50.
    pub percent: u8,
    /// Who was chosen in earlier decisions of this audience: they stay chosen.
    pub earlier: Option<&'a Emitted>,
}

/// What the gate says to one question.
pub struct Outcome {
    /// What may be told.
    pub decision: Decision,
    /// Of the control group, if there is one.
    pub control: Option<Decision>,
    /// Who may be delivered; nobody unless released.
    pub emitted: Emitted,
    /// Who is chosen for control, from now on; unless released, who was before.
    pub chosen: Emitted,
}

impl Policy {
    /// Decides about one audience at one destination. `choice` is one of its own for each decision,
    /// `cells` are refined by everything that the destination may know.
    pub fn release(
        &self,
        cells: &Cells,
        ask: &Ask<'_>,
        choice: &Choice,
        noise: &dyn Noise,
    ) -> Outcome {
        let (hits, chosen) = divide(ask, choice);
        let touched = Touched::by(&hits, cells);
        let mut fates = self.fates(&touched, cells, ask.previous, choice, noise);
        let emitted = emit(cells, &hits, ask.previous, &mut fates);
        let decision = self.count(&emitted.cardinality(), noise);
        let chosen = chosen.filtered(|person| !emitted.contains(person));
        let control = ask.holdout.as_ref().map(|_| {
            // Comparable are those whose cell was delivered, now or when they were chosen: since then they are
            // in another cell than who was delivered.
            let earlier = ask.holdout.as_ref().and_then(|holdout| holdout.earlier);
            let comparable = chosen.filtered(|person| {
                let before = earlier.is_some_and(|earlier| earlier.persons().contains(person));
                let delivered = |cell: usize| before || fates[cell].verdict != Verdict::Nobody;
                ask.hits.contains(person) && cells.of(person).is_some_and(delivered)
            });
            self.count(&comparable.cardinality(), noise)
        });
        let both = decision.is_released() && control.is_none_or(|control| control.is_released());
        if both {
            return Outcome {
                decision,
                control,
                emitted: Emitted::new(emitted),
                chosen: Emitted::new(chosen),
            };
        }
        let earlier = ask.holdout.as_ref().and_then(|holdout| holdout.earlier);
        Outcome {
            decision: Decision::BelowMinimum,
            control: control.map(|_| Decision::BelowMinimum),
            emitted: Emitted::nobody(),
            chosen: earlier.cloned().unwrap_or_else(Emitted::nobody),
        }
    }

    /// What happens to each cell. Draws are made for touched cells only, two for each, in the order of
    /// their lowest hits.
    fn fates(
        &self,
        touched: &Touched,
        cells: &Cells,
        previous: Option<&Emitted>,
        choice: &Choice,
        noise: &dyn Noise,
    ) -> Vec<Fate> {
        let known = previous.map(|previous| Touched::by(previous.persons(), cells).hits);
        let mut fates = vec![Fate::NOTHING; cells.count()];
        for (cell, first) in &touched.order {
            let (hits, size) = (touched.hits[*cell], cells.size(*cell));
            let draws = [(); 2].map(|()| noise.discrete_laplace(self.noise_scale()));
            let known = known.as_ref().map(|known| known[*cell] == size);
            let verdict = self.verdict(hits, size, known, draws);
            let mut held = Vec::new();
            if self.spares(hits, draws[0]) {
                // Chosen before it is known whether, and how many, are to be held back.
                held = choice.positions(*first, hits, self.piece().min(hits));
                if let Verdict::Without(count) = verdict {
                    held.truncate(count as usize);
                }
                held.sort_unstable_by(|one, other| other.cmp(one));
            }
            fates[*cell] = Fate {
                verdict,
                keeps: matches!(verdict, Verdict::Hits | Verdict::Without(_)),
                holds: matches!(verdict, Verdict::Without(_)),
                seen: 0,
                next: held.pop().unwrap_or(NEVER),
                held,
            };
        }
        fates
    }
}

/// No position: a cell has fewer hits.
const NEVER: u32 = u32::MAX;

/// What happens to a cell, and how far that has come.
#[derive(Clone)]
struct Fate {
    verdict: Verdict,
    /// Whether hits are emitted.
    keeps: bool,
    /// But for those chosen to be held back.
    holds: bool,
    /// Hits of the cell so far.
    seen: u32,
    /// The next position to be held back, if the verdict is to hold back.
    next: u32,
    /// Those after it, descending.
    held: Vec<u32>,
}

impl Fate {
    const NOTHING: Fate = Fate {
        verdict: Verdict::Nobody,
        keeps: false,
        holds: false,
        seen: 0,
        next: NEVER,
        held: Vec::new(),
    };

    /// Whether the next hit of the cell is emitted.
    fn emits(&mut self) -> bool {
        let at = self.seen;
        self.seen += 1;
        let chosen = at == self.next;
        if chosen {
            self.next = self.held.pop().unwrap_or(NEVER);
        }
        self.keeps & !(self.holds & chosen)
    }
}

/// The cells that some persons are in.
struct Touched {
    /// By cell: how many of the persons.
    hits: Vec<u32>,
    /// The cells that have any, each with the lowest person, in the order of these.
    order: Vec<(usize, u32)>,
}

impl Touched {
    fn by(persons: &PersonSet, cells: &Cells) -> Touched {
        let mut touched = Touched {
            hits: vec![0; cells.count()],
            order: Vec::new(),
        };
        persons.visit(|person| {
            if let Some(cell) = cells.of(person) {
                if touched.hits[cell] == 0 {
                    touched.order.push((cell, person));
                }
                touched.hits[cell] += 1;
            }
        });
        touched
    }
}

/// The hits that may be delivered, and everybody who is chosen for control.
fn divide(ask: &Ask<'_>, choice: &Choice) -> (PersonSet, PersonSet) {
    let Some(holdout) = &ask.holdout else {
        return (ask.hits.clone(), PersonSet::new());
    };
    let mut chosen = choice.share(ask.hits, holdout.percent.min(50));
    if let Some(earlier) = holdout.earlier {
        // Whoever the destination has was not chosen then, and is not now.
        if let Some(before) = ask.previous {
            chosen = chosen.without(before.persons());
        }
        chosen.union_with(earlier.persons().clone());
    }
    (ask.hits.without(&chosen), chosen)
}

/// Everybody who is emitted.
fn emit(
    cells: &Cells,
    hits: &PersonSet,
    previous: Option<&Emitted>,
    fates: &mut [Fate],
) -> PersonSet {
    let mut emitted = hits.filtered(|person| match cells.of(person) {
        Some(cell) => fates[cell].emits(),
        None => false,
    });
    if let Some(previous) = previous {
        let kept = previous.persons().filtered(|person| {
            let cell = cells.of(person);
            cell.is_some_and(|cell| fates[cell].verdict == Verdict::AsBefore)
        });
        emitted.union_with(kept);
    }
    emitted
}
