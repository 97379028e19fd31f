//! The pages of one range of a run, opened when they are looked at.

use std::ops::Range;

use super::super::SetError;
use super::{PageView, RunFile};

/// A window on a run, whose memory is used again for the next range. Memory: the pages it is aimed at.
pub(crate) struct Window<'r> {
    run: &'r RunFile,
    from: usize,
    bytes: Vec<u8>,
    state: Vec<State>,
    /// Scratch memory, for the state of the pages that it moves to.
    next: Vec<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Absent,
    Sealed,
    Open,
}

impl<'r> Window<'r> {
    /// A window on nothing yet.
    pub(crate) fn new(run: &'r RunFile) -> Self {
        Window {
            run,
            from: 0,
            bytes: Vec::new(),
            state: Vec::new(),
            next: Vec::new(),
        }
    }

    /// Moves to some pages of the run; nothing is read yet. Pages that it was on before stay as they are.
    pub(crate) fn aim(&mut self, pages: Range<usize>) {
        let sealed = self.run.shape.sealed();
        // Grows only: what stands there is overwritten when pages are read.
        if self.bytes.len() < pages.len() * sealed {
            self.bytes.resize(pages.len() * sealed, 0);
        }
        let before = self.from..self.from + self.state.len();
        let (from, to) = (pages.start.max(before.start), pages.end.min(before.end));
        self.next.clear();
        self.next.resize(pages.len(), State::Absent);
        if from < to {
            let (old, new) = (from - before.start, from - pages.start);
            let kept = old..old + (to - from);
            self.next[new..new + kept.len()].copy_from_slice(&self.state[kept.clone()]);
            let kept = kept.start * sealed..kept.end * sealed;
            self.bytes.copy_within(kept, new * sealed);
        }
        std::mem::swap(&mut self.state, &mut self.next);
        self.from = pages.start;
    }

    /// Pages in the window.
    pub(crate) fn len(&self) -> usize {
        self.state.len()
    }

    /// Where a page of the window starts, as [`super::Index`] means it.
    pub(crate) fn start(&self, i: usize) -> Option<u128> {
        let start = self.run.index().start(self.from + i);
        start.filter(|_| i < self.len())
    }

    /// The pages of the window, from the `from`-th on, that may hold `token`.
    pub(crate) fn pages_of(&self, from: usize, token: u128) -> Range<usize> {
        let all = self.from + from..self.from + self.len();
        let pages = self.run.index().pages_of(all, token, token.checked_add(1));
        pages.start - self.from..pages.end - self.from
    }

    /// Reads all pages that are not there yet, neighbours at once.
    pub(crate) fn read(&mut self) -> Result<(), SetError> {
        let sealed = self.run.shape.sealed();
        let mut at = 0;
        for stretch in self.state.chunk_by_mut(|a, b| a == b) {
            let pages = at..at + stretch.len();
            if stretch[0] == State::Absent {
                let bytes = &mut self.bytes[pages.start * sealed..pages.end * sealed];
                let (from, to) = (self.from + pages.start, self.from + pages.end);
                self.run.read(from..to, bytes)?;
                stretch.fill(State::Sealed);
            }
            at = pages.end;
        }
        Ok(())
    }

    /// The `i`-th page of the window, read and opened if it was not yet.
    pub(crate) fn page(&mut self, i: usize) -> Result<PageView<'_>, SetError> {
        let sealed = self.run.shape.sealed();
        let bytes = &mut self.bytes[i * sealed..(i + 1) * sealed];
        if self.state[i] == State::Absent {
            self.run.read(self.from + i..self.from + i + 1, bytes)?;
        }
        if self.state[i] != State::Open {
            // Not to be taken for sealed again, whatever comes of it.
            self.state[i] = State::Absent;
            self.run.unseal(self.from + i, bytes)?;
            self.state[i] = State::Open;
        }
        Ok(self.run.shape.view(bytes))
    }
}
