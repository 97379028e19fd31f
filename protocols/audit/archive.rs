//! The evidence pack as a stream: POSIX ustar in exactly one spelling, so that nothing in it goes unproven.
//!
//! Only regular files with the paths of evidence, the manifest first, the others in ascending order, each once;
//! owner, group and time are zero, the mode is 0644. A reader compares every header with the only one there is
//! for that path and size: no link, no absolute or climbing path, no second file of one name can be said.
//! Compression is around this and no part of it.

use std::io::{self, Read, Write};

use super::evidence::{file, is_evidence};

const BLOCK: usize = 512;

/// What an archive may hold at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Files.
    pub files: u64,
    /// Bytes of one file.
    pub file: u64,
    /// Bytes of all files.
    pub all: u64,
}

impl Default for Limits {
    /// 2^20 files, 1 GiB each, 16 GiB in all: a log of a hundred million leaves.
    fn default() -> Self {
        Limits {
            files: 1 << 20,
            file: 1 << 30,
            all: 16 << 30,
        }
    }
}

/// Why bytes are not an evidence pack.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A header that is not the one spelling of any file of evidence.
    #[error("file {0} of the pack has a header that no pack has")]
    Header(u64),
    /// The manifest is not first, or the files are not in order.
    #[error("file {0} of the pack is not in its place")]
    Order(u64),
    /// More files, or larger ones, than is allowed.
    #[error("file {0} of the pack is beyond what is read: raise the limit if you trust it")]
    Limit(u64),
    /// It ends early, or goes on behind its end, or its padding is not zero.
    #[error("the pack is cut short, or goes on behind its end")]
    End,
    /// It cannot be read, or what is in it cannot be written.
    #[error("the pack cannot be read: {0}")]
    Io(io::Error),
}

/// Writes an archive.
pub struct Packer<W: Write>(W);

impl<W: Write> Packer<W> {
    /// Begins one.
    pub fn new(out: W) -> Self {
        Packer(out)
    }

    /// Adds a file of exactly `size` bytes; files come in the order of archives.
    ///
    /// # Errors
    /// `InvalidInput` if the path is none of evidence or `content` has another size.
    pub fn add(&mut self, path: &str, size: u64, content: &mut dyn Read) -> io::Result<()> {
        let header = header(path, size).ok_or(io::ErrorKind::InvalidInput)?;
        self.0.write_all(&header)?;
        let copied = io::copy(&mut content.take(size + 1), &mut self.0)?;
        if copied != size {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.0.write_all(&[0; BLOCK][..padding(size)])
    }

    /// Ends it.
    pub fn finish(mut self) -> io::Result<W> {
        self.0.write_all(&[0; 2 * BLOCK])?;
        Ok(self.0)
    }
}

/// Reads an archive file by file; `place` gives where a file of that path goes. The number of files.
///
/// Bound: one block of 512 bytes and a buffer of `io::copy`; `place` gets at most `limits`.
pub fn unpack<W: Write>(
    mut archive: impl Read,
    limits: Limits,
    mut place: impl FnMut(&str) -> io::Result<W>,
) -> Result<u64, ArchiveError> {
    let mut last: Option<String> = None;
    let (mut files, mut all) = (0_u64, 0_u64);
    loop {
        let mut block = [0; BLOCK];
        fill(&mut archive, &mut block)?;
        if block == [0; BLOCK] {
            return end(archive, files, last.is_some());
        }
        let (path, size) = entry(&block).ok_or(ArchiveError::Header(files))?;
        let in_order = match &last {
            None => path == file::MANIFEST,
            Some(last) => path != file::MANIFEST && (last == file::MANIFEST || *last < path),
        };
        if !in_order {
            return Err(ArchiveError::Order(files));
        }
        all = all.saturating_add(size);
        if files >= limits.files || size > limits.file || all > limits.all {
            return Err(ArchiveError::Limit(files));
        }
        let mut out = place(&path).map_err(ArchiveError::Io)?;
        let copied = io::copy(&mut archive.by_ref().take(size), &mut out);
        if copied.map_err(ArchiveError::Io)? != size {
            return Err(ArchiveError::End);
        }
        out.flush().map_err(ArchiveError::Io)?;
        let mut rest = [0; BLOCK];
        let rest = &mut rest[..padding(size)];
        fill(&mut archive, rest)?;
        if rest.iter().any(|byte| *byte != 0) {
            return Err(ArchiveError::End);
        }
        files += 1;
        last = Some(path);
    }
}

/// The second empty block, and nothing behind it.
fn end(mut archive: impl Read, files: u64, any: bool) -> Result<u64, ArchiveError> {
    let mut block = [0; BLOCK];
    fill(&mut archive, &mut block)?;
    let more = archive.read(&mut [0; 1]).map_err(ArchiveError::Io)?;
    match any && block == [0; BLOCK] && more == 0 {
        true => Ok(files),
        false => Err(ArchiveError::End),
    }
}

fn fill(archive: &mut impl Read, out: &mut [u8]) -> Result<(), ArchiveError> {
    archive.read_exact(out).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => ArchiveError::End,
        _ => ArchiveError::Io(error),
    })
}

/// Bytes up to the next whole block.
fn padding(size: u64) -> usize {
    (size.wrapping_neg() % BLOCK as u64) as usize
}

/// Path and size of a header, if it is the one spelling of them.
fn entry(block: &[u8; BLOCK]) -> Option<(String, u64)> {
    let name = block[..100].split(|byte| *byte == 0).next()?;
    let path = std::str::from_utf8(name).ok()?;
    let digits = std::str::from_utf8(&block[124..135]).ok()?;
    let octal = digits.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    let size = octal.then(|| u64::from_str_radix(digits, 8).ok())??;
    (header(path, size)? == *block).then(|| (path.to_owned(), size))
}

/// The header of a file; none if its path is none of evidence, or its size cannot be written.
fn header(path: &str, size: u64) -> Option<[u8; BLOCK]> {
    if !is_evidence(path) || path.len() > 100 || size >> 33 > 0 {
        return None;
    }
    let mut block = [0; BLOCK];
    let mut put =
        |at: usize, text: &str| block[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, path);
    put(100, "0000644");
    put(108, "0000000");
    put(116, "0000000");
    put(124, &format!("{size:011o}"));
    put(136, "00000000000");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Some(block)
}
