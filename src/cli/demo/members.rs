//! The state a destination holds: `members.csv`, one `audience,cookie` per line.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::Failure;

/// An audience and a cookie of the destination in it.
pub(super) type Member = (String, String);

/// A sink writes its members once it has heard nothing for a second; this is that and a little more.
const QUIET: Duration = Duration::from_millis(1_500);

/// Waits until sinks that were told everything have written it down: they write beside the file first.
pub(super) async fn settle(directories: &[PathBuf]) {
    tokio::time::sleep(QUIET).await;
    for _ in 0..600 {
        if !directories.iter().any(|directory| is_writing(directory)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn is_writing(directory: &Path) -> bool {
    std::fs::read_dir(directory).is_ok_and(|entries| {
        entries
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().starts_with(".tmp"))
    })
}

/// The members of one destination, in memory: the demo's alone, and bounded by what the destination holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Members(BTreeSet<Member>);

impl Members {
    /// Reads a `members.csv`; a destination that was told nothing has none.
    pub(super) fn read(directory: &Path) -> Result<Self, Failure> {
        let path = directory.join("members.csv");
        if !path.exists() {
            return Ok(Members::default());
        }
        let damaged = |error: csv::Error| Failure::refused(format!("{}: {error}", path.display()));
        let mut reader = csv::Reader::from_path(&path).map_err(damaged)?;
        let mut members = BTreeSet::new();
        for record in reader.deserialize() {
            members.insert(record.map_err(damaged)?);
        }
        Ok(Members(members))
    }

    /// Writes an empty `members.csv` where a destination was told nothing.
    pub(super) fn write_if_absent(directory: &Path) -> Result<(), Failure> {
        let path = directory.join("members.csv");
        if path.exists() {
            return Ok(());
        }
        std::fs::write(&path, "audience,cookie\n")
            .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
    }

    /// Cookies in an audience.
    pub(super) fn cookies(&self, audience: &str) -> u64 {
        self.0.iter().filter(|(name, _)| name == audience).count() as u64
    }

    /// Who left and who came since `before`.
    pub(super) fn since(&self, before: &Members) -> (BTreeSet<Member>, BTreeSet<Member>) {
        let gone = before.0.difference(&self.0).cloned().collect();
        let new = self.0.difference(&before.0).cloned().collect();
        (gone, new)
    }

    /// Every place of these cookies.
    pub(super) fn of(&self, cookies: &BTreeSet<String>) -> BTreeSet<Member> {
        self.0
            .iter()
            .filter(|(_, cookie)| cookies.contains(cookie))
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn members_are_compared_by_audience_and_cookie() {
        let out = tempfile::tempdir().unwrap();
        std::fs::write(
            out.path().join("members.csv"),
            "audience,cookie\nloyal,b\ncustomers,a\nloyal,a\n",
        )
        .unwrap();
        let before = Members::read(out.path()).unwrap();
        let of_a = before.of(&["a".to_owned()].into());
        let after = Members(before.0.difference(&of_a).cloned().collect());
        let (gone, new) = after.since(&before);
        assert_eq!(gone, of_a);
        assert!(new.is_empty());
        assert_eq!(after.cookies("loyal"), 1);
    }

    #[test]
    fn a_destination_that_was_told_nothing_has_no_members() {
        let out = tempfile::tempdir().unwrap();
        assert_eq!(Members::read(out.path()).unwrap(), Members::default());
        Members::write_if_absent(out.path()).unwrap();
        assert_eq!(Members::read(out.path()).unwrap(), Members::default());
    }
}
