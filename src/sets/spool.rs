//! The growing encrypted file of an upload.
//!
//! ```text
//! "tamisspl" ‖ version u16 = 1 ‖ 0 × 6 ‖ generation u64                         (little-endian)
//! frame:  plaintext length u32 ‖ index u64 ‖ sealed ( durable u64 ‖ at most 1 MiB of upload )
//! ```
//! A frame's index is `generation · 2⁴⁰ + position`; the generation is raised, durably, before the
//! first frame after every opening, truncation or failed write, so that no index is sealed twice with
//! other bytes. `durable` is how much of the upload was known to be on the disk when the frame was
//! made: after a crash only frames beyond it can be torn, and only these are checked on opening.
//!
//! Memory: 1 MiB, and 32 bytes per frame.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use tamis_keys::Secret;
use tamis_keys::envelope::BlockCipher;
use tamis_keys::purpose::Data;

use super::SetError;
use super::directory::{Staged, create_file};

const MAGIC: &[u8; 8] = b"tamisspl";
const HEADER: u64 = 24;
const GENERATION_AT: u64 = 16;
const FRAME: usize = 1 << 20;
const HEAD: usize = 12;
const POSITION_BITS: u32 = 40;
const OVERHEAD: usize = BlockCipher::OVERHEAD;

/// An upload being received.
pub struct Spool {
    file: File,
    path: PathBuf,
    cipher: BlockCipher,
    frames: Vec<Frame>,
    /// Bytes of the upload that are not in a frame yet.
    buffer: Vec<u8>,
    generation: u64,
    /// The generation must be raised before the next frame.
    stale: bool,
    durable: u64,
}

/// A frame in the file.
#[derive(Clone, Copy)]
struct Frame {
    /// Where it ends in the file, and in the upload.
    file_end: u64,
    end: u64,
    /// Its plaintext, and its index.
    length: u32,
    index: u64,
}

impl Spool {
    /// Makes an empty spool. `object` says what it is and is bound to every frame.
    ///
    /// # Errors
    /// It is there already, or the disk refuses.
    pub fn create(path: &Path, key: &Secret<Data>, object: &str) -> Result<Self, SetError> {
        if path.try_exists().map_err(SetError::io(path))? {
            return Err(SetError::io(path)(io::ErrorKind::AlreadyExists.into()));
        }
        // Killed before its header is whole, it would have a name and never open.
        let staged = Staged::file(path)?;
        let file = create_file(staged.path())?;
        let mut header = [0; HEADER as usize];
        header[..8].copy_from_slice(MAGIC);
        header[8] = 1;
        let written = file.write_all_at(&header, 0);
        let written = written.and_then(|()| file.sync_all());
        written.map_err(SetError::io(path))?;
        staged.publish()?;
        Ok(Spool::new(file, path, key, object, 0))
    }

    /// Opens a spool and drops what a crash left torn at its end; [`Spool::len`] is what survives.
    ///
    /// # Errors
    /// It is missing, not a spool, or the disk refuses.
    pub fn open(path: &Path, key: &Secret<Data>, object: &str) -> Result<Self, SetError> {
        let file = OpenOptions::new().read(true).write(true).open(path);
        let file = file.map_err(SetError::io(path))?;
        let generation = read_header(&file, path)?;
        let mut spool = Spool::new(file, path, key, object, generation);
        spool.scan()?;
        spool.drop_torn_frames()?;
        let end = spool.file_end();
        let kept = spool.file.set_len(end).and_then(|()| spool.file.sync_all());
        kept.map_err(SetError::io(path))?;
        spool.durable = spool.len();
        Ok(spool)
    }

    /// Appends bytes of the upload; they are durable after [`Spool::sync`].
    ///
    /// # Errors
    /// The disk refuses. What was not synced is then lost: go back to [`Spool::len`].
    pub fn append(&mut self, mut bytes: &[u8]) -> Result<(), SetError> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(FRAME - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
            if self.buffer.len() == FRAME {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Makes everything appended durable. The length is then a mark for [`Spool::truncate_to`].
    ///
    /// # Errors
    /// The disk refuses; see [`Spool::append`].
    pub fn sync(&mut self) -> Result<(), SetError> {
        self.flush()?;
        self.file.sync_data().map_err(SetError::io(&self.path))?;
        self.durable = self.len();
        Ok(())
    }

    /// Bytes of the upload, synced or not.
    pub fn len(&self) -> u64 {
        self.frames_end() + self.buffer.len() as u64
    }

    /// Whether there is nothing yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes back everything after `mark`, which is 0 or a length at which [`Spool::sync`] succeeded.
    ///
    /// # Errors
    /// There was no such mark, or the disk refuses.
    pub fn truncate_to(&mut self, mark: u64) -> Result<(), SetError> {
        let keep = match mark {
            0 => 0,
            mark => {
                let found = self.frames.binary_search_by_key(&mark, |frame| frame.end);
                found
                    .map_err(|_| SetError::format(&self.path, "was never synced at this length"))?
                    + 1
            }
        };
        self.buffer.clear();
        if keep == self.frames.len() {
            return Ok(());
        }
        self.frames.truncate(keep);
        self.durable = self.durable.min(mark);
        self.stale = true;
        let cut = self.file.set_len(self.file_end());
        let cut = cut.and_then(|()| self.file.sync_all());
        cut.map_err(SetError::io(&self.path))
    }

    /// Reads a complete upload from its start. Memory: one frame.
    ///
    /// # Errors
    /// It is missing or not a spool. Damage is an error of the reader, naming the file.
    pub fn reader(path: &Path, key: &Secret<Data>, object: &str) -> Result<SpoolReader, SetError> {
        let file = File::open(path).map_err(SetError::io(path))?;
        let generation = read_header(&file, path)?;
        let mut spool = Spool::new(file, path, key, object, generation);
        spool.scan()?;
        let size = spool.file.metadata().map_err(SetError::io(path))?.len();
        if size != spool.file_end() {
            return Err(SetError::damaged(path, spool.frames.len() as u64));
        }
        Ok(SpoolReader {
            spool,
            frame: 0,
            at: 0,
        })
    }

    fn new(file: File, path: &Path, key: &Secret<Data>, object: &str, generation: u64) -> Self {
        Spool {
            file,
            path: path.to_owned(),
            cipher: BlockCipher::new(key, &format!("tamis/v1/spool/{object}")),
            frames: Vec::new(),
            buffer: Vec::new(),
            generation,
            stale: true,
            durable: 0,
        }
    }

    fn frames_end(&self) -> u64 {
        self.frames.last().map_or(0, |frame| frame.end)
    }

    fn file_end(&self) -> u64 {
        self.frames.last().map_or(HEADER, |frame| frame.file_end)
    }

    /// Writes the buffer as a frame.
    fn flush(&mut self) -> Result<(), SetError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        if self.stale {
            self.raise_generation()?;
        }
        let position = self.frames.len() as u64;
        let index = self.generation << POSITION_BITS | position;
        let mut sealed = Vec::with_capacity(8 + self.buffer.len() + OVERHEAD);
        sealed.extend_from_slice(&self.durable.to_le_bytes());
        sealed.extend_from_slice(&self.buffer);
        let length = sealed.len() as u32;
        self.cipher.seal_in_place(index, false, &mut sealed);
        let mut head = [0; HEAD];
        head[..4].copy_from_slice(&length.to_le_bytes());
        head[4..].copy_from_slice(&index.to_le_bytes());
        let at = self.file_end();
        let written = self.file.write_all_at(&head, at);
        let written = written.and_then(|()| self.file.write_all_at(&sealed, at + HEAD as u64));
        if let Err(error) = written {
            // What was appended since the last frame is lost; what may be there of it is cut off.
            self.buffer.clear();
            self.stale = true;
            let _ = self.file.set_len(at);
            return Err(SetError::io(&self.path)(error));
        }
        self.frames.push(Frame {
            file_end: at + (HEAD + sealed.len()) as u64,
            end: self.frames_end() + self.buffer.len() as u64,
            length,
            index,
        });
        self.buffer.clear();
        Ok(())
    }

    fn raise_generation(&mut self) -> Result<(), SetError> {
        let next = self.generation + 1;
        if next >> (64 - POSITION_BITS) != 0 {
            return Err(SetError::format(&self.path, "was opened too often"));
        }
        let raised = self.file.write_all_at(&next.to_le_bytes(), GENERATION_AT);
        let raised = raised.and_then(|()| self.file.sync_data());
        if let Err(error) = raised {
            self.buffer.clear();
            return Err(SetError::io(&self.path)(error));
        }
        self.generation = next;
        self.stale = false;
        Ok(())
    }

    /// Finds the frames by their heads, up to the first that cannot be one.
    fn scan(&mut self) -> Result<(), SetError> {
        let size = self
            .file
            .metadata()
            .map_err(SetError::io(&self.path))?
            .len();
        let mut head = [0; HEAD];
        loop {
            let at = self.file_end();
            if at + (HEAD + OVERHEAD) as u64 > size {
                return Ok(());
            }
            let read = self.file.read_exact_at(&mut head, at);
            read.map_err(SetError::io(&self.path))?;
            let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
            let mut index = [0; 8];
            index.copy_from_slice(&head[4..]);
            let index = u64::from_le_bytes(index);
            let file_end = at + (HEAD + length as usize + OVERHEAD) as u64;
            let (generation, position) =
                (index >> POSITION_BITS, index & ((1 << POSITION_BITS) - 1));
            let before = self
                .frames
                .last()
                .map_or(0, |frame| frame.index >> POSITION_BITS);
            let plausible = (9..=FRAME as u32 + 8).contains(&length)
                && file_end <= size
                && position == self.frames.len() as u64
                && (before..=self.generation).contains(&generation);
            if !plausible {
                return Ok(());
            }
            let end = self.frames_end() + u64::from(length) - 8;
            self.frames.push(Frame {
                file_end,
                end,
                length,
                index,
            });
        }
    }

    /// Opens frames from the last one back to what is known to be durable, and cuts at the first of
    /// them that does not open.
    fn drop_torn_frames(&mut self) -> Result<(), SetError> {
        let (mut durable, mut keep) = (0, self.frames.len());
        for position in (0..self.frames.len()).rev() {
            if self.frames[position].end <= durable {
                break;
            }
            match self.load(position) {
                Ok(known) => durable = durable.max(known),
                Err(SetError::Damaged { .. }) => keep = position,
                Err(other) => return Err(other),
            }
        }
        self.frames.truncate(keep);
        self.buffer.clear();
        Ok(())
    }

    /// Opens a frame into the buffer, its eight bytes of `durable` included, which are returned.
    fn load(&mut self, position: usize) -> Result<u64, SetError> {
        let frame = self.frames[position];
        let sealed = frame.length as usize + OVERHEAD;
        self.buffer.resize(sealed, 0);
        let at = frame.file_end - sealed as u64;
        let read = self.file.read_exact_at(&mut self.buffer, at);
        read.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => SetError::damaged(&self.path, position as u64),
            _ => SetError::io(&self.path)(error),
        })?;
        let opened = self
            .cipher
            .open_in_place(frame.index, false, &mut self.buffer);
        match opened
            .ok()
            .and_then(|plaintext| plaintext.first_chunk::<8>())
        {
            Some(durable) => Ok(u64::from_le_bytes(*durable)),
            None => Err(SetError::damaged(&self.path, position as u64)),
        }
    }
}

fn read_header(file: &File, path: &Path) -> Result<u64, SetError> {
    let mut header = [0; HEADER as usize];
    file.read_exact_at(&mut header, 0)
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => SetError::format(path, "is cut short"),
            _ => SetError::io(path)(error),
        })?;
    if &header[..8] != MAGIC {
        return Err(SetError::format(path, "is not a spool"));
    }
    if header[8..16] != [1, 0, 0, 0, 0, 0, 0, 0] {
        return Err(SetError::format(path, "is of another version"));
    }
    let mut generation = [0; 8];
    generation.copy_from_slice(&header[16..]);
    let generation = u64::from_le_bytes(generation);
    match generation >> (64 - POSITION_BITS) {
        0 => Ok(generation),
        _ => Err(SetError::format(path, "has an impossible generation")),
    }
}

/// Reads an upload back.
pub struct SpoolReader {
    spool: Spool,
    frame: usize,
    /// What of the spool's buffer was handed out, its first eight bytes included.
    at: usize,
}

impl Read for SpoolReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut end = self.spool.buffer.len().saturating_sub(OVERHEAD);
        if self.at == end {
            if self.frame == self.spool.frames.len() {
                return Ok(0);
            }
            self.spool.load(self.frame).map_err(io::Error::other)?;
            self.frame += 1;
            end = self.spool.buffer.len() - OVERHEAD;
            self.at = 8;
        }
        let take = out.len().min(end - self.at);
        out[..take].copy_from_slice(&self.spool.buffer[self.at..self.at + take]);
        self.at += take;
        Ok(take)
    }
}
