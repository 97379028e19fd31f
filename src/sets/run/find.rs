//! Looking up few tokens in a run, reading only the pages that may hold one.

use super::super::SetError;
use super::{PageView, RunFile, Window};

/// Looks tokens up, best in ascending order. Memory: one page.
pub(crate) struct Finder<'r> {
    run: &'r RunFile,
    window: Window<'r>,
}

impl<'r> Finder<'r> {
    pub(crate) fn new(run: &'r RunFile) -> Self {
        Finder {
            run,
            window: Window::new(run),
        }
    }

    /// Calls `found` for every record of `token`, with its page and its place there.
    pub(crate) fn find(
        &mut self,
        token: u128,
        mut found: impl FnMut(PageView<'_>, usize),
    ) -> Result<(), SetError> {
        for page in self.run.index().pages(token, token.checked_add(1)) {
            self.window.aim(page..page + 1);
            let view = self.window.page(0)?;
            let mut at = view.tokens.lower_bound(0, token);
            while at < view.len() && view.tokens.get(at) == token {
                found(view, at);
                at += 1;
            }
        }
        Ok(())
    }
}
