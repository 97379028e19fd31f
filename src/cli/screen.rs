//! Where a command's words go: one document or one text on stdout, progress on stderr.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use console::style;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::json;

use super::Failure;

/// Stdout and stderr of one command.
pub(super) struct Screen {
    json: bool,
}

impl Screen {
    pub(super) fn new(json: bool) -> Self {
        Screen { json }
    }

    /// Whether stdout carries a document.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// The command's answer: the document with `--json`, else the text.
    pub(super) fn answer<T: Serialize>(
        &self,
        document: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        let out = if self.json {
            serde_json::to_string_pretty(document).map_err(|error| {
                Failure::service(format!("the answer cannot be written: {error}"))
            })?
        } else {
            text()
        };
        let mut stdout = std::io::stdout().lock();
        // A reader that has gone away (`| head`) is no error of ours.
        let _ = writeln!(stdout, "{}", out.trim_end()).and_then(|()| stdout.flush());
        Ok(())
    }

    /// Text that precedes the answer; nothing with `--json`.
    pub(super) fn say(&self, text: impl Display) {
        if !self.json {
            let _ = writeln!(std::io::stdout(), "{text}");
        }
    }

    /// A line of progress.
    pub(super) fn note(&self, line: impl Display) {
        let _ = writeln!(std::io::stderr(), "{line}");
    }

    /// The last word of a failed command.
    pub(super) fn failed(&self, failure: &Failure) {
        self.note(format!(
            "{} {}",
            style("error:").red().bold().for_stderr(),
            failure.what
        ));
        if let Some(next) = &failure.next {
            self.note(format!("{} {next}", style("next:").cyan().for_stderr()));
        }
        self.failed_quietly(failure);
    }

    /// The document of a failed command alone; nothing without `--json`.
    pub(super) fn failed_quietly(&self, failure: &Failure) {
        if self.json {
            let document = json!({"error": {
                "exit": failure.exit.code(), "what": failure.what, "next": failure.next,
            }});
            let _ = writeln!(std::io::stdout(), "{document:#}");
        }
    }

    /// A bar of `length` bytes; one line when stderr is no terminal.
    pub(super) fn bytes(&self, what: &str, length: u64) -> ProgressBar {
        self.announce(what);
        bar(
            what,
            length,
            "{prefix:10} {wide_bar:.cyan/dim} {bytes:>10} of {total_bytes} {bytes_per_sec:>12} {eta:>4}",
        )
    }

    /// A bar of 1,000 thousandths, with words beside it; one line when stderr is no terminal.
    pub(super) fn percent(&self, what: &str) -> ProgressBar {
        self.announce(what);
        bar(what, 1000, "{prefix:10} {wide_bar:.cyan/dim} {msg:>22}")
    }

    /// A bar of things done; one line when stderr is no terminal.
    pub(super) fn steps(&self, what: &str) -> ProgressBar {
        self.announce(what);
        bar(
            what,
            0,
            "{prefix:10} {wide_bar:.cyan/dim} {pos:>3} of {len}",
        )
    }

    fn announce(&self, what: &str) {
        if !std::io::stderr().is_terminal() {
            self.note(what);
        }
    }

    /// Something whose end nobody knows; hidden when stderr is no terminal.
    pub(super) fn spinner(&self, what: impl Into<String>) -> ProgressBar {
        let spinner = ProgressBar::with_draw_target(None, target());
        if let Ok(look) = ProgressStyle::with_template("{spinner:.cyan} {msg} {elapsed:.dim}") {
            spinner.set_style(look);
        }
        spinner.set_message(what.into());
        spinner.enable_steady_tick(Duration::from_millis(100));
        spinner
    }
}

fn bar(what: &str, length: u64, template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length), target());
    if let Ok(look) = ProgressStyle::with_template(template) {
        bar.set_style(look);
    }
    bar.set_prefix(what.to_owned());
    bar
}

fn target() -> ProgressDrawTarget {
    if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    }
}
