//! A pack as one file: the archive of `tamis_protocols::audit::archive` in one zstd frame.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read};
use std::path::Path;

use tamis_protocols::audit::archive::{ArchiveError, Limits, Packer, unpack as unpack_archive};
use tamis_protocols::audit::{Evidence, file};
use tamis_protocols::transparency::TileStore;

use super::Directory;

/// The largest window of a frame, as a power of two: 128 MiB of memory.
const WINDOW: u32 = 27;

/// The level at which packs are compressed.
const LEVEL: i32 = 9;

/// Writes the pack in `directory` as one file.
///
/// # Errors
/// Those of the files; `InvalidInput` if there is a file that no pack has.
pub fn pack(directory: &Path, out: &Path) -> io::Result<()> {
    let evidence = Directory::new(directory);
    let mut paths = evidence.list()?.unwrap_or_default();
    paths.extend(evidence.others()?);
    paths.retain(|path| path != file::MANIFEST);
    paths.sort();
    paths.insert(0, file::MANIFEST.to_owned());
    let file = BufWriter::new(File::create(out)?);
    let mut frame = zstd::stream::write::Encoder::new(file, LEVEL)?;
    frame.include_checksum(true)?;
    let mut packer = Packer::new(frame);
    for path in &paths {
        let mut content = File::open(directory.join(path))?;
        let size = content.metadata()?.len();
        packer.add(path, size, &mut content)?;
    }
    let file = packer.finish()?.finish()?;
    file.into_inner().map_err(io::Error::from)?.sync_all()
}

/// Unpacks a pack into `directory`, which is there and empty; the number of files.
pub fn unpack(packed: &Path, directory: &Path, limits: Limits) -> Result<u64, ArchiveError> {
    let file = File::open(packed).map_err(ArchiveError::Io)?;
    let mut frame = zstd::stream::read::Decoder::new(file).map_err(ArchiveError::Io)?;
    frame.window_log_max(WINDOW).map_err(ArchiveError::Io)?;
    let mut frame = frame.single_frame();
    let files = unpack_archive(&mut frame, limits, |path| {
        let place = directory.join(path);
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        File::create_new(place).map(BufWriter::new)
    })?;
    // Behind the one frame there is nothing.
    let mut behind: BufReader<File> = frame.finish();
    match behind.read(&mut [0; 1]) {
        Ok(0) => Ok(files),
        Ok(_) => Err(ArchiveError::End),
        Err(error) => Err(ArchiveError::Io(error)),
    }
}
