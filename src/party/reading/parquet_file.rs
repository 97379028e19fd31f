//! Parquet, through Arrow, column types as text.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{Array as _, RecordBatch};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::{BLOCK_ROWS, Block, MAX_RECORD_BYTES, SourceError, cell};

/// The longest text of a batch: cells of usual lengths stay far below it.
const MAX_TEXT_BYTES: usize = 1 << 30;

type Builder = ParquetRecordBatchReaderBuilder<File>;

fn builder(path: &Path) -> Result<Builder, SourceError> {
    let file = File::open(path).map_err(SourceError::Read)?;
    Builder::try_new(file).map_err(|error| SourceError::Parquet(error.to_string()))
}

/// The names of the top-level columns.
pub(super) fn columns(path: &Path) -> Result<Vec<String>, SourceError> {
    let builder = builder(path)?;
    let fields = builder.schema().fields();
    Ok(fields.iter().map(|field| field.name().clone()).collect())
}

/// The pieces of a Parquet file.
pub struct ParquetPieces {
    reader: ParquetRecordBatchReader,
    /// For each chosen column its place in the reader's batches.
    places: Arc<[usize]>,
    length: u64,
    rows: u64,
    row: u64,
    done: bool,
}

/// A batch, decoded.
pub struct ParquetPiece {
    batch: RecordBatch,
    places: Arc<[usize]>,
    /// Number of its first row, from 1.
    row: u64,
    position: u64,
}

impl ParquetPieces {
    pub(super) fn open(
        path: &Path,
        length: u64,
        chosen: &[usize],
    ) -> Result<ParquetPieces, SourceError> {
        let builder = builder(path)?;
        for field in chosen
            .iter()
            .filter_map(|place| builder.schema().fields().get(*place))
        {
            if !cell::is_readable(field.data_type()) {
                return Err(SourceError::ColumnType {
                    column: field.name().clone(),
                    kind: field.data_type().to_string(),
                });
            }
        }
        let mut roots = chosen.to_vec();
        roots.sort_unstable();
        roots.dedup();
        let place = |column: &usize| roots.binary_search(column).unwrap_or_default();
        let places = chosen.iter().map(place).collect();
        let rows = builder.metadata().file_metadata().num_rows();
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        let reader = builder
            .with_projection(mask)
            .with_batch_size(BLOCK_ROWS)
            .build()
            .map_err(|error| SourceError::Parquet(error.to_string()))?;
        Ok(ParquetPieces {
            reader,
            places,
            length,
            rows: u64::try_from(rows).unwrap_or_default(),
            row: 0,
            done: false,
        })
    }

    fn piece(&mut self, batch: RecordBatch) -> ParquetPiece {
        let row = self.row + 1;
        self.row += batch.num_rows() as u64;
        let share = u128::from(self.length) * u128::from(self.row) / u128::from(self.rows.max(1));
        ParquetPiece {
            batch,
            places: self.places.clone(),
            row,
            position: u64::try_from(share).unwrap_or(self.length),
        }
    }

    pub(super) fn next(&mut self) -> Option<Result<ParquetPiece, SourceError>> {
        if self.done {
            return None;
        }
        let batch = self.reader.next()?;
        self.done = batch.is_err();
        Some(match batch {
            Ok(batch) => Ok(self.piece(batch)),
            Err(error) => Err(SourceError::Parquet(error.to_string())),
        })
    }
}

impl ParquetPiece {
    /// Writes the values as text.
    pub(super) fn block(self) -> Result<Block, SourceError> {
        let mut block = Block::new(self.places.len());
        block.line = self.row;
        block.position = self.position;
        let mut text = String::new();
        for row in 0..self.batch.num_rows() {
            for place in self.places.iter() {
                text.clear();
                let column = self.batch.column(*place);
                if column.is_valid(row) {
                    cell::write(column, row, &mut text);
                }
                if text.len() > MAX_RECORD_BYTES || block.text.len() > MAX_TEXT_BYTES {
                    let line = self.row + row as u64;
                    return Err(SourceError::TooLong { line });
                }
                block.push(&text);
            }
        }
        Ok(block)
    }
}
