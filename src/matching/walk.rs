//! One thread's walk over ranges of the token space.
//!
//! In a range every layer of one side meets every layer of the other, on pages that are read once. Where
//! both have about as many tokens they are merged; where one has few, each of its tokens is looked up in
//! the pages of the other that can hold it, and the rest is not even read.

use tamis_protocols::intersection::{Hits, merge};

use super::found::Marks;
use super::questions::Prepared;
use super::{MatchError, MatchPlan, TokenRange};
use crate::sets::{Layer, PageView, Window};

/// Pages of one layer that are looked at together; a range has no more of any partner's layer. So few that
/// those of both sides stay in the cache of a core between being read, opened and merged.
pub(super) const PAGES: usize = 32;
/// So few pages that counting their tokens is worth while.
const FEW: usize = 4;
/// Looking a token up costs about as much as merging this part of a page.
const PER_LOOKUP: usize = 8;

/// A walk. Memory: per layer of either side 32 pages, 0.2 MiB.
pub(super) struct Walk<'a> {
    prepared: &'a Prepared,
    rows: Vec<Side<'a>>,
    persons: Vec<Side<'a>>,
    notes: Notes<'a>,
}

struct Side<'a> {
    layer: &'a Layer,
    window: Window<'a>,
}

/// Where hits go.
struct Notes<'a> {
    marks: Marks<'a>,
    hits: Hits,
}

impl<'a> Walk<'a> {
    pub(super) fn new(plan: &MatchPlan<'a>, prepared: &'a Prepared, marks: Marks<'a>) -> Self {
        let side = |layer: &'a Layer| Side {
            layer,
            window: Window::new(layer.run()),
        };
        Walk {
            prepared,
            rows: plan.advertiser.layers().iter().map(side).collect(),
            persons: plan.partner.layers().iter().map(side).collect(),
            notes: Notes {
                marks,
                hits: Hits::default(),
            },
        }
    }

    /// Notes everybody who is found in `range`.
    pub(super) fn range(&mut self, range: TokenRange) -> Result<(), MatchError> {
        for side in &mut self.persons {
            side.window
                .aim(side.layer.run().index().pages(range.from, range.to));
        }
        for (at, side) in self.rows.iter_mut().enumerate() {
            let pages = side.layer.run().index().pages(range.from, range.to);
            // One token may fill any number of an advertiser's pages.
            for start in pages.clone().step_by(PAGES) {
                side.window.aim(start..pages.end.min(start + PAGES));
                for persons in &mut self.persons {
                    let judge = Judge {
                        prepared: self.prepared,
                        layer: at,
                        first_row: side.layer.first_row(),
                    };
                    meet(
                        &judge,
                        &mut side.window,
                        &mut persons.window,
                        range,
                        &mut self.notes,
                    )?;
                }
            }
        }
        Ok(())
    }
}

/// Merges two windows, or looks the tokens of one up in the other.
fn meet(
    judge: &Judge<'_>,
    rows: &mut Window<'_>,
    persons: &mut Window<'_>,
    range: TokenRange,
    notes: &mut Notes<'_>,
) -> Result<(), MatchError> {
    if sparse(rows, persons.len(), range)? {
        return lookup(rows, persons, range, |page, i, other, j| {
            judge.hit(&mut notes.marks, page, i, other, j);
        });
    }
    if sparse(persons, rows.len(), range)? {
        return lookup(persons, rows, range, |page, i, other, j| {
            judge.hit(&mut notes.marks, other, j, page, i);
        });
    }
    rows.read()?;
    persons.read()?;
    let (mut a, mut b, mut i, mut j) = (0, 0, 0, 0);
    while a < rows.len() && b < persons.len() {
        let (left, right) = (rows.page(a)?, persons.page(b)?);
        let used = merge(left.tokens.from(i), right.tokens.from(j), &mut notes.hits);
        for (l, r) in notes.hits.iter() {
            judge.hit(&mut notes.marks, &left, i + l, &right, j + r);
        }
        (i, j) = (i + used.left, j + used.right);
        // Both ends may be reached at once only where neither page goes on.
        if i >= left.len() {
            (a, i) = (a + 1, 0);
        }
        if j >= right.len() {
            (b, j) = (b + 1, 0);
        }
    }
    Ok(())
}

/// Whether a window has so few tokens of the range that they should be looked up in `pages` others.
fn sparse(window: &mut Window<'_>, pages: usize, range: TokenRange) -> Result<bool, MatchError> {
    if window.len() > FEW || window.len() >= pages {
        return Ok(false);
    }
    let mut tokens = 0;
    for at in 0..window.len() {
        let (from, to) = within(&window.page(at)?, range);
        tokens += to - from;
    }
    Ok(tokens < PER_LOOKUP * pages)
}

/// The part of a page that lies in a range.
fn within(page: &PageView<'_>, range: TokenRange) -> (usize, usize) {
    let from = page.tokens.lower_bound(0, range.from);
    let to = range
        .to
        .map_or(page.len(), |to| page.tokens.lower_bound(from, to));
    (from, to)
}

/// Looks every token that `few` has in the range up in `many`.
fn lookup(
    few: &mut Window<'_>,
    many: &mut Window<'_>,
    range: TokenRange,
    mut hit: impl FnMut(&PageView<'_>, usize, &PageView<'_>, usize),
) -> Result<(), MatchError> {
    let mut start = 0;
    for at in 0..few.len() {
        let page = few.page(at)?;
        let (from, to) = within(&page, range);
        for i in from..to {
            let token = page.tokens.get(i);
            let candidates = many.pages_of(start, token);
            start = candidates.start;
            for other in candidates {
                let view = many.page(other)?;
                let mut j = view.tokens.lower_bound(0, token);
                while j < view.len() && view.tokens.get(j) == token {
                    hit(&page, i, &view, j);
                    j += 1;
                }
            }
        }
    }
    Ok(())
}

/// Decides whether a pair of equal tokens is an answer.
struct Judge<'a> {
    prepared: &'a Prepared,
    /// The advertiser's layer, and the number of its first row.
    layer: usize,
    first_row: u32,
}

impl Judge<'_> {
    #[inline]
    fn hit(
        &self,
        marks: &mut Marks<'_>,
        rows: &PageView<'_>,
        i: usize,
        persons: &PageView<'_>,
        j: usize,
    ) {
        // The token must stand on a row of the person that is still valid, and on such a row here.
        let today = self.prepared.today;
        if rows.day(i) < today || persons.day(j) < today {
            return;
        }
        let row = rows.owner(i);
        let out = self.prepared.rows_out.as_ref();
        if out.is_some_and(|out| out.get(self.first_row + row)) {
            return;
        }
        let mask = self.prepared.masks[self.layer].of(rows.class(i), row);
        if mask != 0 {
            marks.note(persons.owner(j), mask);
        }
    }
}
