//! One secret as one line of text: `tamis-key:1:<purpose>:<base64 of 32 bytes>`.
//!
//! The purpose is in the file, so that a key copied to another key's name is refused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::{Purpose, Secret};

const PREFIX: &str = "tamis-key:1:";

/// The line of a secret, with its newline.
pub(crate) fn encode<P: Purpose>(secret: &Secret<P>) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(secret.expose()));
    Zeroizing::new(format!("{PREFIX}{}:{}\n", P::NAME, body.as_str()))
}

/// The secret of a line; `None` if it is malformed or of another purpose.
pub(crate) fn decode<P: Purpose>(bytes: &[u8]) -> Option<Secret<P>> {
    let line = core::str::from_utf8(bytes).ok()?.trim_ascii_end();
    let (purpose, body) = line.strip_prefix(PREFIX)?.split_once(':')?;
    if purpose != P::NAME {
        return None;
    }
    decode_base64(body)
}

/// The secret in bare base64, as a command may print it.
pub(crate) fn decode_base64<P: Purpose>(text: &str) -> Option<Secret<P>> {
    let bytes = Zeroizing::new(STANDARD.decode(text.trim_ascii()).ok()?);
    Secret::from_slice(&bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use proptest::prelude::*;

    use super::*;
    use crate::purpose::{KeyEncryption, Signing};

    #[test]
    fn a_key_file_is_read_back_for_its_own_purpose_only() {
        let secret: Secret<Signing> = Secret::from_bytes([6; 32]);
        let line = encode(&secret);
        assert!(decode::<Signing>(line.as_bytes()).unwrap().ct_eq(&secret));
        assert!(decode::<KeyEncryption>(line.as_bytes()).is_none());
    }

    proptest! {
        #[test]
        fn random_text_is_never_a_key_and_never_panics(bytes: Vec<u8>, text: String) {
            prop_assert!(decode::<Signing>(&bytes).is_none());
            let line = format!("{PREFIX}signing:{text}");
            prop_assert!(decode::<Signing>(line.as_bytes()).is_none());
        }
    }
}
