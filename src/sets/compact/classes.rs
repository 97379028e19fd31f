//! One dictionary of an advertiser's layers, whose segments have the same meaning if they have the same
//! label.

use std::collections::HashMap;

use super::super::block::STREAM_BLOCK;
use super::super::classes::{CLASSES, ClassMap, RARE, RARE_ROWS, push_rare};
use super::super::ingest::{Files, Team};
use super::super::{SealError, SealedSet};

/// The dictionary, and what the classes of every layer are in it. Memory: of 65,535 classes at most 64 MiB,
/// for every layer; and 4 bytes per row once the dictionary is full.
pub(super) struct Classes {
    labels: Vec<String>,
    /// Per layer and segment: the segment.
    segments: Vec<Vec<u16>>,
    map: ClassMap,
    /// Per layer and class: the class.
    classes: Vec<Vec<u16>>,
    /// Combinations that found no place in the dictionary; per layer and class, the position of its own.
    spilled: Vec<Vec<u16>>,
    spilled_of: HashMap<(usize, u16), u32>,
    /// Per row: 1 and the position of its combination among these, or 0.
    rows: Vec<u32>,
    row_count: usize,
}

impl Classes {
    pub(super) fn of(set: &SealedSet) -> Result<Self, SealError> {
        let mut own = Classes {
            labels: Vec::new(),
            segments: Vec::new(),
            map: ClassMap::default(),
            classes: Vec::new(),
            spilled: Vec::new(),
            spilled_of: HashMap::new(),
            rows: Vec::new(),
            row_count: set.rows() as usize,
        };
        let mut known: HashMap<&str, u16> = HashMap::new();
        for layer in set.layers() {
            let mut segments = Vec::with_capacity(layer.segments().len());
            for label in layer.segments() {
                let segment = match known.get(label.as_str()) {
                    Some(segment) => *segment,
                    None => own.add_label(label)?,
                };
                known.insert(label, segment);
                segments.push(segment);
            }
            own.segments.push(segments);
        }
        for (at, layer) in set.layers().iter().enumerate() {
            let mut renamed = Vec::new();
            for (class, old) in (0..=RARE).zip(layer.classes()?) {
                let mut combination = Vec::new();
                rename(&own.segments[at], &old, &mut combination);
                let new = own.map.class(&combination);
                if new == RARE {
                    own.spilled_of.insert((at, class), own.spilled.len() as u32);
                    own.spilled.push(combination);
                }
                renamed.push(new);
            }
            own.classes.push(renamed);
        }
        Ok(own)
    }

    fn add_label(&mut self, label: &str) -> Result<u16, SealError> {
        let words = "the set has more than 65,536 segment labels; send a full upload";
        let segment = u16::try_from(self.labels.len());
        let segment = segment.map_err(|_| SealError::Refused(words.to_owned()))?;
        self.labels.push(label.to_owned());
        Ok(segment)
    }

    /// The class of a row, counted through all layers, that was of class `old` in its layer.
    pub(super) fn class(&mut self, layer: usize, row: u32, old: u16) -> u16 {
        let new = self.classes[layer].get(usize::from(old));
        let new = new.copied().unwrap_or(RARE);
        if new == RARE
            && let Some(place) = self.spilled_of.get(&(layer, old))
        {
            self.rows.resize(self.row_count, 0);
            self.rows[row as usize] = place + 1;
        }
        new
    }

    /// Writes the dictionary and the rows that are not in it. Returns the labels.
    pub(super) fn finish(
        self,
        set: &SealedSet,
        files: &mut Files<'_>,
        team: &Team<'_>,
    ) -> Result<Vec<String>, SealError> {
        files.write(CLASSES, STREAM_BLOCK, &self.map.encode())?;
        let mut file = files.create(RARE_ROWS, STREAM_BLOCK)?;
        let (mut bytes, mut combination) = (Vec::new(), Vec::new());
        for (at, layer) in set.layers().iter().enumerate() {
            let first = layer.first_row();
            let mut next = first;
            let spilled = |rows: std::ops::Range<u32>, bytes: &mut Vec<u8>| {
                for row in rows {
                    let place = self.rows.get(row as usize).copied().unwrap_or(0);
                    if let Some(place) = place.checked_sub(1) {
                        push_rare(bytes, row, &self.spilled[place as usize]);
                    }
                }
            };
            if let Some(mut rare) = layer.rare_rows() {
                while let Some((row, segments)) = rare.next()? {
                    let row = first + row;
                    bytes.clear();
                    spilled(next..row, &mut bytes);
                    if !set.gone().contains(row) {
                        rename(&self.segments[at], segments, &mut combination);
                        push_rare(&mut bytes, row, &combination);
                    }
                    file.write(&bytes)?;
                    next = row + 1;
                }
            }
            for start in (next..first + layer.rows()).step_by(1 << 14) {
                team.check()?;
                bytes.clear();
                spilled(
                    start..(first + layer.rows()).min(start + (1 << 14)),
                    &mut bytes,
                );
                file.write(&bytes)?;
            }
        }
        files.close(RARE_ROWS, file)?;
        Ok(self.labels)
    }
}

/// The new names of segments, ascending; those that no label is known of are left out.
fn rename(segments: &[u16], old: &[u16], new: &mut Vec<u16>) {
    new.clear();
    let known = old.iter().filter_map(|old| segments.get(usize::from(*old)));
    new.extend(known);
    new.sort_unstable();
}
