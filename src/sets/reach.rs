//! Who of a partner's persons can be reached where: of one set alone, without the other side. Among them
//! an audience hides.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::civil::Date;
use tamis_protocols::intersection::PersonSet;
use tamis_protocols::token::Token;

use super::changes::Fate;
use super::rows::day_number;
use super::{Finder, SealedSet, SetError};

/// The persons of a partner's set on a day. Neither can be counted but by the release gate.
pub struct Reach {
    /// Everybody with a row that is valid then.
    pub persons: PersonSet,
    /// By destination as asked: who of them has a cookie there on such a row.
    pub at: Vec<PersonSet>,
}

/// Reads every row of a partner's set. Those who are gone do not count, nor those who carry one of
/// `suppressed`. None if `cancel` was raised. Memory: one bit per person for each destination, and one
/// more, and a block of rows.
///
/// # Errors
/// The set cannot be read.
pub fn reach(
    partner: &SealedSet,
    destinations: &[&str],
    as_of: Date,
    suppressed: &[Token],
    cancel: &AtomicBool,
) -> Result<Option<Reach>, SetError> {
    let (fate, today) = (Fate::of(partner), day_number(as_of));
    let nobody = || vec![0_u64; (partner.persons() as usize).div_ceil(64)];
    let mut persons = nobody();
    let mut at: Vec<Vec<u64>> = destinations.iter().map(|_| nobody()).collect();
    for layer in partner.layers() {
        let positions = destinations.iter().map(|name| layer.destination(name));
        let served: Vec<Option<usize>> = positions.collect();
        let mut walk = layer.walk_rows()?;
        while let Some(block) = walk.next()? {
            if cancel.load(Ordering::Relaxed) {
                return Ok(None);
            }
            for i in (0..block.len()).filter(|i| block.day(*i) >= today) {
                let Some(person) = fate.now(block.person(i)) else {
                    continue;
                };
                set(&mut persons, person);
                for (there, position) in at.iter_mut().zip(&served) {
                    if position.is_some_and(|position| block.has_cookie(i, position)) {
                        set(there, person);
                    }
                }
            }
        }
    }
    for layer in partner.layers() {
        let mut finder = Finder::new(layer.run());
        for token in suppressed {
            finder.find(u128::from_be_bytes(token.0), |page, found| {
                if let Some(person) = fate.now(page.owner(found)) {
                    (at.iter_mut().chain([&mut persons])).for_each(|bits| clear(bits, person));
                }
            })?;
        }
    }
    Ok(Some(Reach {
        persons: PersonSet::from_words(&persons),
        at: at.iter().map(|bits| PersonSet::from_words(bits)).collect(),
    }))
}

/// Sets a bit; beyond the end nothing happens.
fn set(bits: &mut [u64], bit: u32) {
    if let Some(word) = bits.get_mut(bit as usize / 64) {
        *word |= 1 << (bit % 64);
    }
}

fn clear(bits: &mut [u64], bit: u32) {
    if let Some(word) = bits.get_mut(bit as usize / 64) {
        *word &= !(1 << (bit % 64));
    }
}
