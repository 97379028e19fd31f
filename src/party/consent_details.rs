//! The cells of what few files say of a consent. What cannot be read never widens what may be used.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use tamis_protocols::consent::{
    ConsentEvent, ConsentRecord, ConsentState, Details, MAX_RECIPIENTS, MAX_TEXT, Purposes,
    is_history, is_jurisdiction, is_language, is_recipient, is_record_id,
};
use tamis_protocols::wire::batch::ConsentField;

use super::columns::{Layout, Role};
use super::consent_cells::{instant, read};
use super::reading::Block;

/// The columns, with what they fill.
const COLUMNS: [(Role, ConsentField); 9] = [
    (Role::ConsentInterests, ConsentField::Interests),
    (Role::ConsentId, ConsentField::RecordId),
    (Role::ConsentRecipients, ConsentField::Recipients),
    (Role::NoticeHash, ConsentField::NoticeHash),
    (Role::ConsentLanguage, ConsentField::Language),
    (Role::ConsentJourney, ConsentField::Journey),
    (Role::ConsentJurisdiction, ConsentField::Jurisdiction),
    (Role::ConsentValidUntil, ConsentField::ValidUntil),
    (Role::ConsentHistory, ConsentField::History),
];

/// Where the cells are; most files have none of them.
pub struct DetailCells(Vec<(ConsentField, usize)>);

impl DetailCells {
    /// As found in the header.
    pub fn of(layout: &Layout) -> DetailCells {
        let there = |(role, field)| Some((field, layout.position(role)?));
        DetailCells(COLUMNS.into_iter().filter_map(there).collect())
    }

    /// The fields that rows may have, in the order of the wire.
    pub fn fields(&self) -> Vec<ConsentField> {
        self.0.iter().map(|(field, _)| *field).collect()
    }

    /// Whether the file has a column for a field.
    pub fn has(&self, field: ConsentField) -> bool {
        self.0.iter().any(|(known, _)| *known == field)
    }

    /// Reads the cells of a row into its record. `unreadable` is told the role of every cell that could
    /// not be read: of recipients, nobody is left; of a validity or a history, the time of consent is in
    /// doubt and goes; of others, they are absent.
    pub fn read_into(
        &self,
        record: &mut ConsentRecord,
        block: &Block,
        row: usize,
        mut unreadable: impl FnMut(&'static str),
    ) {
        if self.0.is_empty() {
            return;
        }
        let mut details = Details::NONE;
        for (field, place) in &self.0 {
            let cell = block.cell(row, *place).trim();
            let mut bad = false;
            let mut complain = |role: &'static str| {
                bad = true;
                unreadable(role);
            };
            match field {
                ConsentField::Interests => {
                    let purposes = |cell: &str| Purposes::parse(cell).ok();
                    let interests = read(cell, purposes, || complain("consent_interests"));
                    details.interests = interests.unwrap_or_default();
                }
                ConsentField::RecordId => {
                    details.record_id = read(cell, text(is_record_id), || complain("consent_id"));
                }
                ConsentField::Recipients => {
                    details.recipients = read(cell, recipients, || complain("consent_recipients"));
                    if bad {
                        details.recipients = Some(Vec::new());
                    }
                }
                ConsentField::NoticeHash => {
                    details.notice_hash = read(cell, hash, || complain("notice_hash"));
                }
                ConsentField::Language => {
                    details.language =
                        read(cell, text(is_language), || complain("consent_language"));
                }
                ConsentField::Journey => {
                    let short = text(|cell| cell.len() <= MAX_TEXT);
                    details.journey = read(cell, short, || complain("consent_journey"));
                }
                ConsentField::Jurisdiction => {
                    details.jurisdiction = read(cell, jurisdiction, || {
                        complain("consent_jurisdiction");
                    });
                }
                ConsentField::ValidUntil => {
                    details.valid_until = read(cell, until, || complain("consent_valid_until"));
                    if bad {
                        record.given_at = None;
                    }
                }
                ConsentField::History => {
                    let events = read(cell, history, || complain("consent_history"));
                    details.history = events.unwrap_or_default();
                    if bad {
                        record.given_at = None;
                    }
                }
            }
        }
        if details != Details::NONE {
            record.more = Some(Box::new(details));
        }
    }
}

fn text(good: fn(&str) -> bool) -> impl Fn(&str) -> Option<String> {
    move |cell| good(cell).then(|| cell.to_owned())
}

/// Names separated by white space, commas, semicolons or bars.
fn recipients(cell: &str) -> Option<Vec<String>> {
    let separator = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|');
    let names = cell.split(separator).filter(|name| !name.is_empty());
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    let good = names.len() <= MAX_RECIPIENTS && names.iter().all(|name| is_recipient(name));
    good.then_some(names)
}

/// 64 hexadecimal digits.
fn hash(cell: &str) -> Option<[u8; 32]> {
    hex::decode(cell).ok()?.try_into().ok()
}

/// A country or subdivision in any case.
fn jurisdiction(cell: &str) -> Option<String> {
    let upper = cell.to_ascii_uppercase();
    is_jurisdiction(&upper).then_some(upper)
}

/// As any time; a date alone is the last second of its day, in UTC.
fn until(cell: &str) -> Option<Timestamp> {
    match cell.parse::<Date>() {
        Ok(date) if cell.len() == "2026-11-22".len() => {
            Offset::UTC.to_timestamp(date.at(23, 59, 59, 0)).ok()
        }
        _ => instant(cell),
    }
}

/// `given 2026-01-05T10:00:00Z; narrowed 2026-03-01`: a state and a time each, the oldest first.
fn history(cell: &str) -> Option<Vec<ConsentEvent>> {
    let event = |text: &str| {
        let (state, at) = text.trim().split_once(char::is_whitespace)?;
        Some(ConsentEvent {
            state: ConsentState::parse(state)?,
            at: instant(at.trim())?,
        })
    };
    let texts = cell.split(';').filter(|text| !text.trim().is_empty());
    let events: Vec<ConsentEvent> = texts.map(event).collect::<Option<_>>()?;
    (!events.is_empty() && is_history(&events)).then_some(events)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use proptest::prelude::*;

    use super::*;

    fn all() -> DetailCells {
        let fields = COLUMNS.into_iter().map(|(_, field)| field);
        DetailCells(fields.zip(0..).collect())
    }

    fn given() -> Option<Timestamp> {
        Some("2026-01-05T10:00:00Z".parse().unwrap())
    }

    fn record(cells: [&str; 9]) -> (ConsentRecord, Vec<&'static str>) {
        let mut record = ConsentRecord {
            given_at: given(),
            ..ConsentRecord::default()
        };
        let mut complaints = Vec::new();
        all().read_into(&mut record, &Block::of(&[&cells]), 0, |role| {
            complaints.push(role);
        });
        (record, complaints)
    }

    #[test]
    fn every_column_is_read() {
        let hash = "ab".repeat(32);
        let (record, complaints) = record([
            "2 7",
            "r-1",
            "gvl:28, dsp-a dsp-a",
            &hash,
            "fr-FR",
            "checkout/2",
            "fr-idf",
            "2026-11-26",
            "given 2026-01-05T10:00:00Z; narrowed 2026-03-01",
        ]);
        let details = record.details();
        assert!(complaints.is_empty());
        assert_eq!(details.interests.to_string(), "2 7");
        assert_eq!(details.record_id.as_deref(), Some("r-1"));
        let names = ["dsp-a", "gvl:28"].map(str::to_owned).to_vec();
        assert_eq!(details.recipients, Some(names));
        assert_eq!(details.notice_hash, Some([0xab; 32]));
        assert_eq!(details.language.as_deref(), Some("fr-FR"));
        assert_eq!(details.journey.as_deref(), Some("checkout/2"));
        assert_eq!(details.jurisdiction.as_deref(), Some("FR-IDF"));
        let until = details.valid_until.unwrap();
        assert_eq!(until.to_string(), "2026-11-26T23:59:59Z");
        let states: Vec<_> = details.history.iter().map(|event| event.state).collect();
        assert_eq!(states, [ConsentState::Given, ConsentState::Narrowed]);
        assert_eq!(record.given_at, given());
        assert_eq!(record.check(), Ok(()));
    }

    #[test]
    fn empty_cells_say_nothing() {
        let (record, complaints) = record([""; 9]);
        assert_eq!(record.more, None);
        assert!(complaints.is_empty());
    }

    #[test]
    fn what_cannot_be_read_never_widens_consent() {
        let bad = [
            "all",
            "an id with spaces",
            "Everyone",
            "abc",
            "french of france",
            &"x".repeat(257),
            "France",
            "soon",
            "given yesterday",
        ];
        let (spoilt, complaints) = record(bad);
        assert_eq!(complaints.len(), 9);
        let nobody = Details {
            recipients: Some(Vec::new()),
            ..Details::NONE
        };
        assert_eq!(*spoilt.details(), nobody);
        assert_eq!(spoilt.given_at, None);
        // Each alone: a validity or a history in doubt takes the date away.
        for (place, role) in [(7, "consent_valid_until"), (8, "consent_history")] {
            let mut cells = [""; 9];
            cells[place] = bad[place];
            let (record, complaints) = record(cells);
            assert_eq!(complaints, [role]);
            assert_eq!(record.given_at, None);
        }
    }

    #[test]
    fn a_history_that_is_out_of_order_or_names_another_state_is_not_read() {
        for bad in [
            "given 2026-03-01; narrowed 2026-01-01",
            "sold 2026-03-01",
            "given",
            ";",
            "2026-03-01 given",
        ] {
            assert_eq!(history(bad), None, "{bad}");
        }
        assert!(history("Given 2026-03-01;").is_some());
    }

    proptest! {
        #[test]
        fn whatever_the_cells_hold_the_record_can_be_sent(
            cells in proptest::collection::vec("\\PC{0,40}|[a-z0-9:; -]{0,40}", 9),
        ) {
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            let (record, _) = record(cells.try_into().unwrap());
            prop_assert_eq!(record.check(), Ok(()));
        }
    }
}
