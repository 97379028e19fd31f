//! Withholding small cells, and so many more that no withheld one can be worked out from the rest.

use std::collections::BTreeMap;

use tamis_protocols::wire::api::Cells;

/// Fewest records of a cell that is told, and of all withheld cells together.
const FEWEST: u64 = 10;

/// Cells of a field that parts the records: each record is in exactly one. The number of all records is known.
///
/// Withheld are all cells under ten records; then the smallest of the others, until there are two or more and
/// together ten records or more. So what is left when all that is told is taken from all says nothing of one.
pub(super) fn parted(cells: impl IntoIterator<Item = (String, u64)>) -> Cells {
    let mut cells: Vec<(String, u64)> = cells.into_iter().filter(|(_, n)| *n > 0).collect();
    cells.sort_by(|one, other| (one.1, &one.0).cmp(&(other.1, &other.0)));
    let mut withheld = cells.iter().filter(|(_, n)| *n < FEWEST).count();
    if withheld > 0 {
        let sum = |count: usize| cells[..count].iter().map(|(_, n)| n).sum::<u64>();
        while withheld < cells.len() && (withheld < 2 || sum(withheld) < FEWEST) {
            withheld += 1;
        }
    }
    told(cells, withheld)
}

/// Cells of a field of which a record may have several values, over `rows` records: a cell is withheld if it
/// or its complement is small.
pub(super) fn covering(cells: impl IntoIterator<Item = (String, u64)>, rows: u64) -> Cells {
    let small = |n: u64| (1..FEWEST).contains(&n);
    let cells: Vec<(String, u64)> = cells.into_iter().filter(|(_, n)| *n > 0).collect();
    let (mut withheld, rest): (Vec<_>, Vec<_>) = cells
        .into_iter()
        .partition(|(_, n)| small(*n) || small(rows.saturating_sub(*n)));
    let count = withheld.len();
    withheld.extend(rest);
    told(withheld, count)
}

/// Tells all but the first `withheld`.
fn told(mut cells: Vec<(String, u64)>, withheld: usize) -> Cells {
    let told: BTreeMap<String, u64> = cells.split_off(withheld).into_iter().collect();
    Cells {
        told,
        withheld: withheld as u64,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn cells(counts: &[u64]) -> Vec<(String, u64)> {
        let named = counts.iter().enumerate();
        named.map(|(at, n)| (format!("v{at}"), *n)).collect()
    }

    #[test]
    fn large_cells_are_all_told_and_empty_ones_are_none() {
        let found = parted(cells(&[500, 0, 10]));
        assert_eq!((found.told.len(), found.withheld), (2, 0));
    }

    #[test]
    fn a_single_small_cell_takes_the_next_one_with_it() {
        let found = parted(cells(&[3, 800, 40]));
        assert_eq!(found.withheld, 2);
        assert_eq!(found.told, BTreeMap::from([("v1".to_owned(), 800)]));
    }

    #[test]
    fn a_purpose_that_all_but_a_few_records_have_is_withheld() {
        let found = covering(cells(&[997, 500, 4, 1000]), 1000);
        assert_eq!((found.told.len(), found.withheld), (2, 2));
    }

    proptest! {
        #[test]
        fn no_withheld_cell_can_be_worked_out(counts in prop::collection::vec(0_u64..40, 0..12)) {
            let all: u64 = counts.iter().sum();
            let found = parted(cells(&counts));
            prop_assert!(found.told.values().all(|n| *n >= FEWEST));
            let rest = all - found.told.values().sum::<u64>();
            match found.withheld {
                0 => prop_assert_eq!(rest, 0),
                // One cell alone is withheld only if there is no other; then nothing at all is told.
                1 => prop_assert!(found.told.is_empty()),
                _ => prop_assert!(rest >= FEWEST || found.told.is_empty()),
            }
        }
    }
}
