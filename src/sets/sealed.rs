//! An opened sealed set.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tamis_keys::Secret;
use tamis_keys::purpose::Data;
use tamis_protocols::wire::api::UploadReport;
use tamis_protocols::wire::batch::UploadKind;

use super::SetError;
use super::block::{BlockFile, BlockReader};
use super::cookies::{self, CookieWalk};
use super::header::{SetDestination, SetHeader, context};
use super::rows::{PERSONS, ROWS, RowWalk};
use super::segments::{SEGMENTS, SegmentWalk};
use super::tokens::{INDEX, TOKENS, TokenRun};

/// The salts of the consent commitments, one of 32 bytes per row of the upload.
pub(super) const SALTS: &str = "salts";

/// A sealed set, open for reading by any number of threads. Memory: 16 bytes per 4,096 tokens. Every
/// block is authenticated when it is read; that all files are there, of the right length and of this
/// very set, is checked when it is opened.
pub struct SealedSet {
    id: String,
    header: SetHeader,
    files: BTreeMap<String, Arc<BlockFile>>,
    tokens: TokenRun,
    directory: PathBuf,
}

impl SealedSet {
    /// Opens the set in `directory` with its data key.
    ///
    /// # Errors
    /// A missing, damaged, foreign or newer file, by name.
    pub fn open(directory: &Path, key: &Secret<Data>, set_id: &str) -> Result<Self, SetError> {
        let header = SetHeader::read(directory, key, set_id)?;
        let mut files = BTreeMap::new();
        for (name, entry) in &header.files {
            let path = directory.join(name);
            let file = BlockFile::open(&path, key, &context(set_id, name))?;
            if *file.nonce() != entry.nonce || file.bytes() != entry.bytes {
                return Err(SetError::format(&path, "is not the file that was sealed"));
            }
            files.insert(name.clone(), Arc::new(file));
        }
        let tokens = TokenRun::open(
            find(&files, directory, TOKENS)?,
            find(&files, directory, INDEX)?,
            header.kind,
        )?;
        Ok(SealedSet {
            id: set_id.to_owned(),
            header,
            files,
            tokens,
            directory: directory.to_owned(),
        })
    }

    /// The set's id: the upload it was made from.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Which side it is from.
    pub fn kind(&self) -> UploadKind {
        self.header.kind
    }

    /// The collaboration it belongs to.
    pub fn collaboration(&self) -> &str {
        &self.header.collaboration
    }

    /// The epoch of its tokens.
    pub fn epoch(&self) -> u32 {
        self.header.epoch
    }

    /// Segment labels `name=value`, of an advertiser's set.
    pub fn segments(&self) -> &[String] {
        &self.header.segments
    }

    /// Destinations with cookies, of a partner's set.
    pub fn destinations(&self) -> &[SetDestination] {
        &self.header.destinations
    }

    /// What was made of the upload; for its owner only.
    pub fn report(&self) -> &UploadReport {
        &self.header.report
    }

    /// The salt of the commitment to the consent of the upload's `row`-th row, accepted or not: what
    /// its owner needs to prove one record against the consent root.
    ///
    /// # Errors
    /// The file is damaged, or has no such row.
    pub fn salt(&self, row: u64) -> Result<[u8; 32], SetError> {
        let file = self.file(SALTS)?;
        let length = file.block_length() as u64;
        let (mut buffer, at) = (Vec::new(), row.saturating_mul(32));
        let block = file.block(at / length, &mut buffer)?;
        let start = (at % length) as usize;
        let salt = block.get(start..start + 32);
        salt.and_then(|salt| salt.try_into().ok())
            .ok_or_else(|| SetError::format(file.path(), "has no such row"))
    }

    /// Accepted rows.
    pub(crate) fn rows(&self) -> u32 {
        self.header.rows
    }

    /// Persons of a partner's set.
    pub(crate) fn persons(&self) -> u32 {
        self.header.persons
    }

    pub(crate) fn tokens(&self) -> &TokenRun {
        &self.tokens
    }

    pub(crate) fn walk_rows(&self) -> Result<RowWalk, SetError> {
        let persons = match self.header.kind {
            UploadKind::Crm => None,
            UploadKind::Graph => Some(self.file(PERSONS)?),
        };
        let destinations = self.header.destinations.len();
        RowWalk::new(self.file(ROWS)?, persons, destinations, self.header.rows)
    }

    pub(crate) fn walk_segments(&self) -> Result<SegmentWalk, SetError> {
        Ok(SegmentWalk::new(self.file(SEGMENTS)?))
    }

    /// The position of a destination in the set.
    pub(crate) fn destination(&self, name: &str) -> Option<usize> {
        let mut destinations = self.header.destinations.iter();
        destinations.position(|destination| destination.name == name)
    }

    pub(super) fn walk_cookies(&self, destination: usize) -> Result<CookieWalk, SetError> {
        Ok(CookieWalk::new(
            self.file(&cookies::file_name(destination))?,
        ))
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Reads every block of every file.
    ///
    /// # Errors
    /// The first one that is damaged.
    pub fn verify(&self) -> Result<(), SetError> {
        for file in self.files.values() {
            let mut reader = BlockReader::new(file.clone());
            let mut chunk = vec![0; 64 << 10];
            while std::io::Read::read(&mut reader, &mut chunk).map_err(|error| {
                error
                    .downcast::<SetError>()
                    .unwrap_or_else(SetError::io(file.path()))
            })? > 0
            {}
        }
        Ok(())
    }

    fn file(&self, name: &str) -> Result<Arc<BlockFile>, SetError> {
        find(&self.files, &self.directory, name)
    }
}

fn find(
    files: &BTreeMap<String, Arc<BlockFile>>,
    directory: &Path,
    name: &str,
) -> Result<Arc<BlockFile>, SetError> {
    let missing = || SetError::format(&directory.join(name), "is not part of the set");
    files.get(name).cloned().ok_or_else(missing)
}
