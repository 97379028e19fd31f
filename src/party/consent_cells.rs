//! The consent cells of a row. What cannot be read never widens what may be used.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use tamis_protocols::consent::{Basis, ConsentRecord, Purposes};
use tamis_protocols::wire::batch::ConsentField;

use super::columns::{Layout, Role};
use super::consent_details::DetailCells;
use super::consent_strings::{FIELDS, NoConsent, StringCells};
use super::reading::Block;

/// The longest notice version or source that the wire takes, in bytes.
const MAX_TEXT_BYTES: usize = 256;

/// Where the consent cells are.
pub struct ConsentCells<'a> {
    basis: Option<usize>,
    purposes: Option<usize>,
    at: Option<usize>,
    notice: Option<usize>,
    source: Option<usize>,
    opposed: Option<usize>,
    details: DetailCells,
    strings: StringCells<'a>,
}

impl<'a> ConsentCells<'a> {
    /// As found in the header, with the strings among them.
    pub fn of(layout: &Layout, strings: StringCells<'a>) -> Self {
        ConsentCells {
            basis: layout.position(Role::ConsentBasis),
            purposes: layout.position(Role::ConsentPurposes),
            at: layout.position(Role::ConsentAt),
            notice: layout.position(Role::NoticeVersion),
            source: layout.position(Role::ConsentSource),
            opposed: layout.position(Role::Opposed),
            details: DetailCells::of(layout),
            strings,
        }
    }

    /// The optional fields that rows may have, in the order of the wire.
    pub fn fields(&self) -> Vec<ConsentField> {
        let mut fields = self.details.fields();
        if self.strings.are_there() {
            fields.extend(FIELDS);
            fields.sort_unstable();
            fields.dedup();
        }
        fields
    }

    /// Reads the record of a row. `unreadable` is told the role of every cell that could not be read:
    /// such a cell counts as absent, and in `opposed` as opposed. Without a column of bases the basis is
    /// consent (the layout of an advertiser's file requires that column).
    pub fn read(
        &self,
        block: &Block,
        row: usize,
        mut unreadable: impl FnMut(&'static str),
    ) -> ConsentRecord {
        let cell = |place: Option<usize>| place.map_or("", |place| block.cell(row, place).trim());
        let purposes = |cell: &str| plain_purposes(cell).or_else(|| Purposes::parse(cell).ok());
        let text = |cell: &str| (cell.len() <= MAX_TEXT_BYTES).then(|| cell.to_owned());
        let mut record = ConsentRecord {
            basis: match self.basis {
                None => Some(Basis::Consent),
                place => read(cell(place), Basis::parse, || unreadable("consent_basis")),
            },
            purposes: read(cell(self.purposes), purposes, || {
                unreadable("consent_purposes");
            })
            .unwrap_or_default(),
            given_at: read(cell(self.at), instant, || unreadable("consent_at")),
            notice_version: read(cell(self.notice), text, || unreadable("notice_version")),
            source: read(cell(self.source), text, || unreadable("consent_source")),
            opposed: read(cell(self.opposed), yes_or_no, || unreadable("opposed"))
                .unwrap_or(!cell(self.opposed).is_empty()),
            more: None,
        };
        (self.details).read_into(&mut record, block, row, &mut unreadable);
        if self.strings.are_there() {
            match self.strings.read(block, row) {
                Ok(None) => {}
                Ok(Some(said)) => self.fill(&mut record, said),
                Err(NoConsent(word)) => {
                    unreadable(word);
                    record.basis = None;
                    record.purposes = Purposes::NONE;
                    if let Some(details) = &mut record.more {
                        details.interests = Purposes::NONE;
                    }
                }
            }
        }
        record
    }

    /// Puts what a string says where the file has no column for it. Recipients it names are the recipients
    /// also of a row whose cell names none.
    fn fill(&self, record: &mut ConsentRecord, said: ConsentRecord) {
        if self.basis.is_none() {
            record.basis = said.basis;
        }
        if self.purposes.is_none() {
            record.purposes = said.purposes;
        }
        if self.at.is_none() {
            record.given_at = said.given_at;
        }
        if self.notice.is_none() {
            record.notice_version = said.notice_version;
        }
        if self.source.is_none() {
            record.source = said.source;
        }
        record.opposed |= said.opposed;
        let Some(said) = said.more else { return };
        let details = record.details_mut();
        if !self.details.has(ConsentField::Interests) {
            details.interests = said.interests;
        }
        details.recipients = details.recipients.take().or(said.recipients);
        if !self.details.has(ConsentField::Language) {
            details.language = said.language;
        }
        if !self.details.has(ConsentField::Jurisdiction) {
            details.jurisdiction = said.jurisdiction;
        }
    }
}

/// Nothing for an empty cell; nothing, and a complaint, for one that cannot be read.
pub(super) fn read<T>(
    cell: &str,
    parse: impl Fn(&str) -> Option<T>,
    complain: impl FnOnce(),
) -> Option<T> {
    if cell.is_empty() {
        return None;
    }
    let value = parse(cell);
    if value.is_none() {
        complain();
    }
    value
}

/// Numbers and single spaces, as most files write purposes.
fn plain_purposes(cell: &str) -> Option<Purposes> {
    let mut set = Purposes::NONE;
    for word in cell.as_bytes().split(|byte| *byte == b' ') {
        set = match word {
            [one @ b'1'..=b'9'] => set.with(one - b'0'),
            [b'1', one @ b'0'..=b'9'] => set.with(10 + one - b'0'),
            _ => return None,
        };
    }
    Some(set)
}

/// `2026-11-22T08:00:00Z`, as most files write times.
fn plain_instant(cell: &str) -> Option<Timestamp> {
    let cell: &[u8; 20] = cell.as_bytes().try_into().ok()?;
    let signs = [
        (4, b'-'),
        (7, b'-'),
        (10, b'T'),
        (13, b':'),
        (16, b':'),
        (19, b'Z'),
    ];
    if signs.iter().any(|(place, sign)| cell[*place] != *sign) {
        return None;
    }
    let digit = |place: usize| cell[place].is_ascii_digit().then(|| cell[place] - b'0');
    let two = |place: usize| Some((10 * digit(place)? + digit(place + 1)?).cast_signed());
    let year = 100 * i16::from(two(0)?) + i16::from(two(2)?);
    let at = DateTime::new(year, two(5)?, two(8)?, two(11)?, two(14)?, two(17)?, 0).ok()?;
    Offset::UTC.to_timestamp(at).ok()
}

/// RFC 3339; or a date and time without offset, or a date alone: both in UTC.
pub(super) fn instant(cell: &str) -> Option<Timestamp> {
    if let Some(at) = plain_instant(cell) {
        return Some(at);
    }
    if let Ok(at) = cell.parse::<Timestamp>() {
        return Some(at);
    }
    let utc = |at: DateTime| Offset::UTC.to_timestamp(at).ok();
    let date = |cell: &str| cell.parse::<Date>().ok();
    if cell.len() == "2026-11-22".len() {
        return date(cell).and_then(|date| utc(date.at(0, 0, 0, 0)));
    }
    cell.parse::<DateTime>().ok().and_then(utc)
}

fn yes_or_no(cell: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|word| cell.eq_ignore_ascii_case(word));
    if is(&["1", "true", "yes", "y", "t", "x"]) {
        Some(true)
    } else if is(&["0", "false", "no", "n", "f"]) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use proptest::prelude::*;

    use super::*;

    fn all() -> ConsentCells<'static> {
        ConsentCells {
            basis: Some(0),
            purposes: Some(1),
            at: Some(2),
            notice: Some(3),
            source: Some(4),
            opposed: Some(5),
            details: DetailCells::of(&Layout::default()),
            strings: StringCells::none(),
        }
    }

    fn record(cells: [&str; 6]) -> (ConsentRecord, Vec<&'static str>) {
        let mut complaints = Vec::new();
        let record = all().read(&Block::of(&[&cells]), 0, |role| complaints.push(role));
        (record, complaints)
    }

    #[test]
    fn a_row_is_read_in_the_words_of_the_example_files() {
        let (record, complaints) = record([
            "consent",
            "1 3 4",
            "2026-05-05T05:00:00Z",
            "v4.0",
            "app",
            "",
        ]);
        assert_eq!(record.basis, Some(Basis::Consent));
        assert!(record.purposes.contains_all(&[1, 3, 4]));
        assert_eq!(record.given_at.unwrap().as_second(), 1_777_957_200);
        assert_eq!(record.notice_version.as_deref(), Some("v4.0"));
        assert_eq!(record.source.as_deref(), Some("app"));
        assert!(!record.opposed && complaints.is_empty());
    }

    #[test]
    fn unreadable_cells_never_widen_consent() {
        let long = "x".repeat(257);
        let (record, complaints) =
            record(["sure", "1 3 and 4", "yesterday", &long, &long, "perhaps"]);
        assert_eq!(
            record,
            ConsentRecord {
                opposed: true,
                ..ConsentRecord::default()
            }
        );
        assert_eq!(complaints.len(), 6);
    }

    #[test]
    fn times_without_an_offset_are_utc() {
        let midnight = instant("2026-05-05").unwrap();
        for same in [
            "2026-05-05T00:00:00Z",
            "2026-05-05 00:00:00",
            "2026-05-05T02:00:00+02:00",
        ] {
            assert_eq!(instant(same), Some(midnight), "{same}");
        }
        for bad in [
            "05/05/2026",
            "2026-13-05",
            "2026-05-05T25:00:00Z",
            "1777957200",
            "2026-5-5",
        ] {
            assert_eq!(instant(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn usual_cells_are_read_as_any_other(
            purposes in "[0-9 ]{0,8}",
            time in "[0-2][0-9]{3}-[0-3][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]Z|[0-9TZ:-]{20}",
        ) {
            if let Some(plain) = plain_purposes(&purposes) {
                prop_assert_eq!(Purposes::parse(&purposes), Ok(plain));
            }
            if let Some(plain) = plain_instant(&time) {
                prop_assert_eq!(time.parse::<Timestamp>().unwrap(), plain);
            }
        }
    }

    #[test]
    fn opposition_is_read_in_the_usual_words() {
        for yes in ["1", "true", "YES", "x"] {
            assert_eq!(yes_or_no(yes), Some(true));
        }
        for no in ["0", "False", "no"] {
            assert_eq!(yes_or_no(no), Some(false));
        }
    }

    #[test]
    fn without_columns_the_basis_is_consent_and_nobody_opposed() {
        let none = ConsentCells {
            basis: None,
            opposed: None,
            ..all()
        };
        let record = none.read(&Block::of(&[&["", "", "", "", "", ""]]), 0, |_| panic!());
        assert_eq!(record.basis, Some(Basis::Consent));
        assert!(!record.opposed);
    }
}
