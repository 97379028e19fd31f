//! What can go wrong with files at rest: the disk, or what it holds.

use std::io;
use std::path::Path;

/// An error of a sealed file. It names the file (and the directory it is in), never the content.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// The operating system refused: full disk, unreadable sector, missing file.
    #[error("{file}: {source}")]
    Io {
        /// Directory and file name.
        file: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A block was changed, dropped, moved, cut, or made with another key.
    #[error("{file}: block {block} is damaged or does not belong there")]
    Damaged {
        /// Directory and file name.
        file: String,
        /// Counted from 0.
        block: u64,
    },
    /// The file is of another kind or version, or its content contradicts itself.
    #[error("{file}: {problem}")]
    Format {
        /// Directory and file name.
        file: String,
        /// What is wrong.
        problem: &'static str,
    },
}

impl SetError {
    /// Wraps what the operating system said about `path`.
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> SetError {
        let file = shown(path);
        move |source| SetError::Io { file, source }
    }

    pub(super) fn damaged(path: &Path, block: u64) -> SetError {
        let file = shown(path);
        SetError::Damaged { file, block }
    }

    pub(super) fn format(path: &Path, problem: &'static str) -> SetError {
        let file = shown(path);
        SetError::Format { file, problem }
    }
}

/// Directory and file name, without where they lie on this machine.
fn shown(path: &Path) -> String {
    let name = |path: &Path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let parent = path.parent().and_then(name);
    let own = name(path).unwrap_or_default();
    parent.map_or(own.clone(), |parent| format!("{parent}/{own}"))
}
