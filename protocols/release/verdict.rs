//! What happens to one cell of s persons, of whom h are hits:
//! ```text
//! h too small                  → nobody of the cell
//! s − h large enough           → the hits; the cell is cut in two
//! s − h small, a refresh       → the cell as the destination has it: whole, or nobody
//! s − h small, a new audience  → the hits without a few, held back so that what is left is large;
//!                                nobody if h is too small for that
//! ```
//! "Small" is said by noisy sizes, and never by the sender: what is dropped, kept or held back is not
//! visible in the answer.
//!
//! In a new audience as many are held back as make the left-over exactly the size of a piece, so that
//! s − `piece` are emitted: not even that size tells how many the audience left out.
//!
//! What one person costs. Somebody more among the hits moves h and s, somebody more among the others s − h
//! and s. One draw is on h alone, with two thresholds; the other on s − h alone: either way one draw of
//! the two moves, by one. That is ε = 1/scale, and the count of what is emitted another 1/scale. That
//! fewer than `cell_min` are refused without noise matters with the probability that the margin leaves.

use super::Policy;

/// What happens to a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Nobody,
    Hits,
    AsBefore,
    /// The hits but so many.
    Without(u32),
}

impl Policy {
    /// What happens to a cell of `size` persons with `hits` of them; `known` says, for a refresh,
    /// whether the destination has the cell. A cell that it has in part was not refined by what it has:
    /// whoever asks so gets nobody where it would matter.
    pub(super) fn verdict(
        &self,
        hits: u32,
        size: u32,
        known: Option<bool>,
        draws: [i64; 2],
    ) -> Verdict {
        let rest = size.saturating_sub(hits);
        if !self.is_piece(hits, draws[0]) {
            return Verdict::Nobody;
        }
        if self.is_piece(rest, draws[1]) {
            return Verdict::Hits;
        }
        match known {
            Some(true) => Verdict::AsBefore,
            Some(false) => Verdict::Nobody,
            None => {
                let held = self.piece().saturating_sub(rest);
                let left = hits.saturating_sub(held);
                if self.spares(hits, draws[0]) && left >= self.cell_min() {
                    Verdict::Without(held)
                } else {
                    Verdict::Nobody
                }
            }
        }
    }

    /// Whether so many persons are enough for a piece of a cell.
    fn is_piece(&self, persons: u32, draw: i64) -> bool {
        persons >= self.cell_min()
            && i64::from(persons).saturating_add(draw) >= i64::from(self.piece())
    }

    /// Whether so many hits are enough for a piece after another one was held back.
    pub(super) fn spares(&self, hits: u32, draw: i64) -> bool {
        i64::from(hits).saturating_add(draw) >= 2 * i64::from(self.piece())
    }
}
