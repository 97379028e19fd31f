//! Choosing persons by a keyed pseudo-random function: who is held back, and who is kept for control.
//!
//! Nobody without the key can tell in advance, or influence, who is chosen.

use std::collections::HashMap;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use tamis_keys::Secret;
use tamis_keys::purpose::Choice as Purpose;

use crate::intersection::PersonSet;
use crate::token::keyed;

/// A choice: a key, and what is chosen for. The same two choose the same persons.
///
/// ```compile_fail,E0277
/// fn log(choice: &tamis_protocols::release::Choice) -> String {
///     format!("{choice:?}")
/// }
/// ```
pub struct Choice {
    keyed: Hmac<Sha256>,
}

impl Choice {
    /// Choices for `subject`, for example the id of a decision.
    pub fn new(key: &Secret<Purpose>, subject: &[u8]) -> Choice {
        let mut keyed = keyed(key.expose());
        keyed.update(&(subject.len() as u64).to_be_bytes());
        keyed.update(subject);
        Choice { keyed }
    }

    /// `count` different numbers below `from`, or all of them if there are fewer, in random order: the
    /// beginning of a Fisher–Yates shuffle. `cell` is the lowest hit of the cell they are chosen in.
    pub(super) fn positions(&self, cell: u32, from: u32, count: u32) -> Vec<u32> {
        let mut moved: HashMap<u32, u32> = HashMap::new();
        let mut block = [0; 32];
        let mut chosen = Vec::new();
        for at in 0..count.min(from) {
            let lane = (at % 4) as usize * 8;
            if lane == 0 {
                block = self.block(b"held", cell.into(), u64::from(at / 4));
            }
            let draw = block[lane..lane + 8]
                .iter()
                .fold(0, |draw, byte| draw << 8 | u64::from(*byte));
            // A draw is 64 bits, so its bias is below 2⁻³².
            let other = at + (draw % u64::from(from - at)) as u32;
            let here = moved.get(&at).copied().unwrap_or(at);
            chosen.push(moved.insert(other, here).unwrap_or(other));
        }
        chosen
    }

    /// Of `persons`, each with probability `percent` in a hundred, by its number.
    pub fn share(&self, persons: &PersonSet, percent: u8) -> PersonSet {
        // Sixteen persons share one evaluation, 16 bits each.
        let limit = (u32::from(percent.min(100)) * (1 << 16) + 50) / 100;
        let (mut block, mut words) = (None, [0; 32]);
        persons.filtered(|person| {
            if block != Some(person / 16) {
                block = Some(person / 16);
                words = self.block(b"share", u64::from(person / 16), 0);
            }
            let at = (person % 16) as usize * 2;
            u32::from(u16::from_be_bytes([words[at], words[at + 1]])) < limit
        })
    }

    fn block(&self, what: &[u8], one: u64, other: u64) -> [u8; 32] {
        let mut keyed = self.keyed.clone();
        keyed.update(what);
        keyed.update(&one.to_be_bytes());
        keyed.update(&other.to_be_bytes());
        keyed.finalize().into_bytes().into()
    }
}
