//! The quality report: what a file is worth before anything of it is uploaded.
//!
//! Flow: workers fill [`Tally`] counters while they read; [`Quality::new`] turns the sum into the report,
//! with hints. The report is exact, is made for the file's owner and stays on the owner's machine; it
//! holds counts and column names, never a cell.

mod duplicates;
mod table;
mod tally;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;
use tamis_protocols::consent::DropReason;
use tamis_protocols::identifier::Malformed;

pub use duplicates::{Duplicates, HashKey, LIMIT, Repeated};
pub use tally::{CellTally, CookieTally, IdentifierColumn, Tally};

/// What a file is worth. Serialises to JSON; `Display` is a table for people.
#[derive(Clone, Debug, Serialize)]
pub struct Quality {
    /// The file's name, without its directory.
    pub file: String,
    /// `crm` or `graph`.
    pub kind: &'static str,
    /// The day on which consent is judged here, `YYYY-MM-DD`.
    pub as_of: String,
    /// Rows read.
    pub rows: u64,
    /// Rows left out because they have another number of cells than the header.
    pub ragged: u64,
    /// Lines of the first of those.
    pub ragged_lines: Vec<u64>,
    /// Rows that the terms let in and that have an identifier.
    pub usable: u64,
    /// Rows that will be dropped, by reason, one reason a row.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Consent cells that could not be read, by column.
    pub unreadable: BTreeMap<&'static str, u64>,
    /// Identifier columns.
    pub identifiers: Vec<ColumnQuality>,
    /// Rows by segment, before consent is judged (advertiser).
    pub segments: BTreeMap<String, u64>,
    /// Cookies by destination (partner).
    pub cookies: BTreeMap<String, CookieQuality>,
    /// What was found in which column.
    pub columns: BTreeMap<String, String>,
    /// Columns that are not read.
    pub ignored_columns: Vec<String>,
    /// What the owner should know.
    pub warnings: Vec<String>,
}

/// An identifier column.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnQuality {
    /// `email`, `phone`, `postal`, `email_sha256` or `phone_sha256`.
    pub column: &'static str,
    /// Cells that give an identifier.
    pub valid: u64,
    /// Empty cells.
    pub empty: u64,
    /// Cells that give none.
    pub malformed: u64,
    /// Valid cells that repeat an earlier one.
    pub duplicate: u64,
    /// Whether `duplicate` was scaled up from a sample (more than four million valid cells).
    pub duplicate_estimated: bool,
    /// Malformed cells that are digests in a column of raw identifiers.
    pub already_hashed: u64,
    /// Digests of a digest.
    pub double_hashed: u64,
    /// Digests of nothing or of words such as `null`: not used.
    pub placeholders: u64,
    /// Digests that are not those of the identifier in the same row: the identifier is used.
    pub contradicting: u64,
    /// Malformed cells by reason.
    pub reasons: BTreeMap<&'static str, u64>,
    /// What helps.
    pub hints: Vec<String>,
}

/// The cookies of a destination.
#[derive(Clone, Debug, Serialize)]
pub struct CookieQuality {
    /// Usable cookies.
    pub present: u64,
    /// Rows without one.
    pub empty: u64,
    /// Cells that are no cookie, over 63 bytes or with control characters: not used.
    pub unusable: u64,
}

/// What the report says beside the counters.
pub struct Facts {
    /// The file's name.
    pub file: String,
    /// `crm` or `graph`.
    pub kind: &'static str,
    /// The day of judgement.
    pub as_of: jiff::civil::Date,
    /// Ragged rows.
    pub ragged: u64,
    /// Lines of the first ragged rows.
    pub ragged_lines: Vec<u64>,
    /// Names of the destinations, in the order of the counters.
    pub destinations: Vec<String>,
    /// Segment labels, in the order of the counters.
    pub labels: Vec<String>,
    /// Columns that were found.
    pub columns: BTreeMap<String, String>,
    /// Columns that were not read.
    pub ignored_columns: Vec<String>,
    /// Notes of the layout.
    pub notes: Vec<String>,
}

impl Quality {
    /// The report on a file. `present` are its identifier columns with their repetitions.
    pub fn new(facts: Facts, tally: &Tally, present: &[(IdentifierColumn, Repeated)]) -> Quality {
        let word = |(reason, count): (&DropReason, &u64)| (reason.as_str(), *count);
        let cookies = facts.destinations.iter().zip(&tally.cookies);
        let mut quality = Quality {
            file: facts.file,
            kind: facts.kind,
            as_of: facts.as_of.to_string(),
            rows: tally.rows,
            ragged: facts.ragged,
            ragged_lines: facts.ragged_lines,
            usable: tally.usable,
            dropped: tally.dropped.iter().map(word).collect(),
            unreadable: tally.unreadable.clone(),
            identifiers: present
                .iter()
                .map(|(column, repeated)| {
                    ColumnQuality::new(*column, &tally.cells[*column as usize], *repeated)
                })
                .collect(),
            segments: facts
                .labels
                .into_iter()
                .zip(tally.segments.iter().copied())
                .collect(),
            cookies: cookies
                .map(|(name, cookies)| (name.clone(), CookieQuality::from(cookies)))
                .collect(),
            columns: facts.columns,
            ignored_columns: facts.ignored_columns,
            warnings: facts.notes,
        };
        quality.warn();
        quality
    }

    fn warn(&mut self) {
        let mut warnings = Vec::new();
        if self.ragged > 0 {
            let lines: Vec<String> = self.ragged_lines.iter().map(u64::to_string).collect();
            warnings.push(format!(
                "{} rows have another number of cells than the header and are left out (lines {}{})",
                self.ragged,
                lines.join(", "),
                if self.ragged > lines.len() as u64 { ", …" } else { "" }
            ));
        }
        for (column, count) in &self.unreadable {
            warnings.push(match *column {
                "opposed" => {
                    format!("{count} cells of {column} cannot be read and count as opposed")
                }
                "consent_recipients" => {
                    format!("{count} cells of {column} cannot be read and count as nobody")
                }
                "consent_valid_until" | "consent_history" => {
                    format!("{count} cells of {column} cannot be read: these rows have no time of consent")
                }
                "tc_string" | "gpp_string" => {
                    format!("{count} cells of {column} cannot be read and count as no consent")
                }
                strings if strings.contains("string") => {
                    format!("{count} {strings}: they count as no consent")
                }
                column => format!("{count} cells of {column} cannot be read and count as absent"),
            });
        }
        for (name, cookies) in &self.cookies {
            if cookies.unusable > 0 {
                let count = cookies.unusable;
                warnings.push(format!(
                    "{count} cookies for {name} have more than 63 bytes or control characters and are not used"
                ));
            }
        }
        if self.rows > 0 && self.usable * 2 < self.rows {
            warnings.push(format!(
                "fewer than half of the rows can take part ({} of {})",
                table::thousands(self.usable),
                table::thousands(self.rows)
            ));
        }
        self.warnings.append(&mut warnings);
    }
}

impl ColumnQuality {
    fn new(column: IdentifierColumn, cells: &CellTally, repeated: Repeated) -> ColumnQuality {
        let word = |(reason, count): (&Malformed, &u64)| (reason.as_str(), *count);
        let already_hashed = cells.refused.get(&Malformed::AlreadyHashed).copied();
        let mut quality = ColumnQuality {
            column: column.as_str(),
            valid: cells.valid,
            empty: cells.empty,
            malformed: cells.refused.values().sum(),
            duplicate: repeated.values,
            duplicate_estimated: repeated.estimated,
            already_hashed: already_hashed.unwrap_or_default(),
            double_hashed: cells.double_hashed,
            placeholders: cells.placeholders,
            contradicting: cells.contradicting,
            reasons: cells.refused.iter().map(word).collect(),
            hints: Vec::new(),
        };
        quality.hint(cells);
        quality
    }

    fn hint(&mut self, cells: &CellTally) {
        let mut reasons: Vec<(&Malformed, &u64)> = cells.refused.iter().collect();
        reasons.sort_by_key(|(reason, count)| (std::cmp::Reverse(**count), **reason));
        self.hints = reasons
            .into_iter()
            .map(|(reason, count)| format!("{} × {}", table::thousands(*count), reason.hint()))
            .collect();
        if self.double_hashed > 0 {
            self.hints.push(format!(
                "{} × hashed twice: hash the normalised identifier itself, once",
                table::thousands(self.double_hashed)
            ));
        }
        if self.placeholders > 0 {
            self.hints.push(format!(
                "{} × the digest of nothing or of a word such as null: leave empty cells empty",
                table::thousands(self.placeholders)
            ));
        }
        if self.contradicting > 0 {
            self.hints.push(format!(
                "{} × not the digest of the identifier in the same row: was another normalisation used?",
                table::thousands(self.contradicting)
            ));
        }
        if self.duplicate * 10 > self.valid {
            self.hints.push(
                "more than a tenth of the values are there before: is a shared or made-up value in the column?"
                    .to_owned(),
            );
        }
    }
}

impl From<&CookieTally> for CookieQuality {
    fn from(cookies: &CookieTally) -> CookieQuality {
        CookieQuality {
            present: cookies.present,
            empty: cookies.empty,
            unusable: cookies.unusable,
        }
    }
}
