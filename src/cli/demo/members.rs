//! The state a destination holds: `members.csv`, one `audience,cookie` per line.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::cli::Failure;

/// An audience and a cookie of the destination in it.
pub(super) type Member = (String, String);

/// Longest time a sink may take to write down what it holds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until sinks that were told everything have written it down. A sink journals each message before it
/// acknowledges it and writes its members once it falls quiet, never both at once: members younger than the
/// journal are complete.
pub(super) async fn settle(directories: &[PathBuf]) {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until && !directories.iter().all(|one| is_settled(one)) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn is_settled(directory: &Path) -> bool {
    let written = |name: &str| std::fs::metadata(directory.join(name))?.modified();
    match (written("members.csv"), written("journal")) {
        (Ok(members), Ok(journal)) => members > journal,
        _ => false,
    }
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
