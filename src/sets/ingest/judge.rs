//! What one thread does with a batch: judges every row, commits to its consent, encodes what is kept, and
//! sends the tokens to be sorted.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use tamis_keys::Entropy;
use tamis_protocols::consent::{Admitted, ConsentRecord, DropReason};
use tamis_protocols::wire::batch::{BatchReader, UploadKind, WireHeader};

use super::super::classes::{ClassMap, RARE, push_rare};
use super::super::cookies;
use super::super::ledger::{Packed, Packer, Tallying};
use super::super::restricted;
use super::super::rows::{day_number, row_length};
use super::super::run::Record;
use super::super::sort::Intake;
use super::{Rules, SetError};

/// What was made of a batch, to be written in the order of the rows.
#[derive(Default)]
pub(super) struct Judged {
    /// Rows in the batch.
    pub(super) rows: usize,
    /// What is kept of the consent records.
    pub(super) packed: Packed,
    /// Content of the file of rows, of rare rows, and of cookies by destination.
    pub(super) kept: Vec<u8>,
    pub(super) rare: Vec<u8>,
    pub(super) cookies: Vec<Vec<u8>>,
}

/// What is counted.
#[derive(Default)]
pub(in crate::sets) struct Tally {
    pub(in crate::sets) accepted: u64,
    pub(in crate::sets) dropped: BTreeMap<DropReason, u64>,
    /// By position in the header.
    pub(in crate::sets) segments: Vec<u64>,
    /// Accepted rows that may be used at some destinations only.
    pub(in crate::sets) restricted: u64,
    /// What the consent records say.
    pub(in crate::sets) records: Tallying,
}

impl Tally {
    pub(super) fn add(&mut self, other: Tally) {
        self.accepted += other.accepted;
        self.restricted += other.restricted;
        for (reason, rows) in other.dropped {
            *self.dropped.entry(reason).or_default() += rows;
        }
        self.segments.resize(other.segments.len(), 0);
        for (sum, rows) in self.segments.iter_mut().zip(other.segments) {
            *sum += rows;
        }
        self.records.add(other.records);
    }
}

/// Combinations of segments that a thread remembers the classes of.
const REMEMBERED: usize = 4096;

/// One thread's judge. Memory: an intake of the sorter, and what [`REMEMBERED`] combinations take.
pub(super) struct Judge<'a> {
    wire: &'a WireHeader,
    rules: &'a Rules,
    entropy: &'a dyn Entropy,
    classes: &'a Mutex<ClassMap>,
    intake: Intake<'a>,
    remembered: HashMap<Box<[u16]>, u16>,
    record: ConsentRecord,
    /// By destination of the upload: its bit among those of the terms.
    bits: Vec<u32>,
    /// Segments of a row, and where it may be used.
    combined: Vec<u16>,
    packer: Packer,
    tally: Tally,
}

impl<'a> Judge<'a> {
    pub(super) fn new(
        wire: &'a WireHeader,
        rules: &'a Rules,
        entropy: &'a dyn Entropy,
        classes: &'a Mutex<ClassMap>,
        intake: Intake<'a>,
        packer: Packer,
    ) -> Self {
        Judge {
            wire,
            rules,
            entropy,
            classes,
            intake,
            remembered: HashMap::new(),
            record: ConsentRecord::default(),
            bits: (wire.labels.keys())
                .map(|name| {
                    let place = rules.destinations.names().position(|known| known == name);
                    place.map_or(0, |place| 1 << place)
                })
                .collect(),
            combined: Vec::new(),
            packer,
            tally: Tally {
                segments: vec![0; wire.segments.len()],
                ..Tally::default()
            },
        }
    }

    /// Takes in a batch whose first row is number `first` of the upload.
    pub(super) fn batch(
        &mut self,
        batch: &BatchReader<'_>,
        first: u32,
        out: &mut Judged,
    ) -> Result<(), SetError> {
        out.rows = batch.len();
        self.packer
            .begin(&mut out.packed, batch.len(), self.entropy);
        out.kept.clear();
        out.rare.clear();
        out.cookies.resize(self.wire.labels.len(), Vec::new());
        out.cookies.iter_mut().for_each(Vec::clear);
        for row in 0..batch.len() {
            batch.consent_into(row, &mut self.record);
            let tokens = batch.tokens(row);
            let subjects = tokens.into_iter().flatten();
            self.packer.push(&mut out.packed, &self.record, subjects);
            let judged = match self.wire.mode.brings_rows() {
                true => (self.rules.rule).judge(
                    &self.record,
                    &self.rules.destinations,
                    self.rules.as_of,
                ),
                false => Ok(Admitted {
                    last_day: self.rules.as_of,
                    at: None,
                }),
            };
            let judged = match judged {
                Ok(_) if tokens.iter().all(Option::is_none) => Err(DropReason::NoIdentifier),
                judged => judged,
            };
            let at = out.kept.len();
            out.kept.resize(at + row_length(out.cookies.len()), 0);
            match judged {
                Ok(_) if !self.wire.mode.brings_rows() => {
                    // Only who leaves is said: the row itself is nobody's.
                    for token in tokens.into_iter().flatten() {
                        let number = first + row as u32;
                        self.intake.push(Record::new(token.0, number, 0, 0))?;
                    }
                    self.tally.accepted += 1;
                }
                Ok(Admitted {
                    last_day,
                    at: usable,
                }) => {
                    let (number, day) = (first + row as u32, day_number(last_day));
                    self.tally.restricted += u64::from(usable.is_some());
                    let class = self.class(batch.segments(row), usable, number, &mut out.rare);
                    // Tokens of another collaboration lead to the same row.
                    let bridged = batch.bridged(row);
                    for token in tokens.into_iter().chain(bridged).flatten() {
                        self.intake.push(Record::new(token.0, number, day, class))?;
                    }
                    out.kept[at..at + 2].copy_from_slice(&day.to_le_bytes());
                    for (place, cookies) in out.cookies.iter_mut().enumerate() {
                        // Where the row may not be used, its cookie is not kept.
                        if usable.is_none_or(|usable| usable & self.bits[place] != 0)
                            && let Some(cell) = batch.cookie(row, place)
                        {
                            out.kept[at + 2 + place / 8] |= 1 << (place % 8);
                            cookies::encode(cookies, number, &cell.tag, cell.cookie);
                        }
                    }
                    self.tally.accepted += 1;
                }
                Err(reason) => {
                    if self.wire.mode.takes_out() {
                        // Whoever has these tokens is replaced by nobody.
                        for token in tokens.into_iter().flatten() {
                            let number = first + row as u32;
                            self.intake.push(Record::new(token.0, number, 0, 0))?;
                        }
                    }
                    *self.tally.dropped.entry(reason).or_default() += 1;
                }
            }
        }
        self.packer.end(&out.packed);
        Ok(())
    }

    /// The class of an accepted row, which may be used at some destinations only; 0 for a partner's.
    fn class(
        &mut self,
        segments: &[u16],
        usable: Option<u32>,
        number: u32,
        rare: &mut Vec<u8>,
    ) -> u16 {
        if self.wire.kind == UploadKind::Graph {
            return 0;
        }
        for segment in segments {
            self.tally.segments[usize::from(*segment)] += 1;
        }
        let Some(usable) = usable else {
            return self.class_of(segments, number, rare);
        };
        let mut combined = std::mem::take(&mut self.combined);
        combined.clear();
        combined.extend_from_slice(segments);
        restricted::push(&mut combined, self.wire.segments.len(), usable);
        let class = self.class_of(&combined, number, rare);
        self.combined = combined;
        class
    }

    /// The class of a combination of labels, of the header and [`restricted`].
    fn class_of(&mut self, segments: &[u16], number: u32, rare: &mut Vec<u8>) -> u16 {
        let class = match self.remembered.get(segments) {
            Some(class) => *class,
            None => {
                let mut classes = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
                let class = classes.class(segments);
                if self.remembered.len() < REMEMBERED {
                    self.remembered.insert(segments.into(), class);
                }
                class
            }
        };
        if class == RARE {
            push_rare(rare, number, segments);
        }
        class
    }

    /// Hands over what is left.
    pub(super) fn finish(mut self) -> Tally {
        self.intake.finish();
        self.tally.records = self.packer.tallying;
        self.tally
    }
}
