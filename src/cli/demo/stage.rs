//! The demo's directory: what is in it, and that nothing of anybody else's is ever removed from it.

use std::path::{Path, PathBuf};

use tamis_keys::home::create_private_dir;

use crate::cli::Failure;

/// Says that the directory is a demo's, so that the next demo may clear it.
const MARK: &str = ".tamis-demo";
/// Everything a demo makes in its directory.
const PROPS: [&str; 11] = [
    "homes",
    "input",
    "destinations",
    "log",
    "running",
    "report.json",
    "timings.json",
    "withdrawn.csv",
    "members-before-withdrawal",
    "summary.json",
    MARK,
];

/// The paths of one demo, as they are shown and typed.
pub(super) struct Stage {
    out: PathBuf,
}

impl Stage {
    /// Makes `out` anew: clears what an earlier demo left, refuses to touch what is not a demo's.
    pub(super) fn build(out: &Path) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::usage(format!("{}: {error}", out.display()));
        let is_demo = out.join(MARK).exists();
        for prop in PROPS {
            let path = out.join(prop);
            if !path.exists() {
                continue;
            }
            if !is_demo {
                return Err(Failure::usage(format!(
                    "{} is there, and not from a demo",
                    path.display()
                ))
                .next("Name another directory with --out DIR."));
            }
            if path.is_dir() {
                std::fs::remove_dir_all(&path).map_err(failed)?;
            } else {
                std::fs::remove_file(&path).map_err(failed)?;
            }
        }
        std::fs::create_dir_all(out).map_err(failed)?;
        std::fs::write(
            out.join(MARK),
            "made by tamis demo; cleared by the next one\n",
        )
        .map_err(failed)?;
        let stage = Stage {
            out: out.to_owned(),
        };
        create_private_dir(&stage.homes()).map_err(|error| Failure::usage(error.to_string()))?;
        for directory in [stage.running(), stage.out.join("destinations")] {
            std::fs::create_dir_all(directory).map_err(failed)?;
        }
        Ok(stage)
    }

    pub(super) fn out(&self) -> &Path {
        &self.out
    }

    /// One key directory per persona.
    pub(super) fn homes(&self) -> PathBuf {
        self.out.join("homes")
    }

    /// Ready files and logs of the three servers.
    pub(super) fn running(&self) -> PathBuf {
        self.out.join("running")
    }

    pub(super) fn input(&self) -> PathBuf {
        self.out.join("input")
    }

    pub(super) fn destination(&self, name: &str) -> PathBuf {
        self.out.join("destinations").join(name)
    }

    pub(super) fn log(&self) -> PathBuf {
        self.out.join("log")
    }

    pub(super) fn report(&self) -> PathBuf {
        self.out.join("report.json")
    }

    pub(super) fn timings(&self) -> PathBuf {
        self.out.join("timings.json")
    }

    pub(super) fn withdrawn(&self) -> PathBuf {
        self.out.join("withdrawn.csv")
    }
}

/// A path as it stands in a command line.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_directory_that_is_not_a_demos_is_left_alone() {
        let out = tempfile::tempdir().unwrap();
        std::fs::write(out.path().join("report.json"), "mine").unwrap();
        assert!(Stage::build(out.path()).is_err());
        assert_eq!(
            std::fs::read(out.path().join("report.json")).unwrap(),
            b"mine"
        );
    }

    #[test]
    fn a_demos_directory_is_cleared_of_the_demo_and_of_nothing_else() {
        let out = tempfile::tempdir().unwrap();
        std::fs::write(out.path().join("notes.txt"), "mine").unwrap();
        let stage = Stage::build(out.path()).unwrap();
        std::fs::write(stage.report(), "old").unwrap();
        let stage = Stage::build(out.path()).unwrap();
        assert!(!stage.report().exists());
        assert!(out.path().join("notes.txt").exists());
    }
}
