//! What is written in the order of the rows.

use tamis_protocols::consent::RootBuilder;
use tamis_protocols::wire::batch::{UploadKind, WireHeader};

use super::super::block::{BlockWriter, STREAM_BLOCK};
use super::super::classes::{CLASSES, ClassMap, RARE_ROWS};
use super::super::cookies;
use super::super::ledger::LedgerWriter;
use super::super::rows::{ROWS, ROWS_PER_BLOCK, row_length};
use super::judge::Judged;
use super::{Files, SetError};

/// What is left of the consent records.
pub(in crate::sets) enum Evidence<'w> {
    /// All, to be finished.
    Ledger(Box<LedgerWriter<'w>>),
    /// The batch root.
    Root([u8; 32]),
}

/// The files beside the token run. Memory: a block of each.
pub(super) struct Writer<'w> {
    ledger: Option<LedgerWriter<'w>>,
    rows: BlockWriter,
    rare: Option<BlockWriter>,
    cookies: Vec<BlockWriter>,
    /// The tree, where no ledger keeps it.
    root: RootBuilder,
    /// Rows written.
    pub(super) seen: u64,
}

impl<'w> Writer<'w> {
    pub(super) fn new(
        files: &mut Files<'_>,
        wire: &WireHeader,
        ledger: Option<LedgerWriter<'w>>,
    ) -> Result<Self, SetError> {
        let row_block = row_length(wire.labels.len()) * ROWS_PER_BLOCK;
        Ok(Writer {
            ledger,
            rows: files.create(ROWS, row_block)?,
            rare: match wire.kind {
                UploadKind::Graph => None,
                UploadKind::Crm => Some(files.create(RARE_ROWS, STREAM_BLOCK)?),
            },
            cookies: (0..wire.labels.len())
                .map(|at| files.create(&cookies::file_name(at), STREAM_BLOCK))
                .collect::<Result<_, _>>()?,
            root: RootBuilder::new(),
            seen: 0,
        })
    }

    /// Appends what was made of the next batch.
    pub(super) fn batch(&mut self, judged: &Judged) -> Result<(), SetError> {
        match &mut self.ledger {
            Some(ledger) => ledger.batch(&judged.packed)?,
            None => {
                for commitment in &judged.packed.commitments {
                    self.root.push(*commitment);
                }
            }
        }
        self.rows.write(&judged.kept)?;
        if let Some(rare) = &mut self.rare {
            rare.write(&judged.rare)?;
        }
        for (file, cookies) in self.cookies.iter_mut().zip(&judged.cookies) {
            file.write(cookies)?;
        }
        self.seen += judged.rows as u64;
        Ok(())
    }

    /// Ends the files; returns the ledger, or the batch root where there is none.
    pub(super) fn finish(
        self,
        files: &mut Files<'_>,
        classes: ClassMap,
    ) -> Result<Evidence<'w>, SetError> {
        files.close(ROWS, self.rows)?;
        if let Some(rare) = self.rare {
            files.close(RARE_ROWS, rare)?;
            files.write(CLASSES, STREAM_BLOCK, &classes.encode())?;
        }
        for (at, file) in self.cookies.into_iter().enumerate() {
            files.close(&cookies::file_name(at), file)?;
        }
        Ok(match self.ledger {
            Some(ledger) => Evidence::Ledger(Box::new(ledger)),
            None => Evidence::Root(self.root.finish()),
        })
    }
}
