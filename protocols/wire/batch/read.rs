//! Looking at the rows of a checked batch, without allocation.

use arrow_array::{
    Array, BinaryArray, BooleanArray, FixedSizeBinaryArray, Int64Array, ListArray, RecordBatch,
    StringArray, UInt8Array, UInt16Array, UInt32Array,
};
use jiff::Timestamp;

use super::build::{NO_COOKIE, cookie_fits};
use super::details::DetailColumns;
use super::{
    CookieCell, MAX_ROW_SEGMENTS, MAX_ROWS, MAX_TEXT_BYTES, PURPOSE_BITS, WireError, WireHeader,
};
use crate::consent::{Basis, ConsentRecord, Purposes};
use crate::token::Token;

/// The rows of one batch; every value has been checked when it exists.
pub struct BatchReader<'a> {
    rows: usize,
    tokens: [Option<&'a FixedSizeBinaryArray>; 3],
    bridged: [Option<&'a FixedSizeBinaryArray>; 3],
    consent: Option<ConsentColumns<'a>>,
    segments: Option<Segments<'a>>,
    cookies: Vec<(&'a FixedSizeBinaryArray, &'a BinaryArray)>,
}

struct ConsentColumns<'a> {
    basis: &'a UInt8Array,
    purposes: &'a UInt32Array,
    consent_at: &'a Int64Array,
    notice_version: &'a StringArray,
    source: &'a StringArray,
    opposed: &'a BooleanArray,
    details: DetailColumns<'a>,
}

struct Segments<'a> {
    lists: &'a ListArray,
    items: &'a UInt16Array,
}

impl<'a> BatchReader<'a> {
    /// Checks the columns and every value of `batch`.
    ///
    /// # Errors
    /// [`WireError::Columns`] or [`WireError::Value`], rows counted in this batch.
    pub fn new(batch: &'a RecordBatch, header: &WireHeader) -> Result<Self, WireError> {
        header.check_fields(batch.schema_ref())?;
        if batch.num_rows() > MAX_ROWS {
            return Err(WireError::Stream("a batch has more than 65,536 rows"));
        }
        let mut columns = Columns {
            batch,
            header,
            next: 0,
        };
        let (mut tokens, mut bridged) = ([None; 3], [None; 3]);
        for kind in &header.identifiers {
            tokens[kind.index()] = Some(columns.take()?);
        }
        if header.bridge.is_some() {
            for kind in &header.identifiers {
                bridged[kind.index()] = Some(columns.take()?);
            }
        }
        let reader = BatchReader {
            rows: batch.num_rows(),
            tokens,
            bridged,
            consent: match header.mode.brings_rows() {
                false => None,
                true => Some(ConsentColumns {
                    basis: columns.take()?,
                    purposes: columns.take()?,
                    consent_at: columns.take()?,
                    notice_version: columns.take()?,
                    source: columns.take()?,
                    opposed: columns.take()?,
                    details: columns.details()?,
                }),
            },
            segments: match header.kind {
                super::UploadKind::Crm if header.mode.brings_rows() => {
                    let lists: &ListArray = columns.take()?;
                    let items = lists.values().as_any().downcast_ref();
                    let items =
                        items.ok_or(WireError::Stream("segments are not 16-bit numbers"))?;
                    Some(Segments { lists, items })
                }
                _ => None,
            },
            cookies: (header.labels.keys())
                .map(|_| Ok((columns.take()?, columns.take()?)))
                .collect::<Result<_, WireError>>()?,
        };
        if let Some(consent) = &reader.consent {
            consent.check(reader.rows)?;
        }
        reader.check_segments(header)?;
        reader.check_cookies(header)?;
        Ok(reader)
    }

    /// Rows in the batch.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether the batch has no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The row's tokens: e-mail, phone, postal. `row` is below [`Self::len`].
    pub fn tokens(&self, row: usize) -> [Option<Token>; 3] {
        self.tokens.map(|column| token(column, row))
    }

    /// The row's tokens of the header's other collaboration, by the same types.
    pub fn bridged(&self, row: usize) -> [Option<Token>; 3] {
        self.bridged.map(|column| token(column, row))
    }

    /// Writes the row's consent record into `record`, reusing its memory; that of a removal is empty.
    pub fn consent_into(&self, row: usize, record: &mut ConsentRecord) {
        match &self.consent {
            Some(consent) => consent.read(row, record),
            None => *record = ConsentRecord::default(),
        }
    }

    /// The row's segments, ascending positions in the header's list; empty for a graph and a removal.
    pub fn segments(&self, row: usize) -> &[u16] {
        match &self.segments {
            None => &[],
            Some(segments) => segments.of(row),
        }
    }

    /// The row's cookie at the `destination`-th destination of the header.
    pub fn cookie(&self, row: usize, destination: usize) -> Option<CookieCell<'a>> {
        let (tags, cookies) = self.cookies.get(destination)?;
        if tags.is_null(row) {
            return None;
        }
        let tag = tags.value(row).try_into().ok()?;
        Some(CookieCell {
            tag,
            cookie: cookies.value(row),
        })
    }

    fn check_segments(&self, header: &WireHeader) -> Result<(), WireError> {
        let Some(segments) = &self.segments else {
            return Ok(());
        };
        if segments.items.null_count() > 0 {
            return Err(wrong(0, "segments", "an entry is null"));
        }
        for row in 0..self.rows {
            let list = segments.of(row);
            if list.len() > MAX_ROW_SEGMENTS {
                return Err(wrong(row, "segments", "has more than 256 entries"));
            }
            if !list.is_sorted_by(|a, b| a < b) {
                return Err(wrong(
                    row,
                    "segments",
                    "must be ascending without repetition",
                ));
            }
            if list
                .last()
                .is_some_and(|last| usize::from(*last) >= header.segments.len())
            {
                return Err(wrong(row, "segments", "the header has no such segment"));
            }
        }
        Ok(())
    }

    fn check_cookies(&self, header: &WireHeader) -> Result<(), WireError> {
        for ((name, enc), (tags, cookies)) in header.labels.iter().zip(&self.cookies) {
            for row in 0..self.rows {
                let column = || format!("cookie:{name}");
                if tags.is_valid(row) != cookies.is_valid(row) {
                    let problem = "tag and cookie must both be there, or neither";
                    return Err(WireError::Value {
                        row: row as u64,
                        column: column(),
                        problem,
                    });
                }
                if cookies.is_valid(row) && !cookie_fits(enc.is_some(), cookies.value(row)) {
                    let problem = NO_COOKIE;
                    return Err(WireError::Value {
                        row: row as u64,
                        column: column(),
                        problem,
                    });
                }
            }
        }
        Ok(())
    }
}

impl ConsentColumns<'_> {
    fn read(&self, row: usize, record: &mut ConsentRecord) {
        record.basis = basis(self.basis.value(row));
        record.purposes = Purposes(self.purposes.value(row));
        record.given_at = (self.consent_at.is_valid(row))
            .then(|| Timestamp::from_second(self.consent_at.value(row)).ok())
            .flatten();
        copy_text(self.notice_version, row, &mut record.notice_version);
        copy_text(self.source, row, &mut record.source);
        record.opposed = self.opposed.value(row);
        self.details.read(row, record);
    }

    fn check(&self, rows: usize) -> Result<(), WireError> {
        self.details.check(rows)?;
        for row in 0..rows {
            if self.basis.value(row) > 6 {
                return Err(wrong(row, "basis", "must be 0 to 6"));
            }
            if self.purposes.value(row) >> PURPOSE_BITS != 0 {
                return Err(wrong(row, "purposes", "only 24 purposes exist"));
            }
            let at = self.consent_at;
            if at.is_valid(row) && Timestamp::from_second(at.value(row)).is_err() {
                return Err(wrong(row, "consent_at", "is not a time"));
            }
            for (column, name) in [
                (self.notice_version, "notice_version"),
                (self.source, "source"),
            ] {
                if column.is_valid(row) && column.value(row).len() > MAX_TEXT_BYTES {
                    return Err(wrong(row, name, "is longer than 256 bytes"));
                }
            }
        }
        Ok(())
    }
}

impl Segments<'_> {
    fn of(&self, row: usize) -> &[u16] {
        let offsets = self.lists.value_offsets();
        let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
        &self.items.values()[start..end]
    }
}

/// Takes the columns one after the other, each as the type that the header says it has.
struct Columns<'a, 'h> {
    batch: &'a RecordBatch,
    header: &'h WireHeader,
    next: usize,
}

impl<'a> Columns<'a, '_> {
    /// The optional columns of consent, of the types that were checked with the schema.
    fn details(&mut self) -> Result<DetailColumns<'a>, WireError> {
        let mut found = Vec::with_capacity(self.header.consent.len());
        for field in &self.header.consent {
            let position = self.next;
            self.next += 1;
            let column = self.batch.columns().get(position);
            let column =
                column.filter(|column| field.field().is_nullable() || column.null_count() == 0);
            found.push((
                *field,
                column.ok_or_else(|| wrong_column(position))?.as_ref(),
            ));
        }
        Ok(DetailColumns::new(found))
    }

    fn take<A: Array + 'static>(&mut self) -> Result<&'a A, WireError> {
        let position = self.next;
        self.next += 1;
        let fields = self.header.fields();
        let required = fields
            .get(position)
            .is_some_and(|field| !field.is_nullable());
        let column = self.batch.columns().get(position);
        column
            .and_then(|column| column.as_any().downcast_ref::<A>())
            .filter(|column| !required || column.null_count() == 0)
            .ok_or_else(|| wrong_column(position))
    }
}

fn wrong_column(position: usize) -> WireError {
    WireError::Columns {
        position,
        expected: "another type, or no nulls".to_owned(),
    }
}

fn token(column: Option<&FixedSizeBinaryArray>, row: usize) -> Option<Token> {
    let column = column.filter(|column| column.is_valid(row))?;
    column.value(row).try_into().ok().map(Token)
}

fn basis(code: u8) -> Option<Basis> {
    match code {
        1 => Some(Basis::Consent),
        2 => Some(Basis::LegitimateInterest),
        3 => Some(Basis::Contract),
        4 => Some(Basis::LegalObligation),
        5 => Some(Basis::VitalInterests),
        6 => Some(Basis::PublicTask),
        _ => None,
    }
}

fn copy_text(column: &StringArray, row: usize, target: &mut Option<String>) {
    if column.is_null(row) {
        *target = None;
        return;
    }
    let text = target.get_or_insert_default();
    text.clear();
    text.push_str(column.value(row));
}

fn wrong(row: usize, column: &str, problem: &'static str) -> WireError {
    let (row, column) = (row as u64, column.to_owned());
    WireError::Value {
        row,
        column,
        problem,
    }
}
