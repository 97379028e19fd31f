//! One IPC message: sizes capped before anything is stored, and the outline of a record batch
//! checked before arrow-ipc decodes it.
//!
//! Source: "Encapsulated message format" of the Arrow columnar format. arrow-ipc 60 slices buffers
//! by the offsets of the message and would panic outside the body, or on a buffer that holds part of
//! a value; it also decompresses whatever size a message claims. All are excluded here, so that it only ever sees consistent outlines.

use std::io::Read;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::{MessageHeader, MetadataVersion};
use arrow_schema::{DataType, Schema, SchemaRef};

use super::{MAX_BODY_BYTES, MAX_ROW_SEGMENTS, MAX_ROWS, MAX_SCHEMA_BYTES, WireError};

const CONTINUATION: [u8; 4] = [0xff; 4];

/// Buffers start at multiples of this in the body.
const ALIGNMENT: i64 = 8;

/// A message as framed: flatbuffer metadata and body.
pub(super) struct RawMessage {
    metadata: Vec<u8>,
    body: Vec<u8>,
}

impl RawMessage {
    /// The next message; `None` at the end marker.
    pub(super) fn read(source: &mut dyn Read) -> Result<Option<RawMessage>, WireError> {
        let mut prefix = [0; 8];
        read_exact(source, &mut prefix)?;
        let (marker, length) = prefix.split_at(4);
        if marker != CONTINUATION {
            return Err(WireError::Stream(
                "a message does not start with the continuation marker",
            ));
        }
        let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
        if length == 0 {
            return Ok(None);
        }
        if length > MAX_SCHEMA_BYTES {
            return Err(WireError::Stream("the metadata of a message is too large"));
        }
        let metadata = read_bounded(source, length)?;
        let body_length = usize::try_from(parse(&metadata)?.bodyLength());
        let body_length = body_length
            .ok()
            .filter(|length| *length <= MAX_BODY_BYTES)
            .ok_or(WireError::Stream("a message is too large"))?;
        let body = read_bounded(source, body_length)?;
        Ok(Some(RawMessage { metadata, body }))
    }

    /// The message as a schema.
    pub(super) fn schema(&self) -> Result<Schema, WireError> {
        let message = parse(&self.metadata)?;
        let schema = (message.header_type() == MessageHeader::Schema)
            .then(|| message.header_as_schema())
            .flatten()
            .ok_or(WireError::Stream("the first message is not a schema"))?;
        if !self.body.is_empty() {
            return Err(WireError::Stream("the schema message has a body"));
        }
        if schema.endianness() != arrow_ipc::Endianness::Little {
            return Err(WireError::Stream("only little-endian data is understood"));
        }
        arrow_ipc::convert::try_fb_to_schema(schema)
            .map_err(|_| WireError::Stream("the schema cannot be read"))
    }

    /// The message as a batch of `schema`, which must be a checked one.
    pub(super) fn batch(self, schema: SchemaRef) -> Result<RecordBatch, WireError> {
        let message = parse(&self.metadata)?;
        let batch = (message.header_type() == MessageHeader::RecordBatch)
            .then(|| message.header_as_record_batch())
            .flatten()
            .ok_or(WireError::Stream(
                "only record batches may follow the schema",
            ))?;
        if message.version() != MetadataVersion::V5 {
            return Err(WireError::Stream("only metadata version 5 is understood"));
        }
        check_outline(&batch, &schema, self.body.len())?;
        let body = Buffer::from_vec(self.body);
        let none = std::collections::HashMap::new();
        arrow_ipc::reader::read_record_batch(
            &body,
            batch,
            schema,
            &none,
            None,
            &MetadataVersion::V5,
        )
        .map_err(|_| WireError::Stream("a record batch is not consistent"))
    }
}

fn parse(metadata: &[u8]) -> Result<arrow_ipc::Message<'_>, WireError> {
    arrow_ipc::root_as_message(metadata)
        .map_err(|_| WireError::Stream("the metadata of a message cannot be read"))
}

/// Row counts, null counts, and that buffers are in the body, aligned, and of whole values.
fn check_outline(
    batch: &arrow_ipc::RecordBatch<'_>,
    schema: &Schema,
    body: usize,
) -> Result<(), WireError> {
    let inconsistent = Err(WireError::Stream(
        "the outline of a record batch is not consistent",
    ));
    if batch.compression().is_some() {
        return Err(WireError::Stream("compressed batches are not taken"));
    }
    if batch
        .variadicBufferCounts()
        .is_some_and(|counts| !counts.is_empty())
    {
        return inconsistent;
    }
    let Some(rows) = count(batch.length(), MAX_ROWS) else {
        return Err(WireError::Stream("a batch has more than 65,536 rows"));
    };
    let (Some(nodes), Some(buffers)) = (batch.nodes(), batch.buffers()) else {
        return inconsistent;
    };
    let mut widths = Vec::with_capacity(3 * schema.fields().len());
    let mut limits = Vec::with_capacity(schema.fields().len() + 1);
    for field in schema.fields() {
        limits.push((true, rows));
        widths.extend_from_slice(value_widths(field.data_type()));
        if let DataType::List(item) = field.data_type() {
            limits.push((false, rows * MAX_ROW_SEGMENTS));
            widths.extend_from_slice(value_widths(item.data_type()));
        }
    }
    if nodes.len() != limits.len() || buffers.len() != widths.len() {
        return inconsistent;
    }
    for (node, (exact, limit)) in nodes.iter().zip(limits) {
        let Some(length) = count(node.length(), limit) else {
            return inconsistent;
        };
        if (exact && length != limit) || count(node.null_count(), length).is_none() {
            return inconsistent;
        }
    }
    for (buffer, width) in buffers.iter().zip(widths) {
        if buffer.offset() % ALIGNMENT != 0 || buffer.length() % width != 0 {
            return inconsistent;
        }
        let end = count(buffer.offset(), body)
            .zip(count(buffer.length(), body))
            .map(|(offset, length)| offset + length);
        if end.is_none_or(|end| end > body) {
            return inconsistent;
        }
    }
    Ok(())
}

/// Bytes of one value in each buffer of a column of the specification: validity first, then offsets,
/// if its type has some, then values. Bits and bytes count as 1.
fn value_widths(kind: &DataType) -> &'static [i64] {
    match kind {
        DataType::Utf8 | DataType::Binary => &[1, 4, 1],
        DataType::List(_) | DataType::UInt32 => &[1, 4],
        DataType::Int64 => &[1, 8],
        DataType::UInt16 => &[1, 2],
        _ => &[1, 1],
    }
}

/// A count from the wire, if it is not negative and not above `limit`.
fn count(value: i64, limit: usize) -> Option<usize> {
    usize::try_from(value).ok().filter(|value| *value <= limit)
}

fn read_exact(source: &mut dyn Read, out: &mut [u8]) -> Result<(), WireError> {
    source.read_exact(out).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => WireError::CutShort,
        _ => WireError::Io(error),
    })
}

/// Reads `length` bytes; memory grows with what arrives, not with what is claimed.
fn read_bounded(source: &mut dyn Read, length: usize) -> Result<Vec<u8>, WireError> {
    let mut bytes = Vec::new();
    source.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() != length {
        return Err(WireError::CutShort);
    }
    Ok(bytes)
}
