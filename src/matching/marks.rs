//! Noting who was found, for up to 64 questions at once.

use super::bits::Bits;

/// One thread's notes. Persons are numbered in the order of their tokens, so that hits that follow each
/// other mostly fall into the same word: it is gathered here and handed on when the walk leaves it.
pub(super) struct Marks<'a> {
    found: &'a [Bits],
    word: usize,
    gathered: Vec<u64>,
    /// Questions that have something in `gathered`.
    dirty: u64,
}

impl<'a> Marks<'a> {
    /// Notes for `found`, one bitmap of persons per question, at most 64.
    pub(super) fn new(found: &'a [Bits]) -> Self {
        Marks {
            found,
            word: 0,
            gathered: vec![0; found.len()],
            dirty: 0,
        }
    }

    /// Notes that `person` is in the answer to the questions whose bits are set in `mask`.
    #[inline]
    pub(super) fn note(&mut self, person: u32, mask: u64) {
        let word = person as usize / 64;
        if word != self.word {
            self.hand_on();
            self.word = word;
        }
        self.dirty |= mask;
        let (mut rest, bit) = (mask, 1 << (person % 64));
        while rest != 0 {
            if let Some(gathered) = self.gathered.get_mut(rest.trailing_zeros() as usize) {
                *gathered |= bit;
            }
            rest &= rest - 1;
        }
    }

    #[cold]
    #[inline(never)]
    fn hand_on(&mut self) {
        while self.dirty != 0 {
            let question = self.dirty.trailing_zeros() as usize;
            if let (Some(found), Some(gathered)) =
                (self.found.get(question), self.gathered.get_mut(question))
            {
                found.add(self.word, std::mem::take(gathered));
            }
            self.dirty &= self.dirty - 1;
        }
    }
}

impl Drop for Marks<'_> {
    fn drop(&mut self) {
        self.hand_on();
    }
}
