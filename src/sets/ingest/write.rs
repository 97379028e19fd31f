//! What is written in the order of the rows.

use tamis_protocols::consent::RootBuilder;
use tamis_protocols::wire::batch::{UploadKind, WireHeader};

use super::super::block::{BlockWriter, STREAM_BLOCK};
use super::super::classes::{CLASSES, ClassMap, RARE_ROWS};
use super::super::cookies;
use super::super::layer::SALTS;
use super::super::rows::{ROWS, ROWS_PER_BLOCK, row_length};
use super::judge::Judged;
use super::{Files, SetError};

/// The files beside the token run. Memory: a block of each.
pub(super) struct Writer {
    salts: BlockWriter,
    rows: BlockWriter,
    rare: Option<BlockWriter>,
    cookies: Vec<BlockWriter>,
    root: RootBuilder,
    /// Rows written.
    pub(super) seen: u64,
}

impl Writer {
    pub(super) fn new(files: &mut Files<'_>, wire: &WireHeader) -> Result<Self, SetError> {
        let row_block = row_length(wire.labels.len()) * ROWS_PER_BLOCK;
        Ok(Writer {
            salts: files.create(SALTS, STREAM_BLOCK)?,
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
        self.salts.write(&judged.salts)?;
        for commitment in &judged.commitments {
            self.root.push(*commitment);
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

    /// Ends the files; returns the consent root.
    pub(super) fn finish(
        self,
        files: &mut Files<'_>,
        classes: ClassMap,
    ) -> Result<[u8; 32], SetError> {
        files.close(SALTS, self.salts)?;
        files.close(ROWS, self.rows)?;
        if let Some(rare) = self.rare {
            files.close(RARE_ROWS, rare)?;
            files.write(CLASSES, STREAM_BLOCK, &classes.encode())?;
        }
        for (at, file) in self.cookies.into_iter().enumerate() {
            files.close(&cookies::file_name(at), file)?;
        }
        Ok(self.root.finish())
    }
}
