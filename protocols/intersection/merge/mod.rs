//! One sequential walk over two sorted runs of tokens, a page at a time.
//!
//! Tokens lie in two columns, their first and their last eight bytes, as numbers in little-endian order.
//! The walk looks at the first column alone and has no branch that depends on what it finds: each step
//! notes a candidate, and moves on; where the processor has AVX-512 or AVX2, eight or four tokens of either
//! side meet in one step ([`vector`]). Candidates are then checked against the second column. Tokens are uniformly
//! random, so two that share eight bytes are the same; where a hostile sender made others, the check
//! fails and the pair of pages is walked again, token by token.

mod columns;
#[cfg(target_arch = "x86_64")]
mod vector;

use std::cmp::Ordering;

pub use columns::TokenColumns;

/// How far a walk came before one of the pages was used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consumed {
    /// Tokens of the left page that need not be looked at again.
    pub left: usize,
    /// Tokens of the right page that need not be looked at again.
    pub right: usize,
}

/// Where equal tokens stand in a pair of pages, in the order of the left one. Memory: 4 bytes per token
/// of the longest left page seen, used again from walk to walk.
#[derive(Default)]
pub struct Hits {
    /// Position in the left page, and in the right one × 2¹⁶. The walks write ahead of `len`.
    pairs: Vec<u32>,
    len: usize,
}

impl Hits {
    /// Positions in the left and in the right page.
    pub fn iter(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let pairs = self.pairs.iter().take(self.len);
        pairs.map(|pair| ((pair & 0xffff) as usize, (pair >> 16) as usize))
    }

    /// Forgets all and makes room for as many hits as a left page of `tokens` can have, and for one step
    /// of the walk ahead.
    fn start(&mut self, tokens: usize) {
        let room = tokens + STEP;
        if self.pairs.len() < room {
            self.pairs.resize(room, 0);
        }
        self.len = 0;
    }
}

/// Hits that one step may write.
const STEP: usize = 8;

/// Notes every pair of equal tokens in `hits`, until one page is used up.
///
/// `left` is ascending and may repeat tokens; `right` is strictly ascending. Both are parts of longer
/// runs: what is consumed may be dropped, and the walk goes on with the next pages. A right token is
/// not consumed as long as the left run could repeat it.
pub fn merge(left: TokenColumns<'_>, right: TokenColumns<'_>, hits: &mut Hits) -> Consumed {
    hits.start(left.len());
    let (a, b) = (&left.high[..left.len()], &right.high[..right.len()]);
    let mut used = Consumed { left: 0, right: 0 };
    #[cfg(target_arch = "x86_64")]
    vector::walk(a, b, &mut used, hits);
    walk(a, b, &mut used, hits);
    let mut found = hits.iter();
    let same = found.all(|(i, j)| left.low[i] == right.low[j]);
    drop(found);
    match same {
        true => used,
        false => merge_exactly(left, right, hits),
    }
}

/// Walks on from `used`, one token a step.
fn walk(a: &[[u8; 8]], b: &[[u8; 8]], used: &mut Consumed, hits: &mut Hits) {
    let (mut i, mut j, mut found) = (used.left, used.right, hits.len);
    while i < a.len() && j < b.len() {
        let (left, right) = (u64::from_le_bytes(a[i]), u64::from_le_bytes(b[j]));
        // Never beyond the end: every hit moves `i` on.
        hits.pairs[found] = i as u32 | (j as u32) << 16;
        found += usize::from(left == right);
        i += usize::from(left <= right);
        j += usize::from(right < left);
    }
    (used.left, used.right, hits.len) = (i, j, found);
}

/// The whole walk again, on all sixteen bytes.
fn merge_exactly(left: TokenColumns<'_>, right: TokenColumns<'_>, hits: &mut Hits) -> Consumed {
    hits.start(left.len());
    let (mut i, mut j) = (0, 0);
    while i < left.len() && j < right.len() {
        match left.get(i).cmp(&right.get(j)) {
            Ordering::Less => i += 1,
            Ordering::Greater => j += 1,
            Ordering::Equal => {
                hits.pairs[hits.len] = i as u32 | (j as u32) << 16;
                hits.len += 1;
                i += 1;
            }
        }
    }
    Consumed { left: i, right: j }
}
