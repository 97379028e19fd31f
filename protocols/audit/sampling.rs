//! Drawing records at random so that anybody can draw them again: nobody chose them, and nobody knew them
//! before the checkpoint was signed. SPEC.md, "Samples".

use std::collections::BTreeSet;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Records that one sample draws at most.
pub const MOST: u32 = 10_000;

/// Longest nonce, bytes.
pub const NONCE_MAX: usize = 64;

const DOMAIN: &[u8] = b"tamis/v1/audit-sample";

/// `n` different numbers below `total` (all of them if there are fewer), in the order in which they were drawn.
///
/// Draw `i` is HMAC-SHA256(root ‖ size, `"tamis/v1/audit-sample"` ‖ nonce ‖ i), `size` and `i` big-endian in
/// 8 bytes; its first 16 bytes as a number, modulo `total`. A number at or above the largest multiple of `total`
/// is passed over, so that every record is as likely as any other; so is one that was drawn already.
pub fn draw(root: &[u8; 32], size: u64, nonce: &[u8], total: u64, n: u32) -> Vec<u64> {
    let wanted = u64::from(n.min(MOST)).min(total);
    let mut drawn = Vec::new();
    let Some(range) = (u128::MAX / u128::from(total).max(1)).checked_mul(u128::from(total)) else {
        return drawn;
    };
    let key = [&root[..], &size.to_be_bytes()].concat();
    let mut known = BTreeSet::new();
    for i in 0_u64.. {
        if drawn.len() as u64 == wanted {
            break;
        }
        let value = number(&key, nonce, i);
        let record = match value < range {
            true => (value % u128::from(total)) as u64,
            false => continue,
        };
        if known.insert(record) {
            drawn.push(record);
        }
    }
    drawn
}

fn number(key: &[u8], nonce: &[u8], i: u64) -> u128 {
    // A key of any length is taken; the empty answer cannot be reached.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return 0;
    };
    mac.update(DOMAIN);
    mac.update(nonce);
    mac.update(&i.to_be_bytes());
    let made: [u8; 32] = mac.finalize().into_bytes().into();
    made[..16]
        .iter()
        .fold(0, |value, byte| value << 8 | u128::from(*byte))
}

/// Which upload and row the numbers mean, over uploads of `rows` records each, in their order: the position of
/// the upload and the row in it. `None` for a number beyond all of them.
pub fn place(rows: &[u64], number: u64) -> Option<(usize, u64)> {
    let mut left = number;
    for (at, rows) in rows.iter().enumerate() {
        match left.checked_sub(*rows) {
            Some(more) => left = more,
            None => return Some((at, left)),
        }
    }
    None
}
