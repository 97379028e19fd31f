//! New numbers for the persons of a partner's set.

use roaring::RoaringBitmap;

use super::super::changes::Fate;
use super::super::ingest::{Files, Team};
use super::super::rows::{NOBODY, PERSONS, ROWS_PER_BLOCK};
use super::super::{SealError, SealedSet, SetError};

/// What stands for a person that is gone, and for one whose token did not come yet.
const GONE: u32 = u32::MAX;
const UNSEEN: u32 = u32::MAX - 1;
/// Marks a person that became the one whose number is in the other bits.
const LED: u32 = 1 << 31;
/// So that none of the above is a person.
const MOST: u32 = LED - 2;

/// Old numbers to new ones, which are given in the order in which they are asked for. Memory: 4 bytes per
/// old number.
pub(super) struct Owners<'a> {
    set: &'a SealedSet,
    fate: Fate<'a>,
    numbers: Vec<u32>,
    next: u32,
}

impl<'a> Owners<'a> {
    pub(super) fn of(set: &'a SealedSet) -> Result<Self, SealError> {
        if set.persons() > MOST {
            let words = "the set has more persons than can be compacted; send a full upload";
            return Err(SealError::Refused(words.to_owned()));
        }
        let fate = Fate::of(set);
        let mut numbers = vec![UNSEEN; set.persons() as usize];
        let led = fate.aliases().iter().map(|(from, to)| (*from, LED | *to));
        for (person, state) in led.chain(fate.dead().iter().map(|person| (person, GONE))) {
            let number = numbers.get_mut(person as usize);
            *number.ok_or_else(|| contradiction(set))? = state;
        }
        Ok(Owners {
            set,
            fate,
            numbers,
            next: 0,
        })
    }

    /// All old numbers whose person is gone.
    pub(super) fn dead(&self) -> RoaringBitmap {
        self.fate.dead()
    }

    /// The new number of an old person, if it is not gone.
    pub(super) fn number(&mut self, person: u32) -> Result<Option<u32>, SetError> {
        let at = self.end(person)?;
        let number = &mut self.numbers[at];
        if *number == UNSEEN {
            *number = self.next;
            self.next += 1;
        }
        Ok((*number != GONE).then_some(*number))
    }

    /// Persons that have a number.
    pub(super) fn count(&self) -> u32 {
        self.next
    }

    /// Where the number of a person stands.
    fn end(&self, person: u32) -> Result<usize, SetError> {
        let number = self.numbers.get(person as usize);
        let number = *number.ok_or_else(|| contradiction(self.set))?;
        Ok(match number {
            GONE | UNSEEN => person,
            led if led & LED != 0 => led & !LED,
            _ => person,
        } as usize)
    }

    /// Writes the new person of every row, once all tokens have come.
    pub(super) fn write(&self, files: &mut Files<'_>, team: &Team<'_>) -> Result<(), SealError> {
        let mut file = files.create(PERSONS, 4 * ROWS_PER_BLOCK)?;
        let mut buffer = Vec::with_capacity(4 * ROWS_PER_BLOCK);
        for layer in self.set.layers() {
            let mut walk = layer.walk_rows()?;
            while let Some(block) = walk.next()? {
                buffer.clear();
                for i in 0..block.len() {
                    let number = match block.person(i) {
                        NOBODY => NOBODY,
                        person => match self.numbers[self.end(person)?] {
                            GONE => NOBODY,
                            UNSEEN => return Err(contradiction(self.set).into()),
                            number => number,
                        },
                    };
                    buffer.extend_from_slice(&number.to_le_bytes());
                }
                file.write(&buffer)?;
                team.check()?;
                team.step(buffer.len());
            }
        }
        Ok(files.close(PERSONS, file)?)
    }
}

fn contradiction(set: &SealedSet) -> SetError {
    SetError::format(set.top().directory(), "contradicts itself")
}
