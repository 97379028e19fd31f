//! A directory as evidence.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use tamis_protocols::audit::Evidence;
use tamis_protocols::transparency::TileStore;

/// The largest file of a log in bytes: 256 leaves of 4,096 bytes with their lengths.
const TILE_MAX: u64 = 256 * (4096 + 2);

/// A directory with the files of a log, and perhaps those of a pack. Links are followed nowhere below it.
pub struct Directory(PathBuf);

impl Directory {
    /// The evidence in this directory.
    pub fn new(path: &Path) -> Self {
        Directory(path.to_owned())
    }

    /// A file, if there is one: no directory, no link.
    fn file(&self, path: &str) -> io::Result<Option<File>> {
        let place = self.0.join(path);
        match fs::symlink_metadata(&place) {
            Ok(found) if found.is_file() => File::open(place).map(Some),
            Ok(_) => Err(io::ErrorKind::InvalidInput.into()),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Every file below `directory`, named from `name` on.
    fn walk(&self, name: &str, paths: &mut Vec<String>) -> io::Result<()> {
        let entries = match fs::read_dir(self.0.join(name)) {
            Err(error) if is_absent(&error) => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let slash = if name.is_empty() { "" } else { "/" };
            let path = format!("{name}{slash}{}", entry.file_name().to_string_lossy());
            match entry.file_type()?.is_dir() {
                true => self.walk(&path, paths)?,
                false => paths.push(path),
            }
        }
        Ok(())
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

impl TileStore for Directory {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let Some(file) = self.file(path)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        file.take(TILE_MAX + 1).read_to_end(&mut bytes)?;
        match bytes.len() as u64 > TILE_MAX {
            true => Err(io::ErrorKind::FileTooLarge.into()),
            false => Ok(Some(bytes)),
        }
    }

    /// Writes beside and renames: a directory cut short never holds half a file of the log.
    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let place = self.0.join(path);
        fs::create_dir_all(place.parent().unwrap_or(&self.0))?;
        let beside = self.0.join(".part");
        fs::write(&beside, bytes)?;
        fs::rename(beside, place)
    }

    fn list(&self) -> io::Result<Option<Vec<String>>> {
        let mut paths = Vec::new();
        self.walk("tile", &mut paths)?;
        Ok(Some(paths))
    }
}

impl Evidence for Directory {
    fn open(&self, path: &str) -> io::Result<Option<Box<dyn BufRead + '_>>> {
        let file = self.file(path)?;
        Ok(file.map(|file| Box::new(BufReader::new(file)) as Box<dyn BufRead>))
    }

    fn others(&self) -> io::Result<Vec<String>> {
        let mut paths = Vec::new();
        self.walk("", &mut paths)?;
        paths.retain(|path| !path.starts_with("tile/"));
        Ok(paths)
    }
}
