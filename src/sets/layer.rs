//! One layer of a sealed set: what one upload, or a compaction, became on the disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use roaring::RoaringBitmap;
use tamis_keys::Secret;
use tamis_keys::purpose::Data;
use tamis_protocols::wire::api::UploadReport;
use tamis_protocols::wire::batch::UploadKind;

use super::SetError;
use super::block::{BlockFile, BlockReader, FileNonce};
use super::changes::{ALIASES, GONE, read_aliases, read_gone};
use super::classes::{CLASSES, RARE_ROWS, RareRows, read_classes};
use super::cookies::{self, CookieWalk};
use super::header::{Below, SetDestination, SetHeader, context};
use super::rows::{PERSONS, ROWS, RowWalk};
use super::run::{INDEX, RunFile, TOKENS, Window};

/// Salts of consent commitments, 32 bytes a row: in layers sealed before there were ledgers.
pub(super) const SALTS: &str = "salts";

/// An opened layer. Every block is authenticated when it is read; that all files are there, of the right
/// length and of this very layer, is checked when it is opened. Memory: the index of its run.
pub struct Layer {
    id: String,
    pub(super) header: SetHeader,
    nonce: FileNonce,
    files: BTreeMap<String, Arc<BlockFile>>,
    run: RunFile,
    directory: PathBuf,
}

impl Layer {
    /// Opens the layer in `directory` that was sealed from upload `id`, with its data key.
    ///
    /// # Errors
    /// A missing, damaged, foreign or newer file, by name.
    pub fn open(directory: &Path, key: &Secret<Data>, id: &str) -> Result<Self, SetError> {
        Layer::read(directory, key, id, id)
    }

    /// Opens the layer in `directory` that the set of upload `id` was compacted to.
    ///
    /// # Errors
    /// A missing, damaged, foreign or newer file, by name.
    pub fn compacted(directory: &Path, key: &Secret<Data>, id: &str) -> Result<Self, SetError> {
        Layer::read(directory, key, id, &compacted_id(id))
    }

    fn read(
        directory: &Path,
        key: &Secret<Data>,
        upload: &str,
        id: &str,
    ) -> Result<Self, SetError> {
        let (header, nonce) = SetHeader::read(directory, key, id)?;
        let foreign = |path: &Path| SetError::format(path, "is not the file that was sealed");
        let mut files = BTreeMap::new();
        for (name, entry) in header.files.iter().filter(|(name, _)| *name != TOKENS) {
            let path = directory.join(name);
            let file = BlockFile::open(&path, key, &context(id, name))?;
            if *file.nonce() != entry.nonce || file.bytes() != entry.bytes {
                return Err(foreign(&path));
            }
            files.insert(name.clone(), Arc::new(file));
        }
        let path = directory.join(TOKENS);
        let index = find(&files, directory, INDEX)?;
        let run = RunFile::open(&path, key, &context(id, TOKENS), header.kind, &index)?;
        let entry = header.files.get(TOKENS);
        if !entry.is_some_and(|entry| *run.nonce() == entry.nonce && run.bytes() == entry.bytes) {
            return Err(foreign(&path));
        }
        Ok(Layer {
            id: upload.to_owned(),
            header,
            nonce,
            files,
            run,
            directory: directory.to_owned(),
        })
    }

    /// The upload it was made from; a compacted layer: the newest one.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The upload whose set it lies on, if it is a delta.
    pub fn parent(&self) -> Option<&str> {
        self.header.below.as_ref().map(|below| below.id.as_str())
    }

    /// Whether it was made on top of `below`, or of nothing: of this very layer, not of one that holds
    /// the same.
    pub fn lies_on(&self, below: Option<&Layer>) -> bool {
        let (own, noted) = (&self.header, self.header.below.as_ref());
        noted == below.map(Layer::as_below).as_ref()
            && below.is_none_or(|below| {
                own.kind == below.header.kind
                    && own.collaboration == below.header.collaboration
                    && own.epoch == below.header.epoch
            })
    }

    /// What a delta on top of it notes.
    pub(super) fn as_below(&self) -> Below {
        Below {
            id: self.id.clone(),
            header: self.nonce,
            rows: self.first_row() + self.rows(),
            persons: self.first_person() + self.header.persons,
        }
    }

    /// Segment labels `name=value` that its classes speak of.
    pub(crate) fn segments(&self) -> &[String] {
        &self.header.segments
    }

    /// Rows, whether accepted or not.
    pub(crate) fn rows(&self) -> u32 {
        self.header.rows
    }

    /// Rows of the layers below, which its own are counted after.
    pub(crate) fn first_row(&self) -> u32 {
        self.header.below.as_ref().map_or(0, |below| below.rows)
    }

    /// Persons of the layers below; those that are new in this one are counted after them.
    pub(crate) fn first_person(&self) -> u32 {
        self.header.below.as_ref().map_or(0, |below| below.persons)
    }

    /// The sorted tokens.
    pub(crate) fn run(&self) -> &RunFile {
        &self.run
    }

    /// The segments of every class.
    pub(crate) fn classes(&self) -> Result<Vec<Vec<u16>>, SetError> {
        read_classes(self.file(CLASSES)?)
    }

    /// Rows whose class says nothing, if there are any.
    pub(crate) fn rare_rows(&self) -> Option<RareRows> {
        let file = self.files.get(RARE_ROWS).filter(|file| file.bytes() > 0);
        file.cloned().map(RareRows::new)
    }

    /// Owners of the layers below that are gone with this one.
    pub(super) fn gone(&self) -> Result<RoaringBitmap, SetError> {
        match self.files.get(GONE) {
            Some(file) => read_gone(file.clone()),
            None => Ok(RoaringBitmap::new()),
        }
    }

    /// Persons of the layers below that became one with another: from, to.
    pub(super) fn aliases(&self) -> Result<Vec<(u32, u32)>, SetError> {
        match self.files.get(ALIASES) {
            Some(file) => read_aliases(file.clone()),
            None => Ok(Vec::new()),
        }
    }

    pub(crate) fn walk_rows(&self) -> Result<RowWalk, SetError> {
        let persons = match self.header.kind {
            UploadKind::Crm => None,
            UploadKind::Graph => Some(self.file(PERSONS)?),
        };
        let destinations = self.header.destinations.len();
        RowWalk::new(self.file(ROWS)?, persons, destinations, self.header.rows)
    }

    /// Where it has cookies.
    pub(super) fn destinations(&self) -> &[SetDestination] {
        &self.header.destinations
    }

    /// The position of a destination in the layer.
    pub(crate) fn destination(&self, name: &str) -> Option<usize> {
        let mut destinations = self.header.destinations.iter();
        destinations.position(|destination| destination.name == name)
    }

    pub(super) fn walk_cookies(&self, destination: usize) -> Result<CookieWalk, SetError> {
        let name = cookies::file_name(destination);
        Ok(CookieWalk::new(self.file(&name)?))
    }

    /// Bytes that a compaction reads.
    pub(super) fn live_bytes(&self) -> u64 {
        let kept = |name: &&String| *name != SALTS && *name != INDEX;
        let names = self.files.keys().filter(kept);
        let files = names.filter_map(|name| self.files.get(name));
        self.run.bytes() + files.map(|file| file.bytes()).sum::<u64>()
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// What was made of the upload; for its owner only.
    pub fn report(&self) -> &UploadReport {
        &self.header.report
    }

    /// Reads every block and page of every file.
    ///
    /// # Errors
    /// The first one that is damaged.
    pub fn verify(&self) -> Result<(), SetError> {
        let mut chunk = vec![0; 64 << 10];
        for file in self.files.values() {
            let mut reader = BlockReader::new(file.clone());
            while std::io::Read::read(&mut reader, &mut chunk).map_err(|error| {
                error
                    .downcast::<SetError>()
                    .unwrap_or_else(SetError::io(file.path()))
            })? > 0
            {}
        }
        let mut window = Window::new(&self.run);
        for page in 0..self.run.index().len() {
            window.aim(page..page + 1);
            window.page(0)?;
        }
        Ok(())
    }

    /// Names of its files but the run's, and the files.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &Arc<BlockFile>)> {
        self.files.iter().map(|(name, file)| (name.as_str(), file))
    }

    /// The nonce of its header, by which a delta on it knows it.
    pub(super) fn nonce(&self) -> &FileNonce {
        &self.nonce
    }

    pub(super) fn file(&self, name: &str) -> Result<Arc<BlockFile>, SetError> {
        find(&self.files, &self.directory, name)
    }
}

/// What the files of a compacted layer are bound to.
pub(super) fn compacted_id(upload: &str) -> String {
    format!("{upload}.compact")
}

fn find(
    files: &BTreeMap<String, Arc<BlockFile>>,
    directory: &Path,
    name: &str,
) -> Result<Arc<BlockFile>, SetError> {
    let missing = || SetError::format(&directory.join(name), "is not part of the set");
    files.get(name).cloned().ok_or_else(missing)
}
