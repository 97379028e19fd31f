//! Who was found: the persons of up to 64 questions at once, gathered by several threads.
//!
//! Persons are numbered in the order of their tokens, so hits that follow each other mostly fall into the
//! same *chunk*. A thread gathers the hits of one chunk ([`Marks`]) and hands them on when the walk leaves
//! it; so a chunk is locked once for many hits. A chunk with few hits is a list, so that a small match
//! with a large set does not pay for everybody in it; one with many is a bitmap for every question.

use std::sync::{Mutex, PoisonError};

/// Persons of a chunk.
pub(super) const CHUNK: u32 = 1 << 12;
/// Words of a bitmap of a chunk.
pub(super) const WORDS: usize = CHUNK as usize / 64;
/// A chunk is a list as long as it has no more hits, and the list is no longer than a bitmap.
const FEW: usize = 64;
/// Hits that a thread gathers at most.
const GATHERED: usize = 1 << 10;

/// A person of a chunk, and the questions that it is an answer to: bit `n` is question `n`.
#[derive(Clone, Copy)]
pub(super) struct Note {
    pub(super) at: u16,
    pub(super) mask: u64,
}

/// Words of a note.
const NOTE_WORDS: usize = size_of::<Note>() / 8;

/// Hits in one chunk.
pub(super) enum Chunk {
    /// In no order; a person may be there more than once.
    Few(Vec<Note>),
    /// For every 64 persons a word for each question, so that what is known of a person lies together.
    Many(Box<[u64]>),
}

impl Chunk {
    fn add(&mut self, notes: &[Note], questions: usize) {
        if let Chunk::Few(few) = self {
            let most = FEW.min(WORDS * questions / NOTE_WORDS);
            if few.len() + notes.len() <= most {
                return few.extend_from_slice(notes);
            }
            let few = std::mem::take(few);
            *self = Chunk::Many(vec![0; WORDS * questions].into());
            self.add(&few, questions);
        }
        if let Chunk::Many(words) = self {
            for note in notes {
                let (at, bit) = (usize::from(note.at), 1 << (note.at % 64));
                let Some(words) = words.get_mut(at / 64 * questions..(at / 64 + 1) * questions)
                else {
                    continue;
                };
                let mut rest = note.mask;
                while rest != 0 {
                    if let Some(word) = words.get_mut(rest.trailing_zeros() as usize) {
                        *word |= bit;
                    }
                    rest &= rest - 1;
                }
            }
        }
    }

    /// Takes a person out; the questions that it was an answer to.
    fn take(&mut self, at: u16, questions: usize) -> u64 {
        let mut mask = 0;
        match self {
            Chunk::Few(few) => few.retain(|note| {
                mask |= if note.at == at { note.mask } else { 0 };
                note.at != at
            }),
            Chunk::Many(words) => {
                let bit = 1 << (at % 64);
                let words = words.iter_mut().skip(usize::from(at) / 64 * questions);
                for (question, word) in words.take(questions).enumerate() {
                    mask |= u64::from(*word & bit != 0) << question;
                    *word &= !bit;
                }
            }
        }
        mask
    }
}

/// Memory: per chunk of 4,096 persons 64 bytes, and 16 per hit, or, where there are more than 64 hits, 1 bit
/// per person and question.
pub(super) struct Found {
    questions: usize,
    chunks: Vec<Mutex<Chunk>>,
}

impl Found {
    /// Nobody, of so many persons.
    pub(super) fn new(persons: u32, questions: usize) -> Self {
        let chunks = (0..persons.div_ceil(CHUNK)).map(|_| Mutex::new(Chunk::Few(Vec::new())));
        Found {
            questions,
            chunks: chunks.collect(),
        }
    }

    /// Adds hits of one chunk; what is beyond the last person is nobody.
    fn add(&self, chunk: u32, notes: &[Note]) {
        if let Some(chunk) = self.chunks.get(chunk as usize) {
            // Adding cannot leave it half done in a way that matters: who panics gives no answer.
            let mut chunk = chunk.lock().unwrap_or_else(PoisonError::into_inner);
            chunk.add(notes, self.questions);
        }
    }

    /// What every thread handed on, with persons that became one with another taken as the other:
    /// from, to, in the order in which to follow them.
    pub(super) fn settle(self, aliases: &[(u32, u32)]) -> Vec<Chunk> {
        let chunks = self.chunks.into_iter();
        let mut chunks: Vec<Chunk> = chunks
            .map(|chunk| chunk.into_inner().unwrap_or_else(PoisonError::into_inner))
            .collect();
        for (from, to) in aliases {
            let place = |person: u32| ((person / CHUNK) as usize, (person % CHUNK) as u16);
            let ((chunk, at), (other, to)) = (place(*from), place(*to));
            let chunk = chunks.get_mut(chunk);
            let mask = chunk.map_or(0, |chunk| chunk.take(at, self.questions));
            if let Some(chunk) = chunks.get_mut(other)
                && mask != 0
            {
                chunk.add(&[Note { at: to, mask }], self.questions);
            }
        }
        chunks
    }
}

/// One thread's hits of one chunk, handed on when the walk leaves it.
pub(super) struct Marks<'a> {
    found: &'a Found,
    chunk: u32,
    notes: Vec<Note>,
}

impl<'a> Marks<'a> {
    pub(super) fn new(found: &'a Found) -> Self {
        Marks {
            found,
            chunk: 0,
            notes: Vec::with_capacity(GATHERED),
        }
    }

    /// Notes that `person` is in the answer to the questions whose bits are set in `mask`.
    #[inline]
    pub(super) fn note(&mut self, person: u32, mask: u64) {
        if person / CHUNK != self.chunk || self.notes.len() == GATHERED {
            self.hand_on();
            self.chunk = person / CHUNK;
        }
        let at = (person % CHUNK) as u16;
        self.notes.push(Note { at, mask });
    }

    #[cold]
    #[inline(never)]
    fn hand_on(&mut self) {
        if !self.notes.is_empty() {
            self.found.add(self.chunk, &self.notes);
            self.notes.clear();
        }
    }
}

impl Drop for Marks<'_> {
    fn drop(&mut self) {
        self.hand_on();
    }
}
