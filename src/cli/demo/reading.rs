//! The two input files as the demo reads them to find somebody who withdraws: the same columns and the
//! same normaliser as an upload, one row in memory at a time.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use tamis_protocols::identifier::{IdentifierType, Normaliser, PostalParts, prehashed};

use crate::cli::Failure;
use crate::party::{Block, Blocks, Source, SourceError};

/// An identifier's type and digest: the demo compares persons by these.
pub(super) type Key = (IdentifierType, [u8; 32]);

/// A file under way, CSV or Parquet: every column of every row that an upload would read.
pub(super) struct Rows {
    columns: HashMap<String, usize>,
    blocks: Blocks,
    block: Option<Block>,
    next: usize,
}

impl Rows {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let damaged = |error: SourceError| Failure::usage(format!("{}: {error}", path.display()));
        let source = Source::open(path).map_err(damaged)?;
        let columns = source.columns.iter().enumerate();
        let columns = columns.map(|(place, name)| (name.trim().to_ascii_lowercase(), place));
        let all: Vec<usize> = (0..source.columns.len()).collect();
        Ok(Rows {
            columns: columns.collect(),
            blocks: source.blocks(&all).map_err(damaged)?,
            block: None,
            next: 0,
        })
    }

    /// The next row; the uploads before have already refused a file that cannot be read to its end.
    pub(super) fn next(&mut self) -> Option<Row<'_>> {
        while self.next >= self.block.as_ref().map_or(0, Block::rows) {
            self.block = Some(self.blocks.next()?.ok()?);
            self.next = 0;
        }
        self.next += 1;
        Some(Row {
            columns: &self.columns,
            block: self.block.as_ref()?,
            place: self.next - 1,
        })
    }
}

/// One row.
pub(super) struct Row<'a> {
    columns: &'a HashMap<String, usize>,
    block: &'a Block,
    place: usize,
}

impl<'a> Row<'a> {
    /// The cell of a column, trimmed; empty when there is none.
    pub(super) fn cell(&self, column: &str) -> &'a str {
        self.columns
            .get(column)
            .map_or("", |column| self.block.cell(self.place, *column))
            .trim()
    }

    /// Consent that no rule of either side could doubt on `day`: explicit, unopposed, for purposes 1, 3
    /// and 4, and given in the year before.
    pub(super) fn consents(&self, day: Date) -> bool {
        // A graph may leave the column out: what a partner brings it brings with consent.
        let has_basis =
            !self.columns.contains_key("consent_basis") || self.cell("consent_basis") == "consent";
        let purposes: BTreeSet<&str> = self.cell("consent_purposes").split_whitespace().collect();
        let year_before = day.checked_sub(1.year()).unwrap_or(day);
        let given = self
            .cell("consent_at")
            .parse::<Timestamp>()
            .map(|at| at.to_zoned(TimeZone::UTC).date());
        has_basis
            && self.cell("opposed").is_empty()
            && ["1", "3", "4"]
                .iter()
                .all(|purpose| purposes.contains(purpose))
            && given.is_ok_and(|at| at > year_before && at < day)
    }

    /// Cookies by destination name.
    pub(super) fn cookies(&self, destination: &str) -> &'a str {
        self.cell(&format!("cookie_{}", destination.replace('-', "_")))
    }

    /// The identifiers of the row, of these types.
    pub(super) fn keys(&self, kinds: &[IdentifierType], normaliser: &Normaliser) -> BTreeSet<Key> {
        kinds
            .iter()
            .filter_map(|kind| Some((*kind, self.digest(*kind, normaliser)?)))
            .collect()
    }

    fn digest(&self, kind: IdentifierType, normaliser: &Normaliser) -> Option<[u8; 32]> {
        let raw = self.cell(kind.as_str());
        let canonical = match kind {
            IdentifierType::Email => normaliser.email(raw),
            IdentifierType::Phone => normaliser.phone(raw),
            IdentifierType::Postal => normaliser.postal(&PostalParts {
                surname: self.cell("surname"),
                given_name: self.cell("given_name"),
                street_number: self.cell("street_number"),
                postcode: self.cell("postcode"),
            }),
        };
        if let Ok(canonical) = canonical {
            return Some(*canonical.digest().as_bytes());
        }
        let hashed = self.cell(&format!("{}_sha256", kind.as_str()));
        if hashed.is_empty() {
            return None;
        }
        prehashed(kind, hashed)
            .ok()
            .map(|digest| *digest.as_bytes())
    }

    /// Words that two rows with a common identifier have in common too, found without normalising: what
    /// stands before `+` or `@` in an e-mail without dots and spaces, the last seven digits of a phone.
    /// `None` when the row needs the normaliser.
    pub(super) fn loosely(&self, kinds: &[IdentifierType]) -> Option<Vec<String>> {
        let mut words = Vec::new();
        for kind in kinds {
            let raw = self.cell(kind.as_str());
            match kind {
                IdentifierType::Postal => return None,
                _ if raw.is_empty() => {
                    let hashed = format!("{}_sha256", kind.as_str());
                    if !self.cell(&hashed).is_empty() {
                        return None;
                    }
                }
                IdentifierType::Email if raw.is_ascii() => words.push(loose_email(raw)),
                IdentifierType::Phone if raw.bytes().all(is_phone_sign) => {
                    words.push(loose_phone(raw))
                }
                _ => return None,
            }
        }
        Some(words)
    }
}

/// The words of [`Row::loosely`] for the raw cells of one row.
pub(super) fn loose_words(email: &str, phone: &str) -> [String; 2] {
    [loose_email(email), loose_phone(phone)]
}

fn loose_email(raw: &str) -> String {
    raw.bytes()
        .take_while(|byte| !matches!(byte, b'@' | b'+'))
        .filter(|byte| !byte.is_ascii_whitespace() && *byte != b'.')
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect()
}

fn is_phone_sign(byte: u8) -> bool {
    byte.is_ascii_digit() || b" +-().".contains(&byte)
}

fn loose_phone(raw: &str) -> String {
    let digits: Vec<u8> = raw.bytes().filter(u8::is_ascii_digit).collect();
    let last = &digits[digits.len().saturating_sub(7)..];
    String::from_utf8_lossy(last).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{loose_email, loose_phone};

    #[test]
    fn equal_identifiers_are_loosely_equal() {
        assert_eq!(
            loose_email("Jane.Saoirse+Work@gmail.com"),
            loose_email(" janesaoirse @googlemail.com")
        );
        assert_eq!(loose_phone("0405 013 424"), loose_phone("+61 405-013-424"));
    }
}
