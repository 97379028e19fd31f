//! Filling a batch, row by row, at the party.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, FixedSizeBinaryBuilder, Int64Builder, ListBuilder,
    StringBuilder, UInt8Builder, UInt16Builder, UInt32Builder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, SchemaRef};

use super::details::{ConsentField, DetailBuilders};
use super::{
    MAX_BODY_BYTES, MAX_ROW_SEGMENTS, MAX_ROWS, MAX_TEXT_BYTES, PURPOSE_BITS, SEALED_COOKIE_BYTES,
    UploadKind, WireError, WireHeader,
};
use crate::consent::ConsentRecord;
use crate::identifier::IdentifierType;
use crate::token::Token;
use crate::wire::cookie;

/// A cookie of one row at one destination.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CookieCell<'a> {
    /// The partner's pseudonym of the cookie.
    pub tag: [u8; 16],
    /// An 88-byte label, or an open cookie of 1 to 63 bytes.
    pub cookie: &'a [u8],
}

/// One row to be sent.
pub struct Row<'a> {
    /// Tokens by identifier type: e-mail, phone, postal. One without a column in the header must
    /// be absent.
    pub tokens: [Option<Token>; 3],
    /// The row's consent record. A removal has none: nothing of it is sent.
    pub consent: &'a ConsentRecord,
    /// CRM: positions in the header's segments, any order.
    pub segments: &'a [u16],
    /// Graph: one entry per destination of the header, in its order (by name).
    pub cookies: &'a [Option<CookieCell<'a>>],
}

/// Collects rows into an Arrow batch: up to [`MAX_ROWS`], or fewer where a row may be so long that the
/// batch would not fit in one message. Memory: the batch.
pub struct BatchBuilder {
    schema: SchemaRef,
    rows: usize,
    most: usize,
    tokens: Vec<(IdentifierType, FixedSizeBinaryBuilder)>,
    /// Tokens of the collaboration that is bridged, of the same types; none without one.
    bridged: Vec<FixedSizeBinaryBuilder>,
    consent: Option<ConsentColumns>,
    segments: Option<(usize, ListBuilder<UInt16Builder>)>,
    cookies: Vec<(bool, FixedSizeBinaryBuilder, BinaryBuilder)>,
    sorted: Vec<u16>,
}

impl BatchBuilder {
    /// An empty batch of `header`'s columns.
    ///
    /// # Errors
    /// The header is not valid.
    pub fn new(header: &WireHeader) -> Result<Self, WireError> {
        let item = Arc::new(Field::new("item", DataType::UInt16, false));
        let segments = || ListBuilder::new(UInt16Builder::new()).with_field(item);
        let rows = header.mode.brings_rows();
        let crm = rows && header.kind == UploadKind::Crm;
        Ok(BatchBuilder {
            schema: Arc::new(header.to_schema()?),
            rows: 0,
            most: most_rows(header),
            tokens: (header.identifiers.iter())
                .map(|kind| (*kind, FixedSizeBinaryBuilder::new(16)))
                .collect(),
            bridged: match header.bridge {
                Some(_) => (header.identifiers.iter())
                    .map(|_| FixedSizeBinaryBuilder::new(16))
                    .collect(),
                None => Vec::new(),
            },
            consent: rows.then(|| ConsentColumns::new(&header.consent)),
            segments: crm.then(|| (header.segments.len(), segments())),
            cookies: (header.labels.values())
                .map(|enc| {
                    let tag = FixedSizeBinaryBuilder::new(16);
                    (enc.is_some(), tag, BinaryBuilder::new())
                })
                .collect(),
            sorted: Vec::new(),
        })
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no row yet.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Whether the batch must be finished before the next row.
    pub fn is_full(&self) -> bool {
        self.rows >= self.most
    }

    /// Appends a row; on error the batch is as before.
    ///
    /// # Errors
    /// [`WireError::Value`] for a value that the service would refuse, or a full batch.
    pub fn push_row(&mut self, row: &Row<'_>) -> Result<(), WireError> {
        self.push_bridged(row, [None; 3])
    }

    /// Appends a row that carries tokens of the header's other collaboration as well, by identifier type;
    /// on error the batch is as before.
    ///
    /// # Errors
    /// As [`Self::push_row`].
    pub fn push_bridged(
        &mut self,
        row: &Row<'_>,
        bridged: [Option<Token>; 3],
    ) -> Result<(), WireError> {
        self.check(row)?;
        self.check_tokens(row.tokens, bridged)?;
        for (kind, column) in &mut self.tokens {
            append(column, row.tokens[kind.index()])?;
        }
        for ((kind, _), column) in self.tokens.iter().zip(&mut self.bridged) {
            append(column, bridged[kind.index()])?;
        }
        if let Some(columns) = &mut self.consent {
            columns.push(row.consent);
        }
        if let Some((_, column)) = &mut self.segments {
            column.values().append_slice(&self.sorted);
            column.append(true);
        }
        for ((_, tags, cookies), cell) in self.cookies.iter_mut().zip(row.cookies) {
            match cell {
                Some(cell) => {
                    tags.append_value(cell.tag).map_err(arrow)?;
                    cookies.append_value(cell.cookie);
                }
                None => {
                    tags.append_null();
                    cookies.append_null();
                }
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Hands over the batch and starts an empty one.
    ///
    /// # Errors
    /// Only if the columns do not fit together, which `push_row` prevents.
    pub fn finish(&mut self) -> Result<RecordBatch, WireError> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for (_, column) in &mut self.tokens {
            columns.push(Arc::new(column.finish()));
        }
        for column in &mut self.bridged {
            columns.push(Arc::new(column.finish()));
        }
        if let Some(consent) = &mut self.consent {
            columns.extend(consent.finish());
        }
        if let Some((_, column)) = &mut self.segments {
            columns.push(Arc::new(column.finish()));
        }
        for (_, tags, cookies) in &mut self.cookies {
            columns.push(Arc::new(tags.finish()));
            columns.push(Arc::new(cookies.finish()));
        }
        self.rows = 0;
        RecordBatch::try_new(self.schema.clone(), columns).map_err(arrow)
    }

    /// Checks that every token has a column.
    fn check_tokens(
        &self,
        tokens: [Option<Token>; 3],
        bridged: [Option<Token>; 3],
    ) -> Result<(), WireError> {
        for kind in IdentifierType::ALL {
            let has = self.tokens.iter().any(|(known, _)| *known == kind);
            let column = if tokens[kind.index()].is_some() && !has {
                kind.as_str().to_owned()
            } else if bridged[kind.index()].is_some() && (!has || self.bridged.is_empty()) {
                format!("bridge:{}", kind.as_str())
            } else {
                continue;
            };
            return Err(WireError::Value {
                row: self.rows as u64,
                column,
                problem: "the header has no such column",
            });
        }
        Ok(())
    }

    /// Checks the rest of a row, and leaves its segments sorted and distinct in `self.sorted`.
    fn check(&mut self, row: &Row<'_>) -> Result<(), WireError> {
        let number = self.rows as u64;
        let wrong = |column: &str, problem| {
            let column = column.to_owned();
            Err(WireError::Value {
                row: number,
                column,
                problem,
            })
        };
        if self.is_full() {
            return wrong("", "the batch is full");
        }
        if row.consent.purposes.0 >> PURPOSE_BITS != 0 {
            return wrong("purposes", "only 24 purposes exist");
        }
        let long = |text: &Option<String>| text.as_ref().is_some_and(|t| t.len() > MAX_TEXT_BYTES);
        if long(&row.consent.notice_version) {
            return wrong("notice_version", "is longer than 256 bytes");
        }
        if long(&row.consent.source) {
            return wrong("source", "is longer than 256 bytes");
        }
        if let (Some(details), Some(columns)) = (&row.consent.more, &self.consent) {
            if let Err(bad) = row.consent.check() {
                return wrong(bad.0, "is not as specified");
            }
            // What is not sent would be consent without its limits.
            if let Err(lost) = columns.details.fits(details) {
                return wrong(lost.as_str(), "the header has no such column");
            }
        }
        self.sorted.clear();
        self.sorted.extend_from_slice(row.segments);
        self.sorted.sort_unstable();
        self.sorted.dedup();
        let known = self.segments.as_ref().map_or(0, |(known, _)| *known);
        if self
            .sorted
            .last()
            .is_some_and(|last| usize::from(*last) >= known)
        {
            return wrong("segments", "the header has no such segment");
        }
        if self.sorted.len() > MAX_ROW_SEGMENTS {
            return wrong("segments", "has more than 256 entries");
        }
        if row.cookies.len() != self.cookies.len() {
            return wrong(
                "cookie",
                "there must be one cell per destination of the header",
            );
        }
        for ((sealed, ..), cell) in self.cookies.iter().zip(row.cookies) {
            if let Some(cell) = cell
                && !cookie_fits(*sealed, cell.cookie)
            {
                return wrong("cookie", NO_COOKIE);
            }
        }
        Ok(())
    }
}

/// The columns of the consent records.
struct ConsentColumns {
    basis: UInt8Builder,
    purposes: UInt32Builder,
    consent_at: Int64Builder,
    notice_version: StringBuilder,
    source: StringBuilder,
    opposed: BooleanBuilder,
    details: DetailBuilders,
}

impl ConsentColumns {
    fn new(fields: &[ConsentField]) -> Self {
        ConsentColumns {
            basis: UInt8Builder::new(),
            purposes: UInt32Builder::new(),
            consent_at: Int64Builder::new(),
            notice_version: StringBuilder::new(),
            source: StringBuilder::new(),
            opposed: BooleanBuilder::new(),
            details: DetailBuilders::new(fields),
        }
    }

    fn push(&mut self, consent: &ConsentRecord) {
        self.basis
            .append_value(consent.basis.map_or(0, |basis| basis as u8));
        self.purposes.append_value(consent.purposes.0);
        self.consent_at
            .append_option(consent.given_at.map(|at| at.as_second()));
        self.notice_version
            .append_option(consent.notice_version.as_deref());
        self.source.append_option(consent.source.as_deref());
        self.opposed.append_value(consent.opposed);
        self.details.push(consent.details());
    }

    fn finish(&mut self) -> Vec<ArrayRef> {
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.basis.finish()),
            Arc::new(self.purposes.finish()),
            Arc::new(self.consent_at.finish()),
            Arc::new(self.notice_version.finish()),
            Arc::new(self.source.finish()),
            Arc::new(self.opposed.finish()),
        ];
        columns.extend(self.details.finish());
        columns
    }
}

/// As many rows as surely fit in half a message, each as long as it may be.
fn most_rows(header: &WireHeader) -> usize {
    let tokens = if header.bridge.is_some() { 6 } else { 3 };
    let fixed = tokens * 16 + 32 + 2 * (MAX_TEXT_BYTES + 4);
    let consent: usize = header.consent.iter().map(|field| field.most_bytes()).sum();
    let segments = header.segments.len().min(MAX_ROW_SEGMENTS) * 2;
    let cookies = header.labels.len() * (16 + 4 + SEALED_COOKIE_BYTES + 1);
    (MAX_BODY_BYTES / 2 / (fixed + consent + segments + cookies)).min(MAX_ROWS)
}

pub(super) const NO_COOKIE: &str =
    "must be an 88-byte label or, in the open, 1 to 63 bytes of text without control characters";

/// Whether a cell is what the destination takes.
pub(super) fn cookie_fits(sealed: bool, cell: &[u8]) -> bool {
    if sealed {
        cell.len() == SEALED_COOKIE_BYTES
    } else {
        cookie::parse(cell).is_some()
    }
}

fn append(column: &mut FixedSizeBinaryBuilder, token: Option<Token>) -> Result<(), WireError> {
    match token {
        Some(token) => column.append_value(token.0).map_err(arrow),
        None => {
            column.append_null();
            Ok(())
        }
    }
}

fn arrow(_: ArrowError) -> WireError {
    WireError::Stream("the columns do not fit together")
}
