//! The optional columns of consent: those that `tamis.consent` names, and no others.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, FixedSizeBinaryBuilder, Int64Builder, StringBuilder, UInt32Builder,
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, FixedSizeBinaryArray, Int64Array, StringArray, UInt32Array,
};
use arrow_schema::{DataType, Field};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{MAX_TEXT_BYTES, WireError};
use crate::consent::{
    ConsentEvent, ConsentRecord, ConsentState, Details, MAX_EVENTS, MAX_RECIPIENTS, Purposes,
};

/// A field of [`Details`] with a column of its own. Their order is that of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentField {
    /// Purposes on legitimate interest: bits as in `purposes`.
    Interests,
    /// The owner's number of the record.
    RecordId,
    /// Names with one space between them; null is everyone, an empty text nobody.
    Recipients,
    /// SHA-256 of the notice.
    NoticeHash,
    /// BCP 47.
    Language,
    /// Steps on which it was asked for.
    Journey,
    /// ISO 3166-1 or 3166-2.
    Jurisdiction,
    /// Seconds since 1970.
    ValidUntil,
    /// Events of 9 bytes: state, then seconds since 1970, big-endian.
    History,
}

/// Bytes of one event.
const EVENT: usize = 9;

impl ConsentField {
    /// All there are, in their order.
    pub const ALL: [ConsentField; 9] = [
        ConsentField::Interests,
        ConsentField::RecordId,
        ConsentField::Recipients,
        ConsentField::NoticeHash,
        ConsentField::Language,
        ConsentField::Journey,
        ConsentField::Jurisdiction,
        ConsentField::ValidUntil,
        ConsentField::History,
    ];

    /// The name of the column.
    pub fn as_str(self) -> &'static str {
        match self {
            ConsentField::Interests => "interests",
            ConsentField::RecordId => "record_id",
            ConsentField::Recipients => "recipients",
            ConsentField::NoticeHash => "notice_hash",
            ConsentField::Language => "language",
            ConsentField::Journey => "journey",
            ConsentField::Jurisdiction => "jurisdiction",
            ConsentField::ValidUntil => "valid_until",
            ConsentField::History => "history",
        }
    }

    /// The column.
    pub(super) fn field(self) -> Field {
        let kind = match self {
            ConsentField::Interests => DataType::UInt32,
            ConsentField::NoticeHash => DataType::FixedSizeBinary(32),
            ConsentField::ValidUntil => DataType::Int64,
            ConsentField::History => DataType::Binary,
            ConsentField::RecordId
            | ConsentField::Recipients
            | ConsentField::Language
            | ConsentField::Journey
            | ConsentField::Jurisdiction => DataType::Utf8,
        };
        Field::new(self.as_str(), kind, self != ConsentField::Interests)
    }

    /// Bytes of a row at most, with its offset.
    pub(super) fn most_bytes(self) -> usize {
        match self {
            ConsentField::Interests => 4,
            ConsentField::NoticeHash => 32,
            ConsentField::ValidUntil => 8,
            ConsentField::History => 4 + EVENT * MAX_EVENTS,
            ConsentField::Recipients => 4 + MAX_RECIPIENTS * 65,
            ConsentField::Journey => 4 + MAX_TEXT_BYTES,
            ConsentField::RecordId | ConsentField::Language | ConsentField::Jurisdiction => 4 + 64,
        }
    }

    /// Whether the details say anything here.
    fn is_said(self, details: &Details) -> bool {
        match self {
            ConsentField::Interests => details.interests != Purposes::NONE,
            ConsentField::RecordId => details.record_id.is_some(),
            ConsentField::Recipients => details.recipients.is_some(),
            ConsentField::NoticeHash => details.notice_hash.is_some(),
            ConsentField::Language => details.language.is_some(),
            ConsentField::Journey => details.journey.is_some(),
            ConsentField::Jurisdiction => details.jurisdiction.is_some(),
            ConsentField::ValidUntil => details.valid_until.is_some(),
            ConsentField::History => !details.history.is_empty(),
        }
    }
}

/// Columns being filled.
pub(super) struct DetailBuilders(Vec<(ConsentField, Builder)>);

enum Builder {
    Number(UInt32Builder),
    Text(StringBuilder),
    Hash(FixedSizeBinaryBuilder),
    Time(Int64Builder),
    Bytes(BinaryBuilder),
}

impl DetailBuilders {
    pub(super) fn new(fields: &[ConsentField]) -> Self {
        let builder = |field: &ConsentField| {
            let builder = match field {
                ConsentField::Interests => Builder::Number(UInt32Builder::new()),
                ConsentField::NoticeHash => Builder::Hash(FixedSizeBinaryBuilder::new(32)),
                ConsentField::ValidUntil => Builder::Time(Int64Builder::new()),
                ConsentField::History => Builder::Bytes(BinaryBuilder::new()),
                _ => Builder::Text(StringBuilder::new()),
            };
            (*field, builder)
        };
        DetailBuilders(fields.iter().map(builder).collect())
    }

    /// Whether everything that the details say has a column, or what has none.
    pub(super) fn fits(&self, details: &Details) -> Result<(), ConsentField> {
        let lost = |field: &ConsentField| {
            field.is_said(details) && self.0.iter().all(|(known, _)| known != field)
        };
        ConsentField::ALL.into_iter().find(lost).map_or(Ok(()), Err)
    }

    pub(super) fn push(&mut self, details: &Details) {
        for (field, builder) in &mut self.0 {
            match builder {
                Builder::Number(column) => column.append_value(details.interests.0),
                Builder::Time(column) => {
                    column.append_option(details.valid_until.map(Timestamp::as_second));
                }
                Builder::Hash(column) => match &details.notice_hash {
                    // Its length is right.
                    Some(hash) => drop(column.append_value(hash)),
                    None => column.append_null(),
                },
                Builder::Bytes(column) => match &details.history[..] {
                    [] => column.append_null(),
                    events => column.append_value(events_to_bytes(events)),
                },
                Builder::Text(column) => match field {
                    ConsentField::Recipients => {
                        let names = details.recipients.as_ref();
                        column.append_option(names.map(|names| names.join(" ")));
                    }
                    ConsentField::RecordId => column.append_option(details.record_id.as_deref()),
                    ConsentField::Language => column.append_option(details.language.as_deref()),
                    ConsentField::Journey => column.append_option(details.journey.as_deref()),
                    _ => column.append_option(details.jurisdiction.as_deref()),
                },
            }
        }
    }

    pub(super) fn finish(&mut self) -> Vec<ArrayRef> {
        let column = |(_, builder): &mut (ConsentField, Builder)| -> ArrayRef {
            match builder {
                Builder::Number(column) => Arc::new(column.finish()),
                Builder::Text(column) => Arc::new(column.finish()),
                Builder::Hash(column) => Arc::new(column.finish()),
                Builder::Time(column) => Arc::new(column.finish()),
                Builder::Bytes(column) => Arc::new(column.finish()),
            }
        };
        self.0.iter_mut().map(column).collect()
    }
}

/// Columns being read.
pub(super) struct DetailColumns<'a>(Vec<(ConsentField, &'a dyn Array)>);

impl<'a> DetailColumns<'a> {
    /// Columns of the types that [`ConsentField::field`] says.
    pub(super) fn new(columns: Vec<(ConsentField, &'a dyn Array)>) -> Self {
        DetailColumns(columns)
    }

    /// Checks every value.
    pub(super) fn check(&self, rows: usize) -> Result<(), WireError> {
        if self.0.is_empty() {
            return Ok(());
        }
        for row in 0..rows {
            let wrong = |column: &str| WireError::Value {
                row: row as u64,
                column: column.to_owned(),
                problem: "is not as specified",
            };
            let details = self.details(row).map_err(|field| wrong(field.as_str()))?;
            details.check().map_err(|bad| wrong(bad.0))?;
        }
        Ok(())
    }

    /// Puts what a row says into its record.
    pub(super) fn read(&self, row: usize, record: &mut ConsentRecord) {
        record.more = None;
        if self.0.is_empty() {
            return;
        }
        // All were checked.
        if let Ok(details) = self.details(row)
            && details != Details::NONE
        {
            record.more = Some(Box::new(details));
        }
    }

    fn details(&self, row: usize) -> Result<Details, ConsentField> {
        let mut details = Details::NONE;
        for (field, column) in &self.0 {
            let column = column.as_any();
            let text = || cell(column.downcast_ref::<StringArray>(), row);
            let owned = || text().map(|text| text.map(str::to_owned));
            let done = match field {
                ConsentField::Interests => column
                    .downcast_ref::<UInt32Array>()
                    .map(|column| details.interests = Purposes(column.value(row))),
                ConsentField::RecordId => owned().map(|text| details.record_id = text),
                ConsentField::Recipients => text().map(|text| {
                    details.recipients = text.map(names);
                }),
                ConsentField::NoticeHash => {
                    column.downcast_ref::<FixedSizeBinaryArray>().map(|column| {
                        let hash = column.is_valid(row).then(|| column.value(row));
                        details.notice_hash = hash.and_then(|hash| hash.try_into().ok());
                    })
                }
                ConsentField::Language => owned().map(|text| details.language = text),
                ConsentField::Journey => owned().map(|text| details.journey = text),
                ConsentField::Jurisdiction => owned().map(|text| details.jurisdiction = text),
                ConsentField::ValidUntil => match column.downcast_ref::<Int64Array>() {
                    Some(column) if column.is_valid(row) => {
                        let at = Timestamp::from_second(column.value(row)).ok();
                        details.valid_until = at;
                        at.map(drop)
                    }
                    column => column.map(drop),
                },
                ConsentField::History => match column.downcast_ref::<BinaryArray>() {
                    Some(column) if column.is_valid(row) => {
                        events(column.value(row)).map(|events| details.history = events)
                    }
                    column => column.map(drop),
                },
            };
            done.ok_or(*field)?;
        }
        Ok(details)
    }
}

/// The text of a row, if there is one; nothing if there is no such column.
fn cell(column: Option<&StringArray>, row: usize) -> Option<Option<&str>> {
    column.map(|column| column.is_valid(row).then(|| column.value(row)))
}

fn names(text: &str) -> Vec<String> {
    match text {
        "" => Vec::new(),
        names => names.split(' ').map(str::to_owned).collect(),
    }
}

fn events_to_bytes(events: &[ConsentEvent]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(EVENT * events.len());
    for event in events {
        bytes.push(event.state.code());
        bytes.extend_from_slice(&event.at.as_second().to_be_bytes());
    }
    bytes
}

/// The inverse; at least one event.
fn events(bytes: &[u8]) -> Option<Vec<ConsentEvent>> {
    let (events, rest) = bytes.as_chunks::<EVENT>();
    if events.is_empty() || events.len() > MAX_EVENTS || !rest.is_empty() {
        return None;
    }
    let event = |[state, at @ ..]: &[u8; EVENT]| {
        Some(ConsentEvent {
            state: ConsentState::from_code(*state)?,
            at: Timestamp::from_second(i64::from_be_bytes(*at)).ok()?,
        })
    };
    events.iter().map(event).collect()
}
