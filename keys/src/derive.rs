//! HKDF-SHA256 (RFC 5869) for 32-byte outputs, which need one block only:
//! `PRK = HMAC(salt, IKM)`, `OKM = HMAC(PRK, info ‖ 0x01)`.

use ring::hmac::{Context, HMAC_SHA256, Key, sign};
use zeroize::{Zeroize, Zeroizing};

use crate::{Purpose, Secret};

/// Derives a secret of another purpose; the salt is empty, `info` is the parts one after the other.
pub fn derive<From: Purpose, To: Purpose>(secret: &Secret<From>, info: &[&[u8]]) -> Secret<To> {
    extract_expand(&[], &[secret.expose()], info)
}

/// HKDF over several secrets of one purpose, concatenated, with a salt.
pub fn combine<From: Purpose, To: Purpose>(
    secrets: &[&Secret<From>],
    salt: &[u8],
    info: &[&[u8]],
) -> Secret<To> {
    let parts: Vec<&[u8]> = secrets.iter().map(|s| &s.expose()[..]).collect();
    extract_expand(salt, &parts, info)
}

fn extract_expand<To: Purpose>(salt: &[u8], ikm: &[&[u8]], info: &[&[u8]]) -> Secret<To> {
    let mut prk = Zeroizing::new([0; 32]);
    prk.copy_from_slice(hmac(salt, ikm).as_ref());
    let mut okm = [0; 32];
    let mut parts = info.to_vec();
    parts.push(&[1]);
    okm.copy_from_slice(hmac(&prk[..], &parts).as_ref());
    let secret = Secret::from_bytes(okm);
    okm.zeroize();
    secret
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> ring::hmac::Tag {
    let key = Key::new(HMAC_SHA256, key);
    match parts {
        [only] => sign(&key, only),
        _ => {
            let mut context = Context::with_key(&key);
            for part in parts {
                context.update(part);
            }
            context.sign()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use ring::hkdf::{HKDF_SHA256, Salt};

    use super::combine;
    use crate::Secret;
    use crate::purpose::{PairSecret, PairShare};

    #[test]
    fn the_one_block_form_equals_a_general_hkdf() {
        let (a, b) = ([1; 32], [2; 32]);
        let ours: Secret<PairSecret> = combine::<PairShare, _>(
            &[&Secret::from_bytes(a), &Secret::from_bytes(b)],
            b"salt",
            &[b"in", b"fo"],
        );
        let mut theirs = [0; 32];
        Salt::new(HKDF_SHA256, b"salt")
            .extract(&[a, b].concat())
            .expand(&[b"info"], HKDF_SHA256)
            .unwrap()
            .fill(&mut theirs)
            .unwrap();
        assert_eq!(ours.expose(), &theirs);
    }
}
