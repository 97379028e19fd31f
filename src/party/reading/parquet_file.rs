//! Parquet, through Arrow, column types as text.

use std::fs::File;
use std::path::Path;

use arrow_array::{Array as _, RecordBatch};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::{BLOCK_ROWS, Block, MAX_RECORD_BYTES, SourceError, cell};

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

/// The blocks of a Parquet file.
pub struct ParquetBlocks {
    reader: ParquetRecordBatchReader,
    /// For each chosen column its place in the reader's batches.
    places: Vec<usize>,
    length: u64,
    rows: u64,
    row: u64,
    done: bool,
}

impl ParquetBlocks {
    pub(super) fn open(
        path: &Path,
        length: u64,
        chosen: &[usize],
    ) -> Result<ParquetBlocks, SourceError> {
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
        Ok(ParquetBlocks {
            reader,
            places,
            length,
            rows: u64::try_from(rows).unwrap_or_default(),
            row: 0,
            done: false,
        })
    }

    fn block(&mut self, batch: &RecordBatch) -> Result<Block, SourceError> {
        let mut block = Block::new(self.places.len());
        block.line = self.row + 1;
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            for place in &self.places {
                text.clear();
                let column = batch.column(*place);
                if column.is_valid(row) {
                    cell::write(column, row, &mut text);
                }
                if text.len() > MAX_RECORD_BYTES {
                    let line = self.row + row as u64 + 1;
                    return Err(SourceError::TooLong { line });
                }
                block.push(&text);
            }
        }
        self.row += batch.num_rows() as u64;
        let share = u128::from(self.length) * u128::from(self.row) / u128::from(self.rows.max(1));
        block.position = u64::try_from(share).unwrap_or(self.length);
        Ok(block)
    }

    pub(super) fn next(&mut self) -> Option<Result<Block, SourceError>> {
        if self.done {
            return None;
        }
        let batch = self.reader.next()?;
        let block = batch
            .map_err(|error| SourceError::Parquet(error.to_string()))
            .and_then(|batch| self.block(&batch));
        self.done = block.is_err();
        Some(block)
    }
}
