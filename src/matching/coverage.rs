//! Who of a partner's persons can be reached where: of one set alone, without the other side.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::civil::Date;
use tamis_protocols::intersection::PersonSet;

use super::MatchError;
use super::bits::Bits;
use crate::sets::{SealedSet, day_number};

/// The persons of a partner's set on a day. Neither can be counted but by the release gate.
pub struct Reach {
    /// Everybody with a row that is valid then.
    pub persons: PersonSet,
    /// By destination as asked: who of them has a cookie there on such a row.
    pub at: Vec<PersonSet>,
}

/// Reads every row of a partner's set. Memory: one bit per person for each destination, and one more,
/// twice while the answers are compressed. Withdrawn people count until the partner removes them.
///
/// # Errors
/// [`MatchError`]; never a partial answer.
pub fn reach(
    partner: &SealedSet,
    destinations: &[&str],
    as_of: Date,
    cancel: &AtomicBool,
) -> Result<Reach, MatchError> {
    let today = day_number(as_of);
    let persons = Bits::new(partner.persons());
    let at: Vec<Bits> = (destinations.iter())
        .map(|_| Bits::new(partner.persons()))
        .collect();
    for layer in partner.layers() {
        let positions = destinations.iter().map(|name| layer.destination(name));
        let served: Vec<(usize, &Bits)> = (positions.zip(&at))
            .filter_map(|(position, persons)| Some((position?, persons)))
            .collect();
        let mut walk = layer.walk_rows()?;
        while let Some(block) = walk.next()? {
            if cancel.load(Ordering::Relaxed) {
                return Err(MatchError::Cancelled);
            }
            for i in (0..block.len()).filter(|i| block.day(*i) >= today) {
                persons.set(block.person(i));
                for (position, reached) in &served {
                    if block.has_cookie(i, *position) {
                        reached.set(block.person(i));
                    }
                }
            }
        }
    }
    let present = |found: &Bits| {
        for (from, to) in partner.aliases() {
            if found.take(*from) {
                found.set(*to);
            }
        }
        partner.gone().iter().for_each(|person| {
            found.take(person);
        });
        PersonSet::from_words(&found.words(|_, word| word))
    };
    Ok(Reach {
        persons: present(&persons),
        at: at.iter().map(present).collect(),
    })
}
