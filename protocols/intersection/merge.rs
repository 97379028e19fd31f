//! One sequential walk over two sorted runs of tokens, a page at a time.
//!
//! Tokens lie in two columns, their first and their last eight bytes, as numbers in little-endian order.
//! The walk looks at the first column alone and has no branch that depends on what it finds: each step
//! notes a candidate, and moves on. Candidates are then checked against the second column. Tokens are
//! uniformly random, so two that share eight bytes are the same; where a hostile sender made others, the
//! check fails and the pair of pages is walked again, token by token.

use std::cmp::Ordering;

/// Tokens of one page, ascending, as columns of equal length.
#[derive(Clone, Copy)]
pub struct TokenColumns<'a> {
    /// Bytes 0 to 7 of every token, as little-endian numbers.
    pub high: &'a [[u8; 8]],
    /// Bytes 8 to 15.
    pub low: &'a [[u8; 8]],
}

/// How far a walk came before one of the pages was used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consumed {
    /// Tokens of the left page that need not be looked at again.
    pub left: usize,
    /// Tokens of the right page that need not be looked at again.
    pub right: usize,
}

/// Where equal tokens stand: position in the left page, position in the right one.
pub type Hit = (u16, u16);

impl<'a> TokenColumns<'a> {
    /// Tokens in the page; at most 65,536 of them are looked at.
    pub fn len(&self) -> usize {
        self.high.len().min(self.low.len()).min(1 << 16)
    }

    /// Whether the page has no token.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The page from its `from`-th token on.
    pub fn from(&self, from: usize) -> Self {
        TokenColumns {
            high: self.high.get(from..).unwrap_or_default(),
            low: self.low.get(from..).unwrap_or_default(),
        }
    }

    /// The `i`-th token as a big-endian number, which is how tokens are ordered; 0 beyond the end.
    pub fn get(&self, i: usize) -> u128 {
        let part = |column: &[[u8; 8]]| column.get(i).map_or(0, |part| u64::from_le_bytes(*part));
        u128::from(part(self.high)) << 64 | u128::from(part(self.low))
    }

    /// The first token that is not below `token`, from the `from`-th on; the length if there is none.
    pub fn lower_bound(&self, from: usize, token: u128) -> usize {
        let (mut low, mut high) = (from, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.get(middle) < token {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low
    }
}

/// Notes every pair of equal tokens in `hits`, in order, until one page is used up.
///
/// `left` is ascending and may repeat tokens; `right` is strictly ascending. Both are parts of longer
/// runs: what is consumed may be dropped, and the walk goes on with the next pages. A right token is
/// not consumed as long as the left run could repeat it.
pub fn merge(left: TokenColumns<'_>, right: TokenColumns<'_>, hits: &mut Vec<Hit>) -> Consumed {
    hits.clear();
    hits.resize(left.len(), (0, 0));
    let (a, b) = (&left.high[..left.len()], &right.high[..right.len()]);
    let (mut i, mut j, mut found) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        let (l, r) = (u64::from_le_bytes(a[i]), u64::from_le_bytes(b[j]));
        // Never beyond the end: every hit moves `i` on.
        hits[found] = (i as u16, j as u16);
        found += usize::from(l == r);
        i += usize::from(l <= r);
        j += usize::from(r < l);
    }
    hits.truncate(found);
    let same = |&(i, j): &Hit| left.low[usize::from(i)] == right.low[usize::from(j)];
    match hits.iter().all(same) {
        true => Consumed { left: i, right: j },
        false => merge_exactly(left, right, hits),
    }
}

/// The same, token by token.
fn merge_exactly(left: TokenColumns<'_>, right: TokenColumns<'_>, hits: &mut Vec<Hit>) -> Consumed {
    hits.clear();
    let (mut i, mut j) = (0, 0);
    while i < left.len() && j < right.len() {
        match left.get(i).cmp(&right.get(j)) {
            Ordering::Less => i += 1,
            Ordering::Greater => j += 1,
            Ordering::Equal => {
                hits.push((i as u16, j as u16));
                i += 1;
            }
        }
    }
    Consumed { left: i, right: j }
}
