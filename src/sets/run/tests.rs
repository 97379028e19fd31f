//! The index finds every token on its page, and takes nothing that contradicts itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use tamis_keys::Secret;
use tamis_keys::purpose::Data;

use super::index::{Ends, Index};
use super::write_index;
use crate::sets::SetError;
use crate::sets::block::BlockFile;

fn key() -> Secret<Data> {
    Secret::from_bytes([3; 32])
}

/// What is read from a file of so many bytes.
fn read(dir: &Path, bytes: &[u8]) -> Result<Index, SetError> {
    let path = dir.join("index");
    let _ = std::fs::remove_file(&path);
    write_index(&path, &key(), "i", &[1; 16], bytes, false).unwrap();
    Index::read(&Arc::new(BlockFile::open(&path, &key(), "i").unwrap()))
}

/// Sorted pages of tokens, and the number of each.
fn pages() -> impl Strategy<Value = (Vec<Vec<u128>>, Vec<usize>)> {
    // First halves that many tokens share, or none.
    let high = prop_oneof![Just(0u64), Just(7), Just(u64::MAX), any::<u64>()];
    let low = prop_oneof![Just(0u64), 0u64..4, any::<u64>()];
    let token = (high, low).prop_map(|(high, low)| u128::from(high) << 64 | u128::from(low));
    (prop::collection::vec(token, 0..60), 1usize..5, 1usize..9).prop_map(
        |(mut tokens, page, step)| {
            tokens.sort_unstable();
            let pages: Vec<Vec<u128>> = tokens.chunks(page).map(<[u128]>::to_vec).collect();
            // Written in stretches of `step` pages, the last ones first.
            let order: Vec<usize> = (0..pages.len()).collect();
            let order: Vec<usize> = order.chunks(step).rev().flatten().copied().collect();
            let mut numbers = vec![0; pages.len()];
            order
                .iter()
                .enumerate()
                .for_each(|(number, page)| numbers[*page] = number);
            (pages, numbers)
        },
    )
}

fn index(pages: &[Vec<u128>], numbers: &[usize]) -> Index {
    let mut ends = vec![Ends { first: 0, last: 0 }; pages.len()];
    for (page, number) in pages.iter().zip(numbers) {
        ends[*number] = Ends {
            first: page[0],
            last: page[page.len() - 1],
        };
    }
    Index::new(ends)
}

proptest! {
    #[test]
    fn every_token_is_on_a_page_that_the_index_names(
        (pages, numbers) in pages(),
        others in prop::collection::vec(any::<u128>(), 0..4),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let index = read(dir.path(), &index(&pages, &numbers).encode()).unwrap();
        prop_assert_eq!(index.len(), pages.len());
        for page in 0..pages.len() {
            let start = index.start(page).unwrap();
            prop_assert!(start <= pages[page][0]);
            prop_assert!(page == 0 || pages[page - 1].iter().all(|token| *token <= start));
        }
        prop_assert_eq!(index.start(pages.len()), None);
        let starts = (0..pages.len()).filter_map(|page| index.start(page));
        let mut bounds: Vec<u128> = pages.concat();
        bounds.extend(starts.chain(others).chain([0, u128::MAX]));
        for from in &bounds {
            for to in bounds.iter().map(|to| Some(*to)).chain([None]).filter(|to| to.is_none_or(|to| to > *from)) {
                let named = index.pages(*from, to);
                let within = |token: &u128| token >= from && to.is_none_or(|to| *token < to);
                let holds = |page: &usize| pages[*page].iter().any(within);
                prop_assert!((0..pages.len()).filter(holds).all(|page| named.contains(&page)));
                // No more than one page before those that begin within.
                let begun = named.clone().skip(1).all(|page| index.start(page).is_some_and(|start| within(&start)));
                prop_assert!(begun);
            }
        }
        for from in 0..=pages.len() {
            for to in from..=pages.len() {
                // Pages of the same ends may stand for each other, also if one token fills both, not equally.
                let ends = |page: &Vec<u128>| (page[0], page[page.len() - 1]);
                let page = |number: u32| &pages[numbers.iter().position(|n| *n == number as usize).unwrap()];
                let named = index.numbers(from..to).flatten().map(page).map(ends);
                prop_assert!(named.eq(pages[from..to].iter().map(ends)));
            }
        }
    }

    #[test]
    fn what_was_changed_is_refused_or_names_every_page_once(
        (pages, numbers) in pages(),
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = index(&pages, &numbers).encode();
        let at = at.index(bytes.len());
        bytes[at] = value;
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(index) = read(dir.path(), &bytes) {
            let mut numbers: Vec<u32> = index.numbers(0..index.len()).flatten().collect();
            numbers.sort_unstable();
            prop_assert!(numbers.into_iter().eq(0..pages.len() as u32));
            let starts = (0..index.len()).map(|page| index.start(page));
            prop_assert!(starts.is_sorted());
        }
    }
}
