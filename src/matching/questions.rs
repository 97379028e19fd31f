//! What can be decided before the tokens are walked: which rows each question asks about, which
//! persons can be reached where, and who is suppressed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use roaring::RoaringBitmap;
use tamis_protocols::intersection::merge_runs;
use tamis_protocols::token::Token;

use super::bits::Bits;
use super::{MatchError, MatchPlan};
use crate::sets::{GROUP, SealedSet, SetError, TokenCursor, day_number};

/// Rows and persons that matter. Memory: 1 bit per advertiser row and question, 1 bit per person and
/// destination, 1 bit per row and person for suppression.
pub(super) struct Prepared {
    /// Per question: rows that are valid, not suppressed, and satisfy the expression.
    pub(super) rows: Vec<Bits>,
    /// Per question: persons with a valid cookie at its destination; `None` if it has none.
    pub(super) reachable: Vec<Option<usize>>,
    /// The distinct destinations' persons.
    pub(super) at: Vec<Bits>,
    /// Persons with a suppressed token.
    pub(super) suppressed: Bits,
    /// The day of the question.
    pub(super) today: u16,
}

pub(super) fn prepare(plan: &MatchPlan<'_>, cancel: &AtomicBool) -> Result<Prepared, MatchError> {
    let today = day_number(plan.as_of);
    let suppressed_rows = owners(plan.advertiser, plan.suppressed)?;
    let suppressed = owners(plan.partner, plan.suppressed)?;
    let rows = rows(plan, &suppressed_rows, today, cancel)?;
    let (reachable, at) = reachable(plan, today, cancel)?;
    Ok(Prepared {
        rows,
        reachable,
        at,
        suppressed,
        today,
    })
}

/// Rows or persons that carry one of `tokens`, reading only the blocks that can hold one.
fn owners(set: &SealedSet, tokens: &[Token]) -> Result<Bits, SetError> {
    let found = Bits::new(set.rows());
    let mut cursor = TokenCursor::new(set.tokens(), 0, None);
    for window in tokens.chunks(1024) {
        let wanted: Vec<[u8; 16]> = window.iter().map(|token| token.0).collect();
        let mut at = 0;
        while let Some(next) = wanted.get(at) {
            cursor.seek(u128::from_be_bytes(*next));
            let Some(block) = cursor.window()? else {
                return Ok(found);
            };
            let used = merge_runs(block.tokens, &wanted[at..], |i, _| {
                found.set(u32::from_le_bytes(block.owners[i]));
            });
            cursor.advance(used.left);
            at += used.right;
        }
    }
    Ok(found)
}

/// Evaluates the expressions, one group of 65,536 rows after the other.
fn rows(
    plan: &MatchPlan<'_>,
    suppressed: &Bits,
    today: u16,
    cancel: &AtomicBool,
) -> Result<Vec<Bits>, MatchError> {
    let set = plan.advertiser;
    let wanted: Vec<Bits> = (plan.questions.iter())
        .map(|_| Bits::new(set.rows()))
        .collect();
    let labels: BTreeMap<&str, u16> = (set.segments().iter().zip(0..))
        .map(|(label, segment)| (label.as_str(), segment))
        .collect();
    let mut segments = set.walk_segments()?;
    let mut walk = set.walk_rows()?;
    let mut live = RoaringBitmap::new();
    while let Some(block) = walk.next()? {
        for i in 0..block.len() {
            let row = block.first + i as u32;
            if block.day(i) >= today && !suppressed.get(row) {
                live.insert(row % GROUP);
            }
        }
        let end = block.first + block.len() as u32;
        if !end.is_multiple_of(GROUP) && end != set.rows() {
            continue;
        }
        if cancel.load(Ordering::Relaxed) {
            return Err(MatchError::Cancelled);
        }
        let base = (end - 1) / GROUP * GROUP;
        let group = segments.next()?;
        let segment = |label: &str| labels.get(label).and_then(|segment| group.get(segment));
        for (question, bits) in plan.questions.iter().zip(&wanted) {
            let rows = question.expression.evaluate(&live, &segment);
            rows.iter().for_each(|row| bits.set(base + row));
        }
        live.clear();
    }
    Ok(wanted)
}

/// Persons with a cookie on a valid row, per distinct destination, and which of these each question
/// needs. A destination that the set does not serve has nobody.
fn reachable(
    plan: &MatchPlan<'_>,
    today: u16,
    cancel: &AtomicBool,
) -> Result<(Vec<Option<usize>>, Vec<Bits>), MatchError> {
    let set = plan.partner;
    let mut names: Vec<&str> = Vec::new();
    let mut needed = Vec::with_capacity(plan.questions.len());
    for question in &plan.questions {
        needed.push(question.destination.as_deref().map(|name| {
            names
                .iter()
                .position(|known| *known == name)
                .unwrap_or_else(|| {
                    names.push(name);
                    names.len() - 1
                })
        }));
    }
    let positions: Vec<Option<usize>> = names.iter().map(|name| set.destination(name)).collect();
    let at: Vec<Bits> = names.iter().map(|_| Bits::new(set.persons())).collect();
    if at.is_empty() {
        return Ok((needed, at));
    }
    let mut walk = set.walk_rows()?;
    while let Some(block) = walk.next()? {
        if cancel.load(Ordering::Relaxed) {
            return Err(MatchError::Cancelled);
        }
        for i in 0..block.len() {
            if block.day(i) < today {
                continue;
            }
            for (position, persons) in positions.iter().zip(&at) {
                if position.is_some_and(|position| block.has_cookie(i, position)) {
                    persons.set(block.person(i));
                }
            }
        }
    }
    Ok((needed, at))
}
