//! The fingerprint that two people read to each other: 80 bits, 16 characters.
//!
//! Why 80 bits are enough: a service in the middle knows a side's secret only once that side has sent its
//! share, and by then the fingerprint of the other side is fixed or depends on a share still unknown. So
//! it must hit one given fingerprint, which takes 2^80 trials; it cannot look for any two that agree.

use hmac::Mac;
use tamis_keys::Secret;
use tamis_keys::purpose::PairSecret;

use super::Transcript;
use crate::token::keyed;

/// Crockford's alphabet: no `i`, `l`, `o`, `u`, which are misread or misheard.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// `k7qd-92mx-r4t0-b5wz`: the first 80 bits of
/// `HMAC-SHA256(pair secret, "tamis/v1/fingerprint" ‖ transcript digest)`, five bits a character.
pub fn fingerprint(secret: &Secret<PairSecret>, transcript: &Transcript) -> String {
    let mut mac = keyed(secret.expose());
    mac.update(b"tamis/v1/fingerprint");
    mac.update(&transcript.digest());
    let digest = mac.finalize().into_bytes();
    let bits = digest[..10]
        .iter()
        .fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
    let mut text = String::with_capacity(19);
    for at in 0..16 {
        if at > 0 && at % 4 == 0 {
            text.push('-');
        }
        let five = (bits >> (75 - 5 * at)) & 31;
        text.push(char::from(ALPHABET[five as usize]));
    }
    text
}
