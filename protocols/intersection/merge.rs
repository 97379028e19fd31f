//! One sequential walk over two sorted runs of tokens.

use std::cmp::Ordering;

/// How far a walk came before one of the slices was used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consumed {
    /// Tokens of the left slice that need not be looked at again.
    pub left: usize,
    /// Tokens of the right slice that need not be looked at again.
    pub right: usize,
}

/// Calls `hit(i, j)` for every `left[i] == right[j]`, until one slice is used up.
///
/// `left` is ascending and may repeat tokens; `right` is strictly ascending. Both are windows of
/// longer runs: what is consumed may be dropped, and the walk goes on with the next windows. A right
/// token is not consumed as long as the left run could repeat it.
pub fn merge_runs(
    left: &[[u8; 16]],
    right: &[[u8; 16]],
    mut hit: impl FnMut(usize, usize),
) -> Consumed {
    let (mut i, mut j) = (0, 0);
    while let (Some(a), Some(b)) = (left.get(i), right.get(j)) {
        match u128::from_be_bytes(*a).cmp(&u128::from_be_bytes(*b)) {
            Ordering::Less => i += 1,
            Ordering::Greater => j += 1,
            Ordering::Equal => {
                hit(i, j);
                i += 1;
            }
        }
    }
    Consumed { left: i, right: j }
}
