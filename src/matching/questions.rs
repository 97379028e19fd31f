//! What can be decided before the tokens are walked: which classes of rows each question asks about,
//! which persons can be reached where, and who is out.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use roaring::RoaringBitmap;
use tamis_protocols::token::Token;
use tamis_protocols::wire::batch::UploadKind;

use super::bits::Bits;
use super::{MatchError, MatchPlan, Question};
use crate::sets::{
    Finder, Layer, RARE, RESTRICTED, SealedSet, SetError, day_number, is_reserved, usable_at,
};

/// Questions that share one walk.
pub(super) const AT_ONCE: usize = 64;

/// What the walk asks. Memory: 8 bytes per class; where owners were removed or suppressed 1 bit per
/// owner; 1 bit per person and destination; for each rare row, if there are any, 1 bit per row and
/// question.
pub(super) struct Prepared {
    /// Per layer of the advertiser.
    pub(super) masks: Vec<Masks>,
    /// Advertiser rows that are out; `None`: nobody is.
    pub(super) rows_out: Option<Bits>,
    /// Persons that are out; `None`: nobody is.
    pub(super) persons_out: Option<Bits>,
    /// Per question: persons with a valid cookie at its destination; `None` if it has none.
    pub(super) reachable: Vec<Option<usize>>,
    /// The distinct destinations' persons.
    pub(super) at: Vec<Bits>,
    /// The day of the question.
    pub(super) today: u16,
}

impl Prepared {
    /// The questions that a person may be an answer to.
    pub(super) fn open_to(&self, person: u32) -> u64 {
        let out = self.persons_out.as_ref();
        if out.is_some_and(|out| out.get(person)) {
            return 0;
        }
        let reached = |at: &Option<usize>| at.is_none_or(|at| self.at[at].get(person));
        let asked = self.reachable.iter().map(|at| u64::from(reached(at)));
        asked.enumerate().fold(0, |mask, (n, bit)| mask | bit << n)
    }

    /// Clears the bits of persons, the first of them `64 × from`, that cannot be an answer to a question.
    pub(super) fn keep_open(&self, question: usize, from: usize, words: &mut [u64]) {
        if let Some(at) = self.reachable[question] {
            self.at[at].apply(from, words, |word, reached| word & reached);
        }
        if let Some(out) = &self.persons_out {
            out.apply(from, words, |word, out| word & !out);
        }
    }
}

/// Which questions the rows of a layer are asked for: bit `n` is question `n`.
pub(super) struct Masks {
    classes: Vec<u64>,
    rare: Vec<Bits>,
}

impl Masks {
    /// The questions that a row of a class answers to.
    #[inline]
    pub(super) fn of(&self, class: u16, row: u32) -> u64 {
        match self.classes.get(usize::from(class)) {
            Some(mask) => *mask,
            None => self.of_rare(row),
        }
    }

    #[cold]
    fn of_rare(&self, row: u32) -> u64 {
        let asked = self.rare.iter().map(|rows| u64::from(rows.get(row)));
        asked.enumerate().fold(0, |mask, (n, bit)| mask | bit << n)
    }
}

pub(super) fn prepare(
    plan: &MatchPlan<'_>,
    questions: &[Question],
    cancel: &AtomicBool,
) -> Result<Prepared, MatchError> {
    let today = day_number(plan.as_of);
    let (reachable, at) = reachable(plan, questions, today, cancel)?;
    let layers = plan.advertiser.layers().iter();
    Ok(Prepared {
        masks: layers
            .map(|layer| masks(layer, questions))
            .collect::<Result<_, _>>()?,
        rows_out: out(plan.advertiser, plan.suppressed)?,
        persons_out: out(plan.partner, plan.suppressed)?,
        reachable,
        at,
        today,
    })
}

/// Rows of an advertiser or persons of a partner that carry one of the suppressed tokens or were removed,
/// reading only the pages that can hold such a token; `None` if there can be nobody.
fn out(set: &SealedSet, suppressed: &[Token]) -> Result<Option<Bits>, SetError> {
    if suppressed.is_empty() && set.gone().is_empty() {
        return Ok(None);
    }
    let rows = set.kind() == UploadKind::Crm;
    let found = Bits::new(if rows { set.rows() } else { set.persons() });
    for layer in set.layers() {
        let first = if rows { layer.first_row() } else { 0 };
        let mut finder = Finder::new(layer.run());
        for token in suppressed {
            finder.find(u128::from_be_bytes(token.0), |page, at| {
                found.set(first + page.owner(at));
            })?;
        }
    }
    for (from, to) in set.aliases() {
        if found.get(*from) {
            found.set(*to);
        }
    }
    set.gone().iter().for_each(|owner| found.set(owner));
    Ok(Some(found))
}

/// Evaluates the expressions, once per class.
fn masks(layer: &Layer, questions: &[Question]) -> Result<Masks, SetError> {
    let labels: BTreeMap<&str, u16> = (layer.segments().iter().zip(0..))
        .map(|(label, segment)| (label.as_str(), segment))
        .collect();
    // Classes take the place of rows: which of them are in each segment.
    let evaluate = |classes: &[Vec<u16>], mut asked: Box<dyn FnMut(usize, u32) + '_>| {
        let mut within: BTreeMap<u16, RoaringBitmap> = BTreeMap::new();
        for (class, segments) in (0..).zip(classes) {
            for segment in segments {
                within.entry(*segment).or_default().insert(class);
            }
        }
        let all: RoaringBitmap = (0..classes.len() as u32).collect();
        let kept = |label: &str| labels.get(label).and_then(|segment| within.get(segment));
        let segment = |label: &str| kept(label).filter(|_| !is_reserved(label));
        for (n, question) in questions.iter().enumerate() {
            let mut found = question.expression.evaluate(&all, &segment);
            if let (Some(restricted), Some(name)) = (kept(RESTRICTED), &question.destination) {
                // Whatever the expression says: a row is used where its consent names nobody or this one.
                let usable = kept(&usable_at(name));
                found -= usable.map_or_else(|| restricted.clone(), |usable| restricted - usable);
            }
            found.iter().for_each(|class| asked(n, class));
        }
    };
    let classes = layer.classes()?;
    let mut masks = Masks {
        classes: vec![0; classes.len()],
        rare: Vec::new(),
    };
    evaluate(
        &classes,
        Box::new(|n, class| masks.classes[class as usize] |= 1 << n),
    );
    if let Some(mut rows) = layer.rare_rows() {
        masks.rare = questions.iter().map(|_| Bits::new(layer.rows())).collect();
        let (mut numbers, mut combinations) = (Vec::new(), Vec::new());
        loop {
            let next = rows.next()?;
            let done = next.is_none();
            if let Some((row, segments)) = next {
                numbers.push(row);
                combinations.push(segments.to_vec());
            }
            if done || numbers.len() == usize::from(RARE) {
                let rare = &masks.rare;
                evaluate(
                    &combinations,
                    Box::new(|n, i| rare[n].set(numbers[i as usize])),
                );
                numbers.clear();
                combinations.clear();
            }
            if done {
                break;
            }
        }
    }
    Ok(masks)
}

/// Persons with a cookie on a valid row, per distinct destination, and which of these each question
/// needs. A destination that the set does not serve has nobody.
fn reachable(
    plan: &MatchPlan<'_>,
    questions: &[Question],
    today: u16,
    cancel: &AtomicBool,
) -> Result<(Vec<Option<usize>>, Vec<Bits>), MatchError> {
    let mut names: Vec<&str> = Vec::new();
    let mut needed = Vec::with_capacity(questions.len());
    for question in questions {
        needed.push(question.destination.as_deref().map(|name| {
            let known = names.iter().position(|known| *known == name);
            known.unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            })
        }));
    }
    let at: Vec<Bits> = (names.iter())
        .map(|_| Bits::new(plan.partner.persons()))
        .collect();
    for layer in plan.partner.layers() {
        let positions = names.iter().map(|name| layer.destination(name));
        let served: Vec<(usize, &Bits)> = (positions.zip(&at))
            .filter_map(|(position, persons)| Some((position?, persons)))
            .collect();
        if served.is_empty() {
            continue;
        }
        let mut walk = layer.walk_rows()?;
        while let Some(block) = walk.next()? {
            if cancel.load(Ordering::Relaxed) {
                return Err(MatchError::Cancelled);
            }
            for i in (0..block.len()).filter(|i| block.day(*i) >= today) {
                for (position, persons) in &served {
                    if block.has_cookie(i, *position) {
                        persons.set(block.person(i));
                    }
                }
            }
        }
    }
    for (from, to) in plan.partner.aliases() {
        for persons in at.iter().filter(|persons| persons.get(*from)) {
            persons.set(*to);
        }
    }
    Ok((needed, at))
}
