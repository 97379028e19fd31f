//! Journal and members together: what was answered is kept, and applied exactly once.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use tamis_protocols::wire::delivery::MembersChanged;

use super::journal::{Entry, Journal};
use super::labels::Opened;
use super::members::{Members, Verdict};
use super::{SinkError, report};

/// A journal shorter than this is never rewritten.
const SMALL_JOURNAL: u64 = 16 * 1024 * 1024;

/// The state of a sink, on disk and in memory.
pub(super) struct Keeper {
    journal: Journal,
    members: Members,
    directory: PathBuf,
    /// The file lacks what memory has.
    stale: bool,
    _lock: File,
}

impl Keeper {
    /// Takes the directory for itself and reads what is there.
    pub(super) fn open(directory: &Path) -> Result<Keeper, SinkError> {
        std::fs::create_dir_all(directory)?;
        let lock = File::create(directory.join("lock"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => SinkError::Busy,
            TryLockError::Error(error) => SinkError::Io(error),
        })?;
        let mut members = Members::default();
        let mut journal = Journal::open(directory, |entry| members.apply(entry))?;
        if journal.len() > SMALL_JOURNAL.max(2 * members.weight()) {
            journal.rewrite(members.entries())?;
        }
        Ok(Keeper {
            journal,
            members,
            directory: directory.to_path_buf(),
            stale: true,
            _lock: lock,
        })
    }

    /// What to do with a message, before its labels are opened.
    pub(super) fn judge(&self, data: &MembersChanged) -> Verdict {
        self.members.judge(&data.delivery, data.sequence)
    }

    /// Journals and applies a message if it is the next of its delivery; says what it was.
    ///
    /// # Errors
    /// The journal could not be written: nothing was applied, the sender must try again.
    pub(super) fn accept(&mut self, data: MembersChanged, opened: Opened) -> io::Result<Verdict> {
        let verdict = self.judge(&data);
        if verdict != Verdict::Next {
            return Ok(verdict);
        }
        let entry = Entry::Batch {
            collaboration: data.collaboration,
            audience: data.audience.name,
            delivery: data.delivery,
            sequence: data.sequence,
            last: data.last,
            remove: opened.remove,
            add: opened.add,
        };
        self.journal.append(&entry)?;
        self.members.apply(entry);
        self.stale = true;
        Ok(verdict)
    }

    /// Writes `members.csv` if it is not up to date.
    pub(super) fn write_report(&mut self) -> io::Result<()> {
        if self.stale {
            report::write(&self.directory, &self.members)?;
            self.stale = false;
        }
        Ok(())
    }

    /// Members, summed over audiences.
    pub(super) fn count(&self) -> u64 {
        self.members.count()
    }

    /// For tests: the disk fails from here on.
    #[cfg(test)]
    pub(super) fn make_read_only(&mut self) -> io::Result<()> {
        self.journal.make_read_only()
    }

    /// For tests: rewrites the journal whatever its length.
    #[cfg(test)]
    pub(super) fn rewrite(&mut self) -> io::Result<()> {
        self.journal.rewrite(self.members.entries())
    }
}
