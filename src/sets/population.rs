//! Who can be reached at a destination: the persons among whom an audience hides.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::civil::Date;
use tamis_protocols::intersection::PersonSet;
use tamis_protocols::token::Token;

use super::changes::Fate;
use super::rows::day_number;
use super::{Finder, SealedSet, SetError};

/// Persons of a partner's set with a cookie at `destination` on a row that is valid on `as_of`, but those
/// who are gone or carry one of `suppressed`. None if `cancel` was raised. A destination that the set does
/// not serve has nobody. Memory: one bit a person, and a block of rows.
///
/// # Errors
/// The set cannot be read.
pub fn population(
    partner: &SealedSet,
    destination: &str,
    as_of: Date,
    suppressed: &[Token],
    cancel: &AtomicBool,
) -> Result<Option<PersonSet>, SetError> {
    let (fate, today) = (Fate::of(partner), day_number(as_of));
    let mut words = vec![0_u64; (partner.persons() as usize).div_ceil(64)];
    let set = |words: &mut Vec<u64>, person: u32, there: bool| {
        let now = fate.now(person);
        if let Some((now, word)) =
            now.and_then(|now| Some((now, words.get_mut(now as usize / 64)?)))
        {
            match there {
                true => *word |= 1 << (now % 64),
                false => *word &= !(1 << (now % 64)),
            }
        }
    };
    for layer in partner.layers() {
        let Some(position) = layer.destination(destination) else {
            continue;
        };
        let mut walk = layer.walk_rows()?;
        while let Some(block) = walk.next()? {
            if cancel.load(Ordering::Relaxed) {
                return Ok(None);
            }
            for i in 0..block.len() {
                if block.day(i) >= today && block.has_cookie(i, position) {
                    set(&mut words, block.person(i), true);
                }
            }
        }
    }
    for layer in partner.layers() {
        let mut finder = Finder::new(layer.run());
        for token in suppressed {
            finder.find(u128::from_be_bytes(token.0), |page, at| {
                set(&mut words, page.owner(at), false);
            })?;
        }
    }
    Ok(Some(PersonSet::from_words(&words)))
}
