//! Encrypted block files: what every file of a sealed set, a token list and a member file is made of.
//!
//! ```text
//! "tamisblk" ‖ version u16 = 1 ‖ 0 u16 ‖ block length u32 ‖ nonce 16 bytes       (little-endian)
//! block 0 ‖ block 1 ‖ …     each: block length bytes and 16 of tag; the last may be shorter
//! ```
//! A block is sealed by [`BlockCipher`] under a subkey of the object's data key for
//! `context/length/nonce`, at its position, with a flag on the last one. So a block that is flipped,
//! moved, dropped, taken from another file, or the file cut or extended, does not open. The nonce is
//! fresh for every file written, so that no two files ever share a subkey. There is always a last
//! block, if only an empty one.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tamis_keys::Secret;
use tamis_keys::envelope::BlockCipher;
use tamis_keys::purpose::Data;

use super::SetError;
use super::directory::create_file;

const MAGIC: &[u8; 8] = b"tamisblk";
const VERSION: u16 = 1;
const HEADER: usize = 32;
const MAX_BLOCK: usize = 16 << 20;
const OVERHEAD: usize = BlockCipher::OVERHEAD;

/// The block length of files read as a stream of bytes.
pub(super) const STREAM_BLOCK: usize = 64 << 10;

/// What tells one file from all others under the same key.
pub(super) type FileNonce = [u8; 16];

fn cipher(key: &Secret<Data>, context: &str, length: usize, nonce: &FileNonce) -> BlockCipher {
    BlockCipher::new(key, &format!("{context}/{length}/{}", hex::encode(nonce)))
}

/// Writes a block file from start to end. Memory: one block.
pub(super) struct BlockWriter {
    file: File,
    path: PathBuf,
    cipher: BlockCipher,
    length: usize,
    buffer: Vec<u8>,
    block: u64,
    bytes: u64,
}

impl BlockWriter {
    pub(super) fn create(
        path: &Path,
        key: &Secret<Data>,
        context: &str,
        nonce: &FileNonce,
        length: usize,
    ) -> Result<Self, SetError> {
        Ok(BlockWriter {
            file: begin(path, nonce, length)?,
            path: path.to_owned(),
            cipher: cipher(key, context, length, nonce),
            length,
            buffer: Vec::with_capacity(length + OVERHEAD),
            block: 0,
            bytes: 0,
        })
    }

    /// Appends bytes.
    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<(), SetError> {
        self.bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            if self.buffer.len() == self.length {
                self.seal(false)?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(self.length - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Writes the last block and makes the file durable. Returns the plaintext's length.
    pub(super) fn finish(self) -> Result<u64, SetError> {
        self.close(true)
    }

    /// The same, but durable only if `durable`.
    pub(super) fn close(mut self, durable: bool) -> Result<u64, SetError> {
        self.seal(true)?;
        if durable {
            self.file.sync_all().map_err(SetError::io(&self.path))?;
        }
        Ok(self.bytes)
    }

    fn seal(&mut self, last: bool) -> Result<(), SetError> {
        self.cipher
            .seal_in_place(self.block, last, &mut self.buffer);
        let written = self.file.write_all(&self.buffer);
        written.map_err(SetError::io(&self.path))?;
        self.buffer.clear();
        self.block += 1;
        Ok(())
    }
}

/// Creates a block file and writes its header.
fn begin(path: &Path, nonce: &FileNonce, length: usize) -> Result<File, SetError> {
    let mut file = create_file(path)?;
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(MAGIC);
    header[8..10].copy_from_slice(&VERSION.to_le_bytes());
    header[12..16].copy_from_slice(&(length as u32).to_le_bytes());
    header[16..].copy_from_slice(nonce);
    file.write_all(&header).map_err(SetError::io(path))?;
    Ok(file)
}

/// Writes a block file whose length is known, block by block, in any order and from any thread.
pub(super) struct BlockPlaces {
    file: File,
    path: PathBuf,
    cipher: BlockCipher,
    length: usize,
    bytes: u64,
}

impl BlockPlaces {
    /// A file of `bytes` bytes.
    pub(super) fn create(
        path: &Path,
        key: &Secret<Data>,
        context: &str,
        nonce: &FileNonce,
        length: usize,
        bytes: u64,
    ) -> Result<Self, SetError> {
        Ok(BlockPlaces {
            file: begin(path, nonce, length)?,
            path: path.to_owned(),
            cipher: cipher(key, context, length, nonce),
            length,
            bytes,
        })
    }

    /// Blocks to be written: there is always one.
    pub(super) fn blocks(&self) -> u64 {
        self.bytes.div_ceil(self.length as u64).max(1)
    }

    /// Seals and writes block `block`, of the block length or, the last one, of what is left. To be
    /// called once for every block.
    pub(super) fn put(&self, block: u64, bytes: &mut Vec<u8>) -> Result<(), SetError> {
        let last = block + 1 == self.blocks();
        self.cipher.seal_in_place(block, last, bytes);
        let offset = HEADER as u64 + block * (self.length + OVERHEAD) as u64;
        let written = self.file.write_all_at(bytes, offset);
        written.map_err(SetError::io(&self.path))
    }

    /// Makes the file durable if `durable`; returns the plaintext's length.
    pub(super) fn close(self, durable: bool) -> Result<u64, SetError> {
        if durable {
            self.file.sync_all().map_err(SetError::io(&self.path))?;
        }
        Ok(self.bytes)
    }
}

/// A block file opened for reading at any block, by any number of threads.
pub(super) struct BlockFile {
    file: File,
    path: PathBuf,
    cipher: BlockCipher,
    length: usize,
    blocks: u64,
    bytes: u64,
    nonce: FileNonce,
}

impl BlockFile {
    /// Opens a file and checks that its size is possible.
    pub(super) fn open(path: &Path, key: &Secret<Data>, context: &str) -> Result<Self, SetError> {
        let file = File::open(path).map_err(SetError::io(path))?;
        let size = file.metadata().map_err(SetError::io(path))?.len();
        let mut header = [0; HEADER];
        file.read_exact_at(&mut header, 0)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => SetError::format(path, "is cut short"),
                _ => SetError::io(path)(error),
            })?;
        let u16_at = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        if &header[..8] != MAGIC {
            return Err(SetError::format(path, "is not a sealed file"));
        }
        if u16_at(8) != VERSION || u16_at(10) != 0 {
            return Err(SetError::format(path, "is of another version"));
        }
        let length = u16_at(12) as usize | (u16_at(14) as usize) << 16;
        if length == 0 || length > MAX_BLOCK {
            return Err(SetError::format(path, "has an impossible block length"));
        }
        let mut nonce = [0; 16];
        nonce.copy_from_slice(&header[16..]);
        let (data, sealed) = (size - HEADER as u64, (length + OVERHEAD) as u64);
        let blocks = data.div_ceil(sealed);
        if blocks == 0 || data - (blocks - 1) * sealed < OVERHEAD as u64 {
            return Err(SetError::format(path, "is cut short"));
        }
        Ok(BlockFile {
            file,
            path: path.to_owned(),
            cipher: cipher(key, context, length, &nonce),
            length,
            blocks,
            bytes: data - blocks * OVERHEAD as u64,
            nonce,
        })
    }

    /// Plaintext bytes in the file.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Plaintext bytes in every block but the last.
    pub(super) fn block_length(&self) -> usize {
        self.length
    }

    pub(super) fn nonce(&self) -> &FileNonce {
        &self.nonce
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads and opens one block into `buffer`, whose memory is reused.
    pub(super) fn block<'b>(
        &self,
        block: u64,
        buffer: &'b mut Vec<u8>,
    ) -> Result<&'b [u8], SetError> {
        if block >= self.blocks {
            return Err(SetError::damaged(&self.path, block));
        }
        let last = block + 1 == self.blocks;
        let sealed = match last {
            false => self.length + OVERHEAD,
            true => (self.bytes - block * self.length as u64) as usize + OVERHEAD,
        };
        buffer.resize(sealed, 0);
        let offset = HEADER as u64 + block * (self.length + OVERHEAD) as u64;
        let read = self.file.read_exact_at(buffer, offset);
        read.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => SetError::damaged(&self.path, block),
            _ => SetError::io(&self.path)(error),
        })?;
        match self.cipher.open_in_place(block, last, buffer) {
            Ok(plaintext) => Ok(plaintext),
            Err(_) => Err(SetError::damaged(&self.path, block)),
        }
    }
}

/// Reads a block file as a stream of bytes. Memory: one block.
pub(super) struct BlockReader {
    file: Arc<BlockFile>,
    buffer: Vec<u8>,
    /// The next block.
    block: u64,
    /// What of `buffer` is not read yet.
    at: usize,
    end: usize,
}

impl BlockReader {
    pub(super) fn new(file: Arc<BlockFile>) -> Self {
        BlockReader {
            file,
            buffer: Vec::new(),
            block: 0,
            at: 0,
            end: 0,
        }
    }

    /// Fills `out`; `false` if the file ends exactly here.
    pub(super) fn read(&mut self, out: &mut [u8]) -> Result<bool, SetError> {
        let mut filled = 0;
        while filled < out.len() {
            if self.at == self.end && !self.load()? {
                return match filled {
                    0 => Ok(false),
                    _ => Err(SetError::format(
                        self.file.path(),
                        "ends in the middle of a record",
                    )),
                };
            }
            let take = (out.len() - filled).min(self.end - self.at);
            out[filled..filled + take].copy_from_slice(&self.buffer[self.at..self.at + take]);
            filled += take;
            self.at += take;
        }
        Ok(true)
    }

    /// Fills `out`, which the file must hold.
    pub(super) fn read_all(&mut self, out: &mut [u8]) -> Result<(), SetError> {
        match out.is_empty() || self.read(out)? {
            true => Ok(()),
            false => Err(SetError::format(
                self.file.path(),
                "ends in the middle of a record",
            )),
        }
    }

    fn load(&mut self) -> Result<bool, SetError> {
        if self.block == self.file.blocks {
            return Ok(false);
        }
        let length = self.file.block(self.block, &mut self.buffer)?.len();
        (self.at, self.end) = (0, length);
        self.block += 1;
        Ok(length > 0)
    }
}

impl Read for BlockReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.end && !self.load().map_err(io::Error::other)? {
            return Ok(0);
        }
        let take = out.len().min(self.end - self.at);
        out[..take].copy_from_slice(&self.buffer[self.at..self.at + take]);
        self.at += take;
        Ok(take)
    }
}
