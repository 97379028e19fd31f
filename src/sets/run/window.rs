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
        }
    }

    /// Moves to some pages of the run; nothing is read yet.
    pub(crate) fn aim(&mut self, pages: Range<usize>) {
        self.from = pages.start;
        self.state.clear();
        self.state.resize(pages.len(), State::Absent);
        // Grows only: what stands there is overwritten when pages are read.
        let bytes = pages.len() * self.run.shape.sealed();
        if self.bytes.len() < bytes {
            self.bytes.resize(bytes, 0);
        }
    }

    /// Pages in the window.
    pub(crate) fn len(&self) -> usize {
        self.state.len()
    }

    /// First token of every page in the window.
    pub(crate) fn firsts(&self) -> &'r [u128] {
        &self.run.firsts()[self.from..self.from + self.state.len()]
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
