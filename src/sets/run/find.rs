//! Looking up few tokens in a run, reading only the pages that may hold one.

use super::super::SetError;
use super::{PageView, RunFile, Window};

/// Looks tokens up, best in ascending order. Memory: one page.
pub(crate) struct Finder<'r> {
    run: &'r RunFile,
    window: Window<'r>,
    page: Option<usize>,
}

impl<'r> Finder<'r> {
    pub(crate) fn new(run: &'r RunFile) -> Self {
        Finder {
            run,
            window: Window::new(run),
            page: None,
        }
    }

    /// Calls `found` for every record of `token`, with its page and its place there.
    pub(crate) fn find(
        &mut self,
        token: u128,
        mut found: impl FnMut(PageView<'_>, usize),
    ) -> Result<(), SetError> {
        let start = self.run.firsts().partition_point(|first| *first < token);
        for page in start.saturating_sub(1)..self.run.firsts().len() {
            if self.run.firsts()[page] > token {
                break;
            }
            if self.page != Some(page) {
                self.page = None;
                self.window.aim(page..page + 1);
            }
            let view = self.window.page(0)?;
            self.page = Some(page);
            let mut at = view.tokens.lower_bound(0, token);
            while at < view.len() && view.tokens.get(at) == token {
                found(view, at);
                at += 1;
            }
        }
        Ok(())
    }
}
