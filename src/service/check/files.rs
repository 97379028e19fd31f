//! What lies in the data directory: how much, and what of it nothing refers to.

use std::collections::HashSet;
use std::path::Path;
use std::{fs, io};

use super::{Check, unreadable};
use crate::domain::id::Id;
use crate::service::ServiceError;
use crate::service::append::blocking;
use crate::service::files::{Files, Kind};

const KINDS: [Kind; 7] = [
    Kind::Spools,
    Kind::Sets,
    Kind::Compacted,
    Kind::Withdrawals,
    Kind::Members,
    Kind::Emissions,
    Kind::Consent,
];

impl Files {
    /// Bytes of everything that is checked.
    pub(super) fn size(&self) -> io::Result<u64> {
        let mut all = size(&self.log())?;
        for kind in KINDS {
            for (path, _) in self.list(kind)? {
                all += size(&path)?;
            }
        }
        Ok(all)
    }
}

impl Check<'_> {
    /// Lists what no row knows. Lists of withdrawals stay where they are: they are written before
    /// their rows, and never removed.
    pub(super) async fn leftovers(
        &mut self,
        known: HashSet<(Kind, Id)>,
    ) -> Result<(), ServiceError> {
        let service = self.service.clone();
        let (names, bytes) = blocking(move || {
            let (mut names, mut bytes) = (Vec::new(), 0);
            for kind in KINDS {
                for (path, id) in service.files().list(kind).map_err(unreadable)? {
                    if id.is_some_and(|id| known.contains(&(kind, id))) {
                        continue;
                    }
                    bytes += size(&path).map_err(unreadable)?;
                    if kind != Kind::Withdrawals {
                        names.push(shown(kind, &path));
                    }
                }
            }
            names.sort_unstable();
            Ok((names, bytes))
        })
        .await?;
        self.checked.leftovers = names;
        self.advance(bytes);
        Ok(())
    }
}

fn shown(kind: Kind, path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("{}/{name}", kind.dir())
}

/// Bytes of a file, or of all files below a directory; 0 if it is not there.
pub(super) fn size(path: &Path) -> io::Result<u64> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        found => found?,
    };
    if !found.is_dir() {
        return Ok(found.len());
    }
    let mut all = 0;
    for entry in fs::read_dir(path)? {
        all += size(&entry?.path())?;
    }
    Ok(all)
}
