//! The stream: schema, batches, end marker, and nothing after it.

use std::io::{Read, Write};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, SchemaRef};

use super::message::RawMessage;
use super::{WireError, WireHeader};

/// Writes an upload. Memory: one encoded batch.
pub struct StreamEncoder<W: Write> {
    writer: StreamWriter<W>,
}

impl<W: Write> StreamEncoder<W> {
    /// Writes the schema.
    ///
    /// # Errors
    /// The header is not valid, or `out` fails.
    pub fn new(out: W, header: &WireHeader) -> Result<Self, WireError> {
        let schema = header.to_schema()?;
        let writer = StreamWriter::try_new(out, &schema).map_err(writing)?;
        Ok(StreamEncoder { writer })
    }

    /// Writes a batch made by a [`super::BatchBuilder`] of the same header.
    ///
    /// # Errors
    /// `out` fails, or the batch has other columns.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), WireError> {
        self.writer.write(batch).map_err(writing)
    }

    /// Writes the end marker and hands `out` back.
    ///
    /// # Errors
    /// `out` fails.
    pub fn finish(mut self) -> Result<W, WireError> {
        self.writer.finish().map_err(writing)?;
        self.writer.into_inner().map_err(writing)
    }
}

/// Reads an upload strictly. Memory: one message.
pub struct StreamDecoder<R: Read> {
    source: R,
    header: WireHeader,
    schema: SchemaRef,
    finished: bool,
}

impl<R: Read> StreamDecoder<R> {
    /// Reads and checks the schema.
    ///
    /// # Errors
    /// Any [`WireError`].
    pub fn new(mut source: R) -> Result<Self, WireError> {
        let message = RawMessage::read(&mut source)?;
        let message = message.ok_or(WireError::Stream("there is no schema"))?;
        let schema = Arc::new(message.schema()?);
        let header = WireHeader::from_schema(&schema)?;
        let finished = false;
        Ok(StreamDecoder {
            source,
            header,
            schema,
            finished,
        })
    }

    /// What the upload says about itself.
    pub fn header(&self) -> &WireHeader {
        &self.header
    }

    /// The next batch, for a [`super::BatchReader`]; `None` at the end marker, after which
    /// there must be no further byte.
    ///
    /// # Errors
    /// Any [`WireError`]; the stream is of no further use then.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>, WireError> {
        if self.finished {
            return Ok(None);
        }
        if let Some(message) = RawMessage::read(&mut self.source)? {
            return message.batch(self.schema.clone()).map(Some);
        }
        self.finished = true;
        let mut rest = Vec::new();
        (&mut self.source).take(1).read_to_end(&mut rest)?;
        match rest.is_empty() {
            true => Ok(None),
            false => Err(WireError::Stream("there are bytes after the end marker")),
        }
    }
}

fn writing(error: ArrowError) -> WireError {
    match error {
        ArrowError::IoError(_, error) => WireError::Io(error),
        _ => WireError::Stream("a batch does not fit its header"),
    }
}
