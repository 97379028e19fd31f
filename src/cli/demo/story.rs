//! How the demo is told: acts, commands in their persona's colour, what came of them.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::Write;
use std::time::Duration;

use console::{Term, style};
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

    /// Columns that a command may fill: those of the terminal, or as many as it takes.
    fn columns(&self) -> usize {
        let term = if self.aside {
            Term::stderr()
        } else {
            Term::stdout()
        };
        term.size_checked()
            .map_or(usize::MAX, |(_, columns)| usize::from(columns).max(60))
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
            "{} {} {}",
            who.paint(format!("{:>NAMES$}", who.name())),
            style("$").dim(),
            folded(&typed, self.columns())
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

/// The command in lines that fit, broken as a shell allows: it can still be copied.
fn folded(words: &[Cow<'_, str>], columns: usize) -> String {
    // What stands before it, and ` \\` behind it.
    let room = columns.saturating_sub(NAMES + 3 + 2);
    let mut text = "tamis".to_owned();
    let mut filled = text.len();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        // An option stays with its value.
        let mut unit = word.to_string();
        if word.starts_with("--")
            && let Some(value) = words.next_if(|next| !next.starts_with("--"))
        {
            unit = format!("{unit} {value}");
        }
        let length = unit.chars().count();
        if filled + 1 + length > room {
            text += &format!(" \\\n{:1$}", "", NAMES + 5);
            filled = 2 + length;
        } else {
            text.push(' ');
            filled += 1 + length;
        }
        text += &unit;
    }
    text
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
    use super::{folded, quoted};

    #[test]
    fn a_long_command_is_broken_where_a_shell_goes_on() {
        let words = "invite dsp-a --role destination --out homes/dsp-a.invitation --home homes/op";
        let typed: Vec<_> = words.split(' ').map(quoted).collect();
        assert_eq!(folded(&typed, usize::MAX), format!("tamis {words}"));
        let lines = folded(&typed, 60);
        assert!(lines.lines().count() > 1);
        assert!(lines.lines().all(|line| line.len() <= 60));
        let joined: Vec<_> = lines.split(" \\\n").map(str::trim).collect();
        assert_eq!(joined.join(" "), format!("tamis {words}"));
    }

    #[test]
    fn a_command_can_be_copied_into_a_shell() {
        assert_eq!(quoted("demo-out/homes/maison"), "demo-out/homes/maison");
        assert_eq!(quoted("loyalty in (silver)"), "'loyalty in (silver)'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
