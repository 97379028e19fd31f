//! What a judge's thread makes of the records of a batch: commitments, and the records parted.

use std::collections::HashMap;

use tamis_keys::Entropy;
use tamis_protocols::consent::{ConsentRecord, Own, commitment_to_bytes, leaf_hash, part};
use tamis_protocols::token::Token;

use super::Tallying;

/// The records of one batch, to be appended in the order of the rows.
#[derive(Default)]
pub(in crate::sets) struct Packed {
    /// Rows.
    pub(in crate::sets) salts: Vec<[u8; 32]>,
    pub(in crate::sets) commitments: Vec<[u8; 32]>,
    /// Leaf hashes, if the batch is kept.
    pub(super) leaves: Vec<[u8; 32]>,
    pub(super) shapes: Vec<Box<[u8]>>,
    /// A row's shape in `shapes`, and what is its own.
    pub(super) rows: Vec<(u32, Own)>,
    /// Tokens and the row in the batch, in the order of the rows.
    pub(super) subjects: Vec<(Token, u32)>,
}

/// One thread's packing. Memory: the shapes of a batch.
pub(in crate::sets) struct Packer {
    kept: bool,
    /// When the day of judgement begins, in seconds since 1970.
    today: i64,
    numbers: HashMap<Box<[u8]>, u32>,
    counts: Vec<u64>,
    shape: Vec<u8>,
    last: u32,
    pub(in crate::sets) tallying: Tallying,
}

impl Packer {
    /// Packs only commitments unless what is packed is to be kept.
    pub(in crate::sets) fn new(kept: bool, today: i64) -> Self {
        Packer {
            kept,
            today,
            numbers: HashMap::new(),
            counts: Vec::new(),
            shape: Vec::new(),
            last: 0,
            tallying: Tallying::default(),
        }
    }

    /// Begins a batch of `rows` rows.
    pub(in crate::sets) fn begin(&mut self, out: &mut Packed, rows: usize, entropy: &dyn Entropy) {
        out.salts.resize(rows, [0; 32]);
        entropy.fill(out.salts.as_flattened_mut());
        out.commitments.clear();
        out.leaves.clear();
        out.shapes.clear();
        out.rows.clear();
        out.subjects.clear();
    }

    /// Commits to the next row's record and packs it.
    pub(in crate::sets) fn push(
        &mut self,
        out: &mut Packed,
        record: &ConsentRecord,
        tokens: impl Iterator<Item = Token>,
    ) {
        let row = out.commitments.len();
        let bytes = record.to_bytes();
        let commitment = commitment_to_bytes(&out.salts[row], &bytes);
        out.commitments.push(commitment);
        if !self.kept {
            return;
        }
        out.leaves.push(leaf_hash(&commitment));
        let own = part(record, &bytes, &mut self.shape);
        self.tallying.age(own.at, self.today);
        let number = self.number(out);
        self.counts[number as usize] += 1;
        out.rows.push((number, own));
        out.subjects.extend(tokens.map(|token| (token, row as u32)));
    }

    /// Ends a batch.
    pub(in crate::sets) fn end(&mut self, out: &Packed) {
        for (shape, rows) in out.shapes.iter().zip(&self.counts) {
            self.tallying.shape(shape, *rows);
        }
        self.numbers.clear();
        self.counts.clear();
    }

    /// The number of the shape in hand.
    fn number(&mut self, out: &mut Packed) -> u32 {
        let last = out.shapes.get(self.last as usize);
        if last.is_some_and(|last| **last == *self.shape) {
            return self.last;
        }
        self.last = match self.numbers.get(self.shape.as_slice()) {
            Some(number) => *number,
            None => {
                let number = out.shapes.len() as u32;
                let shape: Box<[u8]> = self.shape.as_slice().into();
                out.shapes.push(shape.clone());
                self.numbers.insert(shape, number);
                self.counts.push(0);
                number
            }
        };
        self.last
    }
}
