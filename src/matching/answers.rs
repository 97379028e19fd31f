//! From hits to answers: who is left out, who can be reached where, and a compressed set for every
//! question.

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use tamis_protocols::intersection::PersonSet;

use super::MatchError;
use super::found::{CHUNK, Chunk, WORDS};
use super::questions::Prepared;
use super::threads::share;

/// Chunks of a piece of work: as many persons as stand together in a compressed set.
const GROUP: usize = (1 << 16) / CHUNK as usize;

/// One set for every question, of what was found. Memory: the sets, twice while they are united.
pub(super) fn answers(
    prepared: &Prepared,
    questions: usize,
    chunks: &[Chunk],
    threads: usize,
    cancel: &AtomicBool,
) -> Result<Vec<PersonSet>, MatchError> {
    let answers: Vec<Mutex<PersonSet>> = (0..questions).map(|_| Mutex::default()).collect();
    share(threads, chunks.len().div_ceil(GROUP), cancel, |pieces| {
        let mut own = Own::new(prepared, questions);
        while let Some(piece) = pieces.take()? {
            let end = chunks.len().min((piece + 1) * GROUP);
            own.add(
                (piece * GROUP * CHUNK as usize) as u32,
                &chunks[piece * GROUP..end],
            );
        }
        for (answer, own) in answers.iter().zip(own.sets) {
            let mut answer = answer.lock().map_err(|_| MatchError::Thread)?;
            answer.union_with(own);
        }
        Ok(())
    })?;
    let answers = answers.into_iter().map(Mutex::into_inner);
    Ok(answers
        .map(|answer| answer.unwrap_or_else(PoisonError::into_inner))
        .collect())
}

/// One thread's share of the answers.
struct Own<'a> {
    prepared: &'a Prepared,
    sets: Vec<PersonSet>,
    /// Per question persons of one group.
    lists: Vec<Vec<u32>>,
    words: Vec<u64>,
}

impl<'a> Own<'a> {
    fn new(prepared: &'a Prepared, questions: usize) -> Self {
        Own {
            prepared,
            sets: (0..questions).map(|_| PersonSet::new()).collect(),
            lists: vec![Vec::new(); questions],
            words: Vec::new(),
        }
    }

    /// Adds the persons of a group, which begins with person `first`.
    fn add(&mut self, first: u32, group: &[Chunk]) {
        match group.iter().all(|chunk| matches!(chunk, Chunk::Few(_))) {
            true => self.add_few(first, group),
            false => self.add_many(first, group),
        }
    }

    fn add_few(&mut self, first: u32, group: &[Chunk]) {
        for (first, chunk) in (first..).step_by(CHUNK as usize).zip(group) {
            let Chunk::Few(notes) = chunk else { continue };
            for note in notes {
                let person = first + u32::from(note.at);
                let mut rest = note.mask & self.prepared.open_to(person);
                while rest != 0 {
                    if let Some(list) = self.lists.get_mut(rest.trailing_zeros() as usize) {
                        list.push(person);
                    }
                    rest &= rest - 1;
                }
            }
        }
        for (set, list) in self.sets.iter_mut().zip(&mut self.lists) {
            list.sort_unstable();
            list.dedup();
            set.add(list);
            list.clear();
        }
    }

    fn add_many(&mut self, first: u32, group: &[Chunk]) {
        let questions = self.sets.len();
        for (question, set) in self.sets.iter_mut().enumerate() {
            self.words.clear();
            for chunk in group {
                match chunk {
                    Chunk::Many(words) => {
                        let words = words.iter().skip(question).step_by(questions);
                        self.words.extend(words);
                    }
                    Chunk::Few(notes) => {
                        let start = self.words.len();
                        self.words.resize(start + WORDS, 0);
                        for note in notes {
                            let asked = note.mask >> question & 1;
                            self.words[start + usize::from(note.at) / 64] |=
                                asked << (note.at % 64);
                        }
                    }
                }
            }
            let at = first as usize / 64;
            self.prepared.keep_open(question, at, &mut self.words);
            set.add_words(first, &self.words);
        }
    }
}
