//! First pass over an upload: judge every row, commit to its consent, keep what is kept in row order,
//! and send the tokens to be sorted.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;
use tamis_keys::purpose::Data;
use tamis_keys::{Entropy, Secret};
use tamis_protocols::consent::{ConsentRecord, ConsentRule, DropReason, RootBuilder, commitment};
use tamis_protocols::wire::batch::{BatchReader, UploadKind, WireHeader};

use super::block::{BlockWriter, FileNonce, STREAM_BLOCK};
use super::classes::{CLASSES, ClassMap, RARE, RARE_ROWS, push_rare};
use super::header::{FileEntry, context};
use super::layer::SALTS;
use super::rows::{ROWS, ROWS_PER_BLOCK, day_number, row_length};
use super::sort::{Sorted, Sorter};
use super::{SealError, SetError, cookies};

/// Makes the files of one set in its directory, each under its own fresh nonce.
pub(super) struct Files<'a> {
    pub(super) directory: &'a Path,
    pub(super) key: &'a Secret<Data>,
    pub(super) set_id: &'a str,
    pub(super) entropy: &'a dyn Entropy,
    pub(super) entries: BTreeMap<String, FileEntry>,
}

impl Files<'_> {
    pub(super) fn nonce(&self) -> FileNonce {
        let mut nonce = [0; 16];
        self.entropy.fill(&mut nonce);
        nonce
    }

    /// Starts a file of the set; it belongs to the set once [`Files::done`] was called for it.
    pub(super) fn create(&mut self, name: &str, length: usize) -> Result<BlockWriter, SetError> {
        let nonce = self.begin(name);
        let (path, context) = (self.directory.join(name), context(self.set_id, name));
        BlockWriter::create(&path, self.key, &context, &nonce, length)
    }

    /// Enters a file with a fresh nonce.
    pub(super) fn begin(&mut self, name: &str) -> FileNonce {
        let nonce = self.nonce();
        let entry = FileEntry { nonce, bytes: 0 };
        self.entries.insert(name.to_owned(), entry);
        nonce
    }

    /// Notes the final length of a file.
    pub(super) fn done(&mut self, name: &str, bytes: u64) {
        if let Some(entry) = self.entries.get_mut(name) {
            entry.bytes = bytes;
        }
    }
}

/// Rows of a set, at most.
pub(super) const MAX_ROWS: u32 = 1 << 31;

/// The running first pass. Memory: the sorter's budget, a block per file, one message of salts.
pub(super) struct Ingest {
    sorter: Sorter,
    salts: BlockWriter,
    rows: BlockWriter,
    classes: Option<ClassMap>,
    rare: Option<BlockWriter>,
    rare_buffer: Vec<u8>,
    cookies: Vec<BlockWriter>,
    root: RootBuilder,
    /// Rows seen, rows accepted.
    pub(super) seen: u64,
    accepted: u32,
    dropped: BTreeMap<DropReason, u64>,
    segment_rows: Vec<u64>,
    record: ConsentRecord,
    salt_buffer: Vec<u8>,
    row_buffer: Vec<u8>,
}

/// What the first pass leaves for the second.
pub(super) struct Ingested {
    pub(super) tokens: Sorted,
    pub(super) seen: u64,
    pub(super) accepted: u32,
    pub(super) dropped: BTreeMap<DropReason, u64>,
    pub(super) segment_rows: Vec<u64>,
    pub(super) consent_root: [u8; 32],
}

impl Ingest {
    pub(super) fn new(
        files: &mut Files<'_>,
        header: &WireHeader,
        memory: usize,
    ) -> Result<Self, SetError> {
        let graph = header.kind == UploadKind::Graph;
        let (name, nonce) = ("sorting", files.nonce());
        let sorter = Sorter::new(
            &files.directory.join(name),
            files.key,
            &context(files.set_id, name),
            &nonce,
            24,
            memory,
        );
        let row_block = row_length(header.labels.len()) * ROWS_PER_BLOCK;
        Ok(Ingest {
            sorter,
            salts: files.create(SALTS, STREAM_BLOCK)?,
            rows: files.create(ROWS, row_block)?,
            classes: (!graph).then(ClassMap::default),
            rare: match graph {
                true => None,
                false => Some(files.create(RARE_ROWS, STREAM_BLOCK)?),
            },
            rare_buffer: Vec::new(),
            cookies: (0..header.labels.len())
                .map(|at| files.create(&cookies::file_name(at), STREAM_BLOCK))
                .collect::<Result<_, _>>()?,
            root: RootBuilder::new(),
            seen: 0,
            accepted: 0,
            dropped: BTreeMap::new(),
            segment_rows: vec![0; header.segments.len()],
            record: ConsentRecord::default(),
            salt_buffer: Vec::new(),
            row_buffer: Vec::new(),
        })
    }

    /// Takes in a batch.
    pub(super) fn batch(
        &mut self,
        batch: &BatchReader<'_>,
        rule: &ConsentRule,
        as_of: Date,
        entropy: &dyn Entropy,
    ) -> Result<(), SealError> {
        let mut salts = std::mem::take(&mut self.salt_buffer);
        salts.resize(batch.len() * 32, 0);
        entropy.fill(&mut salts);
        for (row, salt) in salts.as_chunks::<32>().0.iter().enumerate() {
            batch.consent_into(row, &mut self.record);
            self.root.push(commitment(salt, &self.record));
            let tokens = batch.tokens(row);
            let judged = match rule.evaluate(&self.record, as_of) {
                Ok(_) if tokens.iter().all(Option::is_none) => Err(DropReason::NoIdentifier),
                judged => judged,
            };
            match judged {
                Ok(last_day) => self.accept(batch, row, day_number(last_day))?,
                Err(reason) => {
                    *self.dropped.entry(reason).or_default() += 1;
                    self.row_buffer.clear();
                    self.row_buffer.resize(row_length(self.cookies.len()), 0);
                    self.rows.write(&self.row_buffer)?;
                }
            }
            self.seen += 1;
        }
        self.salts.write(&salts)?;
        self.salt_buffer = salts;
        Ok(())
    }

    fn accept(
        &mut self,
        batch: &BatchReader<'_>,
        row: usize,
        last_day: u16,
    ) -> Result<(), SealError> {
        let number = u32::try_from(self.seen).ok().filter(|row| *row < MAX_ROWS);
        let number = number.ok_or_else(|| {
            SealError::Refused(
                "the upload has more rows than one set holds (2³¹); split it".to_owned(),
            )
        })?;
        self.accepted += 1;
        let mut class = 0;
        if let Some(classes) = &mut self.classes {
            let segments = batch.segments(row);
            for segment in segments {
                self.segment_rows[usize::from(*segment)] += 1;
            }
            class = classes.class(segments);
            if class == RARE {
                self.rare_buffer.clear();
                push_rare(&mut self.rare_buffer, number, segments);
                if let Some(rare) = &mut self.rare {
                    rare.write(&self.rare_buffer)?;
                }
            }
        }
        let mut record = [0; 24];
        record[16..20].copy_from_slice(&number.to_be_bytes());
        record[20..22].copy_from_slice(&last_day.to_le_bytes());
        record[22..].copy_from_slice(&class.to_le_bytes());
        for token in batch.tokens(row).into_iter().flatten() {
            record[..16].copy_from_slice(&token.0);
            self.sorter.push(&record)?;
        }
        self.row_buffer.clear();
        self.row_buffer.extend_from_slice(&last_day.to_le_bytes());
        self.row_buffer.resize(row_length(self.cookies.len()), 0);
        for (at, file) in self.cookies.iter_mut().enumerate() {
            if let Some(cell) = batch.cookie(row, at) {
                self.row_buffer[2 + at / 8] |= 1 << (at % 8);
                cookies::push(file, number, &cell.tag, cell.cookie)?;
            }
        }
        self.rows.write(&self.row_buffer)?;
        Ok(())
    }

    /// Ends the pass and makes its files durable.
    pub(super) fn finish(self, files: &mut Files<'_>) -> Result<Ingested, SetError> {
        files.done(SALTS, self.salts.finish()?);
        files.done(ROWS, self.rows.finish()?);
        if let Some(classes) = self.classes {
            let mut file = files.create(CLASSES, STREAM_BLOCK)?;
            file.write(&classes.encode())?;
            files.done(CLASSES, file.finish()?);
        }
        if let Some(rare) = self.rare {
            files.done(RARE_ROWS, rare.finish()?);
        }
        for (at, file) in self.cookies.into_iter().enumerate() {
            files.done(&cookies::file_name(at), file.finish()?);
        }
        Ok(Ingested {
            tokens: self.sorter.finish(),
            seen: self.seen,
            accepted: self.accepted,
            dropped: self.dropped,
            segment_rows: self.segment_rows,
            consent_root: self.root.finish(),
        })
    }
}
