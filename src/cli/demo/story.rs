//! How the demo is told: acts, commands in their persona's colour, what came of them.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::Write;
use std::time::Duration;

use console::style;
use indicatif::{ProgressBar, ProgressStyle};

use super::cast::Persona;

/// Width of the column of names.
const NAMES: usize = 8;

/// The teller; on stderr when stdout carries a document.
pub(super) struct Story {
    aside: bool,
    act: usize,
}

impl Story {
    pub(super) fn new(aside: bool) -> Self {
        Story { aside, act: 0 }
    }

    pub(super) fn line(&self, words: impl Display) {
        // A reader that has gone away is no reason to stop.
        let _ = if self.aside {
            writeln!(std::io::stderr(), "{words}")
        } else {
            writeln!(std::io::stdout(), "{words}")
        };
    }

    /// A new act.
    pub(super) fn act(&mut self, title: &str) {
        self.act += 1;
        let rule = "─".repeat(72usize.saturating_sub(title.chars().count()));
        self.line(format!(
            "\n{} {}",
            style(format!("{} · {title}", self.act)).bold(),
            style(rule).dim()
        ));
    }

    /// The command a persona types.
    pub(super) fn command(&self, who: Persona, arguments: &[String]) {
        let typed: Vec<Cow<'_, str>> = arguments.iter().map(|word| quoted(word)).collect();
        self.line(format!(
            "{} {} tamis {}",
            who.paint(format!("{:>NAMES$}", who.name())),
            style("$").dim(),
            typed.join(" ")
        ));
    }

    /// What came of it.
    pub(super) fn outcome(&self, words: &str) {
        for line in words.lines() {
            self.line(format!("{:NAMES$}   {line}", ""));
        }
    }

    /// A promise that was checked and holds.
    pub(super) fn holds(&self, words: &str) {
        self.line(format!(
            "{:NAMES$} {} {words}",
            "",
            style("✓").green().bold()
        ));
    }

    /// Something turns until the returned value is dropped.
    pub(super) fn waiting(&self, what: &str) -> Waiting {
        let spinner = ProgressBar::new_spinner();
        if let Ok(look) =
            ProgressStyle::with_template("           {spinner:.cyan} {msg} {elapsed:.dim}")
        {
            spinner.set_style(look);
        }
        spinner.set_message(what.to_owned());
        spinner.enable_steady_tick(Duration::from_millis(100));
        Waiting(spinner)
    }
}

/// A spinner that clears itself.
pub(super) struct Waiting(ProgressBar);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A word as a shell wants it.
fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain = !word.is_empty()
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_./:,=@%+".contains(&byte));
    if is_plain {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_command_can_be_copied_into_a_shell() {
        assert_eq!(quoted("demo-out/homes/maison"), "demo-out/homes/maison");
        assert_eq!(quoted("loyalty in (silver)"), "'loyalty in (silver)'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
