//! Plain counters that each worker fills for itself and that are added up at the end.

use std::collections::BTreeMap;

use tamis_protocols::consent::DropReason;
use tamis_protocols::identifier::Malformed;

/// What is counted of one identifier column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CellTally {
    /// Cells that gave an identifier.
    pub valid: u64,
    /// Cells with nothing in them.
    pub empty: u64,
    /// Other cells, by reason.
    pub refused: BTreeMap<Malformed, u64>,
    /// Digest columns: digests of a digest.
    pub double_hashed: u64,
    /// Digest columns: digests of words such as `null`, or of the digest of nothing.
    pub placeholders: u64,
    /// Digest columns: digests that are not those of the identifier in the same row.
    pub contradicting: u64,
}

impl CellTally {
    /// Counts what became of a cell.
    pub fn count<T>(&mut self, outcome: &Result<T, Malformed>) {
        match outcome {
            Ok(_) => self.valid += 1,
            Err(Malformed::Empty) => self.empty += 1,
            Err(reason) => *self.refused.entry(*reason).or_default() += 1,
        }
    }

    fn add(&mut self, other: &CellTally) {
        self.valid += other.valid;
        self.empty += other.empty;
        self.double_hashed += other.double_hashed;
        self.placeholders += other.placeholders;
        self.contradicting += other.contradicting;
        for (reason, count) in &other.refused {
            *self.refused.entry(*reason).or_default() += count;
        }
    }
}

/// What is counted of one destination's cookies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CookieTally {
    /// Usable cookies.
    pub present: u64,
    /// Rows without one.
    pub empty: u64,
    /// Cells that are no cookie: over 63 bytes, or with control characters; not used.
    pub unusable: u64,
}

/// Columns of identifiers, in the order of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IdentifierColumn {
    /// E-mail addresses.
    Email,
    /// Phone numbers.
    Phone,
    /// The four columns of a postal identifier.
    Postal,
    /// Digests of e-mail addresses.
    EmailSha256,
    /// Digests of phone numbers.
    PhoneSha256,
}

impl IdentifierColumn {
    /// All of them.
    pub const ALL: [IdentifierColumn; 5] = [
        IdentifierColumn::Email,
        IdentifierColumn::Phone,
        IdentifierColumn::Postal,
        IdentifierColumn::EmailSha256,
        IdentifierColumn::PhoneSha256,
    ];

    /// The name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            IdentifierColumn::Email => "email",
            IdentifierColumn::Phone => "phone",
            IdentifierColumn::Postal => "postal",
            IdentifierColumn::EmailSha256 => "email_sha256",
            IdentifierColumn::PhoneSha256 => "phone_sha256",
        }
    }
}

/// Everything counted while reading a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows with as many cells as the header.
    pub rows: u64,
    /// Rows that the terms let in today and that have an identifier.
    pub usable: u64,
    /// Rows left out, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
    /// Consent cells that could not be read, by role.
    pub unreadable: BTreeMap<&'static str, u64>,
    /// By column of identifiers.
    pub cells: [CellTally; 5],
    /// By destination.
    pub cookies: Vec<CookieTally>,
    /// Rows by segment, in the order of the labels.
    pub segments: Vec<u64>,
}

impl Tally {
    /// Nothing yet.
    pub fn new(destinations: usize, labels: usize) -> Tally {
        Tally {
            cookies: vec![CookieTally::default(); destinations],
            segments: vec![0; labels],
            ..Tally::default()
        }
    }

    /// The counters of a column.
    pub fn cells_mut(&mut self, column: IdentifierColumn) -> &mut CellTally {
        &mut self.cells[column as usize]
    }

    /// Adds another worker's counters.
    pub fn add(&mut self, other: &Tally) {
        self.rows += other.rows;
        self.usable += other.usable;
        for (reason, count) in &other.dropped {
            *self.dropped.entry(*reason).or_default() += count;
        }
        for (role, count) in &other.unreadable {
            *self.unreadable.entry(role).or_default() += count;
        }
        for (mine, theirs) in self.cells.iter_mut().zip(&other.cells) {
            mine.add(theirs);
        }
        for (mine, theirs) in self.cookies.iter_mut().zip(&other.cookies) {
            mine.present += theirs.present;
            mine.empty += theirs.empty;
            mine.unusable += theirs.unusable;
        }
        for (mine, theirs) in self.segments.iter_mut().zip(&other.segments) {
            *mine += theirs;
        }
    }
}
